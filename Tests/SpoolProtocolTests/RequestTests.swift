/// Requests: every field, what is wrong with it, and where.
import JSONText
import SpoolProtocol
import Testing

@Suite("A request")
struct RequestTests {
    static let full = """
        {
          "v": 1,
          "type": "documents.sync",
          "description": "Sync project 219 documents",
          "params": {"path": "Projects/219", "n": 18446744073709551616, "price": 1.10},
          "dry_run": true,
          "on_busy": "join",
          "priority": -100,
          "not_before": "2026-01-07T13:33:12+01:00",
          "after": ["218", "217"],
          "timeout_seconds": 0.5,
          "retry": {"max_attempts": 3, "backoff_seconds": 1.5},
          "labels": {"project": "219", "who": ""}
        }
        """

    @Test("is read with every field")
    func read() throws {
        let request = try Request(parsing: Array(Self.full.utf8))
        #expect(request.type == JobType("documents.sync"))
        #expect(request.description == "Sync project 219 documents")
        #expect(JSON.object(request.params).text == #"{"path":"Projects/219","n":18446744073709551616,"price":1.10}"#)
        #expect(request.dryRun)
        #expect(request.onBusy == .join)
        #expect(request.priority == -100)
        #expect(request.notBefore?.description == "2026-01-07T12:33:12.000Z")
        #expect(request.after == [try JobName("218"), try JobName("217")])
        #expect(request.timeoutSeconds == 0.5)
        #expect(request.retry == RetryPolicy(maxAttempts: 3, backoffSeconds: 1.5))
        #expect(request.labels == ["project": "219", "who": ""])
    }

    @Test(
        "needs a type alone; null is as good as absent",
        arguments: [
            #"{"type":"t"}"#,
            #"{"v":null,"type":"t","description":null,"params":null,"dry_run":null,"on_busy":null,"priority":null,"not_before":null,"after":null,"timeout_seconds":null,"retry":null,"labels":null}"#,
        ])
    func defaults(_ text: String) throws {
        let request = try Request(parsing: Array(text.utf8))
        #expect(request == Request(type: try #require(JobType("t"))))
        #expect(request.json.text == #"{"type":"t"}"#)
    }

    @Test("is read back as it was written")
    func roundTrip() throws {
        let request = try Request(parsing: Array(Self.full.utf8))
        let again = try Request(parsing: request.json.indented)
        #expect(again == request)
        #expect(again.json.text == request.json.text)
        #expect(JSON.object(again.params).text.contains("1.10"))
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        /// The member, which stands on line 2.
        let member: String
        let field: String
        let column: Int
        let problem: String

        init(_ member: String, _ field: String, _ problem: String, column: Int = 3) {
            self.member = member
            self.field = field
            self.column = column
            self.problem = problem
        }

        var testDescription: String { member }
    }

