/// The mappings, in a table of a SQLite database: `left_key`, `right_key`, the rule and the value by which they were matched. A second
/// table, `TABLE_skipped`, says of the last job which left records have no match, and why. Both are written in one transaction.
import GRDB
import JobHandler

final class MappingTable {
    private let path: String
    private let job: Job
    private let name: String
    private let table: String
    private let skippedTable: String
    /// nil in a dry run of which the database does not exist.
    private let queue: DatabaseQueue?

    init(path: String, table: String, _ job: Job) throws {
        self.path = path
        self.job = job
        name = table
        self.table = table.quotedName
        skippedTable = "\(table)_skipped".quotedName
        queue = try SQLiteFile.open(path, readOnly: job.isDryRun, mayBeMissing: job.isDryRun, for: job)
    }

    /// Calls `body` with each mapping that stands.
    func forEach(_ body: (_ left: String, _ right: String) throws -> Void) throws {
        try explained {
            try queue?.inDatabase { database in
                guard try database.tableExists(name) else { return }
                let rows = try Row.fetchCursor(database, sql: "SELECT left_key, right_key FROM \(table)")
                while let row = try rows.next() { try body(row[0], row[1]) }
            }
        }
    }

    /// Adds the new matches and replaces the skipped ones.
    func write(_ tables: MatchTables, _ rules: [MatchParams.Rule]) throws {
        try explained {
            try queue?.inTransaction { database in
                try database.execute(
                    sql: """
                        CREATE TABLE IF NOT EXISTS \(table) (
                            left_key TEXT NOT NULL PRIMARY KEY, right_key TEXT NOT NULL UNIQUE, rule TEXT, value TEXT);
                        CREATE TABLE IF NOT EXISTS \(skippedTable) (left_key TEXT NOT NULL PRIMARY KEY, reason TEXT NOT NULL);
                        DELETE FROM \(skippedTable);
                        """)
                let insert = try database.makeStatement(
                    sql: "INSERT INTO \(table) (left_key, right_key, rule, value) VALUES (?, ?, ?, ?)")
                try tables.forEachMatch { match in
                    try insert.execute(arguments: [match.left, match.right, rules[match.rule].name, match.value])
                }
                let skip = try database.makeStatement(sql: "INSERT INTO \(skippedTable) VALUES (?, ?)")
                try tables.forEachSkipped { key, reason in try skip.execute(arguments: [key, reason.name]) }
                return .commit
            }
        }
    }

    func close() throws {
        try explained {
            // A connection that only reads cannot, and has nothing to bring.
            if !job.isDryRun { try queue?.writeWithoutTransaction { try SQLiteFile.flush($0) } }
            try queue?.close()
        }
    }

    private func explained(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as DatabaseError {
            throw job.end(error, path: path, role: "target")
        }
    }
}
