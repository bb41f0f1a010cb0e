/// The columns of a table of records, and which of them each field of a record goes to. SQLite does not tell `Name` from `name`.
///
/// The fields that a sync ever wrote are remembered in a table of the database, because a record that no longer has one of them
/// gets NULL there, while columns that somebody else added are not touched.
import GRDB
import JobHandler

struct RecordColumns {
    static let key = "_key"
    static let hash = "_hash"
    static let fieldsTable = "_jobspool_fields"

    /// A field that cannot have a column.
    struct Refused: Error {
        let code: String
        let message: String

        func itemError(_ key: String) -> ItemError {
            ItemError(item: key, code: code, message: message, retryable: false)
        }
    }

    /// SQLITE_MAX_COLUMN of the library as Debian builds it.
    private static let limit = 2000

    private let table: String
    /// All columns, as SQLite compares their names.
    private var columns: Set<[UInt8]>
    /// Those that fields are written to.
    private(set) var fields: [String]

    /// The name of the row's number, which none of the columns has; nil when all are hidden.
    var rowNumber: String? { Self.rowNumber(besides: columns) }

    static func prepare(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE IF NOT EXISTS "\(fieldsTable)" (
                    target TEXT NOT NULL, field TEXT NOT NULL COLLATE NOCASE, PRIMARY KEY (target, field)
                ) WITHOUT ROWID
                """)
    }

    init(_ table: String, in database: Database) throws {
        self.table = table
        columns = Set(try database.columns(in: table).map { Self.compared($0.name) })
        fields = []
        if try database.tableExists(Self.fieldsTable) {
            // One that is gone has been dropped by somebody.
            fields = try String.fetchAll(
                database, sql: "SELECT field FROM \"\(Self.fieldsTable)\" WHERE target = ?", arguments: [table]
            ).filter { columns.contains(Self.compared($0)) }
        }
    }

    /// Those of a table that is not there yet.
    init(new table: String) {
        self.table = table
        columns = Self.bookkeeping
        fields = []
    }

    /// As `add`, but nothing is added.
    mutating func pretend(_ layout: FieldLayout) throws(Refused) {
        try check(layout)
        columns.formUnion(layout.names.map(Self.compared))
    }

    /// Adds what the layout's fields need.
    /// - Returns: whether there are more fields now.
    /// - Throws: `Refused`, which concerns records of this layout alone.
    mutating func add(_ layout: FieldLayout, _ database: Database) throws -> Bool {
        try check(layout)
        let before = fields.count
        for name in layout.names where !fields.contains(where: { Self.compared($0) == Self.compared(name) }) {
            if columns.insert(Self.compared(name)).inserted {
                try database.execute(
                    sql: "ALTER TABLE \(table.quotedName) ADD COLUMN \(name.quotedName)")
            }
            try database.execute(
                sql: "INSERT OR IGNORE INTO \"\(Self.fieldsTable)\" VALUES (?, ?)", arguments: [table, name])
            fields.append(name)
        }
        return fields.count > before
    }

    /// The fields that records of the layout lack.
    func others(than layout: FieldLayout) -> [String] {
        let names = Set(layout.names.map(Self.compared))
        return fields.filter { !names.contains(Self.compared($0)) }
    }

    private static let bookkeeping = Set([key, hash].map(compared))

    /// SQLite compares bytes, and folds the case of ASCII letters alone. To Swift an `é` of two characters is that of one.
    private static func compared(_ name: String) -> [UInt8] {
        name.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    }

    private static func rowNumber(besides columns: Set<[UInt8]>) -> String? {
        RowNumber.name(besides: columns.map { String(decoding: $0, as: UTF8.self) })
    }

    private func check(_ layout: FieldLayout) throws(Refused) {
        var names: [[UInt8]: String] = [:]
        for name in layout.names {
            let column = Self.compared(name)
            if Self.bookkeeping.contains(column) {
                throw Refused(
                    code: "FIELD_REFUSED", message: "the field `\(name)` has the name of a bookkeeping column")
            }
            if let other = names.updateValue(name, forKey: column) {
                throw Refused(
                    code: "FIELD_REFUSED",
                    message:
                        "the fields `\(other)` and `\(name)` would be the same column: SQLite does not tell them apart"
                )
            }
            if name.utf8.contains(0) {
                throw Refused(code: "FIELD_REFUSED", message: "a field's name has a NUL, which no column can have")
            }
        }
        if Self.rowNumber(besides: columns.union(names.keys)) == nil {
            let names = RowNumber.names.map { "`\($0)`" }.joined(separator: ", ")
            throw Refused(
                code: "FIELD_REFUSED",
                message:
                    "with this record's fields the table would have the columns \(names), which hide its row numbers")
        }
        if names.keys.count(where: { !columns.contains($0) }) + columns.count > Self.limit {
            throw Refused(
                code: "FIELD_REFUSED",
                message: "with this record's fields the table would have more than \(Self.limit) columns")
        }
    }
}
