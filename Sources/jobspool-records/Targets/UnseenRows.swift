/// The rows of a table of records that a source no longer has, in the order of their numbers.
import GRDB

struct UnseenRows {
    let seen: SeenRows
    /// The last row that was looked at.
    var last: Int64 = .min

    func count(_ table: RecordTable, _ database: Database) throws -> Int {
        let rows = try Int64.fetchCursor(
            database, sql: "SELECT \(table.rowNumber) FROM \(table.name.quotedName) WHERE \"_key\" IS NOT NULL")
        var count = 0
        while let row = try rows.next() {
            if try !seen.contains(row) { count += 1 }
        }
        return count
    }

    /// The next ones after the last; empty at the end.
    mutating func next(_ limit: Int, _ table: RecordTable, _ database: Database) throws -> [(row: Int64, key: String)] {
        let number = table.rowNumber
        let rows = try Row.fetchCursor(
            database.cachedStatement(
                sql: """
                    SELECT \(number), "_key" FROM \(table.name.quotedName)
                    WHERE \(number) > ? AND "_key" IS NOT NULL ORDER BY \(number)
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
