/// What syncs remember, in a table of the target's database: a row for each target table, job type and source. It is written in
/// the transactions that write the records.
import GRDB
import JSONText

struct SyncStates {
    static let table = "_jobspool_syncs"

    let target: String
    let type: String
    let source: String

    static func prepare(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE IF NOT EXISTS "\(table)" (
                    target TEXT NOT NULL, type TEXT NOT NULL, source TEXT NOT NULL, state TEXT NOT NULL,
                    PRIMARY KEY (target, type, source)
                ) WITHOUT ROWID
                """)
    }

    func read(_ database: Database) throws -> SyncState {
        guard try database.tableExists(Self.table) else { return SyncState() }
        let text = try String.fetchOne(
            database, sql: "SELECT state FROM \"\(Self.table)\" WHERE target = ? AND type = ? AND source = ?",
            arguments: [target, type, source])
        return try text.map { SyncState(try JSON(parsing: $0)) } ?? SyncState()
    }

    func write(_ state: SyncState, _ database: Database) throws {
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO \"\(Self.table)\" VALUES (?, ?, ?, ?)").execute(
            arguments: [target, type, source, state.json.text])
    }
}
