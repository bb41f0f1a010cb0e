/// An attempt as the daemon sees it: started, or found alive after a restart. Its life is asked of the kernel alone, by
/// the lock on its output and by its end of the control FIFO, never by a process number that somebody else may have by now.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage

/// What an attempt needs to start.
struct AttemptPlan: Sendable {
    var jobID: String
    var attempt: Int
    /// Program with its whole path, and arguments.
    var command: [String]
    var environment: [(name: String, value: String)]
    var workingDirectory: String
    var graceSeconds: Double
    /// The handler's standard input.
    var request: [UInt8]

    var identifier: String { AttemptPlan.identifier(jobID, attempt) }

    /// Which attempt of which job: what its record's lines bear.
    static func identifier(_ jobID: String, _ attempt: Int) -> String { "\(jobID)/\(attempt)" }
}

/// An attempt that can start at once.
final class ReadyAttempt: Sendable {
    let plan: AttemptPlan
    let directory: Directory
    let files: PreparedAttempt
    /// The handler's standard input.
    let input: Descriptor

    init(_ plan: AttemptPlan, _ directory: Directory, _ files: PreparedAttempt, input: consuming Descriptor) {
        self.plan = plan
        self.directory = directory
        self.files = files
        self.input = input
    }
}

final class AttemptProcess: Sendable {
    let directory: Directory
    private let attempt: String
    /// nil: there is no supervisor any more.
    private let control: ControlEnd?

    // MARK: Starting

    /// Makes everything ready that the attempt needs; nothing runs yet.
    /// - Parameter spare: a first attempt's files that are there already; nil: they are made.
    /// - Throws: `SpoolError`.
    static func prepare(
        _ plan: AttemptPlan, in jobDirectory: Directory, _ spare: Spares.Spare?
    ) throws(SpoolError) -> ReadyAttempt {
        let directory: Directory
        let files: PreparedAttempt
        if let spare {
            (directory, files) = (spare.attempt, spare.files)
        } else {
            directory = try jobDirectory.makeDirectory(String(plan.attempt), mode: 0o700)
            files = try PreparedAttempt(in: directory)
        }
        try writeInput(plan.request, in: directory)
        return ReadyAttempt(plan, directory, files, input: try directory.open(AttemptFile.request, O_RDONLY))
    }

    /// Starts the supervisor, which inherits the lock.
    /// - Throws: `SpoolError`: nothing has been started.
    static func start(
        _ attempt: ReadyAttempt, _ launcher: any AttemptLauncher
    ) throws(SpoolError) -> AttemptProcess {
        let (plan, files) = (attempt.plan, attempt.files)
        let arguments =
            [AttemptFile.supervisorName, plan.identifier, JSON(plan.graceSeconds).text, plan.workingDirectory]
            + plan.command
        try launcher.launch(
            SupervisorStart(
                arguments: arguments, environment: plan.environment.map { "\($0.name)=\($0.value)" },
                descriptors: [attempt.input.raw, files.output.raw, files.errors.raw, files.orders.raw],
                directory: attempt.directory))
        return AttemptProcess(attempt.directory, plan.identifier, files.control)
    }

    /// Not by way of an empty file: what is emptied and written anew ext4 writes to the disk at close(2) (`auto_da_alloc`).
    private static func writeInput(_ bytes: [UInt8], in directory: Directory) throws(SpoolError) {
        let input = try directory.open(AttemptFile.request, O_RDWR | O_CREAT, mode: 0o600)
        try input.write(bytes)
        if try input.stat().size > bytes.count { try input.truncate(to: Int64(bytes.count)) }
    }

    private init(_ directory: Directory, _ attempt: String, _ control: ControlEnd?) {
        self.directory = directory
        self.attempt = attempt
        self.control = control
    }

    // MARK: Finding again

    /// Opens an attempt that an earlier daemon started, alive or dead.
    convenience init(opening directory: Directory, attempt: String) throws(SpoolError) {
        do {
            self.init(directory, attempt, try ControlEnd(in: directory))
        } catch  where error.code == ENXIO || error.code == ENOENT {
            self.init(directory, attempt, nil)
        }
    }

    // MARK: Watching and stopping

    /// Waits until the supervisor has ended, but no longer than this; true when it has.
    func waitForSupervisorEnd(milliseconds: Int32) -> Bool {
        guard let control else { return true }
        // POLLERR is always reported: it means that the last reader is gone (poll(2)).
        var wait = pollfd(fd: control.raw, events: 0, revents: 0)
        return poll(&wait, 1, milliseconds) > 0 && wait.revents & Int16(POLLERR) != 0
    }

    /// Asks the supervisor for the ladder: TERM, the grace time, KILL. May be asked more than once.
    /// - Returns: false when it has to be asked again.
    @discardableResult
    func stop() -> Bool {
        guard let control else { return true }
        do throws(SpoolError) {
            try directory.system.perform(.write, directory.path(AttemptFile.control)) { () -> Int in
                var order = SupervisorOrder.stop.rawValue
                return write(control.raw, &order, 1)
            }
            return true
        } catch {
            // Nobody has the other end any more, or it has been asked often enough to fill the FIFO.
            return [EPIPE, EAGAIN].contains(error.code)
        }
    }

    /// Whether any process of the attempt is alive: whether anybody holds the lock.
    func isAlive() throws(SpoolError) -> Bool {
        do {
            return try !directory.open(AttemptFile.standardOutput, O_RDONLY).tryLock()
        } catch  where error.code == ENOENT {
            return false
        }
    }

    /// Writes down that it is stopped with the daemon.
    func noteShutdown(at time: Timestamp) throws(SpoolError) {
        let line = AttemptRecordState.shutdownLine(of: attempt, at: time)
        try directory.open(AttemptFile.record, O_WRONLY | O_APPEND).write(line)
    }

    /// Whether a daemon has written that down.
    func isStoppedWithDaemon() throws(SpoolError) -> Bool {
        AttemptRecordState.tellsOfShutdown(try directory.read(AttemptFile.record) ?? [], of: attempt)
    }

    /// Which process the handler is; nil when its supervisor has not written that down.
    func trace() throws(SpoolError) -> HandlerTrace? {
        AttemptRecordState.trace(try directory.read(AttemptFile.record) ?? [], of: attempt)
    }

    /// Those who do not end though KILL was sent to them, in words; nil when there are none.
    func survivors() throws(SpoolError) -> String? {
        AttemptRecordState.survivors(try directory.read(AttemptFile.record) ?? [], of: attempt)
    }

    /// How far it has come, by what the supervisor wrote.
    func record() throws(SpoolError) -> AttemptRecordState {
        AttemptRecordState(try directory.read(AttemptFile.record) ?? [], of: attempt)
    }
}
