import JSONText
import Testing

/// What one job leaves, and what the next one makes of it when it is of another type, goes by another field, or finds another table.
@Suite struct BookmarkTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.write("a.ndjson", (1...100).reversed().map { "{\"id\": \($0)}\n" }.joined())
    }

    private var rows: String { get throws { try scratch.sql("SELECT COUNT(*) FROM t") } }

    private static let incremental: JSONObject = ["mode": "incremental", "stop_after_unchanged": 5]

    // MARK: Another type

    /// A trial with a limit, and a job that failed.
    @Test(
        arguments: [
            (["limit": 60], ["limit": 60]), (["mode": "incremental", "limit": 60], ["limit": 60]),
            (["max_errors": 0, "batch_size": 1], [:]),
        ] as [(JSONObject, JSONObject)])
    func noJobStopsEarlyBeforeWhatOneOfAnotherTypeLeft(first: JSONObject, again: JSONObject) throws {
        try scratch.sh("cp a.ndjson whole; sed -i '61s/.*/x/' a.ndjson")
        try scratch.sync("a.ndjson", first, type: "PULL", job: "1")
        #expect(try rows == "60")
        try scratch.sh("mv whole a.ndjson")
        #expect(try scratch.sync("a.ndjson", Self.incremental, type: "INCREMENTAL").counts == "40 0 60 0 0")
        for type in ["INCREMENTAL", "PULL", "OTHER"] {
            let counts = try scratch.sync("a.ndjson", Self.incremental, type: type).counts
            #expect(counts == "0 0 5 0 0", "from here on \(type) does")
        }
        // A part of it once more leaves nothing that is not there, but nobody knows.
        try scratch.sync("a.ndjson", again, type: "PULL", job: "2")
        let counts = try scratch.sync("a.ndjson", Self.incremental, type: "INCREMENTAL").counts
        #expect(counts == (again.isEmpty ? "0 0 5 0 0" : "0 0 100 0 0"))
    }

    /// A mirror or a full job of any type reads all of it.
    @Test(arguments: ["full", "mirror"]) func aWholeReadingOfAnyTypeIsEnough(mode: String) throws {
        try scratch.sync("a.ndjson", ["limit": 60], type: "PULL")
        try scratch.sync("a.ndjson", ["mode": .string(mode)], type: "OTHER")
        #expect(try scratch.sync("a.ndjson", Self.incremental, type: "INCREMENTAL").counts == "0 0 5 0 0")
    }

    /// Of the rows of a table that another source has filled nobody knows which of this one come first.
    @Test func theFirstJobOverATableThatIsNotEmptyDoesNotStopEarly() throws {
        try scratch.sh("head -n 20 a.ndjson >b.ndjson")
        try scratch.sync("b.ndjson")
        #expect(try scratch.sync("a.ndjson", Self.incremental, dryRun: true).counts == "80 0 20 0 0")
        #expect(try scratch.sync("a.ndjson", Self.incremental).counts == "80 0 20 0 0")
        #expect(try scratch.sync("a.ndjson", Self.incremental).counts == "0 0 5 0 0")
    }

    /// That version did not say what other types had left.
    @Test func afterAnEarlierVersionTheFirstJobDoesNotStopEarly() throws {
        try scratch.sync("a.ndjson", ["limit": 60], type: "PULL")
        _ = try scratch.sql("DROP TABLE _jobspool_reads")
        #expect(try scratch.sync("a.ndjson", Self.incremental, type: "PULL", dryRun: true).counts == "40 0 60 0 0")
        #expect(try scratch.sync("a.ndjson", Self.incremental, type: "PULL").counts == "40 0 60 0 0")
        #expect(try scratch.sync("a.ndjson", Self.incremental, type: "PULL").counts == "0 0 5 0 0")
    }

    // MARK: Another field

    @Test(arguments: [false, true]) func aBookmarkLeadsThroughItsOwnFieldAlone(isTable: Bool) throws {
        let rows = (1...3).map { (id: 50_000 + $0, ver: $0) }
        let late = (4...6).map { (id: 50_000 - $0, ver: $0) }
        func by(_ field: String, _ rows: [(id: Int, ver: Int)]) throws -> Run {
            var params: JSONObject = ["mode": "incremental", "cursor_field": .string(field), "stop_after_unchanged": 2]
            try scratch.write("b.csv", "id,ver\n" + rows.map { "\($0.id),\($0.ver)\n" }.joined())
            guard isTable else { return try scratch.sync("b.csv", params) }
            let values = rows.map { "(\($0.id), \($0.ver))" }.joined(separator: ", ")
            try scratch.sql(
                "DROP TABLE IF EXISTS b; CREATE TABLE b (id, ver); INSERT INTO b VALUES \(values)", in: "b.db")
            params["source"] = ["sqlite": .string("\(scratch.path)/b.db"), "table": "b"]
            return try scratch.sync(params)
        }
        #expect(try by("id", rows).counts == "3 0 0 0 0")
        let run = try by("ver", rows + late)
        #expect(run.counts == "3 0 3 0 0")
        #expect(run.logs.contains("`cursor_field` was id before: reading from the beginning"))
        let next = try by("ver", rows + late + [(id: 1, ver: 7)])
        #expect(next.counts == "1 0 1 0 0")
        #expect(!next.logs.contains { $0.contains("cursor_field") })
    }

    @Test func aBookmarkThatDoesNotSayItsFieldIsTakenAsItIs() throws {
        let params: JSONObject = ["mode": "incremental", "cursor_field": "id"]
        try scratch.sync("a.ndjson", params)
        _ = try scratch.sql("UPDATE _jobspool_syncs SET state = json_remove(state, '$.cursor_field', '$.rows')")
        try scratch.sh("echo '{\"id\": 101}' >>a.ndjson")
        #expect(try scratch.sync("a.ndjson", params).counts == "1 0 1 0 0")
    }

    // MARK: Another table

    @Test(arguments: ["DROP TABLE t", "DELETE FROM t"])
    func noBookmarkLeadsToWhatATableHasLost(statement: String) throws {
        let params: JSONObject = ["mode": "incremental", "cursor_field": "id"]
        #expect(try scratch.sync("a.ndjson", params).counts == "100 0 0 0 0")
        _ = try scratch.sql(statement)
        #expect(try scratch.sync("a.ndjson", params, dryRun: true).counts == "100 0 0 0 0")
        #expect(try scratch.sync("a.ndjson", params).counts == "100 0 0 0 0")
        #expect(try scratch.sync("a.ndjson", params).counts == "0 0 1 0 0")
    }

    /// Another type has filled the new one in part.
    @Test func aTableThatIsMadeAnewHasNoBookmarks() throws {
        let params: JSONObject = ["mode": "incremental", "cursor_field": "id"]
        try scratch.sync("a.ndjson", params, type: "INCREMENTAL")
        _ = try scratch.sql("DROP TABLE t")
        try scratch.sync("a.ndjson", ["limit": 60], type: "PULL")
        #expect(try scratch.sync("a.ndjson", params, type: "INCREMENTAL").counts == "40 0 60 0 0")
    }

    /// What nothing has come of is not asked for again by every job.
    @Test func aSourceThatHasNoRecordsKeepsItsState() throws {
        try scratch.write(
            "tap.sh",
            #"n=$(jq -r '.n // 0' "$1"); echo "from $n"; echo "{\"type\": \"STATE\", \"value\": {\"n\": $((n + 1))}}""#)
        let params: JSONObject = [
            "source": ["command": ["/bin/bash", .string("\(scratch.path)/tap.sh"), "{state}"]], "mode": "incremental",
        ]
        for number in 0...2 { #expect(try scratch.sync(params).logs.contains("from \(number)")) }
    }
}
