/// Files that are written under temporary names and wait to be synced and renamed into place together. Every file is
/// synced before its rename, so that after a power cut a name has its old contents or its new ones. Together, because
/// the disk syncs many files in little more than the time of one once they are all on their way to it.
import Glibc
import JobHandler

final class StagedFiles {
    struct File {
        let descriptor: Descriptor
        let temporary: Name
        let name: Name
        /// The target's directory.
        let folder: Descriptor
        /// From the root.
        let path: [UInt8]
        let size: Int64
        let outcome: Tally.Outcome
    }

    /// Files and bytes after which they are committed.
    private let limit: Int
    private static let byteLimit: Int64 = 32 << 20

    private var files: [File] = []
    private var bytes: Int64 = 0

    init(limit: Int) { self.limit = limit }
    deinit { abandon() }

    var isFull: Bool { files.count >= limit || bytes >= Self.byteLimit }

    func add(_ file: File) {
        // On Linux this starts to write the file out, without waiting.
        posix_fadvise(file.descriptor.raw, 0, 0, POSIX_FADV_DONTNEED)
        files.append(file)
        bytes = bytes.plus(file.size)
    }

    /// Puts all of them in place.
    /// - Parameters:
    ///   - finished: called for every file that is in place.
    ///   - failed: called for every file that is not, with a `SystemCallError` or an `ItemError`; it is gone then.
    func commit(
        finished: (File) throws -> Void, failed: (File, any Error) throws -> Void
    ) throws {
        files.reverse()
        while let file = files.popLast() {
            do {
                try systemCall("fsync", display(file.path)) { fsync(file.descriptor.raw) }
                if file.outcome == .created { try file.folder.checkIsFree(file.name, file.path) }
                try systemCall("rename", display(file.path)) {
                    renameat(file.folder.raw, file.temporary, file.folder.raw, file.name)
                }
            } catch {
                unlinkat(file.folder.raw, file.temporary, 0)
                try failed(file, error)
                continue
            }
            try finished(file)
        }
        bytes = 0
    }

    /// Takes back what is not in place.
    func abandon() {
        for file in files { unlinkat(file.folder.raw, file.temporary, 0) }
        files = []
        bytes = 0
    }
}
