/// Opens the databases of this executable: caches and indexes. Each says in its header what it is (`application_id`,
/// `user_version`), so that a path that leads to something else is refused, before anything is written to it.
///
/// A database is one file, with a journal beside it while something is written (SQLite's `DELETE` mode, and `synchronous =
/// EXTRA`): what a checkpoint reports survives a power cut, and readers need not be allowed to write. Who reads while another
/// writes waits for a commit at the most.
import GRDB
import JSONText
import JobHandler

struct LibraryDatabase: Sendable {
    /// The word for it in messages and params.
    let kind: String
    /// "JSPc" and "JSPi" in ASCII.
    let applicationID: Int
    /// Of the tables; a database of a later one is refused.
    let version = 1
    let tables: String

    /// Opens for writing; makes a database that is not there.
    func open(_ path: String) throws -> DatabaseQueue {
        let queue = try DatabaseQueue(path: path, configuration: Self.configuration())
        try queue.transaction(.immediate) { database in
            if try isNew(database) { try create(database) } else { try check(database, path) }
        }
        return queue
    }

    /// Opens for reading. - Returns: nil when there is no such file, or nothing in it yet.
    func openToRead(_ path: String) throws -> DatabaseQueue? {
        guard try FileStatus.exists(path) else { return nil }
        do {
            return try read(path, isReadOnly: true)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_READONLY {
            // A job was killed while it wrote: what it had begun is taken back first, which is writing.
            _ = try read(path, isReadOnly: false)
            return try read(path, isReadOnly: true)
        }
    }

    private func read(_ path: String, isReadOnly: Bool) throws -> DatabaseQueue? {
        let queue = try DatabaseQueue(path: path, configuration: Self.configuration(isReadOnly: isReadOnly))
        return try queue.inDatabase { database in
            if try isNew(database) { return nil }
            try check(database, path)
            return queue
        }
    }

    /// For a dry run: the database as it is, read-only, or an empty one in memory. Temporary tables can be made in either.
    func openToPlan(_ path: String) throws -> DatabaseQueue {
        if let queue = try openToRead(path) { return queue }
        let queue = try DatabaseQueue(configuration: Self.configuration())
        try queue.transaction(.immediate) { try create($0) }
        return queue
    }

    private static func configuration(isReadOnly: Bool = false) -> Configuration {
        var configuration = Configuration()
        configuration.readonly = isReadOnly
        configuration.busyMode = .timeout(30)
        configuration.prepareDatabase { database in
            // Plans of any size: what does not fit into the cache goes to a file.
            try database.execute(
                sql: "PRAGMA synchronous = EXTRA; PRAGMA temp_store = FILE; PRAGMA cache_size = -65536")
        }
        return configuration
    }

    private func isNew(_ database: Database) throws -> Bool {
        try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") == 0
            && Int.fetchOne(database, sql: "PRAGMA application_id") == 0
    }

    private func create(_ database: Database) throws {
        try database.execute(sql: tables)
        try database.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version)")
    }

    private func check(_ database: Database, _ path: String) throws {
        guard try Int.fetchOne(database, sql: "PRAGMA application_id") == applicationID else {
            throw JobFailure(
                "WRONG_DATABASE", "\(path) is a database, but no \(kind) of jobspool-library: it is left alone",
                details: ["path": .string(path)])
        }
        let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        guard found <= version else {
            throw JobFailure(
                "WRONG_DATABASE",
                "\(path) was made by a later version (\(found); this one knows \(version)): update jobspool-library",
                details: ["path": .string(path)])
        }
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
