import Glibc
import JSONText
import Testing

/// What a table of records is.
@Suite struct TargetTests {
    @Test func valuesKeepTheirTypesAndTheirDigits() throws {
        let scratch = try Scratch()
        try scratch.write(
            "a.ndjson",
            #"{"id": 1, "t": "é\u0000x\ud83d\ude00", "i": -9007199254740993, "big": 123456789012345678901234567890, "#
                + #""r": 1.10, "e": 1e3, "d": 0.1234567890123456789012, "y": true, "n": false, "z": null, "o": {"b": 1, "a": []}}"#
        )
        #expect(try scratch.sync("a.ndjson").counts == "1 0 0 0 0")
        #expect(
            try scratch.sql("SELECT i, big, r, e, d, y, n, z IS NULL, o FROM t")
                == #"-9007199254740993|123456789012345678901234567890|1.1|1000.0|0.1234567890123456789012|1|0|1|{"a":[],"b":1}"#
        )
        #expect(
            try scratch.sql("SELECT typeof(i), typeof(big), typeof(r), typeof(e), typeof(d), typeof(y), hex(t) FROM t")
                == "integer|text|real|real|text|integer|C3A90078F09F9880")
    }

    @Test func theHashIsThatOfTheCanonicalJSON() throws {
        let scratch = try Scratch()
        try scratch.write(
            "a.ndjson",
            #"{"peach": "\u20ac\t\"\\/\u000f", "id": 1.50, "\ud83d\ude00": [true, {"b": null, "a": 1}], "\ufb33": 2}"#)
        try scratch.sync("a.ndjson")
        // RFC 8785 sorts by UTF-16 code units: a surrogate before U+FB33.
        let canonical = #"{"id":1.50,"peach":"€\t\"\\/\u000f","😀":[true,{"a":1,"b":null}],""# + "\u{fb33}\":2}"
        try scratch.write("canonical", canonical)
        let judged = try scratch.sh("sha256sum <canonical | cut -c1-64 | tr -d '\\n'")
        #expect(try scratch.sql("SELECT lower(hex(_hash)) FROM t") == judged)
    }

    @Test func fieldsThatComeLaterGetColumns() throws {
        let scratch = try Scratch()
        try scratch.write(
            "a.ndjson", "{\"id\": 1}\n{\"id\": 2, \"a b\": 1}\n{\"A B\": 3, \"id\": 3, \"\\\"quoted\\\"\": 4}\n")
        #expect(try scratch.sync("a.ndjson").counts == "3 0 0 0 0")
        #expect(try scratch.sql("SELECT id, \"a b\", \"\"\"quoted\"\"\" FROM t ORDER BY id") == "1||\n2|1|\n3|3|4")
        // A field that is gone is NULL again.
        try scratch.write("a.ndjson", "{\"id\": 2}\n")
        #expect(try scratch.sync("a.ndjson").counts == "0 1 0 0 0")
        #expect(try scratch.sql("SELECT \"a b\" IS NULL FROM t WHERE id = 2") == "1")
    }

    @Test func fieldsThatCanHaveNoColumnAreItemErrors() throws {
        let scratch = try Scratch()
        try scratch.write("a.ndjson", "{\"id\": 1, \"_hash\": 1}\n{\"id\": 2, \"a\": 1, \"A\": 2}\n{\"id\": 3}\n")
        let run = try scratch.sync("a.ndjson")
        #expect(run.itemErrors == ["1 FIELD_REFUSED", "2 FIELD_REFUSED"])
        #expect(run.counts == "1 0 0 0 2")
    }

    /// They are the same to Swift, and two columns to SQLite.
    @Test func namesOfFieldsAreComparedByTheirBytes() throws {
        let scratch = try Scratch()
        let lines = [#"{"id": 1, "\u00e9": 1}"#, #"{"id": 2, "e\u0301": 2}"#, #"{"id": 3, "\u00e9": 3, "e\u0301": 4}"#]
        try scratch.write("a.ndjson", lines.map { $0 + "\n" }.joined())
        for counts in ["3 0 0 0 0", "0 0 3 0 0"] { #expect(try scratch.sync("a.ndjson").counts == counts) }
        #expect(
            try scratch.sql("SELECT id, \"\u{e9}\", \"e\u{301}\" FROM t ORDER BY id") == "1|1|\n2||2\n3|3|4")
    }

    /// A quote with an accent on it is a character of its own to Swift, and ends a name to SQLite.
    @Test func theNameOfAFieldIsNoSQL() throws {
        let scratch = try Scratch()
        try scratch.write("a.ndjson", #"{"id": 1, "a\"\u0301; DROP TABLE t; --": 2}"#)
        #expect(try scratch.sync("a.ndjson").counts == "1 0 0 0 0")
        #expect(
            try scratch.sql("SELECT name FROM pragma_table_info('t') WHERE name LIKE 'a%'")
                == "a\"\u{301}; DROP TABLE t; --")
    }

    @Test func aTableOfOnesOwnIsUsedAsItIs() throws {
        let scratch = try Scratch()
        _ = try scratch.sql(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, price REAL CHECK (price > 0), added TEXT DEFAULT 'now'); PRAGMA journal_mode"
        )
        try scratch.write("a.csv", "id,price\n900000000000,1.50\n2,-1\nx,1\n")
        let run = try scratch.sync("a.csv")
        #expect(run.itemErrors == ["2 REFUSED", "x REFUSED"])
        #expect(run.counts == "1 0 0 0 2")
        #expect(try scratch.sql("SELECT id, price, typeof(price), added FROM t") == "900000000000|1.5|real|now")
        #expect(
            try scratch.sql("PRAGMA journal_mode") == "delete",
            "the journal of a database that is there is its owner's matter")
        #expect(try scratch.sync("a.csv", ["mode": "mirror"]).counts == "0 0 1 0 2")
        // What others add is not touched.
        _ = try scratch.sql("UPDATE t SET added = 'then'; ALTER TABLE t ADD COLUMN note; UPDATE t SET note = 'mine'")
        try scratch.write("a.ndjson", "{\"id\": 900000000000}\n")
        #expect(try scratch.sync("a.ndjson").counts == "0 1 0 0 0")
        #expect(try scratch.sql("SELECT id, price IS NULL, added, note FROM t") == "900000000000|1|then|mine")
    }

    @Test(arguments: [
        ("CREATE TABLE t (id TEXT PRIMARY KEY) WITHOUT ROWID", "params.target.table"),
        ("CREATE VIEW t AS SELECT 1", "params.target.table"),
    ])
    func whatCannotHoldRecordsIsRefused(sql: String, field: String) throws {
        let scratch = try Scratch()
        _ = try scratch.sql(sql)
        try scratch.write("a.csv", "id\n1\n")
        let run = try scratch.sync("a.csv")
        #expect(run.exit == 64)
        #expect(run.failure?["details"]?["field"]?.string == field)
    }

    @Test func aTargetThatIsNoDatabaseIsLeftAlone() throws {
        let scratch = try Scratch()
        try scratch.write("target.db", String(repeating: "no database\n", count: 100))
        try scratch.write("a.csv", "id\n1\n")
        #expect(try scratch.sync("a.csv").failure?["code"] == "NOT_A_DATABASE")
        #expect(try scratch.sh("sort -u target.db") == "no database\n")
        let elsewhere: JSON = ["sqlite": "/nowhere/at/all.db", "table": "t"]
        #expect(try scratch.sync("a.csv", ["target": elsewhere]).failure?["code"] == "CANNOT_OPEN")
    }

    @Test func aDryRunMakesNothing() throws {
        let scratch = try Scratch()
        try scratch.write("a.csv", "id\n1\n2\n")
        for mode in ["full", "incremental", "mirror"] {
            #expect(try scratch.sync("a.csv", ["mode": .string(mode)], dryRun: true).counts == "2 0 0 0 0")
        }
        #expect(try scratch.sh("ls") == "a.csv\n")
        _ = try scratch.sql("CREATE TABLE other (x)")
        let before = try scratch.sh("md5sum target.db")
        #expect(try scratch.sync("a.csv", dryRun: true).counts == "2 0 0 0 0")
        #expect(try scratch.sh("md5sum target.db") == before)
    }

    @Test func othersMayReadDuringASyncAndALockIsWaitedFor() throws {
        let scratch = try Scratch()
        try scratch.write("a.csv", "id\n1\n")
        try scratch.sync("a.csv")
        #expect(try scratch.sql("PRAGMA journal_mode") == "wal")
        #expect(try scratch.sh("ls") == "a.csv\ntarget.db\n", "nothing is left beside the database")
        // A writer that takes a second.
        try scratch.write("a.csv", "id\n1\n2\n")
        let request: JSON = ["params": .object(scratch.params(["source": .string("\(scratch.path)/a.csv")]))]
        try scratch.write("request.json", request.text)
        try scratch.sh(
            """
            (echo "BEGIN IMMEDIATE; INSERT INTO t (_key, _hash, id) VALUES ('w', x'00', 'w');"; sleep 1; echo "COMMIT;") | sqlite3 target.db &
            sleep 0.3
            '\(products)/jobspool-records' records.sync <request.json >out
            wait
            """)
        #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "3")
    }

    /// Another program holds the target, and the job is asked to stop: it does not wait on.
    @Test func aJobThatIsToStopWaitsForNoLock() throws {
        let scratch = try Scratch()
        try scratch.write("a.csv", "id\n1\n")
        try scratch.sync("a.csv")
        try scratch.write(
            "holder.py",
            """
            import os, sqlite3, time
            db = sqlite3.connect('\(scratch.path)/target.db', isolation_level=None)
            db.execute('BEGIN IMMEDIATE')
            print('holding', flush=True)
            while not os.path.exists('\(scratch.path)/enough'): time.sleep(0.01)
            """)
        let holder = try Child(["/bin/bash", "-c", "exec python3 '\(scratch.path)/holder.py'"], input: "")
        #expect(holder.read(until: "holding").contains("holding"))
        try scratch.write("a.csv", "id\n1\n2\n")
        let request: JSON = ["params": .object(scratch.params(["source": .string("\(scratch.path)/a.csv")]))]
        let child = try Child([products + "/jobspool-records", "records.sync"], input: request.text)
        #expect(child.read(until: "Found 2 records").contains("Found 2 records"))
        kill(child.pid, SIGTERM)
        let (status, rest) = try child.finish()
        #expect(status == 143, "\(rest)")
        #expect(rest.contains("Stopped after 0 operations"))
        try scratch.sh("touch enough")
        #expect(try holder.finish().status == 0)
        #expect(try scratch.sync("a.csv").counts == "1 0 1 0 0")
    }
}
