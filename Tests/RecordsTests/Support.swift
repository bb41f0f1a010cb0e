/// What the tests of the executable share: a temporary directory, runs of the executable, and what sqlite3(1), which knows
/// nothing of this package, says of the target.
import Glibc
import JSONText
import TestSupport
import Testing

/// Where the built executables are: beside the test bundle.
let products: String = {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = buffer.withUnsafeMutableBytes { readlink("/proc/self/exe", $0.baseAddress!, $0.count) }
    return String(decoding: buffer[..<max(0, count)], as: UTF8.self).split(separator: "/").dropLast()
        .reduce("") { $0 + "/" + $1 }
}()

/// A directory that is gone, with all its contents, when the test is over.
final class Scratch: Sendable {
    let path: String

    init() throws {
        try needDescriptors()
        var template = Array("/tmp/jobspool-records-test-XXXXXX".utf8CString)
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

    /// Runs a shell script in the directory and returns what it prints.
    @discardableResult
    func sh(_ script: String) throws -> String {
        let end = try Child.run(["/bin/bash", "-euc", "cd '\(path)'\n\(script)"])
        try #require(end.status == 0, "\(script)\n\(end.errors)")
        return end.output
    }

    /// What sqlite3(1) answers, without the last line break.
    @discardableResult
    func sql(_ query: String, in database: String = "target.db") throws -> String {
        let end = try Child.run(["/usr/bin/sqlite3", "\(path)/\(database)", query])
        try #require(end.status == 0, "\(query)\n\(end.errors)")
        return String(end.output.utf8.last == 0x0A ? end.output.dropLast() : end.output[...])
    }

    func write(_ name: String, _ content: String) throws {
        let file = try #require(fopen("\(path)/\(name)", "w"))
        defer { fclose(file) }
        try #require(fwrite(content, 1, content.utf8.count, file) == content.utf8.count)
    }

    /// The params of a sync into the table `t` of target.db, with the key `id`.
    func params(_ more: JSONObject) -> JSONObject {
        var params: JSONObject = [
            "target": ["sqlite": .string("\(path)/target.db"), "table": "t"], "key": "id",
        ]
        for (key, value) in more.members { params[key] = value.isNull ? nil : value }
        return params
    }

    /// Runs `records.sync` to its end.
    @discardableResult
    func sync(_ more: JSONObject, type: String = "", dryRun: Bool = false, job: String = "") throws -> Run {
        try run("records.sync", params(more), as: type, dryRun: dryRun, job: job)
    }

    /// The same, from a file of this directory.
    @discardableResult
    func sync(
        _ file: String, _ more: JSONObject = [:], type: String = "", dryRun: Bool = false, job: String = ""
    ) throws -> Run {
        var params = more
        params["source"] = .string("\(path)/\(file)")
        return try sync(params, type: type, dryRun: dryRun, job: job)
    }

    /// - Parameter name: of a type that extends this one.
    func run(
        _ type: String, _ params: JSONObject, as name: String = "", dryRun: Bool = false, job: String = ""
    ) throws -> Run {
        let request: JSON = [
            "type": .string(name), "params": .object(params), "dry_run": .bool(dryRun), "job_id": .string(job),
        ]
        return try Run(Child.run([products + "/jobspool-records", type], input: request.text))
    }
}

/// A run of the executable that is over.
struct Run {
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
