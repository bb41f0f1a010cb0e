/// The rows of a table of records that a source no longer has, in the order of their numbers.
import GRDB

struct UnseenRows {
    let table: String
    let seen: SeenRows
    /// The last row that was looked at.
    var last: Int64 = .min

    func count(_ database: Database) throws -> Int {
        let rows = try Int64.fetchCursor(
            database, sql: "SELECT rowid FROM \(table.quotedName) WHERE \"_key\" IS NOT NULL")
        var count = 0
        while let row = try rows.next() {
            if try !seen.contains(row) { count += 1 }
        }
        return count
    }

    /// The next ones after the last; empty at the end.
    mutating func next(_ limit: Int, _ database: Database) throws -> [(row: Int64, key: String)] {
        let rows = try Row.fetchCursor(
            database.cachedStatement(
                sql: """
                    SELECT rowid, "_key" FROM \(table.quotedName)
                    WHERE rowid > ? AND "_key" IS NOT NULL ORDER BY rowid
                    """),
            arguments: [last])
        var found: [(row: Int64, key: String)] = []
        while found.count < limit, let row = try rows.next() {
            last = row[0]
            if try !seen.contains(last) { found.append((last, row[1])) }
        }
        return found
    }
}
