/// What the watching thread needs of inotify(7), as a seam. A source is used by one thread. After `close` it may be
/// opened again.
package import SpoolProtocol

package protocol EventSource {
    /// Watches the directory, and the file whose reading ends a wait.
    func open(directory: String, wakeFile: String) throws(SourceError)

    /// Waits for at most so many seconds (at least one) for one event.
    func next(seconds: Int) -> SourceEvent

    /// Ends all watches and forgets what was not read.
    func close()
}

package enum SourceEvent: Sendable, Equatable {
    /// An entry appeared, changed or went.
    case entry(FileName)
    /// A subdirectory was deleted: the directory itself may be next, and that is silent while anybody holds it open.
    case subdirectoryDeleted
    /// The directory was moved: does the path still lead to it?
    case moved
    /// The watch is dead: the directory was deleted, or its file system unmounted.
    case gone
    /// The kernel dropped events.
    case overflow
    /// Time is up, or the alarm rang, or nothing that matters here.
    case nothing
    /// Reading failed with this errno.
    case failed(errno: Int32)
}

/// Why there is no inotify here.
package enum SourceError: Error, Equatable, CustomStringConvertible {
    case tooManyInstances
    case tooManyWatches
    /// The process has too many files open, or the next one would have a number that select(2) cannot take.
    case tooManyOpenFiles
    case failed(operation: String, errno: Int32)

    package var description: String {
        switch self {
        case .tooManyInstances: "too many inotify instances: raise the sysctl fs.inotify.max_user_instances"
        case .tooManyWatches: "too many inotify watches: raise the sysctl fs.inotify.max_user_watches"
        case .tooManyOpenFiles: "too many open files: inotify needs a descriptor below 1024"
        case .failed(let operation, let code): "\(operation): \(explain(code))"
        }
    }
}
