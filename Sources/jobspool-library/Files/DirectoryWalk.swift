/// The regular files below a directory, in the order of their paths' bytes within each directory. Symbolic links are not
/// followed. What cannot be read is told, and the rest goes on.
import Glibc
import JobHandler

struct DirectoryWalk {
    let root: Descriptor
    /// A file. - Parameter path: from the root.
    let file: (_ path: String, FileStatus) throws -> Void
    /// Something that cannot be looked at.
    let failed: (ItemError) throws -> Void
    /// Something whose name is no UTF-8; what is in it is not looked at. - Parameter path: from the root.
    let refused: (_ path: [UInt8]) throws -> Void
    /// Called once in every directory.
    var checkStopping: () throws -> Void = {}

    /// Walks what is below `path`: a directory or a file; empty for everything. What is not there is empty.
    func run(below path: String = "") throws {
        do {
            let start = try root.open(below: path, O_RDONLY | O_NONBLOCK)
            let status = try FileStatus(of: start, path)
            if status.isDirectory { try walk(start, path) } else if status.isRegular { try file(path, status) }
        } catch let error as SystemCallError where error.errno == ENOENT || error.errno == ENOTDIR {
        } catch let error as SystemCallError {
            try failed(ItemError(error, item: path))
        }
    }

    private func walk(_ directory: Descriptor, _ path: String) throws {
        try checkStopping()
        for name in try names(directory, path) {
            let isText = name.withUnsafeBufferPointer { String(validatingCString: $0.baseAddress!) }
            guard let text = isText else {
                try refused(Array(prefix(path).utf8) + name.dropLast().map { UInt8(bitPattern: $0) })
                continue
            }
            let child = prefix(path) + text
            do {
                let status = try FileStatus(of: name, in: directory, child)
                if status.isRegular {
                    try file(child, status)
                } else if status.isDirectory {
                    try walk(directory.open(below: text, O_RDONLY | O_DIRECTORY), child)
                }
            } catch let error as SystemCallError where error.errno == ENOENT {
                // Gone since the directory was read.
            } catch let error as SystemCallError {
                try failed(ItemError(error, item: child))
            }
        }
    }

    private func prefix(_ path: String) -> String { path.isEmpty ? "" : path + "/" }

    /// Sorted by bytes, each with a NUL at its end.
    private func names(_ directory: Descriptor, _ path: String) throws(SystemCallError) -> [[CChar]] {
        let copy = try systemCall("open", path) { openat(directory.raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard let stream = fdopendir(copy) else {
            close(copy)
            throw SystemCallError(operation: "opendir", path: path, errno: errno)
        }
        defer { closedir(stream) }
        var names: [[CChar]] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                    Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1))
                }
            }
            let dot = CChar(bitPattern: UInt8(ascii: "."))
            if name != [dot, 0], name != [dot, dot, 0] { names.append(name) }
        }
        if errno != 0 { throw SystemCallError(operation: "readdir", path: path, errno: errno) }
        return names.sorted { strcmp($0, $1) < 0 }
    }
}
