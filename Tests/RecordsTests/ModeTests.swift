import JSONText
import Testing

/// Mirror with its guard, incremental with its bookmark, early stops, retries.
@Suite struct MirrorTests {
    private func rows(_ range: ClosedRange<Int>, _ value: String = "x") -> String {
        "id,v\n" + range.map { "\($0),\(value)\n" }.joined()
    }

    @Test func mirrorDeletesWhatTheSourceNoLongerHas() throws {
        let scratch = try Scratch()
        try scratch.write("a.csv", rows(1...100))
        try scratch.sync("a.csv", ["mode": "mirror"])
        try scratch.write("a.csv", rows(6...103, "x"))
        let dry = try scratch.sync("a.csv", ["mode": "mirror", "batch_size": 2], dryRun: true)
        #expect(dry.logs.contains("DRY RUN: would delete 5: 1, 2, 3, 4, 5"))
        #expect(dry.logs.contains("DRY RUN: would add 2: 102, 103"))
        #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "100")
        let run = try scratch.sync("a.csv", ["mode": "mirror", "batch_size": 2])
        #expect(run.counts == "3 0 95 5 0")
        #expect(dry.counts == run.counts)
        #expect(run.logs.contains("5 records to delete"))
        #expect(run.logs.contains("Deleting batch 3/3"))
        #expect(try scratch.sql("SELECT COUNT(*), MIN(id + 0), MAX(id + 0) FROM t") == "98|6|103")
        #expect(run.of("progress").last?["total"] == 103)
    }

    @Test func otherModesDeleteNothing() throws {
        let scratch = try Scratch()
        try scratch.write("a.csv", rows(1...3))
        try scratch.sync("a.csv")
        try scratch.write("a.csv", rows(3...3))
        #expect(try scratch.sync("a.csv").counts == "0 0 1 0 0")
        #expect(try scratch.sync("a.csv", ["mode": "incremental"]).counts == "0 0 1 0 0")
        #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "3")
    }

