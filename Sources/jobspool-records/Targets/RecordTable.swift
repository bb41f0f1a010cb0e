/// A table of records in a database: `_key`, `_hash` and, where fields are kept, a column for each of them; with prepared
/// statements for what happens to a row. To be used only inside of the database's queue.
///
/// Columns have no declared type, so that each value keeps its own: TEXT, INTEGER, REAL. true and false are 1 and 0; arrays and
/// objects are JSON; a number that neither 64 bits nor a double hold is TEXT. A field that a record lacks is NULL.
import GRDB
import GRDBSQLite
import Glibc
import JobHandler

final class RecordTable {
    /// Why a table that is there cannot be used.
    struct Unusable: Error {
        let reason: String
    }

    private let database: Database
    let name: String
    private let keepsFields: Bool
    private(set) var columns: RecordColumns
    /// The name of the rows' numbers: another once a field's column has that name.
    private(set) var rowNumber: String
    /// Whether a column is the row's number, so that a row may get another one.
    let rowsMove: Bool
    private var findStatement: Statement
    private var writers: [ObjectIdentifier: Writers] = [:]
    private var latest: Writers?

    /// The statements for records of one layout.
    private struct Writers {
        let layout: FieldLayout
        let insert: Statement
        let update: Statement
    }

    /// Opens the table; makes it when it is missing, and adds `_key` and `_hash` to one that lacks them. Rows without a key,
    /// which were not written here, are left alone.
    /// - Parameters:
    ///   - keepsFields: whether fields get columns.
    ///   - readOnly: then nothing is made or added; the table has to `exist`.
    init(_ name: String, in database: Database, keepsFields: Bool = true, readOnly: Bool = false) throws {
        self.name = name
        self.database = database
        self.keepsFields = keepsFields
        if !readOnly { try Self.prepare(name, database) }
        columns = try RecordColumns(name, in: database)
        rowNumber = try Self.rowNumber(name, columns, database)
        rowsMove = try database.primaryKey(name).rowIDColumn != nil
        findStatement = try Self.findStatement(name, rowNumber, database)
    }

    private static func rowNumber(_ table: String, _ columns: RecordColumns, _ database: Database) throws -> String {
        guard let number = columns.rowNumber else {
            throw Unusable(reason: "the columns of table \(table) hide its row numbers (rowid, _rowid_, oid)")
        }
        do {
            _ = try database.makeStatement(sql: "SELECT \(number) FROM \(table.quotedName)")
        } catch {
            throw Unusable(reason: "table \(table) has no row numbers (WITHOUT ROWID)")
        }
        return number
    }

    private static func findStatement(_ table: String, _ number: String, _ database: Database) throws -> Statement {
        try database.makeStatement(sql: "SELECT \(number), \"_hash\" FROM \(table.quotedName) WHERE \"_key\" = ?1")
    }

    /// Whether the database has the table, with keys: nothing is made.
    static func exists(_ name: String, in database: Database) throws -> Bool {
        guard try database.tableExists(name) else { return false }
        return Set([RecordColumns.key, RecordColumns.hash])
            .isSubset(of: try database.columns(in: name).map { $0.name.lowercased() })
    }

    private static func prepare(_ name: String, _ database: Database) throws {
        let table = name.quotedName
        if try database.viewExists(name) { throw Unusable(reason: "\(name) is a view") }
        if try !database.tableExists(name) {
            try SyncStates.forget(name, database)
            try database.execute(sql: "CREATE TABLE \(table) (\"_key\" TEXT NOT NULL, \"_hash\" BLOB NOT NULL)")
        } else {
            let there = Set(try database.columns(in: name).map { $0.name.lowercased() })
            _ = try rowNumber(name, RecordColumns(name, in: database), database)
            if !there.contains(RecordColumns.key) {
                try database.execute(sql: "ALTER TABLE \(table) ADD COLUMN \"_key\" TEXT")
            }
            if !there.contains(RecordColumns.hash) {
                try database.execute(sql: "ALTER TABLE \(table) ADD COLUMN \"_hash\" BLOB")
            }
        }
        try RecordColumns.prepare(database)
        let index = "_jobspool_\(name)_key".quotedName
        try database.execute(sql: "CREATE UNIQUE INDEX IF NOT EXISTS \(index) ON \(table) (\"_key\")")
    }

    func count() throws -> Int {
        try Int.fetchOne(
            database, sql: "SELECT COUNT(*) FROM \(name.quotedName) WHERE \"_key\" IS NOT NULL") ?? 0
    }

    func holdsRecords() throws -> Bool {
        try Bool.fetchOne(
            database, sql: "SELECT EXISTS (SELECT 1 FROM \(name.quotedName) WHERE \"_key\" IS NOT NULL)") ?? false
    }

    // MARK: Records

    func find(_ record: Int, of batch: RecordBatch) throws -> Planner.Held? {
        let statement = findStatement.sqliteStatement
        defer { sqlite3_reset(statement) }
        return try batch.bytes.withUnsafeBufferPointer { bytes in
            bind(bytes, batch.entries[record].key, to: 1, of: statement)
            switch sqlite3_step(statement) {
            case SQLITE_ROW:
                let row = sqlite3_column_int64(statement, 0)
                guard let hash = sqlite3_column_blob(statement, 1), sqlite3_column_bytes(statement, 1) == SHA256.size
                else {
                    return Planner.Held(row: row, hasEqualHash: false)
                }
                let isEqual = batch.hashes.withUnsafeBytes {
                    memcmp($0.baseAddress! + record * SHA256.size, hash, SHA256.size) == 0
                }
                return Planner.Held(row: row, hasEqualHash: isEqual)
            case SQLITE_DONE: return nil
            default: throw failure()
            }
        }
    }

