/// A directory of its own for each test, gone with the test; and what others may do in a shared one.
import Foundation
import Glibc
import SpoolProtocol
import SpoolStorage
import Synchronization

final class TemporarySpool: Sendable {
    let path: String
    let directory: Directory

    init() throws {
        var template = Array((NSTemporaryDirectory() + "/spool-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw SpoolError(.makeDirectory, "mkdtemp", code: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        chmod(path, 0o777)
        directory = try Directory.open(path)
    }

    deinit {
        do { try Tool.run(["rm", "-rf", path]) } catch { print("\(path) is left: \(error)") }
    }

    func spool(_ system: SystemCalls = .real) throws -> Spool { try Spool.open(path, system: system) }

    func write(_ text: String, _ name: String) throws {
        let file = try directory.open(FileName(name), O_WRONLY | O_CREAT | O_TRUNC)
        try file.write(Array(text.utf8))
    }

    /// nil when there is no such file; links are followed.
    func read(_ name: String) -> String? {
        FileManager.default.contents(atPath: "\(path)/\(name)").map { String(decoding: $0, as: UTF8.self) }
    }

    func names(_ inner: String = "") throws -> [String] {
        try Directory.open("\(path)/\(inner)").entries().map(\.description).sorted()
    }

    /// Makes something with a call that takes a path and returns 0.
    func make(_ name: FileName, _ call: (UnsafePointer<CChar>) -> Int32) throws {
        let bytes = Array("\(path)/".utf8) + name.bytes + [0]
        let result = bytes.withUnsafeBytes { call($0.baseAddress!.assumingMemoryBound(to: CChar.self)) }
        if result != 0 { throw SpoolError(.open, path, code: errno) }
    }

    func link(to target: String, _ name: String) throws { try make(FileName(name)) { symlink(target, $0) } }

    /// Gives a file to `nobody`; only root can.
    func giveAway(_ name: String) throws { try make(FileName(name)) { lchown($0, 65534, 65534) } }
}

/// Makes the N-th system call fail, or every one from the N-th on.
final class Fault: Sendable {
    private let state = Mutex<(calls: Int, target: Int)>((0, 0))
    private let code: Int32
    private let lasts: Bool
    private let operation: SystemOperation?

    init(_ code: Int32, lasts: Bool = false, only operation: SystemOperation? = nil) {
        self.code = code
        self.lasts = lasts
        self.operation = operation
    }

    /// From now on, the N-th call from here on fails; 0 is none.
    func fail(at target: Int) { state.withLock { $0 = (0, target) } }

    /// Counts a call; returns its number.
    func count() -> Int {
        state.withLock { state in
            state.calls += 1
            return state.calls
        }
    }

    /// Whether the call that was to fail has been made.
    var hasFailed: Bool { state.withLock { $0.target > 0 && $0.calls >= $0.target } }

    var system: SystemCalls {
        SystemCalls { [self] operation, _ in
            guard self.operation.map({ $0 == operation }) ?? true else { return nil }
            return state.withLock { state in
                state.calls += 1
                let fails = state.target > 0 && (lasts ? state.calls >= state.target : state.calls == state.target)
                return fails ? code : nil
            }
        }
    }
}

/// Other programs, as other processes.
enum Tool {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The exit status of a program; 127 where there is none of this name.
    @discardableResult
    static func status(_ command: [String]) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        try process.run()
        process.waitUntilExit()
        if process.terminationStatus == 127 { throw Failure(description: "\(command[0]) is missing: install it") }
        return process.terminationStatus
    }

    static func run(_ command: [String]) throws {
        let status = try status(command)
        if status != 0 { throw Failure(description: "\(command) failed with exit status \(status)") }
    }
}
