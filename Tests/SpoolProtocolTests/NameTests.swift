/// Which file is what: the table of names in DESIGN, section 2.
import SpoolProtocol
import TestSupport
import Testing

@Suite("The name of a file in the spool")
struct SpoolFileTests {
    enum Kind {
        case request, cancel, schedule, scheduleStatus, status, log, errors, result

        func file(of name: JobName) -> SpoolFile {
            switch self {
            case .request: .request(name)
            case .cancel: .cancel(name)
            case .schedule: .schedule(name)
            case .scheduleStatus: .scheduleStatus(name)
            case .status: .status(name)
            case .log: .log(name)
            case .errors: .errors(name)
            case .result: .result(name)
            }
        }
    }

    @Test(
        "says what it is, and what it is says its name",
        arguments: [
            ("219.json", .request, "219"), ("219.cancel.json", .cancel, "219"),
            ("219.schedule.json", .schedule, "219"),
            ("219.schedule.status.json", .scheduleStatus, "219"), ("219.status.json", .status, "219"),
            ("219.log.jsonl", .log, "219"), ("219.errors.jsonl", .errors, "219"),
            ("219.result.json", .result, "219"),
            // Names that look like something else
            ("x.JSON.json", .request, "x.JSON"), ("archive.json", .request, "archive"),
            ("x.log.json", .request, "x.log"), ("x~.json", .request, "x~"),
            ("x.tmp.json", .request, "x.tmp"), ("x..json", .request, "x."),
            ("x.json.json", .request, "x.json"), ("cancel.json", .request, "cancel"),
            ("status.json", .request, "status"), ("spool.events.json", .request, "spool.events"),
            ("spool2.status.json", .status, "spool2"), (" .json", .request, " "),
            ("a \"b\" 'c' $d.json", .request, "a \"b\" 'c' $d"), ("x.result.log.jsonl", nil, nil),
            ("-rf.json", .request, "-rf"), ("é.json", .request, "é"),
            // A mark that joins with the dot that follows (Unicode: Prepend)
            ("\u{600}.json", .request, "\u{600}"), ("\u{600}.status.json", .status, "\u{600}"),
            ("e\u{301}.json", .request, "e\u{301}"),
        ] as [(String, Kind?, String?)])
    func classified(_ file: String, _ kind: Kind?, _ name: String?) throws {
        guard let kind, let name else {
            #expect(SpoolFile(FileName(file)) == .ignored)
            return
        }
        let expected = kind.file(of: try JobName(name))
        #expect(SpoolFile(FileName(file)) == expected)
        #expect(expected.fileName == FileName(file))
    }

    @Test(
        "of the spool's own files is reserved",
        arguments: [
            ("spool.pause.json", .pause), ("spool.status.json", .spoolStatus), ("spool.events.jsonl", .events),
        ] as [(String, SpoolFile)])
    func own(_ file: String, _ expected: SpoolFile) {
        #expect(SpoolFile(FileName(file)) == expected)
        #expect(expected.fileName == FileName(file))
    }

