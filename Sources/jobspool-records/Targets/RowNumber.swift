/// The name by which SQLite gives the number of a row: any of three, and a column of the same name hides it
/// (https://sqlite.org/lang_createtable.html#rowid). Not to be quoted: where nothing has the name, that would be a text.
enum RowNumber {
    static let names = ["rowid", "_rowid_", "oid"]

    /// The first that no column has; nil when all are hidden.
    static func name(besides columns: some Sequence<String>) -> String? {
        let hidden = Set(columns.map { $0.lowercased() })
        return names.first { !hidden.contains($0) }
    }
}
