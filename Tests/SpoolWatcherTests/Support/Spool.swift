/// A temporary spool with its private directory, and the plain system calls that clients use on it. Gone with its owner.
import Glibc
import SpoolProtocol
import Testing

final class Spool: Sendable {
    /// Holds the spool, so that the spool itself can be moved away.
    let base: String
    let path: String
    let privateDirectory: String

    /// Floods go to `quickDirectory`.
    init(in parent: String = "/tmp") throws {
        var template = Array("\(parent)/spool-watcher-test-XXXXXX".utf8CString)
        base = try #require(mkdtemp(&template).map { String(cString: $0) })
        path = base + "/spool"
        privateDirectory = base + "/private"
        for directory in [path, privateDirectory] { try check(mkdir(directory, 0o700), directory) }
    }

    deinit {
        do { try run("/bin/rm", "-rf", base) } catch { Issue.record(error, "the temporary spool stays") }
    }

    func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    /// A file beside the spool, on the same file system.
    func outside(_ name: String) -> String { "\(base)/\(name)" }
}

/// Creates or truncates, writes and closes.
func write(_ text: String = "{}", to path: String, flags: Int32 = O_CREAT | O_TRUNC) throws {
    let file = try check(open(path, O_WRONLY | O_CLOEXEC | flags, 0o644), path)
    defer { close(file) }
    try check(Int32(write(file, text, text.utf8.count)), path)
}

@discardableResult
func check(_ result: Int32, _ what: String) throws -> Int32 {
    guard result >= 0 else { throw CallFailed(what: what, reason: String(cString: strerror(errno))) }
    return result
}

struct CallFailed: Error {
    let what: String
    let reason: String
}

/// Runs a program to its end; it must succeed.
func run(_ arguments: String...) throws {
    var argv = arguments.map { strdup($0) } + [nil]
    defer { for argument in argv { free(argument) } }
    var child = pid_t()
    try check(-posix_spawn(&child, arguments[0], nil, nil, &argv, environ), arguments[0])
    var status: Int32 = 0
    try check(waitpid(child, &status, 0), arguments[0])
    guard status == 0 else { throw CallFailed(what: arguments.joined(separator: " "), reason: "status \(status)") }
}
