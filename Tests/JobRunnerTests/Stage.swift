/// A daemon that tests lead by the hand: attempts end when they are told to, and clocks stand still.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Testing

@testable import JobRunner

/// - Parameters:
///   - system: what the daemon works with, for its whole life.
///   - rhythm: nil: a fast one.
func withDaemon(
    _ system: SystemCalls? = nil, maxLanes: Int = 2, rhythm: FollowerRhythm? = nil,
    _ body: (inout Stage) async throws -> Void
) async throws {
    signal(SIGIO, SIG_IGN)
    signal(SIGPIPE, SIG_IGN)
    let clocks = VirtualClocks()
    try await Clock.$replacement.withValue(clocks) {
        var stage = try Stage(clocks, system, maxLanes: maxLanes, rhythm: rhythm)
        try await stage.begin("first")
        try await stage.end("first", .exit(0))
        try await stage.rest()
        try await body(&stage)
        stage.machine.closeAll()
        try await stage.die()
    }
}

/// A spool with a daemon that has finished one job, whose directory it keeps.
struct Stage {
    let files: SpoolFiles
    let machine: FakeMachine
    let clocks: VirtualClocks
    private var faults = Faults()
    /// nil between two.
    private var present: Daemon?
    private var daemon: Daemon {
        guard let present else { preconditionFailure("there is no daemon") }
        return present
    }
    private var count = 1
    /// What the daemons tell.
    let log = DaemonLog()
    private let rhythm: FollowerRhythm?

    init(_ clocks: VirtualClocks, _ system: SystemCalls?, maxLanes: Int, rhythm: FollowerRhythm? = nil) throws {
        self.rhythm = rhythm
        self.clocks = clocks
        files = try SpoolFiles()
        machine = FakeMachine(files)
        present = try Self.daemon(files, machine, faults, 1, system, maxLanes: maxLanes, rhythm: rhythm, log: log)
    }

    private static func daemon(
        _ files: SpoolFiles, _ machine: FakeMachine, _ faults: Faults, _ number: Int, _ system: SystemCalls? = nil,
        maxLanes: Int = 2, rhythm: FollowerRhythm?, log: DaemonLog
    ) throws -> Daemon {
        try Daemon(
            files.path, number: number, machine: machine, faults: faults, maxLanes: maxLanes, system: system,
            log: log, executor: SerialTaskExecutor(name: "hand-over")
        ) { if let rhythm { $0.followerRhythm = rhythm } }
    }

    func put(_ text: String, as file: SpoolFile) throws {
        clocks.pass(0.001)
        try files.put(text, as: file, time: clocks.now())
        daemon.hint(.file(file.modelName))
    }

    func drop(_ name: JobName, _ request: String = #"{"type": "plain"}"#) async throws {
        try put(request, as: .request(name))
        try await eventually("\(name) to wait") { try files.status(of: name) != nil }
        try await rest(isQuiet: false)
    }

    /// The same, and waits until it has been left to the follower of the one before it.
    func dropBehind(_ name: JobName, _ request: String = #"{"type": "plain"}"#) async throws {
        try await drop(name, request)
        let handOvers = try await daemon.look()?.handOvers ?? []
        try await eventually("\(name) to be left to a follower") { handOvers.contains(where: \.isLent) }
    }

    func begin(_ name: JobName) async throws {
        try put(#"{"type": "plain"}"#, as: .request(name))
        try await self.await(name)
    }

    /// Waits for its attempt.
    func await(_ name: JobName) async throws {
        try await eventually("\(name) to run; the log says \(log.lines)") { machine.alive.contains { $0.name == name } }
        try await rest(isQuiet: false)
    }

    func end(_ name: JobName, _ ending: Ending) async throws {
        try machine.alive.first { $0.name == name }?.end(ending)
    }

    /// Its supervisor could not start its handler.
    func endUnstarted(_ name: JobName, _ error: JobError) throws {
        let attempt = try #require(machine.alive.first { $0.name == name })
        let record = ExitRecord(end: .notStarted(error), finishedAt: clocks.now(), leftBehind: 0)
        try directory(of: attempt).open(AttemptFile.record, O_WRONLY | O_APPEND)
            .write(AttemptRecordState.endedLine(of: attempt.identifier, record))
        attempt.close()
    }

    func directory(of attempt: FakeAttempt) throws -> Directory {
        try Directory.open("\(files.path)/.jobspool/attempts/\(attempt.identifier)")
    }

    /// What its handler reads.
    func input(of name: JobName) throws -> JSON {
        let attempt = try #require(machine.alive.first { $0.name == name })
        let path = "\(files.path)/.jobspool/attempts/\(attempt.jobID)/1"
        return try JSON(parsing: try #require(try Directory.open(path).read(AttemptFile.request)))
    }

    func hint(_ file: SpoolFile) { daemon.hint(.file(file.modelName)) }

    /// Time has passed.
    func tick() { daemon.tick() }

    /// The whole directory is to be looked at.
    func rescan() { daemon.hint(.rescan(.timer)) }

    func look() async throws -> RunnerLook? { try await daemon.look() }

    /// Until the daemon has nothing to do, and nothing runs.
    func rest(isQuiet: Bool = true) async throws {
        try await eventually("the daemon to rest") {
            guard let look = try await daemon.look() else { return false }
            return look.isIdle && (!isQuiet || look.running.isEmpty)
        }
    }

    func beginStopping() { daemon.stop(.stop) }

    /// For a daemon that has been told to stop, or dies by itself.
    func awaitEnd() async throws {
        try await eventually("the daemon to end; the log says \(log.lines)") { daemon.hasEnded }
    }

    /// The daemon stops, and its attempts with it, each of which `end` ends.
    func stop(_ end: (FakeAttempt) throws -> Void) async throws {
        daemon.stop(.stop)
        try await eventually("the daemon to stop") {
            for attempt in machine.alive where attempt.hasOrder { try end(attempt) }
            return daemon.hasEnded
        }
    }

    func die() async throws {
        faults.die()
        try await daemon.leave()
    }

    mutating func dieAndReturn(maxLanes: Int = 2, system: SystemCalls? = nil) async throws {
        try await die()
        try await comeBack(maxLanes: maxLanes, system: system)
    }

    /// The next daemon, when this one has ended.
    mutating func comeBack(maxLanes: Int = 2, system: SystemCalls? = nil) async throws {
        faults = Faults()
        count += 1
        // What it had locked is free when it is gone: a process's death would have seen to that.
        let hasLetGo = daemon.hasLetGo
        present = nil
        try await eventually("the one before to let go") { hasLetGo() }
        present = try Self.daemon(files, machine, faults, count, system, maxLanes: maxLanes, rhythm: rhythm, log: log)
    }
}
