/// The param `target`: one case for each kind of target, told apart by the member that only it has.
import JSONText
import JobHandler

enum TargetParams: Sendable {
    case sqlite(path: String, table: String)
    case http(HTTPTargetParams)

    init(_ fields: inout JSONFields, entity: String?) throws {
        let target = try fields.require(
            try fields.object("target"), "target",
            "an object, such as {\"sqlite\": \"/srv/shop.db\", \"table\": \"customers\"}")
        var members = JSONFields(target, path: fields.path + ["target"])
        if target["http"] != nil {
            self = .http(try HTTPTargetParams(&members))
            try members.finish()
            return
        }
        let path = try members.require(try members.string("sqlite"), "sqlite", "the absolute path of a SQLite database")
        guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0) else {
            throw members.wrong("sqlite", "must be an absolute path, which begins with /, not \"\(path)\"")
        }
        let table = try members.require(try members.string("table") ?? entity, "table", "the name of the table")
        guard !table.isEmpty, !table.utf8.contains(0), !table.lowercased().hasPrefix("sqlite_"),
            !table.lowercased().hasPrefix("_jobspool_")
        else { throw members.wrong("table", "must be a name for a table, not \"\(table)\"") }
        self = .sqlite(path: path, table: table)
        try members.finish()
    }

    /// Records a batch, where the params do not say.
    var defaultBatchSize: Int {
        switch self {
        case .sqlite: 1000
        case .http: 20
        }
    }

    /// Whether it is known how a record is deleted.
    var canDelete: Bool {
        switch self {
        case .sqlite: true
        case .http(let params): params.canDelete
        }
    }

    func open(_ job: Job, _ pacing: Pacing) throws -> any RecordTarget {
        switch self {
        case .sqlite(let path, let table):
            try SQLiteTarget(path: path, table: table, job)
        case .http(let params): try HTTPTarget(params, job, pacing)
        }
    }
}
