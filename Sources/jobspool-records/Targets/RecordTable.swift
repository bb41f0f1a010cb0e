/// A table of records: `_key`, `_hash` and a column for each field, with prepared statements for the four things that happen
/// to a row. To be used only inside of the database's queue.
import GRDB
import GRDBSQLite

final class RecordTable {
    static let keyColumn = "_key"
    static let hashColumn = "_hash"

    private let database: Database
    let name: String
    private var columns: [String]
    private let findStatement: Statement
    private var insertStatement: Statement
    private var updateStatement: Statement

    /// Opens the table; makes it when it is missing.
    init(_ name: String, in database: Database) throws {
        self.name = name
        self.database = database
        if try !database.tableExists(name) {
            try database.execute(
                sql: """
                    CREATE TABLE \(name.quotedDatabaseIdentifier) ("_key" TEXT NOT NULL, "_hash" BLOB NOT NULL);
                    CREATE UNIQUE INDEX \("\(name)_key".quotedDatabaseIdentifier)
                        ON \(name.quotedDatabaseIdentifier) ("_key");
                    """)
        }
        columns = try database.columns(in: name).map(\.name).filter { $0 != Self.keyColumn && $0 != Self.hashColumn }
        let table = name.quotedDatabaseIdentifier
        findStatement = try database.makeStatement(sql: "SELECT rowid, \"_hash\" FROM \(table) WHERE \"_key\" = ?")
        (insertStatement, updateStatement) = try Self.writers(table, columns, database)
    }

    private static func writers(
        _ table: String, _ columns: [String], _ database: Database
    ) throws -> (insert: Statement, update: Statement) {
        let names = (["_key", "_hash"] + columns).map(\.quotedDatabaseIdentifier)
        let values = names.indices.map { "?\($0 + 1)" }
        let assignments = zip(names, values).dropFirst().map { "\($0) = \($1)" }.joined(separator: ", ")
        return (
            try database.makeStatement(
                sql:
                    "INSERT INTO \(table) (\(names.joined(separator: ", "))) VALUES (\(values.joined(separator: ", ")))"
            ),
            try database.makeStatement(sql: "UPDATE \(table) SET \(assignments) WHERE \"_key\" = ?1")
        )
    }

    func count() throws -> Int {
        try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM \(name.quotedDatabaseIdentifier)") ?? 0
    }

    func find(_ key: [UInt8]) throws -> Planner.Held? {
        let statement = findStatement.sqliteStatement
        defer { sqlite3_reset(statement) }
        bind(key, to: 1, of: statement)
        switch sqlite3_step(statement) {
        case SQLITE_ROW:
            let bytes = sqlite3_column_blob(statement, 1)
            let count = Int(sqlite3_column_bytes(statement, 1))
            return Planner.Held(
                row: sqlite3_column_int64(statement, 0),
                hash: Array(UnsafeRawBufferPointer(start: bytes, count: count)))
        case SQLITE_DONE: return nil
        default: throw failure()
        }
    }

    /// - Returns: the new row's number.
    func insert(_ record: Int, of batch: RecordBatch, key: [UInt8], hash: [UInt8]) throws -> Int64 {
        try write(record, of: batch, key, hash) { insertStatement }
        return database.lastInsertedRowID
    }

    func update(_ record: Int, of batch: RecordBatch, key: [UInt8], hash: [UInt8]) throws {
        try write(record, of: batch, key, hash) { updateStatement }
    }

    private func write(
        _ record: Int, of batch: RecordBatch, _ key: [UInt8], _ hash: [UInt8], with choose: () -> Statement
    ) throws {
        try addMissingColumns(batch.layout(record))
        let statement = choose().sqliteStatement
        defer { sqlite3_reset(statement) }
        sqlite3_clear_bindings(statement)
        bind(key, to: 1, of: statement)
        hash.withUnsafeBytes {
            _ = sqlite3_bind_blob64(statement, 2, $0.baseAddress, UInt64($0.count), Self.transient)
        }
        for (name, cell) in zip(batch.layout(record).names, batch.cells(record)) {
            guard let index = columns.firstIndex(of: name) else { continue }
            bind(cell, of: batch, to: Int32(index + 3), of: statement)
        }
        guard sqlite3_step(statement) == SQLITE_DONE else { throw failure() }
    }

    private func addMissingColumns(_ layout: FieldLayout) throws {
        let missing = layout.names.filter { !columns.contains($0) }
        guard !missing.isEmpty else { return }
        for column in missing {
            try database.execute(
                sql: "ALTER TABLE \(name.quotedDatabaseIdentifier) ADD COLUMN \(column.quotedDatabaseIdentifier)")
            columns.append(column)
        }
        (insertStatement, updateStatement) = try Self.writers(name.quotedDatabaseIdentifier, columns, database)
    }

    /// SQLITE_TRANSIENT: SQLite makes a copy.
    private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    private func bind(_ text: [UInt8], to index: Int32, of statement: SQLiteStatement) {
        text.withUnsafeBytes { buffer in
            _ = sqlite3_bind_text64(
                statement, index, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), UInt64(buffer.count),
                Self.transient, UInt8(SQLITE_UTF8))
        }
    }

    private func bind(_ cell: Cell, of batch: RecordBatch, to index: Int32, of statement: SQLiteStatement) {
        switch cell.kind {
        case .null: sqlite3_bind_null(statement, index)
        case .false: sqlite3_bind_int64(statement, index, 0)
        case .true: sqlite3_bind_int64(statement, index, 1)
        case .text, .nested: bind(Array(batch.bytes[cell.range]), to: index, of: statement)
        case .number:
            let text = batch.text(cell)
            if let integer = Int64(text) {
                sqlite3_bind_int64(statement, index, integer)
            } else if let double = Double(text) {
                sqlite3_bind_double(statement, index, double)
            }
        }
    }

    private func failure() -> DatabaseError {
        DatabaseError(resultCode: database.lastErrorCode, message: database.lastErrorMessage)
    }
}