    /// - Returns: the new row's number.
    func insert(_ record: Int, of batch: RecordBatch) throws -> Int64 {
        try write(record, of: batch, by: try writers(batch.layout(record)).insert)
        return database.lastInsertedRowID
    }

    func update(_ record: Int, of batch: RecordBatch) throws {
        try write(record, of: batch, by: try writers(batch.layout(record)).update)
    }

    func delete(row: Int64) throws {
        try database.cachedStatement(sql: "DELETE FROM \(name.quotedName) WHERE \(rowNumber) = ?")
            .execute(arguments: [row])
    }

    private func write(_ record: Int, of batch: RecordBatch, by statement: Statement) throws {
        let statement = statement.sqliteStatement
        defer { sqlite3_reset(statement) }
        try batch.bytes.withUnsafeBufferPointer { bytes in
            bind(bytes, batch.entries[record].key, to: 1, of: statement)
            _ = batch.hashes.withUnsafeBytes {
                let hash = $0.baseAddress! + record * SHA256.size
                return sqlite3_bind_blob64(statement, 2, hash, UInt64(SHA256.size), Self.transient)
            }
            if keepsFields {
                batch.cells.withUnsafeBufferPointer { cells in
                    var index: Int32 = 3
                    for cell in batch.cellRange(record) {
                        bind(cells[cell], bytes, to: index, of: statement)
                        index += 1
                    }
                }
            }
            guard sqlite3_step(statement) == SQLITE_DONE else { throw failure() }
        }
    }

    /// The statements for records of a layout; the columns that they need are added first.
    private func writers(_ layout: FieldLayout) throws -> Writers {
        if let latest, latest.layout === layout { return latest }
        let writers = try findWriters(layout)
        latest = writers
        return writers
    }

    private func findWriters(_ layout: FieldLayout) throws -> Writers {
        if let known = writers[ObjectIdentifier(layout)] { return known }
        // Updates of other layouts have to know of the new columns; and records of ever new shapes must not fill the memory.
        if try keepsFields && columns.add(layout, database) || writers.count == 100 { writers.removeAll() }
        if let number = columns.rowNumber, number != rowNumber {
            (rowNumber, findStatement) = (number, try Self.findStatement(name, number, database))
        }
        let made = try makeWriters(layout)
        writers[ObjectIdentifier(layout)] = made
        return made
    }

    private func makeWriters(_ layout: FieldLayout) throws -> Writers {
        let fields = keepsFields ? layout.names : []
        let names = ([RecordColumns.key, RecordColumns.hash] + fields).map(\.quotedName)
        let values = names.indices.map { "?\($0 + 1)" }
        var assignments = zip(names, values).dropFirst().map { "\($0) = \($1)" }
        if keepsFields { assignments += columns.others(than: layout).map { "\($0.quotedName) = NULL" } }
        let (columnList, valueList) = (names.joined(separator: ", "), values.joined(separator: ", "))
        return Writers(
            layout: layout,
            insert: try database.makeStatement(
                sql: "INSERT INTO \(name.quotedName) (\(columnList)) VALUES (\(valueList))"),
            update: try database.makeStatement(
                sql: "UPDATE \(name.quotedName) SET \(assignments.joined(separator: ", ")) WHERE \"_key\" = ?1"))
    }

    // MARK: Binding. What is bound stays where it is until the statement is reset, so that SQLite needs no copy.

    /// SQLITE_TRANSIENT: SQLite makes a copy.
    static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    private func bind(
        _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, to index: Int32, of statement: SQLiteStatement
    ) {
        guard let base = bytes.baseAddress, !range.isEmpty else {
            sqlite3_bind_text(statement, index, "", 0, nil)
            return
        }
        (base + range.lowerBound).withMemoryRebound(to: CChar.self, capacity: range.count) { text in
            _ = sqlite3_bind_text64(statement, index, text, UInt64(range.count), nil, UInt8(SQLITE_UTF8))
        }
    }

    private func bind(
        _ cell: Cell, _ bytes: UnsafeBufferPointer<UInt8>, to index: Int32, of statement: SQLiteStatement
    ) {
        switch cell.kind {
        case .null: sqlite3_bind_null(statement, index)
        case .false: sqlite3_bind_int64(statement, index, 0)
        case .true: sqlite3_bind_int64(statement, index, 1)
        case .text, .nested: bind(bytes, cell.range, to: index, of: statement)
        case .blob:
            if let base = bytes.baseAddress {
                sqlite3_bind_blob64(statement, index, base + cell.start, UInt64(cell.length), nil)
            }
        case .number:
            switch NumberStorage(String(decoding: bytes[cell.range], as: UTF8.self)) {
            case .integer(let value): sqlite3_bind_int64(statement, index, value)
            case .real(let value): sqlite3_bind_double(statement, index, value)
            case .text: bind(bytes, cell.range, to: index, of: statement)
            }
        }
    }

    func failure() -> DatabaseError {
        DatabaseError(resultCode: database.lastErrorCode, message: database.lastErrorMessage)
    }
}
