/// The daemon's one service: lock, watcher and runner of a spool, in this order, and out of it in the other. When the
/// directory is replaced by another one, the jobs of the old one are left to whoever serves it, and the new one is served.
import JobRunner
import Logging
import SpoolStorage
import SpoolWatcher
import Synchronization

final class SpoolService: Sendable {
    private let path: String
    private let types: Directory?
    private let configuration: RunnerConfiguration
    private let watching: DirectoryWatcher.Options
    private let logger: Logger
    private let state = Mutex((runner: Runner?.none, isStopping: false))

    init(
        path: String, types: Directory?, configuration: RunnerConfiguration, watching: DirectoryWatcher.Options,
        logger: Logger
    ) {
        self.path = path
        self.types = types
        self.configuration = configuration
        self.watching = watching
        self.logger = logger
    }

    /// Serves until `stop` is called.
    func run() async throws {
        while try await serve() == .replaced {
            logger.warning("\(path) is another directory now: serving that one")
        }
    }

    /// From any thread, any number of times.
    func stop() {
        let runner = state.withLock { state in
            state.isStopping = true
            return state.runner
        }
        runner?.stop()
    }

    private func serve() async throws -> Runner.End {
        let spool = try Spool.open(path)
        let lock = try SpoolLock(spool, as: configuration.identity)
        try spool.clearFeed()
        let runner = try Runner(
            spool: spool, catalog: TypeCatalog(builtIn: BuiltInTypes.all, directory: types),
            configuration: configuration, logger: logger)
        let watcher = DirectoryWatcher(path: path, privateDirectory: spool.home.path, options: watching)
        let isStopping = state.withLock { state in
            state.runner = runner
            return state.isStopping
        }
        if isStopping { runner.stop() }
        let end = try await watcher.watching { watch in
            await runner.setIntake(watch.mode, reason: watch.reason)
            return try await runner.run(watch.hints)
        }
        withExtendedLifetime(lock) {}
        return end
    }
}
