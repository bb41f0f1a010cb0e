/// The columns of a table of records, and which of them each field of a record goes to. SQLite does not tell `Name` from `name`.
import GRDB
import JobHandler

struct RecordColumns {
    static let key = "_key"
    static let hash = "_hash"

    /// A field that cannot have a column.
    struct Refused: Error {
        let code: String
        let message: String
    }

    /// SQLITE_MAX_COLUMN of the library as Debian builds it, less the two of the bookkeeping.
    private static let limit = 1998

    private(set) var names: [String]
    private var numbers: [String: Int]
    private var layouts: [ObjectIdentifier: (layout: FieldLayout, indexes: [Int])] = [:]

    /// - Parameter names: all columns that the table has.
    init(_ names: [String]) {
        self.names = names.filter { ![Self.key, Self.hash].contains($0.lowercased()) }
        numbers = Dictionary(self.names.enumerated().map { ($0.element.lowercased(), $0.offset) }) { first, _ in first }
    }

    /// The columns of a layout's fields, each as an index of `names`.
    /// - Precondition: `add` was called with the layout.
    func indexes(of layout: FieldLayout) -> [Int] { layouts[ObjectIdentifier(layout)]?.indexes ?? [] }

    /// Adds the columns that the layout's fields need and the table lacks.
    /// - Returns: whether there were any.
    /// - Throws: `Refused`, which concerns records of this layout alone.
    mutating func add(_ layout: FieldLayout, to table: String, _ database: Database) throws -> Bool {
        if layouts[ObjectIdentifier(layout)] != nil { return false }
        let before = names.count
        try check(layout)
        for name in layout.names where numbers[name.lowercased()] == nil {
            try database.execute(
                sql: "ALTER TABLE \(table.quotedDatabaseIdentifier) ADD COLUMN \(name.quotedDatabaseIdentifier)")
            numbers[name.lowercased()] = names.count
            names.append(name)
        }
        // Records of ever new shapes must not fill the memory.
        if layouts.count == 256 { layouts.removeAll() }
        layouts[ObjectIdentifier(layout)] = (layout, layout.names.compactMap { numbers[$0.lowercased()] })
        return names.count > before
    }

    private func check(_ layout: FieldLayout) throws(Refused) {
        var fields: [String: String] = [:]
        for name in layout.names {
            let column = name.lowercased()
            if column == Self.key || column == Self.hash {
                throw Refused(
                    code: "FIELD_REFUSED", message: "the field `\(name)` has the name of a bookkeeping column")
            }
            if let other = fields.updateValue(name, forKey: column) {
                throw Refused(
                    code: "FIELD_REFUSED",
                    message:
                        "the fields `\(other)` and `\(name)` would be the same column: SQLite does not tell them apart")
            }
            if name.utf8.contains(0) {
                throw Refused(code: "FIELD_REFUSED", message: "a field's name has a NUL, which no column can have")
            }
        }
        if fields.keys.count(where: { numbers[$0] == nil }) + names.count > Self.limit {
            throw Refused(
                code: "FIELD_REFUSED", message: "with this record's fields the table would have more than 2,000 columns"
            )
        }
    }
}
