import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Testing

@testable import SpoolClient

@Suite("How a job stands")
struct StateTests {
    private static let old = Fingerprint(size: 10, seconds: 100, nanoseconds: 1)
    private static let new = Fingerprint(size: 10, seconds: 100, nanoseconds: 2)

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let request: Fingerprint?
        let status: (request: Fingerprint, isOver: Bool)?
        let result: Fingerprint?
        let state: FileState

        init(
            _ description: String, _ request: Fingerprint?, _ status: (Fingerprint, Bool)?, _ result: Fingerprint?,
            _ state: FileState
        ) {
            testDescription = description
            self.request = request
            self.status = status
            self.result = result
            self.state = state
        }
    }

    @Test(
        "follows from which files exist, and which version of the request they are for",
        arguments: [
            Row("nothing", nil, nil, nil, .absent),
            Row("a request alone", new, nil, nil, .dropped(again: false)),
            Row("accepted", new, (new, false), nil, .active),
            Row("its request withdrawn", nil, (new, false), nil, .active),
            Row("its request changed while it runs", new, (old, false), nil, .active),
            Row("the status announces an end whose result is not there yet", new, (new, true), nil, .active),
            Row("over", new, (new, true), new, .over),
            Row("over, the status lags", new, (new, false), new, .over),
            Row("over, the status is gone", new, nil, new, .over),
            Row("over, the request is gone", nil, (new, true), new, .over),
            Row("over, only the result is left", nil, nil, new, .over),
            Row("dropped again", new, (old, true), old, .dropped(again: true)),
            Row("dropped again, the old status gone", new, nil, old, .dropped(again: true)),
            Row("dropped again while the old status lags", new, (old, false), old, .dropped(again: true)),
            Row("accepted again while the old result is being moved", new, (new, false), old, .active),
            Row(
                "accepted again soon, the old result moved, the old status not", new, (old, true), nil,
                .dropped(again: false)),
        ])
    func table(row: Row) {
        #expect(fileState(request: row.request, status: row.status, result: row.result) == row.state)
    }

    @Test("is read from the files") func fromFiles() throws {
        let spool = try TestSpool()
        let name = try JobName("219")
        #expect(throws: SpoolClientError.self) { try spool.client.status(of: name) }

        let version = try spool.drop("219")
        #expect(try spool.client.status(of: name).standingText == "dropped")
        try spool.publish(try spool.makeStatus("219", .pending, for: version))
        #expect(try spool.client.status(of: name).standing == .pending)
        try spool.publish(try spool.makeStatus("219", .running, for: version))
        #expect(try spool.client.status(of: name).standing == .running)
        try spool.end(try spool.makeStatus("219", .completed, for: version))
        #expect(try spool.client.status(of: name).standing == .completed)
    }

    @Test("of a job that is over is what its result says, whatever the status still says") func resultWins() throws {
        let spool = try TestSpool()
        let version = try spool.drop("219")
        try spool.end(try spool.makeStatus("219", .completed, for: version))
        try spool.publish(try spool.makeStatus("219", .running, for: version))
        let view = try spool.client.status(of: try JobName("219"))
        #expect(view.standing == .completed)
        #expect(view.json["status"] == "completed")
    }

    @Test("keeps what a newer daemon wrote and this program does not know") func unknownFields() throws {
        let spool = try TestSpool()
        var document = try spool.makeStatus("219", .running, for: try spool.drop("219")).json.object!
        document["colour"] = "blue"
        try spool.publish(.object(document), .status(try JobName("219")))
        #expect(try spool.client.status(of: try JobName("219")).json["colour"] == "blue")
    }

    @Test("tells what is wrong with a request that no daemon has seen") func draftProblem() throws {
        let spool = try TestSpool()
        try spool.write("{\"type\": \"a\", \"priority\": 1000}", "bad.json")
        guard case .dropped(let draft, nil) = try spool.client.status(of: try JobName("bad")).state else {
            Issue.record("not dropped")
            return
        }
        #expect(draft.problem?.details["field"] == "priority")
    }

    @Test(
        "takes nothing from a status that is a link, a directory or a FIFO", arguments: ["link", "directory", "fifo"])
    func planted(kind: String) throws {
        let spool = try TestSpool()
        let version = try spool.drop("219")
        try spool.write(try spool.makeStatus("219", .running, for: version).json.text, "elsewhere")
        switch kind {
        case "link": #expect(symlink("elsewhere", "\(spool.path)/219.status.json") == 0)
        case "directory": _ = try spool.root.makeDirectory("219.status.json", mode: 0o755)
        default: try spool.root.makeFIFO(FileName("219.status.json"))
        }
        #expect(try spool.client.status(of: try JobName("219")).standingText == "dropped")
    }

    @Test(
        "takes nothing from a result that does not belong to the user who serves the spool", .enabled(if: getuid() == 0)
    )
    func forged() throws {
        let spool = try TestSpool()
        _ = try spool.root.makeDirectory(SpoolFile.privateDirectory, mode: 0o700)
        let version = try spool.drop("219")
        try spool.end(try spool.makeStatus("219", .completed, for: version))
        try spool.publish(try spool.makeStatus("219", .running, for: version))
        #expect(chown("\(spool.path)/219.result.json", 65534, 65534) == 0)
        #expect(try spool.client.status(of: try JobName("219")).standing == .running)
    }

    @Test("of a damaged status is an error that names the file") func damaged() throws {
        let spool = try TestSpool()
        try spool.drop("219")
        try spool.write("{\"v\": 1", "219.status.json")
        let error = #expect(throws: SpoolClientError.self) { try spool.client.status(of: try JobName("219")) }
        #expect(error?.code == "DAMAGED_FILE")
        #expect(error?.message.contains("219.status.json") == true)
    }

    @Test(
        "can be asked for by name, file name or job_id", arguments: ["b", "b.json", "b.log.jsonl", TestSpool.jobID(2)])
    func reference(reference: String) throws {
        let spool = try TestSpool()
        try spool.makeJobs([("a", .completed, "x"), ("b", .running, "x"), ("c", .pending, "x")])
        #expect(try spool.client.name(for: reference) == JobName("b"))
    }

    @Test("cannot be asked for by a name that no job has", arguments: ["d", TestSpool.jobID(9), "a.b.json"])
    func unknownReference(reference: String) throws {
        let spool = try TestSpool()
        try spool.makeJobs([("a", .completed, "x")])
        let error = #expect(throws: SpoolClientError.self) { try spool.client.name(for: reference) }
        #expect(error?.code == "JOB_NOT_FOUND")
    }
}
