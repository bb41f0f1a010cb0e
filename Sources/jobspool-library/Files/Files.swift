/// Files and directories by descriptors. Below a root no symbolic link is followed, whatever somebody makes of a path while
/// the job runs.
import Glibc
import JobHandler

/// A descriptor that closes itself.
final class Descriptor: Sendable {
    let raw: Int32

    init(_ raw: Int32) { self.raw = raw }
    deinit { close(raw) }

    /// Opens a path, which the administrator or a request named; links are followed. - Throws: `SystemCallError`.
    static func open(_ path: String, _ flags: Int32) throws(SystemCallError) -> Descriptor {
        Descriptor(try systemCall("open", path) { Glibc.open(path, flags | O_CLOEXEC) })
    }

    /// Opens what is below this directory, by names none of which may be a symbolic link.
    /// - Throws: `SystemCallError`.
    func open(below path: String, _ flags: Int32, mode: mode_t = 0) throws(SystemCallError) -> Descriptor {
        var directory = self
        let names = path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
        for name in names.dropLast() {
            let parent = directory
            directory = Descriptor(
                try systemCall("open", path) {
                    openat(parent.raw, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                })
        }
        return Descriptor(
            try systemCall("open", path) {
                openat(directory.raw, names.last ?? ".", flags | O_NOFOLLOW | O_CLOEXEC, mode)
            })
    }

    /// Reads a regular file to its end. The descriptor was opened with O_NONBLOCK, so that a FIFO holds nobody up.
    /// - Throws: `SystemCallError`; EFBIG for more than `limit` bytes, EISDIR for what is no regular file.
    func readAll(limit: Int, _ path: String) throws(SystemCallError) -> [UInt8] {
        let status = try FileStatus(of: self, path)
        guard status.isRegular else { throw SystemCallError(operation: "read", path: path, errno: EISDIR) }
        guard status.size <= limit else { throw SystemCallError(operation: "read", path: path, errno: EFBIG) }
        var bytes = [UInt8](repeating: 0, count: Int(status.size) + 1)
        var length = 0
        while true {
            if length == bytes.count {
                guard length <= limit else { throw SystemCallError(operation: "read", path: path, errno: EFBIG) }
                bytes += [UInt8](repeating: 0, count: max(4096, length))
            }
            let count = try systemCall("read", path) {
                bytes.withUnsafeMutableBytes { read(raw, $0.baseAddress! + length, $0.count - length) }
            }
            if count == 0 { break }
            length += count
        }
        bytes.removeLast(bytes.count - length)
        return bytes
    }

    func writeAll(_ bytes: [UInt8], _ path: String) throws(SystemCallError) {
        var written = 0
        while written < bytes.count {
            written += try systemCall("write", path) {
                bytes.withUnsafeBytes { write(raw, $0.baseAddress! + written, $0.count - written) }
            }
        }
    }

    func sync(_ path: String) throws(SystemCallError) { try systemCall("fsync", path) { fsync(raw) } }
}

/// Which file it is, whatever its name.
struct FileIdentity: Equatable {
    let device: dev_t
    let inode: ino_t
}

/// What fstat(2) says of a file.
struct FileStatus {
    let size: Int64
    /// Nanoseconds since 1970.
    let modified: Int64
    /// When anything of it was last changed, which nobody can set back. Nanoseconds since 1970.
    let changed: Int64
    let mode: mode_t
    let identity: FileIdentity

    var isRegular: Bool { mode & S_IFMT == S_IFREG }
    var isDirectory: Bool { mode & S_IFMT == S_IFDIR }

    init(of descriptor: Descriptor, _ path: String) throws(SystemCallError) {
        var status = stat()
        try systemCall("stat", path) { fstat(descriptor.raw, &status) }
        self.init(status)
    }

    /// Of a name in a directory; a symbolic link is itself.
    init(of name: UnsafePointer<CChar>, in directory: Descriptor, _ path: @autoclosure () -> String)
        throws(SystemCallError)
    {
        var status = stat()
        try systemCall("stat", path()) { fstatat(directory.raw, name, &status, AT_SYMLINK_NOFOLLOW) }
        self.init(status)
    }

    /// What a path leads to; nil when there is nothing. - Throws: `SystemCallError`.
    static func following(_ path: String) throws(SystemCallError) -> FileStatus? {
        var status = stat()
        do {
            try systemCall("stat", path) { stat(path, &status) }
        } catch {
            if error.errno == ENOENT || error.errno == ENOTDIR { return nil }
            throw error
        }
        return FileStatus(status)
    }

    /// What a path leads to; nil also when that cannot be told, of which whoever opens it is told the reason.
    static func found(_ path: String) -> FileStatus? {
        do {
            return try following(path)
        } catch {
            return nil
        }
    }

    static func exists(_ path: String) throws(SystemCallError) -> Bool { try following(path) != nil }

    private init(_ status: stat) {
        size = Int64(status.st_size)
        modified = Self.nanoseconds(status.st_mtim)
        changed = Self.nanoseconds(status.st_ctim)
        mode = status.st_mode
        identity = FileIdentity(device: status.st_dev, inode: status.st_ino)
    }

    /// A time before 1677 or after 2262, which has no such number, gets the nearest.
    private static func nanoseconds(_ time: timespec) -> Int64 {
        let (seconds, isTooFar) = Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, isJustTooFar) = seconds.addingReportingOverflow(Int64(time.tv_nsec))
        if isTooFar || isJustTooFar { return time.tv_sec < 0 ? .min : .max }
        return sum
    }
}
