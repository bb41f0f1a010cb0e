/// What a plan would create: keys in a temporary database, under negative row numbers, so that a second record of a key is
/// found as it would be after the first had been written.
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
            return Planner.Held(row: -row[0], hasEqualHash: hash.elementsEqual(batch.hash(record)))
        }
    }

    /// - Returns: the new row's number, which is negative.
    func insert(_ record: Int, of batch: RecordBatch) throws -> Int64 {
        try queue.inDatabase { database in
            try database.cachedStatement(sql: "INSERT INTO rows (key, hash) VALUES (?, ?)").execute(
                arguments: [Data(batch.bytes[batch.entries[record].key]), Data(batch.hash(record))])
            return -database.lastInsertedRowID
        }
    }
}
