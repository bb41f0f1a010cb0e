import JSONText
import Testing

/// Fields and columns that have a name by which SQLite knows the numbers of rows: `rowid`, `_rowid_`, `oid`.
@Suite struct RowNumberTests {
    private static let names = ["rowid", "RowID", "_rowid_", "oid"]

    /// Records of the codes, in which the field has numbers from `first`.
    private func records(_ field: String, _ codes: [String], from first: Int) -> String {
        let rows = codes.enumerated().map { #"{"code": "\#($1)", "\#(field)": \#(first + $0)}"# }
        return "[\(rows.joined(separator: ", "))]"
    }

    @Test(arguments: names)
    func aMirrorDeletesByTheRowsAndNotByTheField(field: String) throws {
        let scratch = try Scratch()
        let mirror: JSONObject = ["mode": "mirror", "key": "code", "max_delete_percent": 100]
        try scratch.write("a.json", records(field, (0...9).map { "c\($0)" }, from: 100))
        #expect(try scratch.sync("a.json", mirror).counts == "10 0 0 0 0")
        let kept = records(field, (0...9).map { "c\($0)" }, from: 100).replacing(
            #"{"code": "c0", "\#(field)": 100}, "#, with: "")
        let new = records(field, ["n0", "n1", "n2"], from: 500)
        try scratch.write("a.json", kept.dropLast() + ", " + new.dropFirst())
        #expect(try scratch.sync("a.json", mirror, dryRun: true).counts == "3 0 9 1 0")
        #expect(try scratch.sync("a.json", mirror).counts == "3 0 9 1 0")
        #expect(
            try scratch.sql("SELECT group_concat(code || \"\(field)\", ' ') FROM (SELECT * FROM t ORDER BY code)")
                == "c1101 c2102 c3103 c4104 c5105 c6106 c7107 c8108 c9109 n0500 n1501 n2502")
        #expect(try scratch.sync("a.json", mirror).counts == "0 0 12 0 0")
    }

    @Test func equalValuesOfTheFieldAreNoRepeatedKeys() throws {
        let scratch = try Scratch()
        // The field comes when records were read already.
        try scratch.write("a.ndjson", (1...5).map { "{\"id\": \($0)\($0 > 2 ? ", \"rowid\": 1" : "")}\n" }.joined())
        #expect(try scratch.sync("a.ndjson", ["batch_size": 1]).counts == "5 0 0 0 0")
        #expect(try scratch.sync("a.ndjson").counts == "0 0 5 0 0")
    }

    @Test func theLastFreeNameIsNotGivenAway() throws {
        let scratch = try Scratch()
        try scratch.write(
            "a.ndjson",
            #"{"id": 1, "oid": 1, "rowid": 1, "_rowid_": 1}"# + "\n" + #"{"id": 2, "rowid": 1}"# + "\n"
                + #"{"id": 3, "OID": 1}"# + "\n" + #"{"id": 4, "_rowid_": 1}"# + "\n")
        let run = try scratch.sync("a.ndjson")
        #expect(run.itemErrors == ["1 FIELD_REFUSED", "4 FIELD_REFUSED"])
        #expect(run.counts == "2 0 0 0 2")
        #expect(try scratch.sync("a.ndjson").counts == "0 0 2 0 2")
    }

    @Test(
        arguments: [
            "CREATE TABLE t (_key TEXT, _hash BLOB, rowid, oid, _rowid_)",
            "CREATE TABLE t (_key TEXT PRIMARY KEY, _hash BLOB, rowid) WITHOUT ROWID",
        ])
    func aTableWhoseRowNumbersCannotBeHadIsRefused(sql: String) throws {
        let scratch = try Scratch()
        _ = try scratch.sql(sql)
        try scratch.write("a.csv", "id\n1\n")
        for dryRun in [true, false] {
            let run = try scratch.sync("a.csv", dryRun: dryRun)
            #expect(run.failure?["details"]?["field"] == "params.target.table", "\(run.lines)")
        }
    }

    /// A record's own number is its row's number here, and changes with it.
    @Test func aRowThatGetsAnotherNumberIsNotDeleted() throws {
        let scratch = try Scratch()
        _ = try scratch.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT)")
        let mirror: JSONObject = ["mode": "mirror", "key": "code", "max_delete_percent": 100]
        try scratch.write("a.csv", "id,code\n1,a\n2,b\n3,c\n")
        #expect(try scratch.sync("a.csv", mirror).counts == "3 0 0 0 0")
        try scratch.write("a.csv", "id,code\n7,a\n2,b\n")
        #expect(try scratch.sync("a.csv", mirror).counts == "0 1 1 1 0")
        #expect(try scratch.sql("SELECT id, code FROM t ORDER BY id") == "2|b\n7|a")
    }

    /// A dry run and the plan of a mirror give numbers of their own to the rows that are not there yet.
    @Test func rowsMayHaveNegativeNumbers() throws {
        let scratch = try Scratch()
        _ = try scratch.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
        let mirror: JSONObject = ["mode": "mirror", "max_delete_percent": 100]
        try scratch.write("a.csv", "id,v\n-1,a\n-2,b\n-3,c\n")
        #expect(try scratch.sync("a.csv", mirror).counts == "3 0 0 0 0")
        try scratch.write("a.csv", "id,v\n8,new\n9,new\n-1,a\n-3,changed\n")
        for dryRun in [true, false] { #expect(try scratch.sync("a.csv", mirror, dryRun: dryRun).counts == "2 1 1 1 0") }
        #expect(try scratch.sql("SELECT id FROM t ORDER BY id") == "-3\n-1\n8\n9")
    }

    // MARK: Sources

    private static let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)"

    @Test(
        arguments: [
            ("CREATE TABLE c (rowid TEXT, code)", "'r' || i % 7, i"),
            ("CREATE TABLE c (rowid INTEGER, code)", "i % 7, i"), ("CREATE TABLE c (OID INTEGER, code)", "i % 7, i"),
            ("CREATE TABLE c (rowid, _rowid_, code)", "1, 2, i"),
            ("CREATE TABLE c (code PRIMARY KEY, rowid) WITHOUT ROWID", "i, 1"),
            ("CREATE TABLE d (code); CREATE VIEW c AS SELECT 1 AS rowid, code FROM d", ""),
        ])
    func everyRowOfASourceIsReadOnce(table: String, values: String) throws {
        let scratch = try Scratch()
        let into = values.isEmpty ? "d \(Self.rows) SELECT i" : "c \(Self.rows) SELECT \(values)"
        _ = try scratch.sql("\(table); INSERT INTO \(into) FROM n", in: "source.db")
        for rows in [["table": "c"], ["query": "SELECT * FROM c"]] as [JSONObject] {
            var source = rows
            source["sqlite"] = .string("\(scratch.path)/source.db")
            // A source that begins anew for ever ends with the limit.
            let run = try scratch.sync(["source": .object(source), "key": "code", "limit": 10_000])
            #expect(run.result?["records"] == 2500, "\(run.lines)")
            #expect(run.exit == 0)
        }
        #expect(try scratch.sql("SELECT COUNT(*), SUM(code) FROM t") == "2500|3126250")
    }

    @Test func aSourceWhoseRowNumbersCannotBeHadSaysSo() throws {
        let scratch = try Scratch()
        _ = try scratch.sql(
            "CREATE TABLE c (id, rowid, oid, _rowid_); INSERT INTO c VALUES (1, 2, 3, 4)", in: "source.db")
        var source: JSONObject = ["sqlite": .string("\(scratch.path)/source.db"), "table": "c"]
        let run = try scratch.sync(["source": .object(source)])
        #expect(run.failure?["code"] == "INVALID_QUERY")
        #expect(run.failure?["message"]?.string?.contains("`oid`") == true)
        source["table"] = nil
        source["query"] = "SELECT id, rowid, oid, _rowid_ AS number FROM c"
        #expect(try scratch.sync(["source": .object(source)]).counts == "1 0 0 0 0")
        #expect(try scratch.sql("SELECT id, rowid, oid, number FROM t") == "1|2|3|4")
    }
}
