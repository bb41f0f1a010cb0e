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
    private let command: [String]

    /// What the process is to be called: see `main`.
    package static let processName = AttemptFile.supervisorName

    /// The whole life of a supervisor; returns its exit status.
    package static func main(_ arguments: [String]) -> Int32 {
        if arguments.dropFirst().first == ForkServer.argument {
            guard let arguments = ForkServer.serve() else { return 0 }
            return main(arguments)
        }
        guard arguments.count >= 5, let grace = Double(arguments[2]) else { return HandlerExitStatus.usage }
        let supervisor = AttemptSupervisor(
            attempt: arguments[1], grace: grace, workingDirectory: arguments[3],
            command: Array(arguments.dropFirst(4)))
        return supervisor.run()
    }

    private enum HandlerExitStatus {
        static let usage: Int32 = 64
        static let ioError: Int32 = 74
    }

    private func run() -> Int32 {
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE] { Glibc.signal(signal, SIG_IGN) }
        _ = linux_become_subreaper()
        _ = linux_set_process_name(Self.processName)
        _ = fcntl(AttemptFile.controlDescriptor, F_SETFD, FD_CLOEXEC)
        do {
            let record = try Directory.open(".").open(AttemptFile.record, O_WRONLY | O_APPEND)
            try record.write(AttemptRecordState.startedLine(of: attempt, at: Clock.now()))
            try record.write(AttemptRecordState.endedLine(of: attempt, superviseHandler()))
            Self.letGo()
            return 0
        } catch {
            complain("\(error)")
            return HandlerExitStatus.ioError
        }
    }

    /// Closes the outputs, and with them the lock, before the FIFO that wakes the daemon: it need not wait for the rest of this process's end.
    private static func letGo() {
        for descriptor in 0...AttemptFile.controlDescriptor { close(descriptor) }
    }

    private func superviseHandler() -> ExitRecord {
        let handler: pid_t
        switch spawn() {
        case .success(let pid): handler = pid
        case .failure(let error): return ExitRecord(end: .notStarted(error), finishedAt: Clock.now(), leftBehind: 0)
        }
        var ladder = StopLadder(group: handler, grace: grace)
        let status = waitForHandler(handler, &ladder)
        let leftBehind = ladder.sweep()
        return ExitRecord(end: Self.end(ofStatus: status), finishedAt: Clock.now(), leftBehind: leftBehind)
    }

    // MARK: Starting

    private func spawn() -> Result<pid_t, JobError> {
        if access(workingDirectory, X_OK) != 0 {
            return .failure(Self.notStarted("it in the working directory \(workingDirectory)", errno))
        }
        var pid: pid_t = 0
        let code = workingDirectory.withCString { path in
            var setup = linux_spawn_setup()
            setup.directory = -1
            setup.directory_path = path
            return withCStringArray(command) { arguments in
                linux_spawn(&pid, command[0], &setup, arguments, Glibc.environ)
            }
        }
        return code == 0 ? .success(pid) : .failure(Self.notStarted(command[0], code))
    }

    private static func notStarted(_ what: String, _ code: Int32) -> JobError {
        let reason = String(cString: strerror(code))
        let hint = code == ENOEXEC ? ": a script needs a first line such as #!/bin/sh" : ""
        return JobError(
            code == ENOENT ? .handlerNotFound : .handlerFailed, "cannot start \(what): \(reason)\(hint)",
            details: ["errno": JSON(code)])
    }

    // MARK: Waiting

    /// Waits until the handler has ended and returns its wait(2) status. Orders from the daemon start the ladder.
    private func waitForHandler(_ handler: pid_t, _ ladder: inout StopLadder) -> Int32 {
        let ended = linux_pidfd_open(handler)
        defer { if ended >= 0 { close(ended) } }
        while true {
            var status: Int32 = 0
            if waitpid(handler, &status, WNOHANG) == handler { return status }
            // The group's leader stays a zombie until here, so the group's number cannot be anybody else's.
            var waits = [
                pollfd(fd: ended, events: Int16(POLLIN), revents: 0),
                pollfd(fd: AttemptFile.controlDescriptor, events: Int16(POLLIN), revents: 0),
            ]
            let timeout = ended < 0 ? 20 : ladder.nextStepMilliseconds()
            let count = poll(&waits, nfds_t(waits.count), timeout)
            if count > 0, waits[1].revents != 0, Self.readOrder() == .stop { ladder.begin() }
            ladder.climb()
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

/// Calls `body` with the strings as execve(2) wants them: pointers, and nil after the last.
func withCStringArray<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let pointers = strings.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    return body(pointers + [nil])
}
