/// Attempts without processes: what a supervisor and its handler would hold and write, held and written by the test. Like
/// real ones they outlive the daemon, and like theirs their lives are told by the kernel: by the lock on the output and by the FIFO.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Synchronization

@testable import JobRunner

/// One attempt, from its start to its end.
final class FakeAttempt: Sendable {
    let name: JobName
    let jobID: String
    let number: Int
    let directory: Directory
    private let descriptors: Mutex<Descriptors?>

    private struct Descriptors {
        var output: Int32
        var control: Int32
        var hasOrder = false
    }

    init(name: JobName, jobID: String, number: Int, _ start: SupervisorStart, system: SystemCalls) throws {
        self.name = name
        self.jobID = jobID
        self.number = number
        // With calls of its own: an attempt lives on when the daemon's have come to an end.
        directory = try Directory.open(start.directory.path, system: system)
        descriptors = Mutex(
            Descriptors(
                output: fcntl(start.descriptors[1], F_DUPFD_CLOEXEC, 0),
                control: fcntl(start.descriptors[3], F_DUPFD_CLOEXEC, 0)))
        try record(AttemptRecordState.startedLine(of: identifier, at: Clock.now()))
    }

    deinit { close() }

    var identifier: String { AttemptPlan.identifier(jobID, number) }

    var isAlive: Bool { descriptors.withLock { $0 != nil } }

    /// The daemon has asked it to stop, at some time.
    var hasOrder: Bool {
        descriptors.withLock { descriptors in
            guard let control = descriptors?.control else { return false }
            var bytes = [UInt8](repeating: 0, count: 64)
            if read(control, &bytes, bytes.count) > 0 { descriptors?.hasOrder = true }
            return descriptors?.hasOrder ?? false
        }
    }

    /// A daemon has written down that it stops this attempt.
    var isNotedToStop: Bool {
        get throws {
            AttemptRecordState.tellsOfShutdown(try directory.read(AttemptFile.record) ?? [], of: identifier)
        }
    }

    /// A line on standard output.
    func say(_ line: JSON) {
        let bytes = line.bytes + [0x0A]
        descriptors.withLock { descriptors in
            guard let output = descriptors?.output else { return }
            do {
                try directory.system.perform(.write, "stdout", descriptor: output) {
                    Glibc.write(output, bytes, bytes.count)
                }
            } catch {
                preconditionFailure("a handler cannot write: \(error)")
            }
        }
    }

    func end(_ ending: Ending) throws {
        let end: AttemptEnd? =
            switch ending {
            case .exit(let status): .exited(status)
            case .retryable: .exited(1)
            case .signal(let number): .signalled(number)
            case .vanish: nil
            }
        if ending == .retryable {
            say(["type": "failure", "code": "PASSING", "message": "not now", "retryable": true])
        }
        if let end {
            let time = Clock.now()
            var ended = ExitRecord(end: end, finishedAt: time, leftBehind: 0)
            ended.outputSize = try directory.stat(AttemptFile.standardOutput)?.size
            ended.errorSize = try directory.stat(AttemptFile.standardError)?.size
            try record(AttemptRecordState.endedLine(of: identifier, ended))
        }
        close()
    }

    /// The lock goes first: who sees that the supervisor is gone must find nobody left.
    func close() {
        descriptors.withLock { descriptors in
            guard let open = descriptors else { return }
            _ = Glibc.close(open.output)
            _ = Glibc.close(open.control)
            descriptors = nil
        }
    }

    private func record(_ line: [UInt8]) throws {
        try directory.open(AttemptFile.record, O_WRONLY | O_APPEND).write(line)
    }
}

/// How things stood when an attempt was started.
struct Launch: Sendable {
    var attempt: FakeAttempt
    var input: JSON
    var at: Timestamp
    /// Those that were alive already.
    var beside: [FakeAttempt]
    /// By name.
    var statuses: [JobName: JobStatus]
    var results: [JobName: JobResult]
    var request: Fingerprint?
    var isPaused: Bool
    var isCancelled: Bool
    /// Which daemon started it, counted from 1.
    var daemon: Int
    /// The name of the thread that did.
    var thread: String

    var status: JobStatus? { statuses[attempt.name] }
}

/// All attempts of a scenario.
final class FakeMachine: Sendable {
    private let spool: SpoolFiles
    private let state = Mutex((attempts: [FakeAttempt](), launches: [Launch]()))

    private let system: SystemCalls

    /// - Parameter system: what attempts write with.
    init(_ spool: SpoolFiles, system: SystemCalls = .real) {
        self.spool = spool
        self.system = system
    }

    /// In the order in which they were started.
    var alive: [FakeAttempt] { state.withLock { $0.attempts.filter(\.isAlive) } }

    /// What has been started since the last call.
    func takeLaunches() -> [Launch] {
        state.withLock { state in
            defer { state.launches = [] }
            return state.launches
        }
    }

    private static var threadName: String {
        var name = [UInt8](repeating: 0, count: 16)
        let file = open("/proc/thread-self/comm", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        let count = read(file, &name, name.count)
        return String(decoding: name.prefix(max(0, count - 1)), as: UTF8.self)
    }

    func closeAll() { for attempt in alive { attempt.close() } }

    fileprivate func launch(_ start: SupervisorStart, daemon: Int) throws {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = pread(start.descriptors[0], &bytes, bytes.count, 0)
        let input = try JSON(parsing: Array(bytes.prefix(max(0, count))))
        guard let name = try input["name"]?.string.map({ try JobName($0) }), let jobID = input["job_id"]?.string,
            let number = input["attempt"]?.int
        else { throw Violation("a handler was started with \(input.text)") }
        let beside = alive
        let attempt = try FakeAttempt(name: name, jobID: jobID, number: number, start, system: system)
        // A daemon that returns takes the time of its beginning from this.
        try spool.setTime(
            of: AttemptFile.request, in: try Directory.open(start.directory.path, system: system), Clock.now())
        let launch = Launch(
            attempt: attempt, input: input, at: Clock.now(), beside: beside, statuses: try spool.statuses(),
            results: try spool.results(), request: try spool.fingerprint(of: name), isPaused: try spool.isPaused(),
            isCancelled: try spool.isCancelled(name), daemon: daemon, thread: Self.threadName)
        state.withLock { state in
            state.attempts.append(attempt)
            state.launches.append(launch)
        }
    }
}

/// A daemon's way to the machine.
struct FakeLauncher: AttemptLauncher {
    let machine: FakeMachine
    let faults: Faults
    let daemon: Int

    func launch(_ start: SupervisorStart) throws(SpoolError) {
        try start.directory.system.perform(.spawn, start.directory.path) {
            do {
                try machine.launch(start, daemon: daemon)
            } catch {
                faults.note("\(error)")
            }
            return 0
        }
    }
}
