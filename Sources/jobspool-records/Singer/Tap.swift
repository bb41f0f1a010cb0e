/// A command that runs beside the job, in a process group of its own: lines of its standard output are read as they come, and what
/// it says on standard error goes to the job's log. It is stopped with everything that it started.
import Glibc
import JSONText
import JobHandler

final class Tap {
    private let job: Job
    private let name: String
    private let process: pid_t
    private let output: Int32
    private let errors: ErrorPipe
    private var status: Int32?
    private lazy var lines = FileBuffer(pipe: output, name: name) { [unowned self] in try wait() }

    /// Milliseconds after which somebody who waits looks whether the job is to stop.
    private static let patience: Int32 = 100
    /// Hundredths of a second between TERM and KILL.
    private static let grace = 500

    /// - Throws: `JobFailure` when the program cannot be started.
    init(_ arguments: [String], _ job: Job) throws {
        self.job = job
        name = arguments[0]
        let (output, errors) = (try Pipe(), try Pipe())
        defer { for end in [output.writer, errors.writer] { close(end) } }
        self.output = output.reader
        self.errors = ErrorPipe(errors.reader)
        process = try Self.spawn(arguments, output: output.writer, errors: errors.writer)
    }

    private static func spawn(_ arguments: [String], output: Int32, errors: Int32) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // What the job ignores is not to be ignored by others: writing to a closed pipe ends them.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF))
        let strings = arguments.map { strdup($0) }
        defer { for string in strings { free(string) } }
        var process: pid_t = 0
        let code = posix_spawnp(&process, arguments[0], &actions, &attributes, strings + [nil], environ)
        guard code == 0 else {
            throw JobFailure(
                "COMMAND_NOT_STARTED",
                "the command \(arguments[0]) cannot be started: \(String(cString: strerror(code)))",
                details: ["command": .string(arguments[0])])
        }
        return process
    }

    /// The next line; valid until the next call. nil at the end of the output.
    /// - Throws: `JobStopped`, or `JobFailure` when the command fails.
    func nextLine() throws -> UnsafeBufferPointer<UInt8>? {
        if let line = try lines.nextLine() { return line }
        try finish()
        return nil
    }

    /// Waits until there is output, or its end.
    private func wait() throws {
        while true {
            try job.checkStopping()
            var polled = [pollfd(fd: output, events: Int16(POLLIN), revents: 0), errors.polled]
            if poll(&polled, 2, Self.patience) <= 0 { continue }
            if polled[1].revents != 0 { try errors.log(to: job) }
            if polled[0].revents != 0 { return }
        }
    }

    /// The output is over: the command has to end well.
    private func finish() throws {
        while !hasExited() {
            try job.checkStopping()
            var polled = [errors.polled]
            if poll(&polled, 1, Self.patience / 10) > 0 { try errors.log(to: job) }
        }
        // What it said last. Somebody that it left behind may hold the pipe open, and is not waited for.
        var polled = [errors.polled]
        while poll(&polled, 1, 0) > 0 {
            try errors.log(to: job)
            polled = [errors.polled]
        }
        guard let status, status != 0 else { return }
        let end = status & 0x7F == 0 ? "with exit status \(status >> 8 & 0xFF)" : "by signal \(status & 0x7F)"
        throw JobFailure(
            "COMMAND_FAILED", "the command \(name) ended \(end): the log has what it said",
            // Why it failed is not known: what it reads from may be there the next time.
            details: ["command": .string(name)], exit: .temporary)
    }

    private func hasExited() -> Bool {
        if status != nil { return true }
        var status: Int32 = 0
        guard waitpid(process, &status, WNOHANG) == process else { return false }
        self.status = status
        return true
    }

    /// Ends the command and everything in its group.
    func stop() {
        kill(-process, SIGTERM)
        for _ in 0..<Self.grace {
            // The group is empty once its last member is gone and the command itself is waited for.
            if hasExited(), kill(-process, 0) != 0 { return }
            usleep(10_000)
        }
        kill(-process, SIGKILL)
        while !hasExited() { usleep(1000) }
    }
}

private struct Pipe {
    let reader: Int32
    let writer: Int32

    init() throws(SystemCallError) {
        var ends: [Int32] = [0, 0]
        try systemCall("pipe", "a pipe") { pipe(&ends) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (reader, writer) = (ends[0], ends[1])
    }
}

/// What a command says on standard error, line by line.
private final class ErrorPipe {
    private let reader: Int32
    private var isAtEnd = false
    private var line: [UInt8] = []

    /// Bytes of a line at the most; what is longer is cut.
    private static let limit = 8192

    init(_ reader: Int32) { self.reader = reader }
    deinit { close(reader) }

    /// To be polled; nothing at the end.
    var polled: pollfd { pollfd(fd: isAtEnd ? -1 : reader, events: Int16(POLLIN), revents: 0) }

    /// Reads what is there and logs the lines that are complete.
    func log(to job: Job) throws {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let reader = reader
        let count = try bytes.withUnsafeMutableBytes { buffer in
            try systemCall("read", "a pipe") { Glibc.read(reader, buffer.baseAddress!, buffer.count) }
        }
        isAtEnd = count == 0
        for byte in bytes[..<count] where byte != 0x0D {
            if byte == 0x0A {
                flush(to: job)
            } else if line.count < Self.limit {
                line.append(byte)
            }
        }
        if isAtEnd { flush(to: job) }
    }

    private func flush(to job: Job) {
        if !line.isEmpty { job.log(String(decoding: line, as: UTF8.self).printable()) }
        line.removeAll()
    }
}
