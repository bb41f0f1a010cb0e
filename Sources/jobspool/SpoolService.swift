/// The daemon's one service: lock, watcher and runner of a spool, in this order, and out of it in the other. When the
/// directory is replaced by another one, the jobs of the old one are left to whoever serves it, and the new one is served.
import JobRunner
import Logging
import ServiceLifecycle
import SpoolStorage
import SpoolWatcher

struct SpoolService: Service {
    let path: String
    let types: Directory?
    let configuration: RunnerConfiguration
    let watching: DirectoryWatcher.Options
    let logger: Logger

    func run() async throws {
        while try await serve() == .replaced {
            logger.warning("\(path) is another directory now: serving that one")
        }
    }

    private func serve() async throws -> Runner.End {
        let spool = try Spool.open(path)
        let lock = try SpoolLock(spool, as: configuration.identity)
        let runner = try Runner(
            spool: spool, catalog: TypeCatalog(builtIn: BuiltInTypes.all, directory: types),
            configuration: configuration, logger: logger)
        let watcher = DirectoryWatcher(path: path, privateDirectory: spool.home.path, options: watching)
        let end = try await watcher.watching { watch in
            await runner.setIntake(watch.mode, reason: watch.reason)
            return try await withGracefulShutdownHandler {
                try await runner.run(watch.wakeUps)
            } onGracefulShutdown: {
                runner.stop()
            }
        }
        withExtendedLifetime(lock) {}
        return end
    }
}