    @Test func theGuardActsBeforeTheFirstChange() throws {
        let scratch = try Scratch()
        try scratch.write("a.csv", rows(1...2000))
        try scratch.sync("a.csv")
        let before = try scratch.sql(".dump")
        // 101 deletions, an update and a creation.
        try scratch.write("a.csv", rows(102...2000) + "2001,new\n" + "102,changed\n".prefix(0))
        let refused = try scratch.sync("a.csv", ["mode": "mirror"])
        #expect(refused.exit == 1)
        #expect(refused.failure?["code"] == "MAX_DELETE_EXCEEDED")
        #expect(
            refused.failure?["details"] == [
                "deletions": 101, "target_records": 2000, "percent": 5.1, "max_delete": 100, "max_delete_percent": 10,
            ])
        #expect(try scratch.sql(".dump") == before)
        #expect(
            try scratch.sync("a.csv", ["mode": "mirror", "max_delete": 101, "max_delete_percent": 5]).failure?["code"]
                == "MAX_DELETE_EXCEEDED")
        #expect(try scratch.sync("a.csv", ["mode": "mirror", "max_delete": 101]).counts == "1 0 1899 101 0")
    }

    @Test func anEmptySourceEmptiesTheTargetOnlyWhenAllowed() throws {
        let scratch = try Scratch()
        try scratch.write("a.csv", rows(1...3))
        try scratch.sync("a.csv")
        try scratch.write("a.csv", "id,v\n")
        for dryRun in [true, false] {
            #expect(try scratch.sync("a.csv", ["mode": "mirror"], dryRun: dryRun).failure?["code"] == "SOURCE_EMPTY")
        }
        #expect(
            try scratch.sync("a.csv", ["mode": "mirror", "allow_empty": true]).failure?["code"] == "MAX_DELETE_EXCEEDED"
        )
        #expect(try scratch.sync("missing.csv", ["mode": "mirror"]).failure?["code"] == "SOURCE_EMPTY")
        #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "3")
        let allowed: JSONObject = ["mode": "mirror", "allow_empty": true, "max_delete_percent": 100]
        #expect(try scratch.sync("a.csv", allowed).counts == "0 0 0 3 0")
        #expect(try scratch.sync("a.csv", ["mode": "mirror"]).exit == 0, "both are empty")
    }

    @Test(
        arguments: [
            ("id,v\n1\n2,x\n", [:], "1 records of the source could not be used"),
            ("id,v\n2,x\n2,x\n", [:], "1 records of the source could not be used"),
            ("id,v\n2,x\n3,x\n", ["stop_after_unchanged": 1], "the reading stopped early"),
            ("id,v\n2,x\n3,x\n", ["limit": 1], "`limit` left records unread"),
        ] as [(String, JSONObject, String)])
    func nothingIsDeletedUnlessTheReadingWasWholeAndWithoutError(text: String, params: JSONObject, reason: String)
        throws
    {
        let scratch = try Scratch()
        try scratch.write("a.csv", rows(1...4))
        try scratch.sync("a.csv")
        try scratch.write("a.csv", text)
        var more: JSONObject = ["mode": "mirror", "max_delete_percent": 100]
        for (key, value) in params.members { more[key] = value }
        let run = try scratch.sync("a.csv", more)
        #expect(run.exit == 0)
        #expect(run.logs.contains("Nothing will be deleted: \(reason)"))
        #expect(run.result?["counts"]?["deleted"] == 0)
        #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "4")
    }

    /// What an earlier attempt has written does not stand for what is in the source now.
    @Test func aSourceThatBecameEmptyBetweenTwoAttemptsEmptiesNoTarget() throws {
        let scratch = try Scratch()
        let mirror: JSONObject = ["mode": "mirror", "max_delete_percent": 100]
        try scratch.write("a.csv", rows(1...3))
        try scratch.sync("a.csv", mirror, job: "resumed")
        try scratch.write("a.csv", "id,v\n")
        for dryRun in [true, false] {
            let run = try scratch.sync("a.csv", mirror, dryRun: dryRun, job: "resumed")
            #expect(run.failure?["code"] == "SOURCE_EMPTY")
            #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "3")
        }
    }

    @Test func aRetryThatFindsNothingToLookAtTakesTheSourceForEmptyNever() throws {
        let scratch = try Scratch()
        try scratch.write("a.csv", rows(1...3) + ",bad\n")
        let first = try scratch.sync("a.csv", ["mode": "mirror"])
        #expect(first.itemErrors == ["line 5 NO_KEY"])
        try scratch.write("errors.jsonl", first.of("error").map { $0.text + "\n" }.joined())
        try scratch.write("a.csv", rows(1...3))
        let retry: JSONObject = ["mode": "mirror", "retry_of": .string("\(scratch.path)/errors.jsonl")]
        for dryRun in [true, false] {
            let run = try scratch.sync("a.csv", retry, dryRun: dryRun)
            #expect(run.itemErrors == ["line 5 NOT_FOUND"])
            #expect(run.failure?["code"] == "TOO_MANY_ERRORS", "not SOURCE_EMPTY")
            #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "3")
        }
    }

    @Test func rowsThatOthersWroteAreLeftAlone() throws {
        let scratch = try Scratch()
        _ = try scratch.sql(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT DEFAULT 'd', own TEXT); INSERT INTO t (id, own) VALUES (7, 'mine')"
        )
        try scratch.write("a.csv", rows(1...2))
        #expect(try scratch.sync("a.csv", ["mode": "mirror"]).counts == "2 0 0 0 0")
        try scratch.write("a.csv", rows(2...2) + "7,x\n")
        let run = try scratch.sync("a.csv", ["mode": "mirror", "max_delete_percent": 100])
        #expect(run.itemErrors == ["7 REFUSED"])
        let rows = try scratch.sql("SELECT id, v, own FROM t ORDER BY id")
        #expect(rows == "2|x|\n7|d|mine")
    }
}

