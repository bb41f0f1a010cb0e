/// `retry_of`: only what failed in another job is looked at, whose errors file is found by the job's name.
import JSONText
import Testing

@Suite struct RetryTests {
    private let scratch: Scratch
    /// The errors file of a run of which lines 3 and 4 failed.
    private let errors: String

    init() throws {
        scratch = try Scratch()
        try scratch.write("a.csv", "id,n\n1,1\n2\n,3\n4,4\n5,5\n")
        let run = try scratch.sync("a.csv")
        #expect(run.itemErrors == ["line 3 WRONG_FIELD_COUNT", "line 4 NO_KEY"])
        errors = run.of("error").map { $0.text + "\n" }.joined()
        try scratch.write("a.csv", "id,n\n1,changed\n2,2\n3,3\n4,changed\n5,changed\n")
    }

    /// The files of a run that is over.
    private func end(_ name: String, in directory: String, failed: Int, _ errors: String?) throws {
        try scratch.sh("mkdir -p 'spool/\(directory)'")
        try scratch.write("spool/\(directory)/\(name).result.json", "{\n  \"errors_total\": \(failed)\n}\n")
        if let errors { try scratch.write("spool/\(directory)/\(name).errors.jsonl", errors) }
    }

    private func retry(_ name: String, spool: Bool = true) throws -> Run {
        let params = scratch.params(["source": .string("\(scratch.path)/a.csv"), "retry_of": .string(name)])
        if !spool { return try scratch.run("records.sync", params) }
        let request: JSON = ["type": "records.sync", "params": .object(params)]
        return try Run(
            Child.run(
                ["/usr/bin/env", "JOBSPOOL_SPOOL_DIR=\(scratch.path)/spool", products + "/jobspool-records"],
                input: request.text))
    }

    @Test func aJobInTheSpoolIsFoundByItsName() throws {
        try end("first", in: "", failed: 3, errors + "{\"item\": \"5\"}\n")
        let run = try retry("first")
        #expect(run.counts == "2 1 0 0 0")
        #expect(run.exit == 0)
        #expect(run.logs.contains("Retrying 3 items of \(scratch.path)/spool/first.errors.jsonl"))
        #expect(try scratch.sql("SELECT id, n FROM t ORDER BY id") == "1|1\n2|2\n3|3\n4|4\n5|changed")
    }

    @Test func ofAnArchivedJobTheLastRunCounts() throws {
        try end("go*ne", in: "archive/2026/01/02/go*ne~2", failed: 1, "{\"item\": \"5\"}\n")
        try end("go*ne", in: "archive/2026/01/01/go*ne~3", failed: 2, errors)
        try end("goone", in: "archive/2026/01/03/goone~4", failed: 2, errors)
        try end("go*ne", in: "archive/2026/01/02/go*ne~1", failed: 2, errors)
        try scratch.sh("touch -d 2026-01-01 'spool/archive/2026/01/02/go*ne~1/go*ne.result.json'")
        #expect(try retry("go*ne").counts == "0 1 0 0 0")
        #expect(try scratch.sql("SELECT n FROM t WHERE id = '5'") == "changed")
    }

    /// The name's next run is at work, or is this one itself.
    @Test func aRunThatIsNotOverDoesNotCount() throws {
        try end("again", in: "archive/2026/01/02/again~1", failed: 2, errors)
        try scratch.write("spool/again.errors.jsonl", "{\"item\": \"5\"}\n")
        #expect(try retry("again").counts == "2 0 0 0 0")
    }

    @Test func whereNoItemFailedThereIsNothingToRetry() throws {
        try end("fine", in: "", failed: 0, nil)
        // An earlier run's errors have been dealt with.
        try end("fine", in: "archive/2026/01/02/fine~1", failed: 2, errors)
        let run = try retry("fine")
        #expect(run.exit == 0)
        #expect(run.logs == ["Nothing to retry: no item of fine failed"])
        #expect(run.counts == "0 0 0 0 0")
        #expect(try scratch.sql("SELECT count(*) FROM t WHERE n = 'changed'") == "0")
    }

