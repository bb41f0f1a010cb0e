/// What the tests of the executable share: a temporary directory, a process that is fed and listened to, and a listing of
/// a tree by find(1) and sha256sum(1), which know nothing of this package.
import Glibc
import JSONText
import Testing

/// Where the built executables are: beside the test bundle.
let products: String = {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = buffer.withUnsafeMutableBytes { readlink("/proc/self/exe", $0.baseAddress!, $0.count) }
    return String(decoding: buffer[..<max(0, count)], as: UTF8.self).split(separator: "/").dropLast()
        .reduce("") { $0 + "/" + $1 }
}()

/// The package, from the place of this file.
let packageDirectory = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

/// A directory that is gone, with all its contents, when the test is over.
final class Scratch: Sendable {
    let path: String

    init(in parent: String = "/tmp") throws {
        var template = Array("\(parent)/jobspool-documents-test-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit {
        do {
            _ = try Child.run(["/bin/rm", "-rf", path])
        } catch {
            Issue.record(error)
        }
    }

    var source: String { path + "/source" }
    var target: String { path + "/target" }

    /// Runs a shell script in the directory and returns what it prints.
    @discardableResult
    func sh(_ script: String) throws -> String {
        let end = try Child.run(["/bin/bash", "-euc", "cd '\(path)'\n\(script)"])
        try #require(end.status == 0, "\(script)\n\(end.errors)")
        return end.output
    }

    /// Everything in a tree: kind, size, mode, time, link, and what is in the files.
    func listing(_ name: String) throws -> String {
        try sh(
            """
            cd \(name)
            find . -type d -printf '%P %y %m %T@\\n' -o -printf '%P %y %s %m %T@ %l\\n' | LC_ALL=C sort
            find . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum
            """)
    }

    /// The params for this directory's source and target, and more.
    func params(_ more: JSONObject = [:]) -> JSONObject {
        var params: JSONObject = ["source": .string(source), "target": .string(target)]
        for (key, value) in more.members { params[key] = value }
        return params
    }

    /// Runs `documents.sync` to its end.
    func sync(_ more: JSONObject = [:], dryRun: Bool = false, checkpoint: JSON = .null) throws -> Sync {
        let request: JSON = ["params": .object(params(more)), "dry_run": .bool(dryRun), "checkpoint": checkpoint]
        return try Sync(Child.run([products + "/jobspool-documents", "documents.sync"], input: request.text))
    }
}

/// A run of the executable that is over.
struct Sync {
    let exit: Int32
    let lines: [JSON]
    let errors: String

    init(_ end: Child.End) throws {
        exit = end.status
        lines = try end.output.utf8.split(separator: 0x0A).map { try JSON(parsing: Array($0)) }
        errors = end.errors
    }

    func of(_ type: String) -> [JSON] { lines.filter { $0["type"]?.string == type } }
    var logs: [String] { of("log").compactMap { $0["message"]?.string } }
    var result: JSON? { of("result").first?["value"] }
    var failure: JSON? { lines.last?["type"] == "failure" ? lines.last : nil }
    var itemErrors: [String] { of("error").map { "\($0["item"]?.string ?? "?") \($0["code"]?.string ?? "?")" } }

    /// "created updated skipped deleted failed" of the result.
    var counts: String {
        ["created", "updated", "skipped", "deleted", "failed"]
            .map { result?["counts"]?[$0]?.number?.text ?? "?" }.joined(separator: " ")
    }
}
