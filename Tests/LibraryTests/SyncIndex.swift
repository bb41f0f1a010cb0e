/// What the tests of `documents.sync` with an index share: its params, runs of it, and the judge of the index.
import JSONText
import Testing

extension Scratch {
    /// From `source` to `target`, with index.db.
    func paramsWithIndex(_ more: JSONObject = [:]) -> JSONObject {
        var params: JSONObject = [
            "source": .string(path + "/source"), "target": .string(path + "/target"),
            "index": .string(path + "/index.db"), "delete": true,
        ]
        for (key, value) in more.members { params[key] = value.isNull ? nil : value }
        return params
    }

    func syncWithIndex(_ more: JSONObject = [:], dryRun: Bool = false) throws -> Run {
        try Run(
            Child.run(
                [products + "/jobspool-documents", "documents.sync"],
                input: request(paramsWithIndex(more), dryRun)))
    }

    /// The same, while it runs.
    func startSyncWithIndex(_ more: JSONObject = [:]) throws -> Child {
        try Child([products + "/jobspool-documents", "documents.sync"], input: request(paramsWithIndex(more)))
    }

    /// The index holds what one that is made anew of the target holds.
    func expectRightIndex(sourceLocation: SourceLocation = #_sourceLocation) throws {
        try sh("rm -f anew.db*")
        _ = try run(
            "documents.index",
            [
                "index": .string(path + "/anew.db"), "directory": .string(path + "/target"), "allow_empty": true,
                "max_errors": 1000,
            ])
        let rows =
            "SELECT path, format, size, modified, title, text FROM document d JOIN words w ON w.rowid = d.id ORDER BY path"
        #expect(try sql(rows, in: "index.db") == sql(rows, in: "anew.db"), sourceLocation: sourceLocation)
    }
}
