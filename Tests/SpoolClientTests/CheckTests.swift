import Glibc
import JSONText
import SpoolClient
import SpoolProtocol
import Testing

@Suite("Checking a request")
struct CheckTests {
    struct Case: Sendable {
        let text: String
        let place: String
        let says: String
    }

    @Test(
        "says where it is wrong, and the remedy",
        arguments: [
            Case(
                text: "{\"type\": \"x\",\n  \"descripton\": \"y\"}", place: ":2:3:", says: "did you mean `description`?"
            ),
            Case(text: "{\"type\": \"x\", \"priority\": 101}", place: ":1:15:", says: "from -100 to 100"),
            Case(text: "{\"type\": \"x\", \"dry_run\": \"yes\"}", place: ":1:15:", says: "true or false"),
            Case(text: "{\"type\": \"x\", \"retry\": {\"max\": 1}}", place: ":1:25:", says: "max_attempts"),
            Case(text: "{\"type\": \"x\"", place: ":1:13:", says: "the text ends"),
            Case(text: "{\"type\": \"x\",}", place: ":1:14:", says: "where a key in quotes should be"),
            Case(text: "", place: ":1:1:", says: "empty"), Case(text: "[1]", place: ":1:1:", says: "an object such as"),
            Case(text: "\u{FEFF}{}", place: ":1:1:", says: "byte-order mark"),
            Case(text: "{\"type\": \"x\", \"zzzzzzzzzz\": 1}", place: ":1:15:", says: "not a known field. The known"),
        ])
    func problems(row: Case) throws {
        let spool = try TestSpool()
        try spool.write(row.text, "r.json")
        let ended = try CommandRunner.run("cd \"$JOBSPOOL_DIR\"; jobspool check r.json", in: spool.path)
        #expect(ended.status == 65)
        #expect(ended.output.hasPrefix("r.json\(row.place)"), "\(ended.output)")
        #expect(ended.output.contains(row.says), "\(ended.output)")
    }

    @Test("says with --types what the type would say") func types() throws {
        let spool = try TestSpool()
        let script = """
            cd "$JOBSPOOL_DIR"; mkdir types; chmod 755 types
            echo '{"command": ["true"], "params": {"a": 1}, "request_params": ["a"]}' > types/t.json; chmod 644 types/t.json
            echo '{"type": "t", "params": {"a": 2}}' > right.json; echo '{"type": "t", "params": {"b": 2}}' > wrong.json
            echo '{"type": "u"}' > unknown.json
            echo '{"every_seconds": 60, "request": {"type": "u"}}' > s.schedule.json
            jobspool check right.json unknown.json s.schedule.json && echo WITHOUT
            jobspool check --types types right.json && echo RIGHT
            for file in wrong unknown s.schedule; do jobspool check --types types $file.json; echo $?; done
            jobspool check --types /nowhere right.json 2>&1 | head -n 1
            """
        let output = try CommandRunner.run(script, in: spool.path).output
        #expect(output.contains("WITHOUT"), "\(output)")
        #expect(output.contains("RIGHT"), "\(output)")
        #expect(output.split(separator: "\n").filter { $0 == "65" }.count == 3, "\(output)")
        #expect(output.contains("wrong.json: ") && output.contains("b"), "\(output)")
        #expect(output.contains("there is no type \"u\""), "\(output)")
        #expect(output.contains("/nowhere"), "\(output)")
    }

    @Test("marks the place below the line, also behind wide characters and tabs") func mark() throws {
        let spool = try TestSpool()
        try spool.write("\t{\"type\": \"文書\", \"x\": 1}", "r.json")
        let ended = try CommandRunner.run("jobspool check \"$JOBSPOOL_DIR/r.json\"", in: spool.path)
        let lines = ended.output.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines.last == "                      ^", "\(ended.output)")
    }

    @Test(
        "says what is wrong with the file's name",
        arguments: [
            ("spool.json", "reserved"), ("a.cancel.json", "another file of the spool"), (".a.json", "ignored"),
            ("a.txt", "ends in .json"), ("a\nb.json", "control character"), ("a.status.json", "another file"),
        ])
    func names(name: String, says: String) throws {
        guard case .unfit(let why) = RequestFileName(FileName(name)) else {
            Issue.record("\(name) is fit")
            return
        }
        #expect(why.contains(says), "\(why)")
        #expect(!why.contains("\n"))
    }

    @Test("is silent about what is right, but for its type; --json tells it too") func right() throws {
        let spool = try TestSpool()
        try spool.drop("good")
        try spool.drop("bad", type: "no type")
        let ended = try CommandRunner.run(
            "cd \"$JOBSPOOL_DIR\"; jobspool check good.json; jobspool check --json good.json bad.json", in: spool.path)
        let lines = ended.output.split(separator: "\n", maxSplits: 1)
        #expect(lines.first == "good.json: right, of type documents.sync")
        let reports = try #require(try JSON(parsing: String(lines.last ?? "")).array)
        #expect(reports.map { $0["ok"] } == [true, false])
        #expect(reports[1]["problems"]?.array?.first?["details"]?["field"] == "type")
    }
}
