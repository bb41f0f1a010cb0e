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
}
