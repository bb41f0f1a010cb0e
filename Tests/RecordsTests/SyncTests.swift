import JSONText
import Testing

@Suite struct SyncTests {
    @Test func recordsAreCreatedThenSkippedThenUpdated() throws {
        let scratch = try Scratch()
        try scratch.write("a.ndjson", #"{"id": 1, "name": "one"}\#n{"id": 2, "name": "two"}\#n"#)
        #expect(try scratch.sync("a.ndjson").counts == "2 0 0 0 0")
        #expect(try scratch.sync("a.ndjson").counts == "0 0 2 0 0")
        try scratch.write("a.ndjson", #"{"id": 1, "name": "one"}\#n{"id": 2, "name": "zwei", "new": 1.5}\#n"#)
        #expect(try scratch.sync("a.ndjson").counts == "0 1 1 0 0")
        #expect(try scratch.sql("SELECT id, name, new FROM t ORDER BY id") == "1|one|\n2|zwei|1.5")
    }

    @Test func theOrderOfFieldsIsNoChange() throws {
        let scratch = try Scratch()
        try scratch.write("a.ndjson", #"{"id": 1, "a": 2, "é": 3, "nested": {"x": 1, "y": [1, 2]}}"#)
        try scratch.sync("a.ndjson")
        try scratch.write("a.ndjson", #"{"nested":{"y":[1,2],"x":1},"\u00e9":3,"a":2,"id":1}"#)
        #expect(try scratch.sync("a.ndjson").counts == "0 0 1 0 0")
    }

    @Test func forceWritesWhatIsUnchanged() throws {
        let scratch = try Scratch()
        try scratch.write("a.csv", "id,name\n1,one\n2,two\n")
        try scratch.sync("a.csv")
        _ = try scratch.sql("UPDATE t SET name = 'spoilt' WHERE id = '1'")
        #expect(try scratch.sync("a.csv").counts == "0 0 2 0 0")
        #expect(try scratch.sync("a.csv", ["force": true]).counts == "0 2 0 0 0")
        #expect(try scratch.sql("SELECT name FROM t ORDER BY id") == "one\ntwo")
    }

    @Test func changesOfIgnoredFieldsAreNone() throws {
        let scratch = try Scratch()
        for (params, expected) in [
            (["ignore_fields": ["seen"]], "0 0 1 0 0"), (["compare_fields": ["name"]], "0 0 1 0 0"),
            (["compare_fields": ["seen"]], "0 1 0 0 0"),
        ] as [(JSONObject, String)] {
            try scratch.write("a.csv", "id,name,seen\n1,one,yesterday\n")
            try scratch.sync("a.csv", params)
            try scratch.write("a.csv", "id,name,seen\n1,one,today\n")
            #expect(try scratch.sync("a.csv", params).counts == expected)
            try scratch.sh("rm target.db")
        }
    }

    @Test func aFieldThatOnlyLooksLikeANamedOneIsAnother() throws {
        let scratch = try Scratch()
        for (params, expected) in [
            (["ignore_fields": ["\u{E9}"]], "0 1 0 0 0"), (["compare_fields": ["\u{E9}"]], "0 0 1 0 0"),
        ] as [(JSONObject, String)] {
            try scratch.write("a.csv", "id,e\u{301}\n1,one\n")
            try scratch.sync("a.csv", params)
            try scratch.write("a.csv", "id,e\u{301}\n1,other\n")
            #expect(try scratch.sync("a.csv", params).counts == expected)
            try scratch.sh("rm target.db")
        }
    }

    @Test func severalFieldsMakeAKey() throws {
        let scratch = try Scratch()
        try scratch.write("a.csv", "shop,sku,price\nde,1,10\nde,2,20\nat,1,11\n,,0\n")
        let run = try scratch.sync("a.csv", ["key": ["shop", "sku"], "max_errors": 1])
        #expect(run.counts == "3 0 0 0 1")
        #expect(run.itemErrors == ["line 5 NO_KEY"])
        #expect(try scratch.sql("SELECT _key FROM t ORDER BY rowid") == #"["de","1"]\#n["de","2"]\#n["at","1"]"#)
    }

    @Test func aSecondRecordOfAKeyIsAnItemErrorWithBothLines() throws {
        let scratch = try Scratch()
        try scratch.write("a.csv", "id,name\n1,one\n2,\"two\nlines\"\n1,other\n2,two\n1,one\n")
        for dryRun in [true, false] {
            let run = try scratch.sync("a.csv", dryRun: dryRun)
            #expect(run.counts == "2 0 0 0 3")
            #expect(
                run.of("error").map { $0["message"]?.string } == [
                    "line 5 has the key 1, which line 2 has already: it was left out",
                    "line 6 has the key 2, which line 3 has already: it was left out",
                    "line 7 has the key 1, which line 2 has already: it was left out",
                ])
        }
        #expect(try scratch.sql("SELECT name FROM t ORDER BY id") == "one\ntwo\nlines")
        let again = try scratch.sync("a.csv")
        #expect(again.counts == "0 0 2 0 3")
        #expect(again.of("error").count == 3)
    }

    @Test(arguments: [1, 7, 1000])
    func everyBatchSizeGivesTheSame(size: Int) throws {
        let scratch = try Scratch()
        let rows = (1...50).map { "\($0),\($0 % 7)" }.joined(separator: "\n")
        try scratch.write("a.csv", "id,n\n\(rows)\n3,9\n")
        let run = try scratch.sync("a.csv", ["batch_size": JSON(size)])
        #expect(run.counts == "50 0 0 0 1")
        #expect(run.logs.filter { $0.hasPrefix("Adding batch") }.count == (50 + size - 1) / size)
        #expect(try scratch.sql("SELECT COUNT(*), SUM(id), SUM(n) FROM t") == "50|1275|148")
    }

    @Test func aLimitLooksAtSoManyRecords() throws {
        let scratch = try Scratch()
        try scratch.write("a.csv", "id\n" + (1...30).map { "\($0)\n" }.joined())
        #expect(try scratch.sync("a.csv", ["limit": 12, "batch_size": 5]).counts == "12 0 0 0 0")
        #expect(try scratch.sync("a.csv", ["limit": 20]).counts == "8 0 12 0 0")
        let mirror = try scratch.sync("a.csv", ["limit": 5, "mode": "mirror"])
        #expect(mirror.counts == "0 0 5 0 0")
        #expect(mirror.logs.contains("Nothing will be deleted: `limit` left records unread"))
    }

    @Test func tooManyErrorsFailTheJob() throws {
        let scratch = try Scratch()
        try scratch.write("a.csv", "id,n\n1,1\nx\n2,2\ny\n3,3\n")
        #expect(try scratch.sync("a.csv", ["max_errors": 1]).failure?["code"] == "TOO_MANY_ERRORS")
        #expect(try scratch.sync("a.csv", ["max_error_percent": 30]).failure?["code"] == "TOO_MANY_ERRORS")
        let borne = try scratch.sync("a.csv")
        #expect(borne.exit == 0)
        #expect(borne.itemErrors == ["line 3 WRONG_FIELD_COUNT", "line 5 WRONG_FIELD_COUNT"])
        try scratch.write("b.csv", "id,n\nx\n")
        #expect(try scratch.sync("b.csv").failure?["code"] == "TOO_MANY_ERRORS", "every item failed")
    }

    @Test func progressIsKnownFromTheBeginningAndEndsWhole() throws {
        let scratch = try Scratch()
        try scratch.write("a.csv", "id\n" + (1...30).map { "\($0)\n" }.joined())
        let run = try scratch.sync("a.csv", ["batch_size": 10])
        let first = try #require(run.of("progress").first)
        #expect(first["total"] == 30)
        #expect(first["current"] == 0)
        let last = try #require(run.of("progress").last)
        #expect(last["current"] == 30)
        #expect(last["total"] == 30)
        #expect(last["counts"] == run.result?["counts"])
    }
}
