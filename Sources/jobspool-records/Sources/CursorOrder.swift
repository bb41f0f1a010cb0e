/// Has SQLite compare the values of a column as `Cursor` does. By itself it compares texts by their bytes, by which "10" comes before "9"
/// and a fraction of a second before the second, and puts every text behind every number.
import GRDB
import GRDBSQLite
import JSONText

enum CursorOrder {
    /// What stands for a value in SQL: a number for a number, a text for a time and bytes for a text, so that what cannot be compared is
    /// of several types, and the rest in order. NULL for what is no cursor.
    static func sql(_ value: String) -> String { "jobspool_cursor(\(value))" }

    /// What values that can be compared with one another have in common, in SQL. Numbers are numbers, with a fraction or without.
    static func kind(_ value: String) -> String { "replace(typeof(\(value)), 'real', 'integer')" }

    /// Makes that known to a connection.
    static func install(in database: Database) throws {
        let code = sqlite3_create_function_v2(
            database.sqliteConnection, "jobspool_cursor", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nil,
            { context, _, values in
                guard let value = values?[0], let cursor = CursorOrder.cursor(value) else {
                    return sqlite3_result_null(context)
                }
                switch cursor.meaning {
                case .integer(let number): sqlite3_result_int64(context, number)
                case .decimal(let number): sqlite3_result_double(context, number)
                case .time(let time): sqlite3_result_text(context, time.sortable, -1, RecordTable.transient)
                case .text(let text):
                    let bytes = Array(text.utf8)
                    sqlite3_result_blob(context, bytes, Int32(bytes.count), RecordTable.transient)
                }
            }, nil, nil, nil)
        guard code == SQLITE_OK else {
            throw DatabaseError(resultCode: database.lastErrorCode, message: database.lastErrorMessage)
        }
    }

    /// The value as `SQLiteSource` reads it.
    private static func cursor(_ value: OpaquePointer) -> Cursor? {
        let text: String
        switch sqlite3_value_type(value) {
        case SQLITE_NULL: return nil
        case SQLITE_INTEGER: text = "\(sqlite3_value_int64(value))"
        case SQLITE_FLOAT: text = "\(sqlite3_value_double(value))"
        case SQLITE_BLOB:
            let start = sqlite3_value_blob(value)?.assumingMemoryBound(to: UInt8.self)
            text = base64(UnsafeBufferPointer(start: start, count: Int(sqlite3_value_bytes(value))))
        default:
            let start = sqlite3_value_text(value)
            let bytes = UnsafeBufferPointer(start: start, count: Int(sqlite3_value_bytes(value)))
            text = UTF8Check.isValid(bytes) ? String(decoding: bytes, as: UTF8.self) : base64(bytes)
        }
        return Cursor(.string(text))
    }

    private static func base64(_ bytes: UnsafeBufferPointer<UInt8>) -> String { Base64.encode(Array(bytes)[...]) }
}
