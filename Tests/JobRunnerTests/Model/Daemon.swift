/// One life of a daemon: a real runner on a real spool, in this process, whose system calls can be made to fail from a certain one on.
/// That is what its death looks like from the disk.
import Glibc
import Logging
import SpoolProtocol
import SpoolStorage
import SpoolWatcher
import Synchronization

@testable import JobRunner

/// Lets a daemon die at a certain change on the disk: from then on nothing that it does reaches the disk any more.
final class Faults: Sendable {
    private struct State {
        var changes = 0
        var deathAt = Int.max
        var isDead = false
        var notes: [String] = []
    }

    private let state = Mutex(State())

    var isDead: Bool { state.withLock { $0.isDead } }

    /// What went wrong in the test itself.
    var notes: [String] { state.withLock { $0.notes } }

    func note(_ text: String) { state.withLock { $0.notes.append(text) } }

    func die(after changes: Int) { state.withLock { $0.deathAt = $0.changes + changes } }

    func die() { state.withLock { $0.isDead = true } }

    var system: SystemCalls {
        SystemCalls(fault: { [self] operation, path in
            state.withLock { state in
                if Self.changes(operation, path) { state.changes += 1 }
                if state.changes >= state.deathAt { state.isDead = true }
                return state.isDead ? EIO : nil
            }
        })
    }

    /// Looking is not counted: how often followers look is left to chance.
    private static func changes(_ operation: SystemOperation, _ path: String) -> Bool {
        switch operation {
        case .write, .allocate, .syncData, .sync, .syncFileSystem, .rename, .link, .unlink, .truncate, .touch,
            .makeDirectory, .removeDirectory, .makeFIFO, .changeMode, .spawn:
            true
        case .open, .read, .stat, .list, .lock: false
        }
    }
}

/// How a runner stands between two pieces of news.
struct RunnerLook: Sendable {
    /// Nothing is left to be looked at or to be written.
    var isIdle: Bool
    /// The attempts that it follows.
    var running: Set<String>
    /// Jobs whose end waits for that of the one before.
    var putOff: [String]
    /// Jobs that are made ready behind others.
    var armed: [String]
    /// Where these are left when the runner has done all.
    var handOvers: [HandOver]
}

final class Daemon: Sendable {
    let number: Int
    let faults: Faults
    private let runner: Runner
    private let hints = HintBuffer(limit: 10_000)
    private let task: Task<Void, Never>
    private let ended: EndSignal

    /// Waits for the runner are given up after this time.
    static let patience = Duration.seconds(30)

    /// - Parameters:
    ///   - system: instead of that of `faults`; then the daemon may end by itself, as one does whose disk fails.
    ///   - executor: nil: Swift's own threads.
    /// - Throws: what the daemon died of before it could serve.
    init(
        _ path: String, number: Int, machine: FakeMachine, faults: Faults, maxLanes: Int, system: SystemCalls? = nil,
        log: DaemonLog? = nil, executor: (any TaskExecutor)? = nil,
        configure: (inout RunnerConfiguration) -> Void = { _ in }
    ) throws {
        self.number = number
        self.faults = faults
        let identity = DaemonIdentity(pid: number, host: "model", user: "root", startedAt: Clock.now(), version: "1")
        var configuration = RunnerConfiguration(
            identity: identity, supervisor: "/nonexistent", programs: ProgramPath(own: "/bin"), maxLanes: maxLanes)
        configuration.launcher = FakeLauncher(machine: machine, faults: faults, daemon: number)
        configuration.jitter = { 0 }
        // There is hardly ever more than that, and looking at it all is to be interrupted.
        configuration.rescanStep = 3
        configuration.followerRhythm = FollowerRhythm(firstTick: 1, tick: 2, retry: 2)
        configure(&configuration)
        let runner = try Runner(
            spool: try Spool.open(path, system: system ?? faults.system),
            catalog: TypeCatalog(builtIn: try ModelType.definitions(), directory: nil), configuration: configuration,
            logger: Logger(label: "model") { _ in log ?? SwiftLogNoOpLogHandler() as any LogHandler })
        self.runner = runner
        let signal = EndSignal()
        ended = signal
        task = Task(executorPreference: executor) { [hints] in
            defer { signal.send() }
            do throws(SpoolError) {
                _ = try await runner.run(hints)
            } catch {
                // Only a dead one's disk fails.
                if system == nil, !faults.isDead { faults.note("the daemon ended: \(error)") }
                log?.add("\(error)")
            }
        }
    }

    var hasEnded: Bool { ended.isSent }

