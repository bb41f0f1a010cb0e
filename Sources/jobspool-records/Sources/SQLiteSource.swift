/// The rows of a table, a view or a query in a SQLite database. The database is read in pages, so that no lock is held while the
/// target takes its time: a table by its row numbers, everything else from a temporary copy, which is ordered by the cursor.
import GRDB
import GRDBSQLite
import JSONText
import JobHandler

final class SQLiteSource: RecordSource {
    let name: String
    let key: [String]?
    let isOrderedByCursor: Bool
    private let path: String
    private let job: Job
    private let queue: DatabaseQueue
    /// What is read: a quoted name.
    private let table: String
    /// The name of its row numbers.
    private let rowNumber: String
    private let layout: FieldLayout
    private var last: Int64 = .min
    private var number = 0

    private static let copy = "temp.jobspool_rows"

    init(_ params: SQLiteSourceParams, _ context: SourceContext) throws {
        name = params.name
        path = params.path
        job = context.job
        guard let queue = try SQLiteFile.open(params.path, readOnly: true, for: job) else {
            throw JobFailure("SOURCE_MISSING", "there is no database \(params.path)")
        }
        self.queue = queue
        let (cursor, start) = (context.cursorField, context.start)
        isOrderedByCursor = cursor != nil
        do {
            (key, table, rowNumber, layout) = try queue.inDatabase { database in
                let opened = try Self.open(params.rows, cursor, start, database)
                return (opened.key, opened.table, opened.rowNumber, opened.layout)
            }
        } catch let error as DatabaseError {
            throw Self.failure(error, params, job)
        }
    }

    func count() async throws -> Int? { try countNow() }

