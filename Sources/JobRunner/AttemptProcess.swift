/// An attempt as the daemon sees it: started, or found alive after a restart. Its life is asked of the kernel alone, by
/// the lock on its output and by its end of the control FIFO, never by a process number that somebody else may have by now.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage

/// What an attempt needs to start.
struct AttemptPlan {
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

final class AttemptProcess: Sendable {
    let directory: Directory
    private let attempt: String
    private let control: Int32

    deinit { if control >= 0 { close(control) } }

    // MARK: Starting

    /// Makes the attempt's directory, takes the lock, and starts the supervisor, which inherits the lock.
    /// - Throws: `SpoolError`.
    static func start(
        _ plan: AttemptPlan, in jobDirectory: Directory, _ launcher: any AttemptLauncher
    ) throws(SpoolError) -> AttemptProcess {
        let directory = try jobDirectory.makeDirectory(String(plan.attempt), mode: 0o700)
        let fresh = O_RDWR | O_CREAT | O_TRUNC
        _ = try directory.open(AttemptFile.record, fresh, mode: 0o600)
        try writeInput(plan.request, in: directory)
        let output = try directory.open(AttemptFile.standardOutput, fresh | O_APPEND, mode: 0o600)
        let errors = try directory.open(AttemptFile.standardError, fresh | O_APPEND, mode: 0o600)
        guard try output.tryLock() else {
            throw SpoolError(.lock, directory.path(AttemptFile.standardOutput), code: EWOULDBLOCK)
        }
        do {
            try directory.makeFIFO(AttemptFile.control)
        } catch  where error.code == EEXIST {}
        // Opened for both directions it never sees an end of file; the supervisor gets this one.
        let orders = try directory.open(AttemptFile.control, O_RDWR)
        let process = try AttemptProcess(opening: directory, attempt: plan.identifier)
        let input = try directory.open(AttemptFile.request, O_RDONLY)
        let descriptors = [input.raw, output.raw, errors.raw, orders.raw]
        let arguments =
            [AttemptFile.supervisorName, plan.identifier, JSON(plan.graceSeconds).text, plan.workingDirectory]
            + plan.command
        try launcher.launch(
            SupervisorStart(
                arguments: arguments, environment: plan.environment.map { "\($0.name)=\($0.value)" },
                descriptors: descriptors, directory: directory))
        return process
    }

    /// Not by way of an empty file: what is emptied and written anew ext4 writes to the disk at close(2) (`auto_da_alloc`).
    private static func writeInput(_ bytes: [UInt8], in directory: Directory) throws(SpoolError) {
        let input = try directory.open(AttemptFile.request, O_RDWR | O_CREAT, mode: 0o600)
        try input.write(bytes)
        if try input.stat().size > bytes.count { try input.truncate(to: Int64(bytes.count)) }
    }

    // MARK: Finding again

    /// Opens an attempt that an earlier daemon started, alive or dead.
    init(opening directory: Directory, attempt: String) throws(SpoolError) {
        self.directory = directory
        self.attempt = attempt
        do {
            let opened = try directory.system.perform(.open, directory.path(AttemptFile.control)) {
                openat(
                    directory.raw, "control", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW)
            }
            control = opened
        } catch  where error.code == ENXIO || error.code == ENOENT {
            // Nobody has the other end: there is no supervisor any more.
            control = -1
        }
    }

    // MARK: Watching and stopping

    /// Waits until the supervisor has ended, but no longer than this; true when it has.
    func waitForSupervisorEnd(milliseconds: Int32) -> Bool {
        guard control >= 0 else { return true }
        // POLLERR is always reported: it means that the last reader is gone (poll(2)).
        var wait = pollfd(fd: control, events: 0, revents: 0)
        return poll(&wait, 1, milliseconds) > 0 && wait.revents & Int16(POLLERR) != 0
    }

    /// Asks the supervisor for the ladder: TERM, the grace time, KILL. May be asked more than once.
    /// - Returns: false when it has to be asked again.
    @discardableResult
    func stop() -> Bool {
        guard control >= 0 else { return true }
        do throws(SpoolError) {
            try directory.system.perform(.write, directory.path(AttemptFile.control)) { () -> Int in
                var order = SupervisorOrder.stop.rawValue
                return write(control, &order, 1)
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

    /// How far it has come, by what the supervisor wrote.
    func record() throws(SpoolError) -> AttemptRecordState {
        AttemptRecordState(try directory.read(AttemptFile.record) ?? [], of: attempt)
    }
}
