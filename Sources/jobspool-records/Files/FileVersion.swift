/// By what it shows that somebody has written to a file: its size, and the time of its last change. The time of its inode (ctime) is
/// none of it, because that changes, too, when another file takes over the name, and then the one that was opened is whole.
import Glibc
import JobHandler

struct FileVersion: Equatable {
    private let size: Int
    private let seconds: Int
    private let nanoseconds: Int

    /// nil of what is no regular file: a pipe is over when those who write to it say so.
    /// - Parameter path: what messages call it.
    /// - Throws: `SystemCallError`.
    init?(of descriptor: Int32, _ path: String) throws(SystemCallError) {
        var status = stat()
        try systemCall("fstat", path) { fstat(descriptor, &status) }
        guard status.st_mode & S_IFMT == S_IFREG else { return nil }
        size = status.st_size
        (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
    }
}
