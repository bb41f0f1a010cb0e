/// Runs scripts as a user would, in a temporary directory that holds a copy of `samples/` and an empty spool.
import Glibc
import Testing

/// The package, from the place of this file.
let package = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

struct Ended {
    /// 128 and the signal's number for one that a signal ended.
    let status: Int32
    let output: String
    let errors: String

    var lines: [String] { output.split(separator: "\n").map(String.init) }
}

final class Place: Sendable {
    let path: String

    /// Where the built executables are: beside the test program.
    private static let executables: String = {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).split(separator: "/").dropLast()
            .reduce("") { $0 + "/" + $1 }
    }()

    /// `jobspool` is the built command, `serve` starts a daemon that ends with the script.
    private static let prelude = """
        set -eu
        umask 022
        executables='\(executables)'
        jobspool() { "$executables/jobspool" "$@"; }
        others=
        serve() {
            rm -f spool/spool.status.json
            "$executables/jobspool" serve spool --types samples/types 2>daemon.log & daemon=$!
            trap 'kill -TERM $daemon $others; wait $daemon' EXIT
            until [ -e spool/spool.status.json ]; do kill -0 $daemon || { cat daemon.log >&2; exit 1; }; sleep 0.01; done
        }
        need() { command -v "$1" >/dev/null || { echo "$1 is missing: apt-get install ${2:-$1}" >&2; exit 69; }; }

        """

    init() throws {
        var template = Array("/tmp/jobspool-samples-test-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        // A clone made under umask 002 is as good: what is refused is a matter of its own.
        try #require(run("mkdir spool; cp -r '\(package)/samples' . && chmod -R go-w samples").status == 0)
    }

    deinit {
        do { _ = try run("rm -rf \"$PWD\"") } catch { Issue.record(error) }
    }

    /// Runs a script, for five minutes at most. Of one that has to end with 0 the diagnostics tell why it did not.
    func run(_ script: String) throws -> Ended {
        let files = try (0..<2).map { _ in try Self.scratch() }
        defer { for file in files { close(file) } }
        let status = try spawn(
            ["/usr/bin/timeout", "300", "/bin/bash", "-c", "cd '\(path)'\n" + Self.prelude + script], files)
        return Ended(status: status, output: Self.text(files[0]), errors: Self.text(files[1]))
    }

    /// Runs a script that has to end with 0.
    @discardableResult
    func succeed(_ script: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> [String] {
        let ended = try run(script)
        try #require(ended.status == 0, "\(script)\n\(ended.output)\(ended.errors)", sourceLocation: sourceLocation)
        return ended.lines
    }

    /// posix_spawn(3) with the signals as a login has them: the threads that run tests block them.
    private func spawn(_ arguments: [String], _ outputs: [Int32]) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for (index, file) in outputs.enumerated() { posix_spawn_file_actions_adddup2(&actions, file, Int32(index + 1)) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let strings = arguments.map { strdup($0) } + [nil]
        defer { for string in strings { free(string) } }
        var pid = pid_t()
        let code = posix_spawn(&pid, arguments[0], &actions, &attributes, strings, environ)
        try #require(code == 0, "\(arguments[0]): \(String(cString: strerror(code)))")
        var status: Int32 = 0
        while waitpid(pid, &status, 0) == -1 { try #require(errno == EINTR) }
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)
    }

    /// A file without a name, closed in children.
    private static func scratch() throws -> Int32 {
        var template = Array("/tmp/jobspool-samples-output-XXXXXX".utf8CString)
        let file = mkstemp(&template)
        try #require(file >= 0)
        _ = fcntl(file, F_SETFD, FD_CLOEXEC)
        unlink(template)
        return file
    }

    private static func text(_ file: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: Int(lseek(file, 0, SEEK_END)))
        let count = pread(file, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
