import JSONText
import Testing

/// The counts of a dry run are those of the real run that follows, and it changes nothing.
@Suite struct DryRunTests {
    @Test(
        arguments: [
            ([:], "2 1 5 0 2"), (["force": true], "2 6 0 0 2"), (["limit": 6], "0 1 4 0 1"),
            (["ignore_fields": ["v"]], "2 6 0 0 2"), (["stop_after_unchanged": 3], "0 1 3 0 0"),
            (["mode": "incremental", "cursor_field": "n"], "2 1 6 0 1"),
            (["mode": "incremental", "cursor_field": "n", "lookback_seconds": 2], "2 1 6 0 1"),
            // A source with errors deletes nothing.
            (["mode": "mirror"], "2 1 5 0 2"), (["source": "whole.csv", "mode": "mirror"], "2 1 5 4 0"),
            (["source": "whole.csv", "mode": "mirror", "force": true], "2 6 0 4 0"),
            (["retry_of": "errors.jsonl"], "0 1 0 0 2"),
        ] as [(JSONObject, String)])
    func itsCountsAreThoseOfTheRealRun(more: JSONObject, counts: String) throws {
        let scratch = try Scratch()
        try scratch.write("before.csv", "id,n,v\n" + (1...10).map { "\($0),\($0),a\n" }.joined())
        // One is changed, four are gone, two are new, one comes twice, and one is no record.
        let rows = ["3,3,b", "4,4,a", "5,5,a", "6,6,a", "3,3,b", "7,7,a", "8,8,a", "x", "11,11,a", "12,12,a"]
        try scratch.write("a.csv", "id,n,v\n" + rows.map { "\($0)\n" }.joined())
        let whole = rows.filter { $0 != "x" }.enumerated().filter { $0.offset != 4 }.map(\.element)
        try scratch.write("whole.csv", "id,n,v\n" + whole.map { "\($0)\n" }.joined())
        try scratch.write("errors.jsonl", #"{"item": "3"}"# + "\n" + #"{"item": "1"}"# + "\n")
        try scratch.sync("before.csv", ["mode": more["mode"] ?? "full", "cursor_field": more["cursor_field"] ?? .null])
        // As if another job had read it to its end before.
        _ = try scratch.sql("UPDATE _jobspool_reads SET source = '\(scratch.path)/a.csv'")
        var params: JSONObject = ["max_delete_percent": 100, "source": .string("\(scratch.path)/a.csv")]
        for (key, value) in more.members { params[key] = value }
        for path in ["source", "retry_of"] {
            if let name = more[path]?.string { params[path] = .string("\(scratch.path)/\(name)") }
        }
        let before = try scratch.sh("sha256sum target.db")
        let dry = try scratch.sync(params, dryRun: true)
        #expect(dry.counts == counts, "\(dry.failure?.text ?? "")")
        #expect(try scratch.sh("sha256sum target.db") == before)
        let real = try scratch.sync(params)
        #expect(real.counts == dry.counts)
        #expect(real.itemErrors == dry.itemErrors)
        #expect(real.result?["stopped_early"] == dry.result?["stopped_early"])
    }

    /// Of a table that is there, and of one that is not.
    @Test(arguments: ["full", "incremental", "mirror"])
    func fieldsThatCanHaveNoColumnAreKnownBefore(mode: String) throws {
        let scratch = try Scratch()
        for lines in [
            [#"{"id": 1, "v": 1}"#, #"{"id": 2, "v": 1, "V": 2}"#, #"{"id": 3, "_hash": 1}"#],
            [#"{"id": 1, "_key": 2}"#, #"{"id": 2, "v": 1, "V": 2}"#, #"{"id": 4, "_rowid_": 1}"#],
            [#"{"id": 4, "oid": 1}"#, #"{"id": 5, "rowid": 1}"#, #"{"id": 6, "oid": 1}"#],
        ] {
            try scratch.write("a.ndjson", lines.map { $0 + "\n" }.joined())
            let params: JSONObject = ["mode": .string(mode), "max_delete_percent": 100]
            let dry = try scratch.sync("a.ndjson", params, dryRun: true)
            let real = try scratch.sync("a.ndjson", params)
            #expect(real.exit == 0)
            #expect(real.counts == dry.counts, "\(lines)")
            #expect(real.itemErrors == dry.itemErrors)
            #expect(real.itemErrors.count >= 1)
        }
    }

    /// A stream of changes, in which a later record supersedes an earlier one, and may be what the target held before.
    @Test(arguments: ["full", "incremental", "mirror"])
    func theLastOfSeveralChangesCounts(mode: String) throws {
        let scratch = try Scratch()
        func tap(_ records: [String]) throws -> JSONObject {
            let lines = records.map {
                #"{"type": "RECORD", "stream": "s", "record": {"id": 1, "name": "\#($0)"}}"# + "\n"
            }
            try scratch.write("lines", lines.joined())
            return [
                "source": ["command": ["/bin/cat", .string("\(scratch.path)/lines")]], "mode": .string(mode),
                "max_errors": 0,
            ]
        }
        #expect(try scratch.sync(tap(["a"])).counts == "1 0 0 0 0")
        for (records, counts) in [
            (["b", "a"], "0 2 0 0 0"), (["b", "b"], "0 1 1 0 0"), (["c", "d", "d", "c"], "0 3 1 0 0"),
        ] {
            let params = try tap(records)
            let dry = try scratch.sync(params, dryRun: true)
            #expect(dry.counts == counts, "\(records)")
            #expect(try scratch.sync(params).counts == counts, "\(records)")
            #expect(try scratch.sql("SELECT name FROM t") == records.last)
        }
    }
}