@Suite struct IncrementalTests {
    @Test func onlyWhatIsNewSinceTheBookmarkIsLookedAt() throws {
        let scratch = try Scratch()
        let params: JSONObject = ["mode": "incremental", "cursor_field": "changed"]
        try scratch.write(
            "a.csv", "id,changed\n1,2026-01-01T10:00:00Z\n2,2026-01-03T10:00:00Z\n3,2026-01-02T10:00:00Z\n")
        #expect(try scratch.sync("a.csv", params).counts == "3 0 0 0 0")
        // What is as old as the bookmark is looked at again: others may have the same time.
        try scratch.write(
            "a.csv",
            "id,changed\n1,2026-01-01T11:00:00Z\n2,2026-01-03T10:00:00Z\n4,2026-01-03T10:00:00Z\n5,2026-01-04T09:00:00+01:00\n6,\n"
        )
        #expect(try scratch.sync("a.csv", params).counts == "3 0 1 0 0")
        #expect(
            try scratch.sql("SELECT json_extract(state, '$.cursor') FROM _jobspool_syncs")
                == "2026-01-04T09:00:00+01:00")
        #expect(
            try scratch.sync("a.csv", ["mode": "incremental", "cursor_field": "changed", "force": true]).counts
                == "0 5 0 0 0")
    }

    @Test func theLookBackReadsAgainAndDropsWhatIsThere() throws {
        let scratch = try Scratch()
        let params: JSONObject = ["mode": "incremental", "cursor_field": "at", "lookback_seconds": 100]
        try scratch.write("a.ndjson", (1...10).map { "{\"id\": \($0), \"at\": \(1_700_000_000 + $0 * 50)}\n" }.joined())
        #expect(try scratch.sync("a.ndjson", params).counts == "10 0 0 0 0")
        // Came late, within the look-back: 400 to 500 are read again.
        try scratch.sh(
            "echo '{\"id\": 11, \"at\": 1700000410}' >>a.ndjson; echo '{\"id\": 12, \"at\": 1700000390}' >>a.ndjson")
        #expect(try scratch.sync("a.ndjson", params).counts == "1 0 3 0 0")
        // The same record twice is a repeat, and another one of the same key an error.
        try scratch.sh("tail -n 2 a.ndjson | head -n 1 >>a.ndjson; echo '{\"id\": 11, \"at\": 1700000500}' >>a.ndjson")
        let run = try scratch.sync("a.ndjson", params)
        #expect(run.counts == "0 0 5 0 1")
        #expect(run.itemErrors == ["11 DUPLICATE_KEY"])
    }

    @Test func theBookmarkNeverPassesARecordThatFailed() throws {
        let scratch = try Scratch()
        let params: JSONObject = ["mode": "incremental", "cursor_field": "n"]
        try scratch.write("a.csv", "id,n\n1,10\n,20\n3,30\n")
        #expect(try scratch.sync("a.csv", params).counts == "2 0 0 0 1")
        try scratch.write("a.csv", "id,n\n1,10\n2,20\n3,30\n")
        #expect(try scratch.sync("a.csv", params).counts == "1 0 1 0 0")
        #expect(try scratch.sync("a.csv", params).counts == "0 0 1 0 0")
    }

    @Test func theBookmarkPassesNoRecordOfWhichNobodyKnowsWhereItStands() throws {
        let scratch = try Scratch()
        let params: JSONObject = ["mode": "incremental", "cursor_field": "n"]
        let lines = [#"{"id": 1, "n": 10}"#, #"{"id": 2, "n": 20"#, #"{"id": 3, "n": 30}"#]
        try scratch.write("a.ndjson", lines.map { $0 + "\n" }.joined())
        #expect(try scratch.sync("a.ndjson", params).itemErrors == ["line 2 INVALID_JSON"])
        try scratch.sh("sed -i '2s/$/}/' a.ndjson")
        #expect(try scratch.sync("a.ndjson", params).counts == "1 0 2 0 0")
        #expect(try scratch.sync("a.ndjson", params).counts == "0 0 1 0 0")
    }

    @Test func ofRecordsThatFailedTheLeastOfEachKindHoldsTheBookmark() throws {
        let scratch = try Scratch()
        let params: JSONObject = ["mode": "incremental", "cursor_field": "n"]
        try scratch.write("a.csv", "id,n\n1,10\n,abc\n,20\n3,30\n")
        #expect(try scratch.sync("a.csv", params).counts == "2 0 0 0 2")
        try scratch.write("a.csv", "id,n\n1,10\n,abc\n2,20\n3,30\n")
        #expect(try scratch.sync("a.csv", params).counts == "1 0 1 0 1")
        // What is of another kind is before nothing, and is looked at by every job.
        #expect(try scratch.sync("a.csv", params).counts == "0 0 1 0 1")
    }

    /// Two files of a folder, two formats, two arrays of a file, two outputs of a command, two queries that begin alike.
    @Test func sourcesOfOneNameHaveBookmarksOfTheirOwn() throws {
        let scratch = try Scratch()
        _ = try scratch.sql("CREATE TABLE a (id, n); INSERT INTO a VALUES ('de', 20), ('fr', 10)", in: "source.db")
        for (land, n) in [("de", 20), ("fr", 10)] {
            try scratch.write("\(land)-1.csv", "id,n\n\(land),\(n)\n")
            let message: JSON = ["type": "RECORD", "stream": "s", "record": ["id": .string(land), "n": JSON(n)]]
            try scratch.write("\(land).lines", message.text + "\n")
        }
        try scratch.sh("mkdir mixed")
        try scratch.write("mixed/de.csv", "id,n\nde,20\n")
        try scratch.write("mixed/fr.ndjson", #"{"id": "fr", "n": 10}"#)
        try scratch.write("lands.json", #"{"de": [{"id": "de", "n": 20}], "fr": [{"id": "fr", "n": 10}]}"#)
        let space = String(repeating: " ", count: 200)
        func sources(_ land: String) -> [JSON] {
            [
                ["file": .string(scratch.path), "glob": .string("\(land)-*.csv")],
                ["file": .string("\(scratch.path)/mixed"), "format": .string(land == "de" ? "csv" : "ndjson")],
                ["file": .string("\(scratch.path)/lands.json"), "array": .string(land)],
                ["command": ["/bin/cat", .string("\(scratch.path)/\(land).lines")]],
                [
                    "sqlite": .string("\(scratch.path)/source.db"),
                    "query": .string("SELECT * FROM a WHERE\(space) id = '\(land)'"),
                ],
            ]
        }
        for (first, second) in zip(sources("de"), sources("fr")) {
            for source in [first, second] {
                let run = try scratch.sync(["source": source, "mode": "incremental", "cursor_field": "n"])
                #expect(run.counts == "1 0 0 0 0", "\(source.text)")
            }
            try scratch.sh("rm target.db")
        }
    }

    /// It was kept by the plain name then, of which nobody knows whether this source was meant.
    @Test func noJobStopsEarlyBecauseABookmarkIsOfAnOlderVersion() throws {
        let scratch = try Scratch()
        let params: JSONObject = [
            "source": ["file": .string(scratch.path), "glob": "*.csv"], "mode": "incremental", "cursor_field": "n",
            "stop_after_unchanged": 3,
        ]
        try scratch.write("a.csv", "id,n\n" + (1...10).map { "\($0),\($0)\n" }.joined())
        #expect(try scratch.sync(params).counts == "10 0 0 0 0")
        try scratch.sql("UPDATE _jobspool_syncs SET source = '\(scratch.path)'; DROP TABLE _jobspool_reads")
        try scratch.write("a.csv", "id,n\n" + (1...20).map { "\($0),\($0)\n" }.joined())
        #expect(try scratch.sync(params).counts == "10 0 10 0 0")
        #expect(try scratch.sync(params).counts == "0 0 1 0 0", "the bookmark is its own now")
        var full = params
        full["mode"] = "full"
        full["cursor_field"] = nil
        #expect(try scratch.sync(full).counts == "0 0 3 0 0", "and it stops early again")
    }

    @Test func aLimitedReadingOfAnUnorderedSourceLeavesTheBookmark() throws {
        let scratch = try Scratch()
        let params: JSONObject = ["mode": "incremental", "cursor_field": "n", "limit": 1]
        try scratch.write("a.csv", "id,n\n3,30\n1,10\n2,20\n")
        #expect(try scratch.sync("a.csv", params).counts == "1 0 0 0 0")
        #expect(try scratch.sync("a.csv", ["mode": "incremental", "cursor_field": "n"]).counts == "2 0 1 0 0")
    }

    @Test func stoppingEarlyCountsUnchangedRecordsInARow() throws {
        let scratch = try Scratch()
        let params: JSONObject = ["mode": "incremental", "stop_after_unchanged": 3, "batch_size": 4]
        try scratch.write("a.csv", "id,n\n" + (1...20).map { "\($0),x\n" }.joined())
        let first = try scratch.sync("a.csv", params)
        #expect(first.counts == "20 0 0 0 0")
        #expect(first.result?["stopped_early"] == false)
        try scratch.sh("sed -i 's/^3,x/3,y/; s/^9,x/9,y/' a.csv")
        let run = try scratch.sync("a.csv", params)
        #expect(run.counts == "0 1 5 0 0", "1, 2, 3 changed, 4, 5, 6: the rest is left")
        #expect(run.result?["stopped_early"] == true)
        #expect(run.logs.contains("Stopped early: 3 records in a row were unchanged"))
        #expect(run.logs.last?.hasPrefix("Sync complete: 6/6 operations successful") == true)
    }
}
