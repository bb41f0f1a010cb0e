/// The supervisor of one attempt: a process of its own between the daemon and the handler, so that an attempt does not
/// notice when the daemon stops, crashes or is upgraded. It starts the handler in a process group of its own, waits, stops it when asked
/// (TERM, the grace time, KILL until nobody is left), and writes down how it ended.
///
/// It is started in the attempt's directory with the request as standard input, the two output files as standard output
/// and error, and the control FIFO as descriptor 3. Arguments: which attempt it is, grace time in seconds, working directory, the
/// handler's program and arguments. Its environment is the handler's.
import CLinux
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage

package struct AttemptSupervisor {
    private let attempt: String
    private let grace: Double
    private let workingDirectory: String
    private let command: ExecStrings
    private let environment: ExecStrings?
    private let children: ChildWatch

    /// What the process is to be called: see `main`.
    package static let processName = AttemptFile.supervisorName

    /// The whole life of a supervisor; returns its exit status.
    package static func main(_ arguments: [String]) -> Int32 {
        if arguments.dropFirst().first == ForkServer.argument {
            return SupervisorPool.serve()
        }
        ignoreSignals()
        becomeSupervisor()
        _ = fcntl(AttemptFile.controlDescriptor, F_SETFD, FD_CLOEXEC)
        return supervise(ExecStrings(arguments), environment: nil, ChildWatch())
    }

    /// What the daemon is told to do must not reach its attempts by way of a terminal.
    static func ignoreSignals() {
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE] { Glibc.signal(signal, SIG_IGN) }
    }

    /// Once in a process that supervises.
    static func becomeSupervisor() {
        _ = linux_become_subreaper()
        _ = linux_set_process_name(processName)
    }

    /// In a process that has become a supervisor.
    /// - Parameter environment: the handler's; nil: this process's own.
    static func supervise(_ arguments: ExecStrings, environment: ExecStrings?, _ children: ChildWatch) -> Int32 {
        guard arguments.count >= 5, let grace = Double(arguments[2]) else { return HandlerExitStatus.usage }
        let supervisor = AttemptSupervisor(
            attempt: arguments[1], grace: grace, workingDirectory: arguments[3], command: arguments.dropFirst(4),
            environment: environment, children: children)
        return supervisor.run()
    }

    /// Does once what a supervisor does, as far as it leaves no trace: what is forked later finds it loaded.
    static func warmUp() {
        let record = ExitRecord(end: .exited(0), finishedAt: Clock.now(), leftBehind: 0)
        _ = AttemptRecordState.startedLine(of: "", at: record.finishedAt)
        _ = HandlerTrace(getpid(), startedAfter: HandlerTrace.bootSeconds()).line(of: "")
        _ = AttemptRecordState.endedLine(of: "", record)
        var ladder = StopLadder(group: getpid(), grace: 0)
        _ = ladder.nextStepMilliseconds()
        ladder.climb()
        do {
            let directory = try Directory.open("/")
            try directory.open(FileName("dev"), O_RDONLY).write([])
        } catch {
            // Nothing comes of it.
        }
    }

    private enum HandlerExitStatus {
        static let usage: Int32 = 64
        static let ioError: Int32 = 74
    }

    private func run() -> Int32 {
        do {
            let record = try Self.openRecord()
            try record.write(AttemptRecordState.startedLine(of: attempt, at: Clock.now()))
            var ended = superviseHandler(record)
            ended.outputSize = Self.size(of: STDOUT_FILENO)
            ended.errorSize = Self.size(of: STDERR_FILENO)
            try record.write(AttemptRecordState.endedLine(of: attempt, ended))
            return 0
        } catch {
            complain("\(error)")
            return HandlerExitStatus.ioError
        }
    }

    /// In the working directory, the attempt's.
    private static func openRecord() throws(SpoolError) -> Descriptor {
        let raw = try SystemCalls.real.perform(.open, AttemptFile.record.description) {
            AttemptFile.record.withCString { open($0, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC) }
        }
        return Descriptor(adopting: raw, path: .whole(AttemptFile.record.description), system: .real)
    }

    private static func size(of descriptor: Int32) -> Int64? {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int64(status.st_size) : nil
    }

    private func superviseHandler(_ record: borrowing Descriptor) -> ExitRecord {
        let handler: pid_t
        let begin = HandlerTrace.bootSeconds()
        switch spawn() {
        case .success(let pid): handler = pid
        case .failure(let error): return ExitRecord(end: .notStarted(error), finishedAt: Clock.now(), leftBehind: 0)
        }
        tell(HandlerTrace(handler, startedAfter: begin).line(of: attempt), record)
        var ladder = StopLadder(group: handler, grace: grace)
        let status = waitForHandler(handler, &ladder, record)
        let finishedAt = Clock.now()
        let leftBehind = ladder.leftBehind()
        if leftBehind > 0 {
            tell(AttemptRecordState.exitedLine(of: attempt, at: finishedAt), record)
            while !ladder.sweepStep() { tellOfSurvivors(&ladder, record) }
        }
        return ExitRecord(end: Self.end(ofStatus: status), finishedAt: finishedAt, leftBehind: leftBehind)
    }

    private func tellOfSurvivors(_ ladder: inout StopLadder, _ record: borrowing Descriptor) {
        guard let who = ladder.takeSurvivors() else { return }
        tell(AttemptRecordState.survivorsLine(of: attempt, who), record)
    }

    /// What helps the daemon, and what the attempt goes on without where the disk does not take it.
    private func tell(_ line: [UInt8], _ record: borrowing Descriptor) {
        do { try record.write(line) } catch {}
    }

    // MARK: Starting

    private func spawn() -> Result<pid_t, JobError> {
        var pid: pid_t = 0
        let code = workingDirectory.withCString { path in
            var setup = linux_spawn_setup()
            setup.directory = -1
            setup.directory_path = path
            return command.withPointers { arguments in
                guard let environment else { return linux_spawn(&pid, arguments[0], &setup, arguments, Glibc.environ) }
                return environment.withPointers { linux_spawn(&pid, arguments[0], &setup, arguments, $0) }
            }
        }
        if code == 0 { return .success(pid) }
        if access(workingDirectory, X_OK) != 0 {
            return .failure(Self.notStarted("it in the working directory \(workingDirectory)", errno))
        }
        return .failure(Self.notStarted(command[0], code, hint: Self.hint(command[0], code)))
    }

    private static func hint(_ program: String, _ code: Int32) -> String? {
        switch code {
        case ENOEXEC: "a script needs a first line such as #!/bin/sh"
        case ENOENT: ScriptInterpreter(of: program)?.problem(in: program)
        default: nil
        }
    }

    private static func notStarted(_ what: String, _ code: Int32, hint: String? = nil) -> JobError {
        let reason = [String(cString: strerror(code)), hint].compactMap(\.self).joined(separator: ": ")
        return JobError(
            code == ENOENT ? .handlerNotFound : .handlerFailed, "cannot start \(what): \(reason)",
            details: ["errno": JSON(code)])
    }

    // MARK: Waiting

    /// Waits until the handler has ended and returns its wait(2) status. Orders from the daemon start the ladder.
    private func waitForHandler(
        _ handler: pid_t, _ ladder: inout StopLadder, _ record: borrowing Descriptor
    ) -> Int32 {
        while true {
            var status: Int32 = 0
            if waitpid(handler, &status, WNOHANG) == handler { return status }
            // The group's leader stays a zombie until here, so the group's number cannot be anybody else's.
            var waits = [
                pollfd(fd: children.raw, events: Int16(POLLIN), revents: 0),
                pollfd(fd: AttemptFile.controlDescriptor, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&waits, nfds_t(waits.count), children.raw < 0 ? 20 : ladder.nextStepMilliseconds())
            if count > 0, waits[1].revents != 0, Self.readOrder() == .stop { ladder.begin() }
            if children.raw < 0 || waits[0].revents != 0 { children.reap(besides: handler) }
            ladder.climb()
            tellOfSurvivors(&ladder, record)
        }
    }

    private static func readOrder() -> SupervisorOrder? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = read(AttemptFile.controlDescriptor, &bytes, bytes.count)
        guard count > 0 else { return nil }
        return bytes.prefix(count).compactMap(SupervisorOrder.init(rawValue:)).first
    }

    private static func end(ofStatus status: Int32) -> AttemptEnd {
        let signal = status & 0x7F
        return signal == 0 ? .exited(Int(status >> 8 & 0xFF)) : .signalled(Int(signal))
    }

    /// Standard error is the attempt's, so that this shows in the job's log.
    private func complain(_ message: String) {
        let line = Array("\(Self.processName): \(message)\n".utf8)
        _ = Glibc.write(STDERR_FILENO, line, line.count)
    }
}