    private func countNow() throws -> Int? {
        try queue.inDatabase { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM \(table)") }
    }

    func read(into batch: inout RecordBatch) async throws -> Bool { try readNow(into: &batch) }

    func close() async { closeNow() }

    private func closeNow() {
        do {
            try queue.close()
        } catch {
            // It is read only: nothing can be lost.
        }
    }

    // MARK: Opening

    private static func open(
        _ rows: SQLiteSourceParams.Rows, _ cursor: String?, _ start: Cursor?, _ database: Database
    ) throws -> (key: [String]?, table: String, rowNumber: String, layout: FieldLayout) {
        var key: [String]?
        let table: String
        switch rows {
        case .table(let name):
            let quoted = name.quotedName
            if try database.tableExists(name) { key = try declaredKey(name, database) }
            if cursor == nil, try hasRowNumbers(quoted, database) {
                table = quoted
            } else {
                let hasNumbers = try cursor.map { try isNumeric($0, of: name, database) } ?? false
                table = try copy("SELECT * FROM \(quoted)", cursor, start, isNumeric: hasNumbers, database)
            }
        case .query(let query): table = try copy(query, cursor, start, database)
        }
        let names = try database.makeStatement(sql: "SELECT * FROM \(table)").columnNames
        guard let layout = LayoutCache().layout(names) else {
            throw JobFailure(
                "INVALID_QUERY", "two columns of the query have one name: give one of them another with AS")
        }
        // A copy has them in any case, unless its columns hide them, too.
        guard let rowNumber = RowNumber.name(besides: names) else {
            let hiding = RowNumber.names.map { "`\($0)`" }.joined(separator: ", ")
            throw JobFailure(
                "INVALID_QUERY",
                "the columns \(hiding) hide the row numbers: read with a `query` that gives one of them another name with AS"
            )
        }
        return (key, table, rowNumber, layout)
    }

    /// The table's primary key, where it says so itself.
    private static func declaredKey(_ table: String, _ database: Database) throws -> [String]? {
        let key = try database.primaryKey(table)
        return key.isRowID && key.rowIDColumn == nil ? nil : key.columns
    }

    private static func hasRowNumbers(_ table: String, _ database: Database) throws -> Bool {
        do {
            let columns = try database.makeStatement(sql: "SELECT * FROM \(table)").columnNames
            guard let number = RowNumber.name(besides: columns) else { return false }
            // A view has them, too, and they are all null.
            return try !Bool.fetchOne(
                database,
                sql: "SELECT EXISTS (SELECT 1 FROM (SELECT \(number) AS r FROM \(table) LIMIT 1) WHERE r IS NULL)")!
        } catch {
            return false
        }
    }

    private static func copy(
        _ query: String, _ cursor: String?, _ start: Cursor?, isNumeric: Bool = false, _ database: Database
    ) throws -> String {
        var sql = "CREATE TEMP TABLE jobspool_rows AS SELECT * FROM (\(query)\n)"
        var arguments: StatementArguments = []
        if let cursor {
            try CursorOrder.install(in: database)
            let (value, first) = (CursorOrder.sql(cursor.quotedName), CursorOrder.sql("?1"))
            if let start {
                // What cannot be compared with it is not before it.
                sql += " WHERE (\(value) >= \(first) OR \(CursorOrder.kind(value)) <> \(CursorOrder.kind(first)))"
                arguments = [start.databaseValue]
                // Less cannot come of it, and an index finds it: numbers are compared with the number, and texts come behind it.
                if isNumeric, let number = start.databaseNumber {
                    sql += " AND (\(cursor.quotedName) >= ?2 OR \(cursor.quotedName) IS NULL)"
                    arguments += [number]
                }
            }
            sql += " ORDER BY \(value)"
        }
        try database.execute(sql: sql, arguments: arguments)
        return copy
    }

    /// Whether texts that are numbers are stored as numbers in a column (https://sqlite.org/datatype3.html, section 3.1). ANY is
    /// what a STRICT table calls a column that stores everything as it is (https://sqlite.org/stricttables.html).
    private static func isNumeric(_ column: String, of table: String, _ database: Database) throws -> Bool {
        guard try database.tableExists(table),
            let type = try database.columns(in: table).first(where: { $0.name.hasSameBytes(as: column) })?.type
        else { return false }
        let name = type.uppercased()
        if name.contains("INT") { return true }
        return !["", "ANY"].contains(name) && !["CHAR", "CLOB", "TEXT", "BLOB"].contains { name.contains($0) }
    }

    private static func failure(_ error: DatabaseError, _ params: SQLiteSourceParams, _ job: Job) -> any Error {
        error.resultCode == .SQLITE_ERROR
            ? JobFailure("INVALID_QUERY", "\(params.name) cannot be read: \(error.message ?? "\(error)")")
            : job.end(error, path: params.path, role: "database")
    }

    // MARK: Reading

    private func readNow(into batch: inout RecordBatch) throws -> Bool {
        batch.places.unit = "row"
        do {
            return try queue.inDatabase { database in
                let statement = try database.cachedStatement(
                    sql: "SELECT \(rowNumber), * FROM \(table) WHERE \(rowNumber) > ? ORDER BY \(rowNumber)")
                let handle = statement.sqliteStatement
                defer {
                    sqlite3_reset(handle)
                    sqlite3_clear_bindings(handle)
                }
                sqlite3_bind_int64(handle, 1, last)
                while !batch.isFull {
                    let code = sqlite3_step(handle)
                    if code == SQLITE_DONE { return false }
                    guard code == SQLITE_ROW else {
                        throw DatabaseError(resultCode: database.lastErrorCode, message: database.lastErrorMessage)
                    }
                    last = sqlite3_column_int64(handle, 0)
                    number += 1
                    for column in 1...Int32(layout.count) { append(handle, column, to: &batch) }
                    batch.end(layout, at: Place(number: number))
                }
                return true
            }
        } catch let error as DatabaseError {
            throw job.end(error, path: path, role: "database")
        }
    }

    private func append(_ row: SQLiteStatement, _ column: Int32, to batch: inout RecordBatch) {
        switch sqlite3_column_type(row, column) {
        case SQLITE_NULL: batch.append(empty: .null)
        case SQLITE_INTEGER: batch.append(.number, "\(sqlite3_column_int64(row, column))".utf8)
        case SQLITE_FLOAT:
            let value = sqlite3_column_double(row, column)
            batch.append(value.isFinite ? .number : .text, "\(value)".utf8)
        case SQLITE_BLOB: batch.append(.blob, Self.bytes(sqlite3_column_blob(row, column), row, column))
        default:
            let bytes = Self.bytes(sqlite3_column_text(row, column), row, column)
            // A text in a database need not be UTF-8.
            batch.append(UTF8Check.isValid(bytes) ? .text : .blob, bytes)
        }
    }

    private static func bytes(
        _ start: UnsafeRawPointer?, _ row: SQLiteStatement, _ column: Int32
    ) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(
            start: start?.assumingMemoryBound(to: UInt8.self), count: Int(sqlite3_column_bytes(row, column)))
    }

    private static func bytes(
        _ start: UnsafePointer<UInt8>?, _ row: SQLiteStatement, _ column: Int32
    ) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(row, column)))
    }
}

extension Cursor {
    /// As it is compared with a column: a number as a number.
    fileprivate var databaseValue: DatabaseValue {
        switch json {
        case .number(let number):
            number.int64?.databaseValue ?? number.double.databaseValue
        case .string(let text): text.databaseValue
        case .null, .bool, .array, .object: .null
        }
    }

    /// The number that it means; nil when it means none.
    fileprivate var databaseNumber: DatabaseValue? {
        switch meaning {
        case .integer(let number): number.databaseValue
        case .decimal(let number): number.databaseValue
        case .time, .text: nil
        }
    }
}
