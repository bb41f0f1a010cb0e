/// A source that is a table of a SQLite database, a view, or what a query gives.
import JSONText
import JobHandler

struct SQLiteSourceParams: Sendable {
    enum Rows: Sendable {
        case table(String)
        case query(String)
    }

    /// Absolute.
    let path: String
    let rows: Rows

    init(_ members: inout JSONFields, entity: String?) throws {
        path = try members.require(try members.string("sqlite"), "sqlite", "the absolute path of a SQLite database")
        guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0) else {
            throw members.wrong("sqlite", "must be an absolute path, which begins with /, not \"\(path)\"")
        }
        let table = try members.string("table")
        if let query = try members.string("query") {
            guard table == nil else { throw members.wrong("query", "cannot be given together with `table`") }
            rows = .query(query)
        } else {
            rows = .table(try members.require(table ?? entity, "table", "the name of a table or view, or a `query`"))
        }
    }

    var name: String {
        switch rows {
        case .table(let table): "table \(table) of \(path)"
        case .query(let query): "query of \(path): \(query.printable(limit: 200))"
        }
    }

    /// What its name does not show as it is.
    var unnamed: String? {
        guard case .query(let query) = rows, query.printable(limit: 200) != query else { return nil }
        return query
    }

    func open(_ context: SourceContext) throws -> any RecordSource { try SQLiteSource(self, context) }
}
