import Glibc
import JSONText
import Testing

/// Databases and commands as sources.
@Suite struct StreamTests {
    @Test func aTableIsReadWithItsTypesAndItsKey() throws {
        let scratch = try Scratch()
        _ = try scratch.sql(
            """
            CREATE TABLE shop (a TEXT, b INTEGER, r REAL, x BLOB, n, PRIMARY KEY (a, b));
            INSERT INTO shop VALUES ('k', 1, 1.0, x'00ff', NULL), ('k', 9007199254740993, 0.1, x'', 'é');
            """, in: "source.db")
        let source: JSON = ["sqlite": .string("\(scratch.path)/source.db"), "table": "shop"]
        let run = try scratch.sync(["source": source, "key": .null])
        #expect(run.counts == "2 0 0 0 0")
        #expect(run.logs.first == "Found 2 records to process")
        #expect(
            try scratch.sql(
                "ATTACH '\(scratch.path)/source.db' AS s; SELECT COUNT(*) FROM t JOIN s.shop o ON t.a = o.a AND t.b = o.b AND t.r = o.r AND t.x = o.x AND t.n IS o.n AND typeof(t.x) = 'blob' AND typeof(t.r) = 'real'"
            ) == "2")
        #expect(try scratch.sql("SELECT _key FROM t ORDER BY rowid") == #"["k",1]\#n["k",9007199254740993]"#)
    }

    @Test func queriesAndViewsAndTablesWithoutRowNumbersAreRead() throws {
        let scratch = try Scratch()
        _ = try scratch.sql(
            """
            CREATE TABLE w (id TEXT PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO w VALUES ('a', 1), ('b', 2);
            CREATE VIEW v AS SELECT id, v * 10 AS v FROM w;
            """, in: "source.db")
        let before = try scratch.sh("md5sum source.db")
        for (rows, sum) in [
            (["table": "w"], "3"), (["table": "v"], "30"), (["query": "SELECT id, v * 100 AS v FROM w -- all"], "300"),
        ] as [(JSONObject, String)] {
            var source = rows
            source["sqlite"] = .string("\(scratch.path)/source.db")
            #expect(try scratch.sync(["source": .object(source)]).exit == 0)
            #expect(try scratch.sql("SELECT SUM(v) FROM t") == sum)
        }
        #expect(try scratch.sh("md5sum source.db; ls") == before + "source.db\ntarget.db\n")
    }

    @Test(
        arguments: [
            (["table": "none"], "INVALID_QUERY"), (["query": "SELEC 1"], "INVALID_QUERY"),
            (["query": "DELETE FROM w RETURNING id"], "INVALID_QUERY"),
        ] as [(JSONObject, String)])
    func aQueryThatIsNoneFailsTheJob(rows: JSONObject, code: String) throws {
        let scratch = try Scratch()
        _ = try scratch.sql("CREATE TABLE w (id); INSERT INTO w VALUES (1)", in: "source.db")
        var source = rows
        source["sqlite"] = .string("\(scratch.path)/source.db")
        #expect(try scratch.sync(["source": .object(source)]).failure?["code"]?.string == code)
        #expect(try scratch.sql("SELECT COUNT(*) FROM w", in: "source.db") == "1")
    }

    @Test func oneTableOfADatabaseMayBeSyncedIntoAnother() throws {
        let scratch = try Scratch()
        _ = try scratch.sql(
            "CREATE TABLE a (id INTEGER PRIMARY KEY, v); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO a SELECT i, 'v' FROM n"
        )
        for source in [["table": "a"], ["query": "SELECT * FROM a"]] as [JSONObject] {
            var source = source
            source["sqlite"] = .string("\(scratch.path)/target.db")
            #expect(try scratch.sync(["source": .object(source), "batch_size": 100]).exit == 0)
        }
        #expect(try scratch.sql("SELECT COUNT(*), SUM(id) FROM t") == "3000|4501500")
    }

    @Test func anIncrementalSyncAsksTheDatabaseForWhatIsNewInItsOrder() throws {
        let scratch = try Scratch()
        _ = try scratch.sql(
            "CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO a VALUES (1, 30), (2, 10), (3, 20), (4, NULL)",
            in: "source.db")
        let source: JSON = ["sqlite": .string("\(scratch.path)/source.db"), "table": "a"]
        func sync(_ more: JSONObject = [:]) throws -> Run {
            var params: JSONObject = ["source": source, "mode": "incremental", "cursor_field": "n"]
            for (key, value) in more.members { params[key] = value }
            return try scratch.sync(params)
        }
        // In the order of the cursor, so that a limited job makes headway.
        #expect(try sync(["limit": 3]).counts == "3 0 0 0 0")
        #expect(try scratch.sql("SELECT group_concat(id) FROM t") == "4,2,3")
        let second = try sync()
        #expect(second.counts == "1 0 2 0 0")
        #expect(second.logs.first == "Found 3 records to process")
    }

    /// SQLite by itself compares the bytes of texts, and puts all of them behind all numbers.
    @Test(
        arguments: [
            ["'8'", "'9'", "'10'", "'11'"], ["8", "'9'", "9.5", "'10'"],
            [
                "'2026-01-01T10:00:00Z'", "'2026-01-01T10:00:00.5Z'", "'2026-01-01T12:00:01+02:00'",
                "'2026-01-01 10:00:02'",
            ],
        ], ["", "INTEGER", "DECIMAL", "TEXT"])
    func aDatabaseIsReadInTheOrderOfWhatTheCursorMeans(values: [String], type: String) throws {
        let scratch = try Scratch()
        let early = "INSERT INTO a VALUES (2, \(values[1])), (3, \(values[0]))"
        let late = "INSERT INTO a VALUES (1, \(values[3])), (4, \(values[2]))"
        _ = try scratch.sql("CREATE TABLE a (id INTEGER PRIMARY KEY, n \(type)); \(early); \(late)", in: "source.db")
        var params: JSONObject = [
            "source": ["sqlite": .string("\(scratch.path)/source.db"), "table": "a"], "mode": "incremental",
            "cursor_field": "n", "limit": 2,
        ]
        for ids in ["3,2", "3,2,4,1"] {
            try scratch.sync(params)
            #expect(try scratch.sql("SELECT group_concat(id) FROM t") == ids)
        }
        // The same when the later ones come later.
        try scratch.sh("rm target.db")
        params["limit"] = nil
        _ = try scratch.sql("DELETE FROM a; \(early)", in: "source.db")
        #expect(try scratch.sync(params).counts == "2 0 0 0 0")
        _ = try scratch.sql(late, in: "source.db")
        let second = try scratch.sync(params)
        #expect(second.counts == "2 0 1 0 0")
        #expect(second.logs.first == "Found 3 records to process")
    }

    /// SQLite compares neither with numbers: where a STRICT table keeps everything as it is, and what is a number only elsewhere.
    @Test(arguments: [("ANY) STRICT", "'9'", "10"), ("DECIMAL)", "'0x10'", "17")])
    func aBookmarkThatIsATextHidesNoNumber(type: String, early: String, late: String) throws {
        let scratch = try Scratch()
        _ = try scratch.sql(
            "CREATE TABLE a (id INTEGER PRIMARY KEY, n \(type); INSERT INTO a VALUES (1, \(early))", in: "source.db")
        let params: JSONObject = [
            "source": ["sqlite": .string("\(scratch.path)/source.db"), "table": "a"], "mode": "incremental",
            "cursor_field": "n",
        ]
        #expect(try scratch.sync(params).counts == "1 0 0 0 0")
        _ = try scratch.sql("INSERT INTO a VALUES (2, \(late))", in: "source.db")
        #expect(try scratch.sync(params).counts == "1 0 1 0 0")
    }

    @Test func wholeNumbersBeforeABookmarkWithAFractionAreNotReadAgain() throws {
        let scratch = try Scratch()
        _ = try scratch.sql(
            "CREATE TABLE a (id INTEGER PRIMARY KEY, n); INSERT INTO a VALUES (1, 8), (2, 9.5)", in: "source.db")
        let params: JSONObject = [
            "source": ["sqlite": .string("\(scratch.path)/source.db"), "table": "a"], "mode": "incremental",
            "cursor_field": "n",
        ]
        #expect(try scratch.sync(params).counts == "2 0 0 0 0")
        _ = try scratch.sql("INSERT INTO a VALUES (3, 10)", in: "source.db")
        let second = try scratch.sync(params)
        #expect(second.logs.first == "Found 2 records to process")
        #expect(second.counts == "1 0 1 0 0")
    }

    private func tap(_ scratch: Scratch, _ script: String, _ more: JSONObject = [:]) throws -> JSONObject {
        try scratch.write("tap.sh", script)
        var params: JSONObject = [
            "source": ["command": ["/bin/bash", .string("\(scratch.path)/tap.sh"), "--state", "{state}"]], "key": .null,
        ]
        for (key, value) in more.members { params[key] = value }
        return params
    }

    @Test func aTapGivesRecordsItsKeyAndAStateForTheNextTime() throws {
        let scratch = try Scratch()
        let params = try tap(
            scratch,
            #"""
            echo "tap: $1 $(cat "$2")" >&2
            n=$(jq -r '.n // 0' "$2")
            echo '{"type": "SCHEMA", "stream": "users", "schema": {}, "key_properties": ["id"]}'
            for i in 1 2 3; do
                echo "{\"type\": \"RECORD\", \"stream\": \"users\", \"record\": {\"id\": $((n + i)), \"name\": \"u\\u00e9 $i\"}}"
            done
            echo "{\"type\": \"RECORD\", \"stream\": \"users\", \"record\": {\"id\": $((n + 1)), \"name\": \"later\"}}"
            echo "hello"
            echo '{"level": "info", "msg": "no record"}'
            echo "{\"type\": \"STATE\", \"value\": {\"n\": $((n + 3))}}"
            """#, ["mode": "incremental"])
        let first = try scratch.sync(params)
        #expect(first.counts == "3 1 0 0 0")
        #expect(first.logs.contains("tap: --state {}"))
        #expect(first.logs.contains("hello"))
        #expect(first.logs.contains(#"{"level": "info", "msg": "no record"}"#))
        #expect(try scratch.sql("SELECT id, name FROM t") == "1|later\n2|ué 2\n3|ué 3")
        let second = try scratch.sync(params)
        #expect(second.logs.contains("tap: --state {\"n\":3}"))
        #expect(second.counts == "3 1 0 0 0")
        #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "6")
        var full = params
        full["mode"] = "full"
        #expect(try scratch.sync(full).logs.contains("tap: --state {}"))
    }

    @Test func aTapThatFailsFailsTheJobAndDeletesNothing() throws {
        let scratch = try Scratch()
        try scratch.write("a.csv", "id\n1\n2\n")
        try scratch.sync("a.csv")
        let params = try tap(
            scratch, #"echo '{"type": "RECORD", "stream": "s", "record": {"id": 1}}'; echo "no access" >&2; exit 3"#,
            ["key": "id", "mode": "mirror", "max_delete_percent": 100])
        let run = try scratch.sync(params)
        #expect(run.failure?["code"] == "COMMAND_FAILED")
        #expect(run.exit == 75)
        #expect(run.failure?["message"]?.string?.contains("exit status 3") == true)
        #expect(run.logs.contains("no access"))
        #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "2")
        #expect(try scratch.sync(["source": ["command": ["/no/such/tap"]]]).failure?["code"] == "COMMAND_NOT_STARTED")
    }

    /// A mirror must not delete the row of a record that it could not read, and no state may pass it. (As printf(1) takes them.)
    @Test(arguments: [
        #"{"type": "RECORD", "stream": "s", "record": {"id": "2", "v": "a\tb"}}"#,
        #"{"type": "RECORD", "stream": "s", "record": {"id": "2", "v": "\351"}}"#,
        #"{"type": "RECORD", "stream": "s", "record": {"id": "2"}}{"type": "RECORD", "stream": "s", "record": {}}"#,
        #" {"type": "RECORD", "stream": "s", "record": {"id": "2""#, #"{"stream": "s", "record": {"id": "2"}}"#,
    ])
    func aMessageThatCannotBeTakenApartIsAnItemError(message: String) throws {
        let scratch = try Scratch()
        try scratch.write("a.csv", "id\n1\n2\n")
        try scratch.sync("a.csv")
        try scratch.sh(
            #"printf '{"type": "RECORD", "stream": "s", "record": {"id": "1"}}\n\#(message)\n' >lines"#)
        try scratch.sh(#"printf 'hello\n{"type": "STATE", "value": {"n": 2}}\n' >>lines"#)
        var params: JSONObject = [
            "source": ["command": ["/bin/cat", .string("\(scratch.path)/lines")]], "mode": "mirror",
            "max_delete_percent": 100,
        ]
        let mirror = try scratch.sync(params)
        #expect(mirror.itemErrors == ["record 2 INVALID_MESSAGE"])
        #expect(mirror.logs.contains("hello"))
        #expect(mirror.logs.contains("Nothing will be deleted: 1 records of the source could not be used"))
        #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "2")
        params["mode"] = "incremental"
        #expect(try scratch.sync(params).counts == "0 0 1 0 1")
        #expect(
            try scratch.sql(
                "SELECT json_extract(state, '$.bookmark') IS NULL FROM _jobspool_syncs WHERE source LIKE '/bin/cat%'")
                == "1")
    }

    @Test func oneOfSeveralStreamsHasToBeNamed() throws {
        let scratch = try Scratch()
        let script =
            #"for s in a b a; do echo "{\"type\": \"RECORD\", \"stream\": \"$s\", \"record\": {\"id\": \"$s\"}}"; done"#
        let unnamed = try scratch.sync(try tap(scratch, script, ["key": "id"]))
        #expect(unnamed.failure?["details"]?["field"] == "params.entity")
        let named = try scratch.sync(try tap(scratch, script, ["key": "id", "entity": "b"]))
        #expect(named.counts == "1 0 0 0 0")
        #expect(named.logs.contains("Left out 2 records of the stream a"))
    }

    @Test func aTapIsStoppedWithEverythingThatItStarted() throws {
        let scratch = try Scratch()
        let params = try tap(
            scratch,
            #"""
            trap '' TERM
            sleep 1000 & echo $! >"$(dirname "$0")/grandchild"
            echo $$ >"$(dirname "$0")/child"
            echo '{"type": "RECORD", "stream": "s", "record": {"id": 1}}'
            echo 'it is running'
            while :; do sleep 0.1; done
            """#, ["key": "id"])
        let request: JSON = ["params": .object(scratch.params(params))]
        let child = try Child([products + "/jobspool-records", "records.sync"], input: request.text)
        #expect(child.read(until: "it is running").contains("it is running"))
        kill(child.pid, SIGTERM)
        let (status, _) = try child.finish()
        #expect(status == 143)
        for name in ["child", "grandchild"] {
            // Killed, it may still have to die. Nobody but init can bury a grandchild.
            let state = try scratch.sh(
                """
                for i in $(seq 1000); do
                    case $(ps -o stat= -p $(cat \(name))) in Z* | '') exit 0 ;; esac
                    sleep 0.02
                done
                echo lives
                """)
            #expect(state.isEmpty, "\(name) lives")
        }
    }
}
