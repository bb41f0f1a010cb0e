/// Opens the databases of this executable: caches and indexes. Each says in its header what it is (`application_id`,
/// `user_version`), so that a path that leads to something else is refused, before anything is written to it.
///
/// A database has a write-ahead log (SQLite's `WAL` mode, with `synchronous = FULL`): who reads sees what was committed before,
/// holds up nobody who writes, and is not held up; and what a checkpoint reports survives a power cut. The log and its index
/// (`-wal`, `-shm`) stay beside the database when nobody has it open, because readers who may not write need them.
import GRDB
import GRDBSQLite
import JSONText
import JobHandler

struct LibraryDatabase: Sendable {
    /// The word for it in messages and params.
    let kind: String
    /// "JSPc" and "JSPi" in ASCII.
    let applicationID: Int
    /// Of version 1.
    let tables: String
    /// What each later version adds, from the second on.
    let upgrades: [String]

    /// Of the tables. A database of a later one is refused, one of an earlier one is brought up to date by who writes.
    var version: Int { 1 + upgrades.count }

    /// Opens for writing; makes a database that is not there.
    /// - Parameter patience: with others who write.
    func open(_ path: String, _ patience: Patience) throws -> DatabaseQueue {
        let queue = try DatabaseQueue(path: path, configuration: Self.configuration(patience))
        // Who only looks waits for nobody.
        if try queue.inDatabase(isNew) {
            try queue.transaction(.immediate) { if try isNew($0) { try create($0) } }
        }
        let found = try queue.inDatabase { database in
            let found = try check(database, path)
            try keepLog(database)
            return found
        }
        if found < version { try queue.transaction(.immediate) { try upgrade($0, from: check($0, path)) } }
        return queue
    }

    /// Opens for reading; the database may be of an earlier version.
    /// - Returns: nil when there is no such file, or nothing in it yet.
    func openToRead(_ path: String, _ patience: Patience) throws -> DatabaseQueue? {
        guard try FileStatus.exists(path) else { return nil }
        do {
            return try read(path, patience, isReadOnly: true)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_READONLY {
            // A job was killed while it made the database: what it had begun is taken back first, which is writing.
            _ = try read(path, patience, isReadOnly: false)
            return try read(path, patience, isReadOnly: true)
        }
    }

    private func read(_ path: String, _ patience: Patience, isReadOnly: Bool) throws -> DatabaseQueue? {
        let queue = try DatabaseQueue(path: path, configuration: Self.configuration(patience, isReadOnly: isReadOnly))
        return try queue.inDatabase { database in
            if try isNew(database) { return nil }
            try check(database, path)
            return queue
        }
    }

    /// For a dry run: the database as it is, read-only, or an empty one in memory. Temporary tables can be made in either.
    func openToPlan(_ path: String, _ patience: Patience) throws -> DatabaseQueue {
        if let queue = try openToRead(path, patience) { return queue }
        let queue = try DatabaseQueue(configuration: Self.configuration(patience))
        try queue.transaction(.immediate) { try create($0) }
        return queue
    }

    private static func configuration(_ patience: Patience, isReadOnly: Bool = false) -> Configuration {
        var configuration = Configuration()
        configuration.readonly = isReadOnly
        configuration.busyMode = .callback { patience.waits(after: $0) }
        configuration.prepareDatabase { database in
            // Plans of any size: what does not fit into the cache goes to a file.
            try database.execute(
                sql: "PRAGMA synchronous = FULL; PRAGMA temp_store = FILE; PRAGMA cache_size = -65536")
        }
        return configuration
    }

    /// Gives the database its write-ahead log. One that was made without it and that somebody reads just now goes on without
    /// it, until the next job.
    private func keepLog(_ database: Database) throws {
        do {
            try database.execute(sql: "PRAGMA journal_mode = WAL")
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            try database.execute(sql: "PRAGMA synchronous = EXTRA")
        }
        // The log is kept, and is empty when everything in it is in the database.
        try database.execute(sql: "PRAGMA journal_size_limit = 67108864")
        var isKept: Int32 = 1
        sqlite3_file_control(database.sqliteConnection, nil, SQLITE_FCNTL_PERSIST_WAL, &isKept)
    }

    private func isNew(_ database: Database) throws -> Bool {
        try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") == 0
            && Int.fetchOne(database, sql: "PRAGMA application_id") == 0
    }

    private func create(_ database: Database) throws {
        try database.execute(sql: tables)
        try database.execute(sql: "PRAGMA application_id = \(applicationID)")
        try upgrade(database, from: 1)
    }

    private func upgrade(_ database: Database, from found: Int) throws {
        for upgrade in upgrades.dropFirst(found - 1) { try database.execute(sql: upgrade) }
        try database.execute(sql: "PRAGMA user_version = \(version)")
    }

    /// - Returns: the database's version.
    @discardableResult
    private func check(_ database: Database, _ path: String) throws -> Int {
        guard try Int.fetchOne(database, sql: "PRAGMA application_id") == applicationID else {
            throw JobFailure(
                "WRONG_DATABASE", "\(path) is a database, but no \(kind) of jobspool-library: it is left alone",
                details: ["path": .string(path)])
        }
        let found = max(1, try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 1)
        guard found <= version else {
            throw JobFailure(
                "WRONG_DATABASE",
                "\(path) was made by a later version (\(found); this one knows \(version)): update jobspool-library",
                details: ["path": .string(path)])
        }
        return found
    }
}

extension DatabaseQueue {
    /// All of what `body` does, or nothing.
    func transaction<Value>(_ kind: Database.TransactionKind, _ body: (Database) throws -> Value) throws -> Value {
        try inDatabase { database in
            try database.beginTransaction(kind)
            do {
                let value = try body(database)
                try database.commit()
                return value
            } catch {
                // SQLite ends some transactions by itself, such as when the disk is full.
                if database.isInsideTransaction { try database.rollback() }
                throw error
            }
        }
    }
}
