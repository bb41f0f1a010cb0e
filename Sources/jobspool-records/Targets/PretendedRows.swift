/// What a plan would create or update: keys and hashes in a temporary database, so that a second record of a key is found as it
/// would be after the first had been written. The numbers of rows that would be created are those of `SeenRows`.
import Foundation
import GRDB

final class PretendedRows {
    private let queue: DatabaseQueue

    init() throws {
        queue = try DatabaseQueue(path: "")
        try queue.inDatabase { database in
            try database.execute(
                sql: """
                    PRAGMA journal_mode = OFF;
                    PRAGMA cache_size = -16000;
                    CREATE TABLE rows (number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, hash BLOB NOT NULL);
                    CREATE TABLE updates (number INTEGER PRIMARY KEY, hash BLOB NOT NULL);
                    """)
        }
    }

    func find(_ record: Int, of batch: RecordBatch) throws -> Planner.Held? {
        try queue.inDatabase { database in
            let statement = try database.cachedStatement(sql: "SELECT number, hash FROM rows WHERE key = ?")
            guard let row = try Row.fetchOne(statement, arguments: [Data(batch.bytes[batch.entries[record].key])])
            else {
                return nil
            }
            let hash: Data = row[1]
            return Planner.Held(row: SeenRows.pretended(row[0]), hasEqualHash: hash.elementsEqual(batch.hash(record)))
        }
    }

    /// - Returns: the new row's number.
    func insert(_ record: Int, of batch: RecordBatch) throws -> Int64 {
        try queue.inDatabase { database in
            try database.cachedStatement(sql: "INSERT INTO rows (key, hash) VALUES (?, ?)").execute(
                arguments: [Data(batch.bytes[batch.entries[record].key]), Data(batch.hash(record))])
            return SeenRows.pretended(database.lastInsertedRowID)
        }
    }

    /// The record would be written to a row that is held.
    func update(_ record: Int, of batch: RecordBatch, row: Int64) throws {
        let hash = Data(batch.hash(record))
        try queue.inDatabase { database in
            if let number = SeenRows.pretendedNumber(of: row) {
                try database.cachedStatement(sql: "UPDATE rows SET hash = ? WHERE number = ?")
                    .execute(arguments: [hash, number])
            } else {
                try database.cachedStatement(sql: "INSERT OR REPLACE INTO updates VALUES (?, ?)")
                    .execute(arguments: [row, hash])
            }
        }
    }

    /// A row that is held, as it would be by now.
    func updated(_ held: Planner.Held, _ record: Int, of batch: RecordBatch) throws -> Planner.Held {
        try queue.inDatabase { database in
            let statement = try database.cachedStatement(sql: "SELECT hash FROM updates WHERE number = ?")
            guard let hash = try Data.fetchOne(statement, arguments: [held.row]) else { return held }
            return Planner.Held(row: held.row, hasEqualHash: hash.elementsEqual(batch.hash(record)))
        }
    }
}