    /// For asking, when nobody has this object any more, whether all that it had open is closed.
    var hasLetGo: @Sendable () -> Bool { { [weak runner] in runner == nil } }

    /// In one order with all else, also before the runner listens.
    func hint(_ wakeUp: WakeUp) {
        hints.put(wakeUp)
        runner.mailbox.put(.wakeUps)
    }

    /// From now on there is always news.
    func keepBusy() { Self.keepBusy(runner.mailbox) }

    private static func keepBusy(_ mailbox: Mailbox) { mailbox.put(.inspect { _ in keepBusy(mailbox) }) }

    /// Time has passed.
    func tick() { runner.mailbox.put(.tick) }

    /// It is time to archive.
    func retain() { runner.mailbox.put(.retain) }

    func stop(_ how: RunnerConfiguration.OnStop) { runner.mailbox.put(.stop(how)) }

    /// How things stand when all that has been said so far has been heard; nil when the daemon is gone.
    func look() async throws -> RunnerLook? {
        let answer = Answer()
        runner.mailbox.put(
            .inspect { runner in
                answer.put(
                    RunnerLook(
                        isIdle: runner.scan == nil && runner.names.isEmpty && runner.finishing.isEmpty
                            && runner.recheck.isEmpty && runner.rechecking.isEmpty
                            && runner.unsynced.isEmpty && runner.cleaner.isIdle,
                        running: Set(runner.running.values.map { "\($0.pending.jobID)/\($0.attempt)" }),
                        putOff: runner.lanes.values.flatMap(\.postponed).compactMap {
                            if case .followed(let name, _, _) = $0 { name.string } else { nil }
                        },
                        armed: runner.lanes.values.compactMap { $0.armed?.job.name.string },
                        handOvers: runner.lanes.values.map(\.handOver)))
            })
        try await eventually("the daemon to answer") { answer.look != nil || hasEnded || faults.isDead }
        return answer.look
    }

    /// Asks it something, in its own time, again whenever it has heard all that was said before.
    func ask<Answer: Sendable>(
        _ times: Int, _ question: @escaping @Sendable (isolated Runner) -> Answer
    ) async throws -> [Answer] {
        let answers = Answers<Answer>()
        answers.ask(runner.mailbox, times, question)
        try await eventually("the daemon to answer") { answers.all.count == times || hasEnded || faults.isDead }
        return answers.all
    }

    /// Leaves a dead daemon, or one that has been told to stop, until nothing of it is left.
    func leave() async throws {
        if faults.isDead { task.cancel() }
        try await eventually("the daemon to end") {
            if faults.isDead { task.cancel() }
            return hasEnded
        }
    }
}

private final class Answer: Sendable {
    private let state = Mutex<RunnerLook?>(nil)
    var look: RunnerLook? { state.withLock { $0 } }
    func put(_ look: RunnerLook) { state.withLock { $0 = look } }
}

private final class Answers<Answer: Sendable>: Sendable {
    private let state = Mutex<[Answer]>([])
    var all: [Answer] { state.withLock(\.self) }

    func ask(_ mailbox: Mailbox, _ times: Int, _ question: @escaping @Sendable (isolated Runner) -> Answer) {
        guard times > 0 else { return }
        mailbox.put(
            .inspect { [self] runner in
                let answer = question(runner)
                state.withLock { $0.append(answer) }
                ask(mailbox, times - 1, question)
            })
    }
}

private final class EndSignal: Sendable {
    private let state = Mutex(false)
    var isSent: Bool { state.withLock { $0 } }
    func send() { state.withLock { $0 = true } }
}

/// Asks again and again until it is so.
func eventually(_ what: @autoclosure () -> String, _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + Daemon.patience
    var asked = 0
    while try await !condition() {
        // Beside others it may be that it has hardly waited.
        if ContinuousClock.now > deadline, asked > 300 { throw Violation("waited in vain for \(what())") }
        asked += 1
        if asked < 100 { await Task.yield() } else { try await Task.sleep(for: .microseconds(200)) }
    }
}

extension ModelType {
    static func definitions() throws -> [JobType: DefinitionFile] {
        var definitions: [JobType: DefinitionFile] = [:]
        for type in allCases {
            var file = DefinitionFile()
            file.command = ["/bin/true"]
            file.lane = type.lane
            file.onInterrupted = type.onInterrupted
            file.retry = type.retry
            definitions[type.jobType] = file
        }
        return definitions
    }

    var jobType: JobType {
        guard let type = JobType(rawValue) else { preconditionFailure("\(rawValue) is a type's name") }
        return type
    }
}
