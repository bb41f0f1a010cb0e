/// What the tests of the executable share: a temporary directory, runs of the executable, and what Python's sqlite3, which
/// knows nothing of this package, finds in the databases.
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

/// A directory that is gone, with all its contents, when the test is over.
final class Scratch: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/jobspool-library-test-XXXXXX".utf8CString)
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

    /// Runs a Python program in the directory and returns what it prints.
    @discardableResult
    func python(_ program: String) throws -> String {
        try write("program.py", program)
        return try sh("python3 program.py")
    }

    func write(_ name: String, _ content: String) throws {
        try sh("mkdir -p \"$(dirname '\(name)')\"")
        let file = try #require(fopen("\(path)/\(name)", "w"))
        defer { fclose(file) }
        try #require(fwrite(content, 1, content.utf8.count, file) == content.utf8.count)
    }

    /// The rows that a query finds, columns separated by `|`.
    @discardableResult
    func sql(_ query: String, in database: String = "cache.db") throws -> [String] {
        let output = try python(
            """
            import sqlite3
            with sqlite3.connect('\(database)') as db:
                for row in db.execute(\"\"\"\(query)\"\"\"): print(*row, sep='|')
            """)
        return output.split(separator: "\n").map(String.init)
    }

    /// Everything that a database holds, as far as it means anything: how FTS5 lays its index out does not, so that it is asked
    /// whether it is in order instead.
    func dump(_ database: String) throws -> String {
        try python(
            """
            import sqlite3
            db = sqlite3.connect('\(database)')
            db.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
            for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'words_%' ORDER BY name"):
                rows = db.execute(f"SELECT {'rowid, *' if name == 'words' else '*'} FROM {name}").fetchall()
                print(name, *sorted(rows, key=repr), sep='\\n  ')
            """)
    }

    /// Runs a job type of jobspool-library to its end.
    func run(_ type: String, _ params: JSONObject, dryRun: Bool = false, checkpoint: JSON = .null) throws -> Run {
        try Run(Child.run([products + "/jobspool-library", type], input: request(params, dryRun, checkpoint)))
    }

    func request(_ params: JSONObject, _ dryRun: Bool = false, _ checkpoint: JSON = .null) -> String {
        let request: JSON = ["params": .object(params), "dry_run": .bool(dryRun), "checkpoint": checkpoint]
        return request.text
    }

    /// Runs `cache.refresh` of what is in `own` into cache.db.
    func refresh(_ more: JSONObject = [:], dryRun: Bool = false, checkpoint: JSON = .null) throws -> Run {
        try run("cache.refresh", refreshParams(more), dryRun: dryRun, checkpoint: checkpoint)
    }

    func refreshParams(_ more: JSONObject = [:]) -> JSONObject {
        var params: JSONObject = ["cache": .string(path + "/cache.db"), "roots": [.string(path + "/own")]]
        for (key, value) in more.members { params[key] = value.isNull ? nil : value }
        return params
    }

    /// Runs `documents.index` of what is in `documents` into index.db.
    func index(_ more: JSONObject = [:], dryRun: Bool = false) throws -> Run {
        try run("documents.index", indexParams(more), dryRun: dryRun)
    }

    func indexParams(_ more: JSONObject = [:]) -> JSONObject {
        var params: JSONObject = ["index": .string(path + "/index.db"), "directory": .string(path + "/documents")]
        for (key, value) in more.members { params[key] = value.isNull ? nil : value }
        return params
    }
}

/// A run of an executable that is over.
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
    var counts: String { Self.counts(result) }

    static func counts(_ result: JSON?) -> String {
        ["created", "updated", "skipped", "deleted", "failed"]
            .map { result?["counts"]?[$0]?.number?.text ?? "?" }.joined(separator: " ")
    }
}