    @Test func aJobThatIsNotThereIsAnError() throws {
        try end("lost", in: "", failed: 2, nil)
        try scratch.sh("mkdir -p spool/archive/2026/01/02; ln -s lost.result.json spool/link.result.json")
        for name in ["none", "lost", "link"] {
            let run = try retry(name)
            #expect(run.exit == 1)
            #expect(run.failure?["code"] == "ERRORS_MISSING")
        }
        #expect(try retry("lost").failure?["message"]?.string?.contains("2 items of lost failed") ?? false)
    }

    @Test(arguments: ["../outside/first", "..", ".hidden", "archive/2026/01/02/first~1/first", "/etc/passwd", "a\nb"])
    func whatLeadsElsewhereIsNoName(name: String) throws {
        try end("first", in: "../outside", failed: 2, errors)
        let run = try retry(name)
        #expect(run.exit == 64)
        #expect(run.failure?["details"]?["field"] == "params.retry_of")
    }

    @Test func whatTheSourceDoesNotHaveIsAnError() throws {
        try end(
            "first", in: "", failed: 4, errors + "{\"item\": \"gone\"}\n{\"item\": \"line 9\"}\n{\"item\": \"gone\"}\n")
        let run = try retry("first")
        #expect(run.itemErrors == ["gone NOT_FOUND", "line 9 NOT_FOUND"])
        #expect(run.counts == "2 0 0 0 2")
        #expect(run.logs.last?.hasPrefix("Sync finished with errors: 2/4 operations successful") == true)
        try end("second", in: "", failed: 1, "{\"item\": \"gone\"}\n")
        #expect(try retry("second").failure?["code"] == "TOO_MANY_ERRORS", "as always when every item failed")
    }

    /// What a limit left may be what is missing.
    @Test func whatWasNotReadIsNotMissing() throws {
        try end("first", in: "", failed: 2, errors)
        let params = scratch.params([
            "source": .string("\(scratch.path)/a.csv"), "limit": 1,
            "retry_of": .string("\(scratch.path)/spool/first.errors.jsonl"),
        ])
        #expect(try scratch.run("records.sync", params).counts == "1 0 0 0 0")
    }

    /// A retry of what is there leaves nothing that another job would have to read again.
    @Test func anEarlyStopIsPossibleAfterARetryThatFailed() throws {
        try scratch.sync("a.csv")
        try end("first", in: "", failed: 1, "{\"item\": \"gone\"}\n")
        #expect(try retry("first").exit == 1)
        #expect(try scratch.sync("a.csv", ["stop_after_unchanged": 2]).counts == "0 0 2 0 0")
    }

    @Test func whereADeletionFailedTheRemedyIsTold() throws {
        _ = try scratch.sql(
            "CREATE TRIGGER held BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'it is referred to'); END")
        try scratch.write("a.csv", "id,n\n2,2\n3,3\n4,4\n5,5\n")
        let mirror: JSONObject = ["mode": "mirror", "max_delete_percent": 100]
        let first = try scratch.sync("a.csv", mirror)
        #expect(first.itemErrors == ["1 REFUSED"])
        try scratch.write("errors.jsonl", first.of("error").map { $0.text + "\n" }.joined())
        var again = mirror
        again["retry_of"] = .string("\(scratch.path)/errors.jsonl")
        let run = try scratch.sync("a.csv", again)
        #expect(run.itemErrors == ["1 NOT_FOUND"])
        #expect(run.of("error").first?["message"]?.string?.contains("a mirror without `retry_of` deletes it") == true)
        #expect(run.exit == 1)
    }

    @Test func byHandAPathIsNeeded() throws {
        try end("first", in: "", failed: 2, errors)
        #expect(try retry("first", spool: false).failure?["details"]?["field"] == "params.retry_of")
        #expect(try retry("\(scratch.path)/spool/first.errors.jsonl", spool: false).counts == "2 0 0 0 0")
    }
}
