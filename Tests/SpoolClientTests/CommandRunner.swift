/// Runs the real command through a shell, so that tests can use pipes and redirections as users do.
import Glibc
import SpoolProtocol
import SpoolStorage

enum CommandRunner {
    struct Ended: Sendable {
        /// 128 and the signal's number for one that a signal ended.
        let status: Int32
        let output: String
        let diagnostics: String
    }

    struct NotStarted: Error {
        /// errno(3)
        let code: Int32
    }

    /// Beside the test program.
    static let executable: String = {
        let path = String(cString: realpath("/proc/self/exe", nil))
        return path.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/jobspool"
    }()

    /// Runs a shell command in which `jobspool` is the command and `$JOBSPOOL_DIR` the spool.
    static func run(_ script: String, in spool: String, environment: [String: String] = [:]) throws -> Ended {
        let files = try TestSpool()
        // What a sanitizer is told, ../sanitize.sh says.
        let sanitizers: [(String, String)] = ["ASAN_OPTIONS", "TSAN_OPTIONS", "LD_PRELOAD"].compactMap { name in
            getenv(name).map { (name, String(cString: $0)) }
        }
        let variables = [
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "JOBSPOOL": executable,
            "JOBSPOOL_DIR": spool, "TERM": "xterm", "LC_ALL": "C.UTF-8",
        ].merging(sanitizers) { $1 }.merging(environment) { $1 }
        let status = try spawn(
            ["/bin/bash", "-c", "jobspool() { \"$JOBSPOOL\" \"$@\"; }; \(script)"],
            variables.map { "\($0)=\($1)" }, output: "\(files.path)/out", diagnostics: "\(files.path)/err")
        return Ended(status: status, output: try files.read("out") ?? "", diagnostics: try files.read("err") ?? "")
    }

    /// posix_spawn(3) with the signals as a login has them: the threads that run tests block them all.
    private static func spawn(
        _ arguments: [String], _ environment: [String], output: String, diagnostics: String
    ) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, diagnostics, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let (argv, envp) = (arguments.map { strdup($0) } + [nil], environment.map { strdup($0) } + [nil])
        defer { for text in argv + envp { free(text) } }
        var child = pid_t()
        let code = posix_spawn(&child, arguments[0], &actions, &attributes, argv, envp)
        guard code == 0 else { throw NotStarted(code: code) }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)
    }
}
