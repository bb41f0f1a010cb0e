/// The param `target`: one case for each kind of target, told apart by the member that only it has.
import JSONText

enum TargetParams: Sendable {
    case sqlite(path: String, table: String)

    init(_ fields: inout JSONFields, entity: String?) throws {
        let target = try fields.require(
            try fields.object("target"), "target", "an object, such as {\"sqlite\": \"/a.db\", \"table\": \"airports\"}"
        )
        var members = JSONFields(target, path: fields.path + ["target"])
        let path = try members.require(try members.string("sqlite"), "sqlite", "the absolute path of a SQLite database")
        let table = try members.string("table") ?? entity
        self = .sqlite(path: path, table: try members.require(table, "table", "the table's name"))
        try members.finish()
    }

    func open(_ job: String, dryRun: Bool) throws -> any RecordTarget {
        switch self {
        case .sqlite(let path, let table): try SQLiteTarget(path: path, table: table)
        }
    }
}
