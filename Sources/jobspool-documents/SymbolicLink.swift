/// Symbolic links are documents like any other: copied as they are, wherever they point, and never followed.
import Glibc
import JobHandler

enum SymbolicLink {
    /// What the link says. - Throws: `SystemCallError`.
    static func destination(
        of name: UnsafePointer<CChar>, in directory: Descriptor, _ path: @autoclosure () -> String
    ) throws(SystemCallError) -> [UInt8] {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = try systemCall("readlink", path()) { readlinkat(directory.raw, name, &buffer, buffer.count) }
        return buffer[..<count].map { UInt8(bitPattern: $0) }
    }

    /// Makes a link under a temporary name and renames it into place, with the time it has to have.
    /// - Throws: `SystemCallError`; `ItemError` for a name that is new and that the target takes for another.
    static func create(
        _ destination: [UInt8], as name: UnsafePointer<CChar>, in directory: Descriptor, modified: timespec,
        _ path: [UInt8], isNew: Bool
    ) throws {
        let temporary = Leftover.newName()
        let target = jobspool_documents.name(destination)
        try systemCall("symlink", display(path)) { symlinkat(target, directory.raw, temporary) }
        do {
            var times = [timespec.omitted, modified]
            try systemCall("utimensat", display(path)) {
                utimensat(directory.raw, temporary, &times, AT_SYMLINK_NOFOLLOW)
            }
            if isNew { try directory.checkIsFree(name, path) }
            try systemCall("rename", display(path)) { renameat(directory.raw, temporary, directory.raw, name) }
        } catch {
            unlinkat(directory.raw, temporary, 0)
            throw error
        }
    }
}
