import Foundation
import JSONText
import Testing

@testable import jobspool_documents

/// What README.md says of files, fields, commands and exit statuses, held against the real ones.
@Suite struct ReadmeTests {
    private let text: String

    init() throws { text = try String(contentsOfFile: "\(package)/README.md", encoding: .utf8) }

    /// The code blocks of a language.
    private func blocks(_ language: String) -> [String] {
        text.components(separatedBy: "\n```\(language)\n").dropFirst()
            .map { $0.components(separatedBy: "\n```\n")[0] + "\n" }
    }

    /// The part below a heading, to the next one of any level.
    private func section(_ heading: String) throws -> Substring {
        let start = try #require(text.range(of: "\n\(heading)\n"), "README.md has no \(heading)")
        let rest = text[start.upperBound...]
        return rest[..<(rest.range(of: "\n#")?.lowerBound ?? rest.endIndex)]
    }

    /// The words in code style in the first column of the tables of a section.
    private func firstColumn(_ heading: String) throws -> [String] {
        try section(heading).split(separator: "\n").filter { $0.hasPrefix("| `") }.flatMap { row in
            row.split(separator: "|")[0].split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .filter { $0.offset % 2 == 1 }.map { String($0.element) }
        }
    }

    @Test func everyExampleInJSONIsJSON() throws {
        #expect(blocks("json").count == 6)
        for block in blocks("json") { #expect(throws: Never.self) { try JSON(parsing: Array(block.utf8)) } }
    }

    @Test(arguments: [
        ("json", "samples/requests/iso-codes.json"), ("json", "samples/schedules/iso-codes.schedule.json"),
        ("json", "samples/types/iso-codes.sync.json"),
        ("bash", "samples/handlers/backup.sh"),
    ])
    func anExampleIsTheSampleItself(language: String, path: String) throws {
        let sample = try String(contentsOfFile: "\(package)/\(path)", encoding: .utf8)
        #expect(blocks(language).contains(sample), "README.md does not show \(path) as it is")
    }

    @Test func everyFileThatItLinksToIsThere() throws {
        let links = text.components(separatedBy: "](").dropFirst().map { $0.components(separatedBy: ")")[0] }
        #expect(!links.isEmpty)
        for link in links where !link.hasPrefix("#") {
            #expect(FileManager.default.fileExists(atPath: "\(package)/\(link)"), "\(link) is not there")
        }
    }

    @Test func theStatusIsShownWithExactlyTheFieldsThatItHas() throws {
        let place = try Place()
        try place.succeed(
            "serve; jobspool submit --type iso-codes.sync -p target=\"$PWD/target\" --name job --wait >/dev/null")
        let shown = try #require(
            blocks("json").map { try JSON(parsing: Array($0.utf8)) }.first { $0["status"] != nil })
        let real = try JSON(parsing: Array(try place.succeed("cat spool/job.status.json").joined().utf8))
        #expect(shown.object?.keys == real.object?.keys)
        #expect(shown["progress"]?.object?.keys == real["progress"]?.object?.keys)
        #expect(shown["files"]?.object?.keys == real["files"]?.object?.keys)
        #expect(shown["recent_logs"]?.array?.first?.object?.keys == real["recent_logs"]?.array?.first?.object?.keys)
        #expect(shown["request"]?.object?.keys == real["request"]?.object?.keys)
    }

    @Test func everyFieldOfARequestThatItNamesIsKnown() throws {
        let values: [String: String] = [
            "type": #""x""#, "description": #""x""#, "params": "{}", "dry_run": "true", "priority": "1",
            "timeout_seconds": "1", "retry": #"{"max_attempts": 3, "backoff_seconds": 60}"#, "labels": "{}", "v": "1",
            "on_busy": #""queue""#, "not_before": #""2026-01-07T13:33:12Z""#, "after": #"["a"]"#,
        ]
        let named = try firstColumn("## Requests")
        #expect(Set(named) == Set(values.keys))
        let members = values.map { "\"\($0)\": \($1)" }.joined(separator: ", ")
        try Place().succeed("echo '{\(members)}' | jobspool check -")
    }

