import JSONText
import JobHandler
import Testing

@testable import jobspool_records

@Suite struct ParamsTests {
    private func decode(_ params: JSONObject) throws -> SyncParams {
        var fields = JSONFields(params, path: ["params"])
        let decoded = try SyncParams(&fields)
        try fields.finish()
        return decoded
    }

    private let least: JSONObject = ["source": "/a.csv", "target": ["sqlite": "/a.db", "table": "t"]]

    @Test func littleIsRequired() throws {
        let params = try decode(least)
        #expect(params.mode == .full)
        #expect(params.batchSize == 1000)
        #expect(params.key == nil)
        #expect((params.maxDelete, params.maxDeletePercent) == (100, 10))
        #expect(params.errors == ErrorBudget())
    }

    @Test func theEntityNamesTheTableWhereNothingElseDoes() throws {
        let params = try decode(["source": ["sqlite": "/s.db"], "target": ["sqlite": "/a.db"], "entity": "customers"])
        guard case .sqlite(_, "customers") = params.target else {
            Issue.record("\(params.target)")
            return
        }
        #expect(params.source.name == "table customers of /s.db")
    }

    @Test(
        arguments: [
            (["source": 7], "`params.source` must be an object"),
            (["source": ["path": "/a"]], "exactly one of `file`, `sqlite`, `command`"),
            (["source": ["file": "/a.csv", "sqlite": "/b"]], "exactly one of"),
            (["source": "a.csv"], "`params.source.file` must be an absolute path"),
            (["source": "/a.dat"], "`params.source.format` is missing"),
            (["source": ["file": "/a.csv", "format": "xml"]], "must be one of \"csv\""),
            (["source": ["file": "/a.csv", "delimter": ";"]], "did you mean `delimiter`?"),
            (["source": ["file": "/a.csv", "delimiter": "ab"]], "one ASCII character"),
            (["source": ["file": "/a.json", "delimiter": ";"]], "is for CSV"),
            (["source": ["file": "/a.csv", "array": "x"]], "`params.source.array` is for JSON"),
            (["source": ["sqlite": "/a.db"]], "`params.source.table` is missing"),
            (["source": ["sqlite": "/a.db", "table": "t", "query": "q"]], "cannot be given together"),
            (["source": ["command": []]], "`params.source.command` must be a program"),
            (["target": ["sqlite": "/a.db"]], "`params.target.table` is missing"),
            (["target": ["sqlite": "/a.db", "table": "sqlite_master"]], "must be a name for a table"),
            (["mode": "all"], "must be one of \"full\", \"incremental\", \"mirror\""),
            (["key": []], "must name one field"), (["key": ["a", "a"]], "none twice"), (["limit": 0], "from 1"),
            (["cursor_field": "x"], "is for `mode` \"incremental\""),
            (["lookback_seconds": 5], "needs a `cursor_field`"),
            (["compare_fields": ["a"], "ignore_fields": ["b"]], "cannot be given together"),
            (["max_delete_percent": 101], "from 0 to 100"), (["kee": "id"], "did you mean `key`?"),
        ] as [(JSONObject, String)])
    func whatIsWrongIsToldWithTheWayOut(change: JSONObject, expected: String) throws {
        var params = least
        for (key, value) in change.members { params[key] = value }
        let error = try #require(throws: JSONFieldError.self) { try decode(params) }
        #expect(error.description.contains(expected))
    }

    @Test func whatHoldsCredentialsIsNotInAName() throws {
        let params = try decode([
            "source": ["command": ["/tap", "--token=secret"]], "target": ["sqlite": "/a.db", "table": "t"],
        ])
        #expect(params.source.name == "/tap")
        #expect(params.source.bookmarkName.hasPrefix("/tap#"))
        #expect(!params.source.bookmarkName.contains("secret"))
    }
}
