import JSONText
import Testing

/// Incremental jobs that look at a part of what is there: one after the other they come to the end, and leave nothing out.
@Suite struct LimitTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    // MARK: A cursor

    /// Twelve rows of one time, four that have none, and eight later ones.
    private func source(_ kind: String) throws -> JSON {
        let rows =
            (1...12).map { ($0, "1700000000") } + (13...16).map { ($0, "") }
            + (17...24).map { ($0, "\(1_700_000_000 + $0)") }
        try scratch.write("a.csv", "id,at\n" + rows.map { "\($0.0),\($0.1)\n" }.joined())
        if kind == "csv" { return .string("\(scratch.path)/a.csv") }
        _ = try scratch.sql(
            "CREATE TABLE a (id INTEGER PRIMARY KEY, at INTEGER);"
                + rows.map { "INSERT INTO a VALUES (\($0.0), \($0.1.isEmpty ? "NULL" : $0.1));" }.joined(),
            in: "source.db")
        return ["sqlite": .string("\(scratch.path)/source.db"), "table": "a"]
    }

    @Test(
        arguments: [
            ("table", 0), ("table", 1000), ("csv", 0), ("csv", 1000),
        ])
    func repeatedJobsReachAllRecords(kind: String, lookback: Int) throws {
        let params: JSONObject = [
            "source": try source(kind), "mode": "incremental", "cursor_field": "at", "lookback_seconds": JSON(lookback),
            "limit": 5,
        ]
        for (number, rows) in [5, 10, 15, 20, 24, 24].enumerated() {
            let dry = try scratch.sync(params, dryRun: true)
            let run = try scratch.sync(params, job: "job \(number)")
            #expect(run.counts == dry.counts)
            #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "\(rows)")
            // Another attempt of the job does not begin to count anew.
            #expect(try scratch.sync(params, job: "job \(number)").counts == run.counts)
            #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "\(rows)")
        }
    }

    @Test func otherModesLookAtSoManyInAll() throws {
        let source = try source("table")
        for mode in ["full", "mirror"] {
            for _ in 1...2 { try scratch.sync(["source": source, "mode": .string(mode), "limit": 5]) }
            #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "5")
        }
    }

    @Test func whatIsReadAgainInTheOrderOfTheCursorStopsNoJobEarly() throws {
        let params: JSONObject = [
            "source": try source("table"), "mode": "incremental", "cursor_field": "at", "stop_after_unchanged": 3,
        ]
        _ = try scratch.sql(
            "CREATE TABLE later AS SELECT * FROM a WHERE id > 16; DELETE FROM a WHERE id > 16", in: "source.db")
        #expect(try scratch.sync(params).counts == "16 0 0 0 0")
        _ = try scratch.sql("INSERT INTO a SELECT * FROM later", in: "source.db")
        let run = try scratch.sync(params)
        #expect(run.counts == "8 0 16 0 0")
        #expect(run.result?["stopped_early"] == false)
        // What is after the bookmark and unchanged does.
        try scratch.sync(["source": params["source"] ?? .null])
        _ = try scratch.sql("UPDATE a SET at = at + 100 WHERE at > 1700000000", in: "source.db")
        try scratch.sync(["source": params["source"] ?? .null])
        #expect(try scratch.sync(params).result?["stopped_early"] == true)
    }

    /// Newest first, as far as a file has an order.
    @Test func noJobStopsEarlyBeforeWhatALimitLeft() throws {
        try scratch.write("a.csv", "id,at\n" + (1...30).reversed().map { "\($0),\(1_700_000_000 + $0)\n" }.joined())
        for cursor in [.null, "at"] as [JSON] {
            var params: JSONObject = ["mode": "incremental", "stop_after_unchanged": 3]
            if !cursor.isNull { params["cursor_field"] = cursor }
            var limited = params
            limited["limit"] = 8
            for _ in 1...3 { try scratch.sync("a.csv", limited) }
            #expect(try scratch.sql("SELECT COUNT(*), MIN(id + 0) FROM t") == "24|7")
            #expect(try scratch.sync("a.csv", params).counts == "6 0 24 0 0")
            params["cursor_field"] = nil
            #expect(try scratch.sync("a.csv", params).counts == "0 0 3 0 0", "from here on it does")
            try scratch.sh("rm target.db")
        }
    }

    /// What cannot be used keeps a mirror from deleting, but not from reaching the end.
    @Test func aMirrorTakesWhatALimitLeftWhateverFails() throws {
        try scratch.write("a.csv", "id,n\n" + (1...20).map { "\($0),x\n" }.joined() + ",bad\n")
        try scratch.sync("a.csv", ["mode": "incremental", "limit": 5])
        #expect(try scratch.sync("a.csv", ["mode": "mirror"]).counts == "15 0 5 0 1")
        #expect(try scratch.sync("a.csv", ["mode": "incremental", "stop_after_unchanged": 3]).counts == "0 0 3 0 0")
    }

    /// They fail in every job.
    @Test(arguments: ["x\ny\n", "2,2\n3,3\n"]) func recordsThatFailTakeNoPartOfTheLimit(bad: String) throws {
        _ = try scratch.sql("CREATE TABLE t (id INTEGER PRIMARY KEY CHECK (id NOT IN (2, 3)))")
        try scratch.write("a.csv", "id,n\n1,1\n\(bad)4,4\n5,5\n")
        for (number, rows) in ["2", "3", "3"].enumerated() {
            try scratch.sync("a.csv", ["mode": "incremental", "limit": 2], job: "\(number)")
            #expect(try scratch.sql("SELECT COUNT(*) FROM t") == rows)
        }
    }

    // MARK: A stream with states

    /// 100 records and a state after each tenth, from the state on. A file `broken` says before which of them it fails.
    private func tap(_ more: JSONObject) throws -> JSONObject {
        try scratch.write(
            "tap.sh",
            #"""
            broken=$(cat "$(dirname "$0")/broken" 2>/dev/null)
            for ((i = $(jq -r '.n // 0' "$1") + 1; i <= 100; i++)); do
                if [ "$i" = "$broken" ]; then exit 3; fi
                echo "{\"type\": \"RECORD\", \"stream\": \"s\", \"record\": {\"id\": $i}}"
                if ((i % 10 == 0)); then echo "{\"type\": \"STATE\", \"value\": {\"n\": $i}}"; fi
            done
            """#)
        var params: JSONObject = [
            "source": ["command": ["/bin/bash", .string("\(scratch.path)/tap.sh"), "{state}"]], "mode": "incremental",
        ]
        for (key, value) in more.members { params[key] = value }
        return params
    }

    private var bookmark: String {
        get throws { try scratch.sql("SELECT json_extract(state, '$.bookmark.n') FROM _jobspool_syncs") }
    }

    @Test(arguments: [(5, 1000, ""), (25, 1000, "20"), (25, 7, "20"), (20, 1000, "20"), (30, 10, "20")])
    func aStateBehindTheLimitIsNotTaken(limit: Int, batch: Int, state: String) throws {
        #expect(try scratch.sync(tap(["limit": JSON(limit), "batch_size": JSON(batch)])).counts == "\(limit) 0 0 0 0")
        #expect(try bookmark == state)
        #expect(try scratch.sync(tap([:])).result?["counts"]?["created"] == JSON(100 - limit))
        #expect(try bookmark == "100")
        #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "100")
    }

    @Test func limitedJobsReachTheEndOfAStream() throws {
        for rows in [7, 14, 21, 28] {
            try scratch.sync(tap(["limit": 7]))
            #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "\(rows)")
        }
    }

    /// Each attempt reads from where the first one began, and counts from there.
    @Test func anAttemptThatGoesOnKeepsToTheLimit() throws {
        let params = try tap(["limit": 60, "batch_size": 10])
        try scratch.sh("echo 45 >broken")
        #expect(try scratch.sync(params, job: "1").failure?["code"] == "COMMAND_FAILED")
        try scratch.sh("rm broken")
        #expect(try scratch.sync(params, job: "1").counts == "60 0 0 0 0")
        #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "60")
        #expect(try bookmark == "50")
        #expect(try scratch.sync(tap([:])).result?["counts"]?["created"] == 40)
        #expect(try bookmark == "100")
    }

    /// The second one comes less far than the first one, and not to a state.
    @Test func anAttemptTakesNoStateBack() throws {
        let params = try tap(["batch_size": 10])
        for broken in [45, 15] {
            try scratch.sh("echo \(broken) >broken")
            #expect(try scratch.sync(params, job: "1").failure?["code"] == "COMMAND_FAILED")
            #expect(try bookmark == "30")
        }
        try scratch.sh("rm broken")
        #expect(try scratch.sync(params, job: "2").counts == "60 0 10 0 0")
        #expect(try bookmark == "100")
    }

    @Test func aStateBehindAnEarlyStopIsNotTaken() throws {
        try scratch.sync(tap(["mode": "full"]))
        let stopped = try scratch.sync(tap(["stop_after_unchanged": 12]))
        #expect(stopped.result?["stopped_early"] == true)
        #expect(try bookmark == "10")
        _ = try scratch.sql("DELETE FROM t WHERE id > 15")
        #expect(try scratch.sync(tap([:])).counts == "85 0 5 0 0")
    }

    @Test func aStateBehindARecordThatFailedIsNotTaken() throws {
        _ = try scratch.sql("CREATE TABLE t (id INTEGER PRIMARY KEY CHECK (id <> 25))")
        #expect(try scratch.sync(tap([:])).itemErrors == ["25 REFUSED"])
        #expect(try bookmark == "20")
    }
}