    @Test func everyFieldOfAScheduleThatItNamesIsKnown() throws {
        let values: [String: String] = [
            "request": #"{"type": "x"}"#, "cron": #""@daily""#, "time_zone": #""UTC""#, "if_missed": #""all""#,
            "description": #""x""#, "v": "1",
        ]
        let named = try firstColumn("## Schedules")
        #expect(Set(named) == Set(values.keys).union(["every_seconds"]))
        let members = values.map { "\"\($0)\": \($1)" }.joined(separator: ", ")
        try Place().succeed(
            """
            echo '{\(members)}' >cron.schedule.json
            echo '{"every_seconds": 5, "request": {"type": "x"}}' >every.schedule.json
            jobspool check *.schedule.json
            """)
    }

    @Test func everyFieldOfADefinitionThatItNamesIsOne() throws {
        let lines = try Place().succeed("jobspool types --types samples/types --json")
        let types = try JSON(parsing: Array(lines.joined().utf8))
        let known = Set(types.array?.first?.object?.keys ?? []).subtracting(["type"]).union(["extends", "v"])
        #expect(Set(try firstColumn("## Job types")) == known)
    }

    @Test func everyParamOfDocumentsSyncThatItNamesIsKnown() throws {
        let named = try firstColumn("### documents.sync").filter { $0 != "mtime_size" }
        #expect(named.count == 14)
        let values: [String: String] = [
            "include": "[]", "exclude": "[]", "path": #""""#, "compare": #""checksum""#, "force": "true",
            "delete": "true", "allow_empty": "true", "source": #""/usr/share/iso-codes/json""#,
        ]
        let place = try Place()
        let members = named.map { name in
            "\"\(name)\": \(values[name] ?? (name == "target" ? "\"\(place.path)/target\"" : "10"))"
        }
        try place.succeed(
            "serve; jobspool submit --type documents.sync --params-json '{\(members.joined(separator: ", "))}' --wait")
    }

    /// The default of a param in a section's table, as it is written.
    private func documentedDefault(_ param: String, _ heading: String) throws -> String {
        let row = try section(heading).split(separator: "\n").first { $0.hasPrefix("| `\(param)`") }
        let cells = try #require(row, "\(heading) has no `\(param)`").split(separator: "|")
        return cells[1].trimmingCharacters(in: .whitespaces)
    }

    @Test func theDefaultsOfDocumentsSyncAreThoseThatItHas() throws {
        func params(_ more: JSONObject = [:]) throws -> SyncParams {
            var fields = JSONFields(
                JSONObject([("source", "/a"), ("target", "/b")] + more.members.map { ($0.key, $0.value) }))
            return try SyncParams(&fields)
        }
        let defaults = try params()
        func documented(_ param: String) throws -> String { try documentedDefault(param, "### documents.sync") }
        #expect(try documented("batch_size") == "\(defaults.batchSize)")
        let most = try params(["batch_size": 1_000_000]).batchSize
        #expect(try section("### documents.sync").contains("synced to disk together, at most \(most) |"))
        #expect(try documented("max_delete") == "\(defaults.maxDelete), \(JSON(defaults.maxDeletePercent).text)")
        #expect(try documented("force") == "`\(defaults.force)`")
        #expect(try documented("delete") == "`\(defaults.delete)`")
        #expect(try documented("allow_empty") == "`\(defaults.allowEmpty)`")
        #expect(try documented("compare") == "`\(defaults.comparison.rawValue)`")
    }

    /// In a dry run the log tells of each batch what it would add: one record more than a batch makes a second one.
    @Test(arguments: [
        ("SQLite", #"{"sqlite": "/nowhere/a.db", "table": "a"}"#),
        ("HTTP", #"{"http": "http://[::1]:9/{key}", "state": "/nowhere/a.db"}"#),
    ])
    func theBatchSizesOfRecordsSyncAreThoseThatItHas(kind: String, target: String) throws {
        let text = try documentedDefault("batch_size", "### records.sync")
        let part = try #require(text.components(separatedBy: ", ").first { $0.hasSuffix(" (\(kind))") })
        let size = try #require(Int(part.dropLast(kind.count + 3)))
        let lines = try Place().succeed(
            """
            seq \(size + 1) | sed 's/.*/{"id": &}/' >records.ndjson
            jq -n --argjson target '\(target.replacing("/nowhere", with: "'\"$PWD\"'"))' \\
                '{dry_run: true, params: {source: "'"$PWD"'/records.ndjson", key: ["id"], $target}}' |
                "$executables/jobspool-records" records.sync | jq -r '.message // empty' | grep -o 'add [0-9]*:'
            """)
        #expect(lines == ["add \(size):", "add 1:"])
    }

    @Test func theExitStatusesAreThoseOfTheCommand() throws {
        let help = try Place().succeed("jobspool --help")
        let real = help.compactMap { line -> [String]? in
            let words = line.split(separator: " ", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            return words.count == 2 && line.hasPrefix("  ") && Int(words[0]) != nil ? words : nil
        }
        let rows = try section("## Commands").split(separator: "\n").filter { $0.hasPrefix("| ") }
            .map { $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }.filter {
                Int($0[0]) != nil
            }
        #expect(!real.isEmpty)
        #expect(rows == real)
    }

    @Test func everyCommandAndOptionThatItNamesIsThere() throws {
        let place = try Place()
        let help = try place.succeed("jobspool --help").joined(separator: "\n")
        let commands = try #require(help.components(separatedBy: "SUBCOMMANDS:").last).split(separator: "\n")
            .filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") && !$0.hasPrefix("  See") }
            .compactMap { $0.split(separator: " ").first.map(String.init) }
        var named: [String] = []
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: { " `".contains($0) }).map(String.init)
            guard let at = words.firstIndex(of: "jobspool"), at + 1 < words.count, at == 0 || words[at - 1] == "$",
                commands.contains(words[at + 1])
            else { continue }
            named.append(words[at + 1])
            let options = words.dropFirst(at + 2).filter { $0.hasPrefix("-") }.map {
                $0.trimmingCharacters(in: .punctuationCharacters.subtracting(["-"]))
            }
            let usage = try place.succeed("jobspool \(words[at + 1]) --help").joined(separator: "\n")
            for option in options { #expect(usage.contains(option), "\(line): no such option \(option)") }
        }
        #expect(Set(named) == Set(commands))
    }

    @Test func whatIsWrongWithARequestIsToldAsItSays() throws {
        let block = try #require(blocks("console").first { $0.contains("jobspool check") })
        let shown = block.split(separator: "\n").map(String.init)
        let request = #"{\n  "type": "documents.sync",\n  "labels": {"project": 219}\n}\n"#
        let ended = try Place().run("printf '\(request)' >219.json; \(shown[0].dropFirst(2))")
        #expect(ended.status == 65)
        #expect(ended.lines == Array(shown.dropFirst()))
    }

    @Test func theTourGoesAsItIsShown() throws {
        let tour = try #require(blocks("console").first).split(separator: "\n").map(String.init)
        let place = try Place()
        // The target is the test's own, the log is read to its end, and whoever reads on waits for the job first.
        var script = "serve; sed -i \"s|/tmp/iso-codes|$PWD/iso-codes|\" samples/requests/iso-codes.json\n"
        for line in tour where line.hasPrefix("$ ") && !line.contains("jobspool serve") {
            let command = String(line.dropFirst(2)).replacing("tail -F", with: "cat")
            script += "\(command)\n"
            if !line.contains("jq") { script += "jobspool wait iso-codes >/dev/null\n" }
        }
        let expected = tour.filter { !$0.hasPrefix("$ ") && $0 != "^C" }
        let seconds = /,[0-9.]+\]$/
        #expect(
            try place.succeed(script).map { $0.replacing(seconds, with: ",s]") }
                == expected.map { $0.replacing(seconds, with: ",s]") })
    }
}
