/// What syncs remember, in tables of the target's database, written in the transactions that write the records: a row for each target
/// table, job type and source; whether a source was read to its end, which concerns all types; and, for sources that a job can go on
/// with in the middle, the rows that the source had so far.
import Foundation
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
                ) WITHOUT ROWID;
                CREATE TABLE IF NOT EXISTS "\(readsTable)" (
                    target TEXT NOT NULL, source TEXT NOT NULL, behind INTEGER NOT NULL, PRIMARY KEY (target, source)
                ) WITHOUT ROWID
                """)
    }

    /// A target table is made, perhaps in the place of one that somebody has dropped: nothing can go on from what that one had.
    static func forget(_ target: String, _ database: Database) throws {
        for table in [table, readsTable] where try database.tableExists(table) {
            try database.execute(sql: "DELETE FROM \"\(table)\" WHERE target = ?", arguments: [target])
        }
    }

    /// - Parameter holdsRecords: whether the target does.
    func read(_ database: Database, holdsRecords: Bool) throws -> SyncState {
        var state = try readOwn(database)
        if state.hasRows, !holdsRecords { state.forgetBookmarks() }
        // How much a target has of a source of which nothing is known, nobody knows.
        state.isBehind = try readBehind(database) ?? holdsRecords
        return state
    }

    private func readOwn(_ database: Database) throws -> SyncState {
        guard try database.tableExists(Self.table) else { return SyncState() }
        let text = try String.fetchOne(
            database, sql: "SELECT state FROM \"\(Self.table)\" WHERE target = ? AND type = ? AND source = ?",
            arguments: [target, type, source])
        var state = try text.map { SyncState(try JSON(parsing: $0)) } ?? SyncState()
        if state.reached != nil { state.seen = try readSeen(database) }
        return state
    }

    func write(_ state: SyncState, _ database: Database) throws {
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO \"\(Self.table)\" VALUES (?, ?, ?, ?)").execute(
            arguments: [target, type, source, state.json.text])
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO \"\(Self.readsTable)\" VALUES (?, ?, ?)").execute(
            arguments: [target, source, state.isBehind])
        if state.seenAnew || !state.seen.isEmpty { try writeSeen(state, database) }
    }

    // MARK: Whether the source was read to its end

    private static let readsTable = "_jobspool_reads"

    /// nil when nothing is known.
    private func readBehind(_ database: Database) throws -> Bool? {
        guard try database.tableExists(Self.readsTable) else { return nil }
        return try Bool.fetchOne(
            database, sql: "SELECT behind FROM \"\(Self.readsTable)\" WHERE target = ? AND source = ?",
            arguments: [target, source])
    }

    // MARK: Rows of the source

    private static let seenTable = "_jobspool_seen"

    private func readSeen(_ database: Database) throws -> [SeenRows.Chunk] {
        guard try database.tableExists(Self.seenTable) else { return [] }
        return try Row.fetchAll(
            database,
            sql: "SELECT chunk, bits FROM \"\(Self.seenTable)\" WHERE target = ? AND type = ? AND source = ?",
            arguments: [target, type, source]
        ).map { row in
            let bits: Data = row["bits"]
            let words = stride(from: 0, to: bits.count - 7, by: 8).map { at in
                bits.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: at, as: UInt64.self)) }
            }
            return SeenRows.Chunk(number: row["chunk"], bits: words)
        }
    }

    private func writeSeen(_ state: SyncState, _ database: Database) throws {
        if state.seenAnew {
            try database.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS "\(Self.seenTable)" (
                        target TEXT NOT NULL, type TEXT NOT NULL, source TEXT NOT NULL, chunk INTEGER NOT NULL,
                        bits BLOB NOT NULL, PRIMARY KEY (target, type, source, chunk)
                    ) WITHOUT ROWID
                    """)
            try database.execute(
                sql: "DELETE FROM \"\(Self.seenTable)\" WHERE target = ? AND type = ? AND source = ?",
                arguments: [target, type, source])
        }
        for chunk in state.seen {
            let bits = chunk.bits.map(\.littleEndian).withUnsafeBytes { Data($0) }
            try database.cachedStatement(sql: "INSERT OR REPLACE INTO \"\(Self.seenTable)\" VALUES (?, ?, ?, ?, ?)")
                .execute(arguments: [target, type, source, chunk.number, bits])
        }
    }
}
