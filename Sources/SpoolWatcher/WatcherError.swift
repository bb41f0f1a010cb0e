/// Why a watch could not begin. What goes wrong later is no error: it costs a delay, and `Watch.listening` says so.
private import Glibc

package enum WatcherError: Error, Equatable, CustomStringConvertible {
    /// The C library has one instance per process, and it is in use.
    case alreadyWatching
    /// There is no directory at this path, or it may not be looked at.
    case noDirectory(String)
    /// A call failed with this errno while the means to wake the thread were made at `path`.
    case wakeFile(path: String, errno: Int32)
    /// pthread_create(3) failed.
    case thread(errno: Int32)

    package var description: String {
        switch self {
        case .alreadyWatching: "another directory is being watched by this process"
        case .noDirectory(let path): "there is no directory \(path)"
        case .wakeFile(let path, let code): "cannot use \(path) to wake the watcher: \(explain(code))"
        case .thread(let code): "cannot start the watcher's thread: \(explain(code))"
        }
    }
}

/// strerror(3).
func explain(_ code: Int32) -> String { String(cString: strerror(code)) }
