import JSONText
import Testing

@testable import JobHandler

@Suite struct RequestTests {
    @Test func everyMemberOfARequestIsRead() throws {
        let text = """
            {"v": 1, "job_id": "6f9619ff", "name": "219", "type": "documents.sync", "params": {"path": "a", "n": 1.10},
             "dry_run": true, "attempt": 3, "checkpoint": {"processed": 12}, "scheduled_at": "2026-01-07T13:33:12.000Z"}
            """
        let request = try JobRequest(parsing: Array(text.utf8))
        #expect(request.jobID == "6f9619ff")
        #expect(request.name == "219")
        #expect(request.type == "documents.sync")
        #expect(request.params["n"]?.number?.text == "1.10")
        #expect(request.dryRun)
        #expect(request.attempt == 3)
        #expect(request.checkpoint == ["processed": 12])
        #expect(request.scheduledAt == "2026-01-07T13:33:12.000Z")
    }

    @Test func aRequestByHandNeedsParamsAtMost() throws {
        #expect(try JobRequest(parsing: Array("{}".utf8)) == JobRequest())
    }

    @Test func membersOfANewerDaemonAreIgnored() throws {
        #expect(try JobRequest(parsing: Array(#"{"trace": [1], "checkpoint": null}"#.utf8)) == JobRequest())
    }

    @Test(arguments: [
        (#"{"params": []}"#, "`params` must be an object, not an array"),
        (#"{"attempt": 0}"#, "`attempt` must be an integer from 1"),
        (#"{"dry_run": "yes"}"#, "`dry_run` must be true or false, not \"yes\""),
        (#"{"v": 2}"#, "`v` is 2, and this handler reads version 1"),
        ("[]", "must be an object, not an array"),
        ("{", "line 1, column 2"),
    ])
    func aWrongRequestIsRefusedWithThePlace(text: String, message: String) throws {
        let failure = try #require(throws: JobFailure.self) { try JobRequest(parsing: Array(text.utf8)) }
        #expect(failure.code == "INVALID_REQUEST")
        #expect(failure.exit == .invalidParams)
        #expect(failure.message.contains(message))
    }
}
