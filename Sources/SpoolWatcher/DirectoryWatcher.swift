/// Turns a spool directory into a sequence of wake-ups. Wake-ups are hints and the directory is the truth: the watch is
/// in place before the first one, `.rescan(.start)`, is told, so that a scan that follows it misses nothing.
///
/// The C library has one instance per process, so has this: a second watch in the same process is an error until the
/// first is over. Where inotify is silent or is not to be had the directory is polled, by itself, and `Watch.listening` says
/// why; only a directory that is not there at the start, or a private directory that cannot be used, is an error.
private import Synchronization

package struct DirectoryWatcher: Sendable {
    private static let isInUse = Mutex(false)

    private let path: String
    private let privateDirectory: String
    private let options: Options
    private let seams: Seams

    /// `privateDirectory` exists, is writable by nobody else (mode 0700) and holds, for an instant, the file whose
    /// reading wakes the thread; nothing is left in it.
    package init(path: String, privateDirectory: String, options: Options = Options(), seams: Seams = Seams()) {
        self.path = path
        self.privateDirectory = privateDirectory
        self.options = options
        self.seams = seams
    }

    /// Watches for as long as `body` runs. The watch is in place, and the mode is decided, when `body` begins; its thread
    /// has ended when this returns. Cancelling the task ends the watch.
    ///
    /// Throws `WatcherError`, or what `body` throws.
    package func watching<Value>(
        isolation: isolated (any Actor)? = #isolation, _ body: (Watch) async throws -> Value
    ) async throws -> Value {
        guard DirectoryIdentity(path: path) != nil else { throw WatcherError.noDirectory(path) }
        guard DirectoryIdentity(path: privateDirectory) != nil else { throw WatcherError.noDirectory(privateDirectory) }
        guard Self.claim() else { throw WatcherError.alreadyWatching }
        defer { Self.isInUse.withLock { $0 = false } }

        let watch = Watch(
            hints: HintBuffer(limit: options.pendingLimit), alarm: try Alarm(privateDirectory: privateDirectory))
        let (ready, readiness) = AsyncStream<Never>.makeStream()
        let thread = try DedicatedThread(name: "spool-watcher") { [path, options, seams] in
            let loop = WatchLoop(path: path, options: options, seams: seams, watch: watch)
            loop.run { readiness.finish() }
        }
        return try await withTaskCancellationHandler {
            let outcome: Result<Value, any Error>
            do {
                for await _ in ready {}
                try Task.checkCancellation()
                outcome = .success(try await body(watch))
            } catch {
                outcome = .failure(error)
            }
            watch.stop()
            await thread.end()
            return try outcome.get()
        } onCancel: {
            watch.stop()
        }
    }

    private static func claim() -> Bool {
        isInUse.withLock { inUse in
            defer { inUse = true }
            return !inUse
        }
    }
}
