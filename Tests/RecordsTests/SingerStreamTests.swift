import JSONText
import Testing

/// Which of the streams of a command is taken, and what is said when it is not there.
@Suite struct SingerStreamTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func message(_ type: String, _ stream: String, _ more: JSONObject) -> String {
        var message: JSONObject = ["type": .string(type), "stream": .string(stream)]
        for (key, value) in more.members { message[key] = value }
        return JSON.object(message).text + "\n"
    }

    private func schema(_ stream: String) -> String { message("SCHEMA", stream, ["key_properties": ["id"]]) }
    private func record(_ stream: String) -> String { message("RECORD", stream, ["record": ["id": 1]]) }
    private let state = #"{"type": "STATE", "value": {"n": 1}}"# + "\n"

    private func sync(_ lines: String, _ entity: String) throws -> Run {
        try scratch.write("lines", lines)
        return try scratch.sync([
            "source": ["command": ["/bin/cat", .string("\(scratch.path)/lines"), "{state}"]], "mode": "incremental",
            "entity": .string(entity),
        ])
    }

    @Test func aStreamThatIsNotThereFailsTheJobAndMovesNoState() throws {
        let run = try sync(schema("customers") + record("customers") + record("orders") + state, "custmers")
        #expect(run.exit == 1)
        #expect(run.failure?["code"] == "RECORDS_MISSING")
        #expect(run.failure?["details"] == ["stream": "custmers", "streams": ["customers", "orders"]])
        #expect(run.failure?["message"]?.string?.contains("records of customers, orders") == true)
        #expect(try scratch.sql("SELECT COUNT(*) FROM _jobspool_syncs") == "0")
    }

    @Test func ofOthersTheRecordsAloneAreCounted() throws {
        let run = try sync(schema("b") + record("b") + schema("a") + record("a") + state, "b")
        #expect(run.counts == "1 0 0 0 0")
        #expect(run.logs.contains("Left out 1 records of the stream a"))
    }

    /// It has said so by its schema, has been there before, or there is nothing at all.
    @Test func aStreamThatHasNothingNewIsThereAllTheSame() throws {
        #expect(try sync(schema("b") + schema("a") + record("a") + state, "b").counts == "0 0 0 0 0")
        #expect(try sync(record("a") + state, "b").counts == "0 0 0 0 0")
        #expect(try sync(state, "c").counts == "0 0 0 0 0")
    }
}