    @Test("that is wrong says which field, where and why", arguments: wrongRequests)
    func refused(_ wrong: Wrong) {
        let type = wrong.member.hasPrefix("\"type\"") ? "" : ",\n  \"type\": \"t\""
        let text = "{\n  \(wrong.member)\(type)\n}\n"
        let error = #expect(throws: JobError.self) { try Request(parsing: Array(text.utf8)) }
        #expect(error?.code == "INVALID_REQUEST")
        #expect(
            error?.message.hasPrefix("line 2, column \(wrong.column): `\(wrong.field)` ") == true,
            "\(error?.message ?? "")")
        #expect(error?.message.contains(wrong.problem) == true, "\(error?.message ?? "")")
        #expect(
            error?.details == ["field": .string(wrong.field), "line": 2, "column": JSON(wrong.column)],
            "\(error?.details.members.description ?? "")")
    }

    static let wrongRequests: [Wrong] = [
        Wrong("\"v\": 2", "v", "is 2: this daemon knows version 1 only"),
        Wrong("\"v\": \"1\"", "v", "must be an integer, not \"1\""),
        Wrong("\"v\": 1.0", "v", "must be an integer, not 1.0"),
        Wrong("\"type\": 5", "type", "must be a string, not 5"),
        Wrong("\"type\": \"a b\"", "type", "is no type's name"),
        Wrong("\"type\": \"\"", "type", "is no type's name"),
        Wrong("\"type\": \"../x\"", "type", "is no type's name"),
        Wrong("\"description\": []", "description", "must be a string, not an array"),
        Wrong("\"params\": []", "params", "must be an object, not an array"),
        Wrong("\"params\": \"{}\"", "params", "must be an object, not \"{}\""),
        Wrong("\"dry_run\": \"yes\"", "dry_run", "must be true or false, not \"yes\""),
        Wrong("\"dry_run\": 1", "dry_run", "must be true or false, not 1"),
        Wrong("\"on_busy\": \"wait\"", "on_busy", "\"queue\", \"reject\", \"join\", \"replace\", not \"wait\""),
        Wrong("\"on_busy\": true", "on_busy", "not true"),
        Wrong("\"priority\": 101", "priority", "must be an integer from -100 to 100, not 101"),
        Wrong("\"priority\": -101", "priority", "not -101"),
        Wrong("\"priority\": 0.5", "priority", "not 0.5"),
        Wrong("\"priority\": 18446744073709551616", "priority", "not 18446744073709551616"),
        Wrong("\"priority\": \"high\"", "priority", "not \"high\""),
        Wrong("\"not_before\": \"tomorrow\"", "not_before", "is no RFC 3339 time"),
        Wrong("\"not_before\": 1767792792", "not_before", "must be a string"),
        Wrong("\"after\": \"218\"", "after", "must be an array of strings, not \"218\""),
        Wrong("\"after\": [\"217\", 218]", "after", "element 2 is a number"),
        Wrong("\"after\": [\"a/b\"]", "after", "names no job: \"a/b\" has a slash"),
        Wrong("\"after\": [\"\"]", "after", "names no job"),
        Wrong("\"timeout_seconds\": 0", "timeout_seconds", "must be above 0"),
        Wrong("\"timeout_seconds\": -0", "timeout_seconds", "must be above 0"),
        Wrong("\"timeout_seconds\": -1", "timeout_seconds", "must be a number from 0 to 315360000, not -1"),
        Wrong("\"timeout_seconds\": 315360001", "timeout_seconds", "must be a number from 0 to 315360000"),
        Wrong("\"timeout_seconds\": 1e400", "timeout_seconds", "not 1e400"),
        Wrong("\"timeout_seconds\": \"5m\"", "timeout_seconds", "not \"5m\""),
        Wrong("\"retry\": 3", "retry", "must be an object, not 3"),
        Wrong("\"retry\": {\"max_attempts\": 0}", "retry.max_attempts", "from 1 to 100, not 0", column: 13),
        Wrong("\"retry\": {\"max_attempts\": 101}", "retry.max_attempts", "not 101", column: 13),
        Wrong(
            "\"retry\": {\"max_attempts\": 2, \"backoff_seconds\": -1}", "retry.backoff_seconds",
            "must be a number from 0 to 86400, not -1", column: 32),
        Wrong(
            "\"retry\": {\"max_attempt\": 2}", "retry.max_attempt",
            "is not a known field; did you mean `max_attempts`?", column: 13),
        Wrong("\"labels\": []", "labels", "must be an object, not an array"),
        Wrong("\"labels\": {\"a\": \"x\", \"b\": 5}", "labels.b", "must be a string, not a number", column: 24),
        Wrong("\"labels\": {\"a\": null}", "labels.a", "must be a string, not null", column: 14),
        Wrong("\"tpye\": \"t\"", "tpye", "is not a known field; did you mean `type`?"),
        Wrong("\"Type\": \"t\"", "Type", "did you mean `type`?"),
        Wrong("\"dryrun\": true", "dryrun", "did you mean `dry_run`?"),
        Wrong("\"param\": {}", "param", "did you mean `params`?"),
        Wrong("\"timeout_second\": 1", "timeout_second", "did you mean `timeout_seconds`?"),
        Wrong("\"colour\": 1", "colour", "is not a known field. The known fields are after, description,"),
        Wrong("\"\": 1", "", "is not a known field"),
    ]

    @Test(
        "without a type says so",
        arguments: [
            (#"{}"#, "type"), (#"{"type": null, "params": {}}"#, "type"),
            (#"{"type": "t", "retry": {"backoff_seconds": 1}}"#, "retry.max_attempts"),
        ])
    func missing(_ text: String, _ field: String) {
        let error = #expect(throws: JobError.self) { try Request(parsing: Array(text.utf8)) }
        #expect(error?.message.contains("`\(field)` is missing: ") == true, "\(error?.message ?? "")")
        #expect(error?.details["field"] == .string(field))
    }

    @Test(
        "that is no JSON object says where it goes wrong",
        arguments: [
            ("{\"type\": \"t\",}", 1, 14, false), ("{\"type\":\n \"t\"", 2, 5, true), ("", 1, 1, true),
            ("{\"type\": \"t\"} x", 1, 15, false), ("\u{FEFF}{}", 1, 1, false), ("[]", 1, 1, false),
            ("null", 1, 1, false), ("\"t\"", 1, 1, false), ("{\"type\": \"t\", \"type\": \"u\"}", 1, 15, false),
        ])
    func noObject(_ text: String, _ line: Int, _ column: Int, _ truncated: Bool) {
        let error = #expect(throws: JobError.self) { try Request(parsing: Array(text.utf8)) }
        #expect(error?.isCode(.invalidRequest) == true)
        #expect(error?.message.hasPrefix("line \(line), column \(column): ") == true, "\(error?.message ?? "")")
        #expect(error?.details["line"]?.int == line)
        #expect(error?.details["column"]?.int == column)
        #expect(error?.details["truncated"]?.bool == (truncated ? true : nil))
    }

    @Test("with keys in params that look the same keeps both")
    func equivalentKeys() throws {
        let text = "{\"type\":\"t\",\"params\":{\"\u{E9}\":1,\"e\u{301}\":2}}"
        let request = try Request(parsing: Array(text.utf8))
        #expect(request.json.bytes == Array(text.utf8))
    }

    @Test("that is wrong in the last of 20,000 fields is refused at once", .timeLimit(.minutes(1)))
    func manyFields() {
        let members = (0..<20_000).map { "\"k\($0)\": 0" }.joined(separator: ",")
        for text in ["{\(members)}", "{\"type\": \"t\", \"labels\": {\(members)}}"] {
            let error = #expect(throws: JobError.self) { try Request(parsing: Array(text.utf8)) }
            #expect(error?.message.utf8.count ?? 0 < 500)
        }
    }
}

@Suite("The wait between attempts")
struct RetryPolicyTests {
    @Test(
        "doubles, up to an hour or the first wait, with up to a quarter more",
        arguments: [
            (10, 1, 0, 10), (10, 2, 0, 20), (10, 3, 0, 40), (10, 10, 0, 3600), (10, 100, 0, 3600), (0, 50, 1, 0),
            (86_400, 1, 0, 86_400), (86_400, 9, 0, 86_400), (10, 1, 1, 12.5), (10, 100, 1, 4500), (10, 0, 0, 10),
            (3000, 2, 0, 3600),
        ] as [(Double, Int, Double, Double)])
    func delay(_ backoff: Double, _ attempt: Int, _ jitter: Double, _ delay: Double) {
        let policy = RetryPolicy(maxAttempts: 100, backoffSeconds: backoff)
        #expect(policy.delay(afterAttempt: attempt, jitter: jitter) == delay)
    }
}