    @Test(
        "is ignored when it is hidden, temporary, a backup or no JSON",
        arguments: [
            ".json", ".hidden.json", "..json", ".jobspool", ".219.json.swp", "x.json~", "x.json.tmp", "x.json.part",
            "x.json.swp", "x.status.json~", "x", "x.JSON", "x.Json", "x.jsonl", "x.json5", "json", "archive", "x.log",
            "x.json ", "spool.cancel.json", "spool.result.json", "spool.log.jsonl", "",
            ".cancel.json", ".\u{301}x.json", "x.json\u{301}", "README.md", "x.json.gz", "spool.events.1.jsonl",
            "spool.pause.status.json", String(repeating: "a", count: 201) + ".status.json",
            String(repeating: "a", count: 201) + ".cancel.json", "a\nb.result.json",
        ])
    func ignored(_ file: String) { #expect(SpoolFile(FileName(file)) == .ignored) }

    @Test(
        "of a request or a schedule that cannot be a job's says why",
        arguments: [
            ("spool.json", "reserved"), ("a\nb.json", "\"a\\nb\" has a control character"),
            ("a\u{0}b.json", "control character"), ("\u{7F}.json", "\"\\u{7F}\" has a control character"),
            ("\u{9B}2J.json", "\"\\u{009B}2J\" has a control character"), ("\u{85}.json", "control character"),
            (String(repeating: "a", count: 250) + ".json", "250 bytes long: a name has at most 200"),
            (String(repeating: "é", count: 101) + ".json", "202 bytes long"), ("spool.schedule.json", "reserved"),
            (String(repeating: "a", count: 201) + ".schedule.json", "201 bytes long"),
        ])
    func badName(_ file: String, _ reason: String) throws {
        guard case .badName(let said) = SpoolFile(FileName(file)) else {
            Issue.record("taken for \(SpoolFile(FileName(file)))")
            return
        }
        #expect(said.contains(reason), "\(said)")
        #expect(!said.unicodeScalars.contains { $0.properties.generalCategory == .control })
        #expect(SpoolFile(FileName(file)).fileName == nil)
    }

    @Test(
        "that is not UTF-8 is a bad name for a request and ignored otherwise",
        arguments: [
            ([0xFF] + Array(".json".utf8), true), ([0x61, 0xC3] + Array(".json".utf8), true),
            ([0xED, 0xA0, 0x80] + Array(".json".utf8), true), ([0xFF], false),
            ([0x2E, 0xFF] + Array(".json".utf8), false),
            ([0xFF] + Array(".json~".utf8), false), ([0xFF] + Array(".log.jsonl".utf8), false),
        ] as [([UInt8], Bool)])
    func notUTF8(_ bytes: [UInt8], _ isBadName: Bool) {
        let file = SpoolFile(FileName(bytes: bytes))
        if case .badName(let reason) = file {
            #expect(isBadName)
            #expect(reason.contains("not UTF-8"))
        } else {
            #expect(file == .ignored)
            #expect(!isBadName)
        }
    }
}

@Suite("The name of a job")
struct JobNameTests {
    @Test("has at most 200 bytes, so that every file of its family has at most 255")
    func length() throws {
        let longest = try JobName(String(repeating: "n", count: 200))
        for file: SpoolFile in [
            .request(longest), .cancel(longest), .schedule(longest), .scheduleStatus(longest), .status(longest),
            .log(longest), .errors(longest), .result(longest),
        ] {
            let name = try #require(file.fileName)
            #expect(name.bytes.count <= 255)
            #expect(SpoolFile(name) == file)
        }
        #expect(throws: JobName.Problem.self) { try JobName(String(repeating: "n", count: 201)) }
        #expect(throws: Never.self) { try JobName(String(repeating: "é", count: 100)) }
        #expect(throws: JobName.Problem.self) { try JobName(String(repeating: "é", count: 100) + "n") }
    }

    @Test(
        "is refused with the reason",
        arguments: [
            ("", "at least one character"), ("a/b", "slash"), (".x", "begins with a dot"), ("..", "begins with a dot"),
            (".\u{301}x", "begins with a dot"), ("spool", "\"spool\" is reserved"),
            ("spool.pause", "\"spool.pause\" is reserved"), ("x.cancel", "ends in \".cancel\" is reserved"),
            ("x.schedule", "ends in \".schedule\""), ("x.status", "ends in \".status\""),
            ("x.result", "ends in \".result\""), ("\u{600}.result", "ends in \".result\""),
            ("x.schedule.status", "ends in \".status\""), ("a\tb", "\"a\\tb\" has a control character"),
            ("/\u{338}", "slash"),
        ])
    func refused(_ name: String, _ reason: String) {
        let problem = #expect(throws: JobName.Problem.self) { try JobName(name) }
        #expect(problem?.description.contains(reason) == true, "\(problem?.description ?? "")")
    }

    @Test("that is accepted names a request that is classified as that job's")
    func roundTrip() {
        var random = SeededGenerator(seed: 7)
        let parts = [
            "a", ".", "spool", ".json", ".status", ".pause", ".schedule", "é", "\u{301}", "~", ".tmp", "\u{600}", " ",
        ]
        var accepted = 0
        for _ in 0..<5000 {
            let text = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                parts.randomElement(using: &random) ?? ""
            }.joined()
            guard let name = try? JobName(text) else { continue }
            accepted += 1
            let file = SpoolFile.request(name)
            #expect(file.fileName.map { SpoolFile($0) } == file, "\(text)")
        }
        #expect(accepted > 1000)
    }

    @Test("is the same only when its bytes are")
    func bytes() throws {
        let (composed, decomposed) = (try JobName("\u{E9}"), try JobName("e\u{301}"))
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed, composed]).count == 2)
        #expect(decomposed < composed)
        #expect(FileName("\u{E9}") != FileName("e\u{301}"))
        #expect(SpoolFile.request(composed) != .request(decomposed))
        // By bytes, not by what people read.
        #expect(try JobName("a") < JobName("b"))
        #expect(try JobName("B") < JobName("a"))
        #expect(try JobName("10") < JobName("9"))
    }
}

@Suite("The name of a job type")
struct JobTypeTests {
    @Test("is letters, digits, dots, hyphens and underscores", arguments: ["documents.sync", "a", "A-b_9.x", "-", "9"])
    func accepted(_ text: String) { #expect(JobType(text)?.string == text) }

    @Test(
        "is nothing else",
        arguments: ["", ".x", "a/b", "a b", "é", "a\n", "a\u{0}", "../x", String(repeating: "x", count: 101)])
    func refused(_ text: String) { #expect(JobType(text) == nil) }
}
