/// A child process with files for its input and a pipe for its output. Its standard error is this process's own. When this
/// process dies, the child finds the pipe closed and stops by itself.
import Glibc

final class OtherProcess {
    private let pid: pid_t
    private let output: Int32
    private var isOutputOpen = true

    /// - Parameters:
    ///   - input: its standard input; closed here.
    ///   - attachment: its descriptor 3; closed here.
    /// - Throws: `SystemCallError`.
    init(_ arguments: [String], input: Int32, attachment: Int32) throws(SystemCallError) {
        defer {
            close(input)
            close(attachment)
        }
        var ends: [Int32] = [-1, -1]
        try systemCall("pipe", arguments[0]) { pipe(&ends) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[1]) }
        output = ends[0]
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, descriptor) in [(STDIN_FILENO, input), (STDOUT_FILENO, ends[1]), (3, attachment)] {
            posix_spawn_file_actions_adddup2(&actions, descriptor, number)
        }
        // The thread that a job runs on blocks signals, and a child that inherited that could not be asked to stop.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let strings = arguments.map { strdup($0) }
        defer { for string in strings { free(string) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, arguments[0], &actions, &attributes, strings + [nil], environ)
        self.pid = pid
        guard code == 0 else {
            close(ends[0])
            isOutputOpen = false
            throw SystemCallError(operation: "posix_spawn", path: arguments[0], errno: code)
        }
    }

    deinit { if isOutputOpen { close(output) } }

    /// A file with these bytes that has no name, to be read from its beginning.
    static func file(_ bytes: [UInt8]) throws(SystemCallError) -> Int32 {
        let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(directory)/jobspool-XXXXXX".utf8CString)
        let file = try systemCall("mkstemp", directory) { mkstemp(&template) }
        _ = fcntl(file, F_SETFD, FD_CLOEXEC)
        unlink(template)
        var output = LineOutput(descriptor: file)
        output.write(bytes)
        if let failure = output.failure {
            close(file)
            throw failure
        }
        lseek(file, 0, SEEK_SET)
        return file
    }

    /// Hands over every line of its output, until it ends. The child is asked to stop once `isStopping` says so.
    func readLines(isStopping: () -> Bool, _ body: ([UInt8]) throws -> Void) throws {
        var pending: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var isAsked = false
        while true {
            if !isAsked, isStopping() {
                stop()
                isAsked = true
            }
            var descriptor = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            // A signal ends the waiting, and a stop is looked for at least ten times a second.
            guard poll(&descriptor, 1, 100) > 0 else { continue }
            let count = try systemCall("read", "the other handler's output") { read(output, &buffer, buffer.count) }
            if count == 0 { break }
            pending += buffer[..<count]
            while let end = pending.firstIndex(of: 0x0A) {
                let line = Array(pending[..<end])
                pending.removeSubrange(...end)
                try body(line)
            }
        }
        if !pending.isEmpty { try body(pending) }
    }

    func stop() { kill(pid, SIGTERM) }

    /// - Returns: its exit status, or 128 and the signal that ended it.
    func wait() throws -> Int32 {
        if isOutputOpen { close(output) }
        isOutputOpen = false
        var status: Int32 = 0
        try systemCall("waitpid", "the other handler") { waitpid(pid, &status, 0) }
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    }
}
