/// Old spools load for ever: files as the first version of the contract wrote them, never to be changed.
import Foundation
import JSONText
import SpoolProtocol
import Testing

@Suite("A spool of version 1")
struct FrozenSpoolTests {
    static let directory = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures/spool-v1")

    static func bytes(_ file: SpoolFile) throws -> [UInt8] {
        let name = try #require(file.fileName?.string)
        return Array(try Data(contentsOf: directory.appending(path: name)))
    }

    static func json(_ file: SpoolFile) throws -> JSON { try JSON(parsing: bytes(file)) }

    static func lines(_ file: SpoolFile) throws -> [JSON] {
        let bytes = try bytes(file)
        try #require(bytes.last == 0x0A)
        return try bytes.split(separator: 0x0A).map { try JSON(parsing: Array($0)) }
    }

    @Test("has families of files that are what their names say")
    func names() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.directory.path).sorted()
        #expect(files.count == 26)
        for file in files {
            #expect(SpoolFile(FileName(file)) != .ignored, "\(file)")
            #expect(SpoolFile(FileName(file)).fileName == FileName(file))
        }
    }

    @Test(
        "has a status for every job",
        arguments: [
            ("completed", .completed, .success), ("partial", .completed, .partial), ("failed", .failed, nil),
            ("cancelled", .cancelled, nil), ("rejected", .rejected, nil), ("pending", .pending, nil),
            ("running", .running, nil),
        ] as [(String, Standing, Outcome?)])
    func status(_ word: String, _ standing: Standing, _ outcome: Outcome?) throws {
        let json = try Self.json(.status(Samples.name(word)))
        let status = try #require(JobStatus(json: json))
        #expect(status.standing == standing)
        #expect(status.outcome == outcome)
        #expect(status.identity.name.string == word)
        #expect(status.identity.submittedBy == "anna")
        #expect(status.identity.sequence >= 41)
        #expect(status.request.nanoseconds == 250_000_000)
        #expect(status.request.size == Int64(try Self.bytes(.request(Samples.name(word))).count))
        #expect((status.startedAt == nil) == [.pending, .rejected].contains(standing))
        #expect((status.finishedAt != nil) == standing.isOver)
        #expect((status.error != nil) == [.failed, .rejected].contains(standing))
        if status.startedAt != nil {
            #expect(status.progress.percent == 66.6)
            #expect(status.progress.etaSeconds == 0.5)
            #expect(status.counts["unchanged"] == 7)
            #expect(status.checkpoint == ["after": "a/b.pdf"])
            #expect(status.recentLogs.map(\.message) == ["3 files"])
            #expect(try Self.lines(.log(Samples.name(word))).map { LogEntry(json: $0) } == status.recentLogs)
        }
        // Nothing of the file is lost on the way through this version.
        for (key, value) in json.object?.members ?? [] { #expect(status.json[key] == value, "\(key)") }
    }

    @Test(
        "has a result for every job that is over",
        arguments: ["completed", "partial", "failed", "cancelled", "rejected"])
    func result(_ word: String) throws {
        let json = try Self.json(.result(Samples.name(word)))
        let result = try #require(JobResult(json: json))
        #expect(result.attempts.count == (word == "rejected" ? 0 : 1))
        #expect(result.result == (word == "completed" ? ["files": 3, "bytes": 3072] : JSON.null))
        #expect(result.errorsTotal == (word == "partial" ? 1 : 0))
        #expect(result.errors.map(\.item) == (word == "partial" ? ["a/c.pdf"] : []))
        if word == "partial" {
            #expect(try Self.lines(.errors(Samples.name(word))).map { ItemError(json: $0) } == result.errors)
        }
        if word == "failed" { #expect(result.attempts.first?.signal == 11) }
        if word == "cancelled" { #expect(result.attempts.first?.exitStatus == 143) }
        #expect(result.status.request == JobStatus(json: try Self.json(.status(Samples.name(word))))?.request)
        for (key, value) in json.object?.members ?? [] { #expect(result.json[key] == value, "\(key)") }
    }

    @Test("has no result for a job that is not over", arguments: ["pending", "running"])
    func noResult(_ word: String) throws {
        #expect(throws: (any Error).self) { try Self.bytes(.result(Samples.name(word))) }
        #expect(JobResult(json: try Self.json(.status(Samples.name(word)))) == nil)
    }

    @Test(
        "has requests that are read, and one that is not", arguments: ["completed", "pending", "running", "rejected"])
    func request(_ word: String) throws {
        let bytes = try Self.bytes(.request(Samples.name(word)))
        guard word != "rejected" else {
            #expect(throws: JobError.self) { try Request(parsing: bytes) }
            return
        }
        let request = try Request(parsing: bytes)
        #expect(request.params["budget"]?.number?.text == "1.10")
        #expect(request.params["id"]?.number?.text == "18446744073709551616")
        #expect(request.labels == ["project": "219"])
    }

    @Test("has a feed that says where every job is")
    func events() throws {
        let lines = try Self.lines(.events)
        #expect(lines.map { $0["sequence"]?.int } == Array(1...lines.count))
        var last: [String: String] = [:]
        for line in lines {
            let kind = try #require(line["event"]?.string)
            #expect(JobEvent.Kind(rawValue: kind) != nil, "\(kind)")
            #expect(line["at"]?.string.flatMap { Timestamp($0) } != nil)
            if let name = line["name"]?.string { last[name] = line["status"]?.string }
        }
        #expect(
            last == [
                "completed": "completed", "partial": "completed", "failed": "failed", "cancelled": "cancelled",
                "rejected": "rejected", "pending": "pending", "running": "running",
            ])
    }
}
