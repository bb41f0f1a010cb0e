/// `jobspool serve`: the daemon. It puts the parts together (lock, watcher, runner), and ends them in order when asked to by
/// SIGTERM, SIGINT or SIGHUP.
import ArgumentParser
import CLinux
import Glibc
import JobRunner
import Logging
import SpoolClient
import SpoolProtocol
import SpoolStorage
import SpoolWatcher

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve a spool: take requests in and run them.",
        discussion: """
            Runs in the foreground and logs to standard error. SIGTERM, SIGINT and (but for nohup) SIGHUP end it: running \
            jobs are asked to stop and go on at the next start, or run on by themselves with --on-stop leave.
            """)

    @Argument(help: "The spool directory.", completion: .directory) var spool: String
    @Option(help: ArgumentHelp("A directory of type definitions, TYPE.json each.", valueName: "dir"))
    var types: String?
    @Option(help: "What happens to running jobs when the daemon stops: stop or leave.")
    var onStop: OnStop = .stop
    @Option(help: ArgumentHelp("How many lanes work at once (default: one a core).", valueName: "n"))
    var maxLanes: Int?
    @Option(
        help: ArgumentHelp(
            "How many pending jobs a user may have; more stay as they were dropped. The daemon's user and root may have any number.",
            valueName: "n"))
    var maxPendingPerUser: Int = RunnerConfiguration.standardMaxPendingPerUser
    @Option(help: ArgumentHelp("How long a file that is no JSON yet may grow.", valueName: "seconds"))
    var settle: Double = 2
    @Option(help: ArgumentHelp("How often the whole spool is looked at anyway.", valueName: "seconds"))
    var rescan: Int = 60
    @Option(
        help: ArgumentHelp(
            "After how long finished jobs move to archive/: 7d, 12h, 90m, 30s, 0 or never.", valueName: "time"),
        transform: retentionTime)
    var archiveAfter = Retention.standard.archiveAfter
    @Option(
        help: ArgumentHelp(
            "How long after its end an archived job is deleted; likewise.", valueName: "time"),
        transform: retentionTime)
    var deleteArchivedAfter = Retention.standard.deleteArchivedAfter
    @Option(
        help: ArgumentHelp("The size at which spool.events.jsonl goes to archive/.", valueName: "bytes"))
    var rotateEventsAt: Int64 = 16 << 20
    @Option(help: "How new files are heard of: auto, inotify or polling.") var intake: Intake = .auto
    @Option(help: "trace, debug, info, notice, warning, error or critical.") var logLevel: LogLevel = .info

    enum OnStop: String, ExpressibleByArgument, CaseIterable {
        case stop, leave

        var policy: RunnerConfiguration.OnStop {
            switch self {
            case .stop: .stop
            case .leave: .leave
            }
        }
    }

    enum LogLevel: String, ExpressibleByArgument, CaseIterable {
        case trace, debug, info, notice, warning, error, critical

        var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
    }

    enum Intake: String, ExpressibleByArgument, CaseIterable { case auto, inotify, polling }

    func validate() throws {
        if let maxLanes, maxLanes < 1 { throw ValidationError("--max-lanes must be at least 1") }
        if maxPendingPerUser < 1 { throw ValidationError("--max-pending-per-user must be at least 1") }
        if !(0...3600).contains(settle) { throw ValidationError("--settle must be from 0 to 3600") }
        if rotateEventsAt < 1 { throw ValidationError("--rotate-events-at must be at least 1") }
        if !(1...86_400).contains(rescan) { throw ValidationError("--rescan must be from 1 to 86400") }
    }

    func run() throws {
        try Self.openStandardDescriptors()
        // Supervisors that end leave no zombies behind.
        signal(SIGCHLD, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
        // Somebody opens a request for writing in the moment in which it is looked at (`Descriptor.isBeingWritten`).
        signal(SIGIO, SIG_IGN)
        // This thread waits for them, and no other one hears of them.
        linux_block_stop_signals()
        linux_return_large_blocks()
        let service: SpoolService
        do {
            service = try makeService()
        } catch {
            throw explain(error)
        }
        Task(executorPreference: SerialTaskExecutor(name: "spool-runner")) {
            do {
                try await service.run()
                Self.exit(withError: ExitCode.success)
            } catch {
                Self.exit(withError: explain(error))
            }
        }
        while true {
            linux_wait_for_stop_signal()
            service.stop()
        }
    }

    private func explain(_ error: any Error) -> any Error {
        switch error {
        case let held as SpoolLock.Held:
            refuse(.noDaemon, "another daemon serves \(spool): \(Self.describe(held.holder))")
        case let unfit as Spool.Unfit: refuse(.noPermission, unfit.description)
        case let error as WatcherError: refuse(.noSpool, "\(error)")
        case let error as SpoolError:
            switch error.code {
            case ENOTDIR: refuse(.noSpool, "\(error): name a directory")
            case ENOENT:
                refuse(.noSpool, "\(error): make the directory first (mkdir -p \(safe(shellQuoted(path: error.path))))")
            case EACCES, EPERM: refuse(.noPermission, "\(error)")
            default: refuse(.inputOutput, "\(error)")
            }
        default: error
        }
    }

    private func makeService() throws(SpoolError) -> SpoolService {
        let executable = try Self.realPath("/proc/self/exe")
        let ownDirectory = executable.split(separator: "/").dropLast().map { "/\($0)" }.joined()
        // As it was named: a link may be set to another directory later.
        let types = try types.map { (path) throws(SpoolError) in try Self.wholePath(path) }
        var configuration = RunnerConfiguration(
            identity: Self.identity(types: types), supervisor: executable, programs: ProgramPath(own: ownDirectory),
            maxLanes: maxLanes ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        configuration.onStop = onStop.policy
        configuration.settleSeconds = settle
        configuration.maxPendingPerUser = maxPendingPerUser
        configuration.retention = Retention(archiveAfter: archiveAfter, deleteArchivedAfter: deleteArchivedAfter)
        configuration.rotateEventsAt = rotateEventsAt
        let level = logLevel.level
        let logger = Logger(label: "jobspool") { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        var typesDirectory: Directory?
        if let types { typesDirectory = try Directory.open(types) }
        return SpoolService(
            path: try Self.realPath(spool), types: typesDirectory, configuration: configuration,
            watching: watcherOptions, logger: logger)
    }

    private var watcherOptions: DirectoryWatcher.Options {
        var options = DirectoryWatcher.Options()
        options.rescanInterval = .seconds(rescan)
        options.forcedMode =
            switch intake {
            case .auto: nil
            case .inotify: .inotify
            case .polling: .polling
            }
        // The daemon's own outputs need no look.
        options.isOfInterest = { name in
            switch SpoolFile(name) {
            case .request, .cancel, .schedule, .pause, .badName: true
            case .scheduleStatus, .status, .log, .errors, .result, .spoolStatus, .events, .ignored: false
            }
        }
        return options
    }

    // MARK: Who and where

    /// A daemon that is started with its first descriptors closed must not get files as those.
    private static func openStandardDescriptors() throws {
        var descriptor: Int32
        repeat {
            descriptor = open("/dev/null", O_RDWR)
            if descriptor == -1 { throw SpoolError(.open, "/dev/null", code: errno) }
        } while descriptor <= STDERR_FILENO
        close(descriptor)
    }

    private static func wholePath(_ path: String) throws(SpoolError) -> String {
        if path.hasPrefix("/") { return path }
        return path == "." ? try realPath(path) : "\(try realPath("."))/\(path)"
    }

    private static func realPath(_ path: String) throws(SpoolError) -> String {
        guard let resolved = realpath(path, nil) else { throw SpoolError(.open, path, code: errno) }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func identity(types: String?) -> DaemonIdentity {
        var host = [UInt8](repeating: 0, count: 256)
        host.withUnsafeMutableBytes { buffer in
            if let base = buffer.baseAddress { _ = gethostname(base, buffer.count - 1) }
        }
        return DaemonIdentity(
            pid: Int(getpid()), host: String(decoding: host.prefix { $0 != 0 }, as: UTF8.self),
            user: Users.name(of: geteuid()), startedAt: Clock.now(),
            version: JobSpoolVersion.current, typesDirectory: types)
    }

    private static func describe(_ holder: DaemonIdentity?) -> String {
        guard let holder else { return "it has not yet said who it is" }
        return "process \(holder.pid) on \(holder.host), of \(holder.user), since \(holder.startedAt)"
    }

    private func refuse(_ status: ExitStatus, _ message: String) -> ExitCode {
        Stream.diagnostics.note(message)
        return ExitCode(status.rawValue)
    }
}

enum JobSpoolVersion {
    static let current = "0.1.0"
}
