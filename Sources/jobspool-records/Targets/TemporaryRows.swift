/// Row numbers in a temporary database, which SQLite keeps in memory while it is small and deletes when it is closed.
import GRDB

final class TemporaryRows {
    private let queue: DatabaseQueue

    init() throws {
        queue = try DatabaseQueue(path: "")
        try queue.inDatabase {
            try $0.execute(sql: "PRAGMA journal_mode = OFF; CREATE TABLE seen (row INTEGER PRIMARY KEY)")
        }
    }

    func contains(_ row: Int64) throws -> Bool {
        try queue.inDatabase { database in
            try Bool.fetchOne(
                database.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM seen WHERE row = ?)"), arguments: [row])
                ?? false
        }
    }

    /// - Returns: whether it is new.
    func insert(_ row: Int64) throws -> Bool {
        try queue.inDatabase { database in
            try database.cachedStatement(sql: "INSERT OR IGNORE INTO seen VALUES (?)").execute(arguments: [row])
            return database.changesCount > 0
        }
    }
}
