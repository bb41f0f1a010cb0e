/// Opens SQLite databases, and says what their errors mean.
import GRDB
import Glibc
import JSONText
import JobHandler

enum SQLiteFile {
    /// Opens a database. A new one gets a write-ahead log, so that others can read it during a sync; one that is there keeps
    /// the journal that it has.
    /// - Parameters:
    ///   - mayBeMissing: then nil is returned when it is.
    ///   - job: waits 30 s for others who hold the database, unless it is to stop.
    static func open(
        _ path: String, readOnly: Bool, mayBeMissing: Bool = false, for job: Job
    ) throws -> DatabaseQueue? {
        let isThere = access(path, F_OK) == 0
        if readOnly, !isThere {
            if mayBeMissing { return nil }
            throw JobFailure("SOURCE_MISSING", "there is no database \(path)", details: ["path": .string(path)])
        }
        var configuration = Configuration()
        configuration.readonly = readOnly
        let patience = Patience(job)
        configuration.busyMode = .callback { patience.waits(after: $0) }
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.inDatabase { database in
                try database.execute(sql: "PRAGMA cache_size = -16000")
                if readOnly { return }
                if try Int.fetchOne(database, sql: "PRAGMA page_count") == 0 {
                    try database.execute(sql: "PRAGMA journal_mode = WAL")
                }
                if try String.fetchOne(database, sql: "PRAGMA journal_mode") == "wal" {
                    // A power cut may undo the last transactions whole, records and checkpoints alike.
                    try database.execute(sql: "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000")
                }
            }
            return queue
        } catch let error as DatabaseError {
            throw job.end(error, path: path, role: readOnly ? "database" : "target")
        }
    }

    /// Brings what is committed to the disk, where that has not been done yet.
    static func flush(_ database: Database) throws {
        guard try String.fetchOne(database, sql: "PRAGMA journal_mode") == "wal" else { return }
        // PASSIVE waits for nobody; it syncs what it writes.
        try database.execute(sql: "PRAGMA wal_checkpoint(PASSIVE)")
    }
}

extension String {
    /// The name of a table or a column in quotes, whatever is in it. (GRDB's own `quotedDatabaseIdentifier` leaves quotes inside as
    /// they are.) By bytes: a quote with an accent on it is another character to Swift, but it ends a name to SQLite.
    var quotedName: String {
        let bytes = utf8.flatMap { $0 == UInt8(ascii: "\"") ? [$0, $0] : [$0] }
        return "\"\(String(decoding: bytes, as: UTF8.self))\""
    }
}

extension DatabaseError {
    /// Whether another row might do better.
    var concernsOneRow: Bool {
        [.SQLITE_CONSTRAINT, .SQLITE_TOOBIG, .SQLITE_MISMATCH].contains(resultCode)
    }
}

extension Job {
    /// What an error of SQLite means for the job: one that was asked to stop while it waited for somebody else has stopped.
    func end(_ error: DatabaseError, path: String, role: String) -> any Error {
        let isBusy = [.SQLITE_BUSY, .SQLITE_LOCKED].contains(error.resultCode)
        return isBusy && isStopping ? JobStopped() : JobFailure(error, path: path, role: role)
    }
}

extension JobFailure {
    fileprivate init(_ error: DatabaseError, path: String, role: String) {
        let message = error.message ?? "\(error.resultCode)"
        let details: JSONObject = ["path": .string(path), "sqlite": JSON(Int(error.extendedResultCode.rawValue))]
        switch error.resultCode {
        case .SQLITE_FULL:
            self.init("NO_SPACE", "the \(role) \(path) is full: \(message)", details: details, exit: .temporary)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(
                "DATABASE_LOCKED", "another program holds the \(role) \(path): \(message)", details: details,
                exit: .temporary)
        case .SQLITE_NOTADB:
            self.init("NOT_A_DATABASE", "the \(role) \(path) is no SQLite database: \(message)", details: details)
        case .SQLITE_CANTOPEN:
            self.init(
                "CANNOT_OPEN",
                "the \(role) \(path) cannot be opened: does its directory exist, and may it be written to?",
                details: details)
        case .SQLITE_READONLY:
            self.init("READ_ONLY", "the \(role) \(path) cannot be written to: \(message)", details: details)
        default:
            self.init("DATABASE_ERROR", "the \(role) \(path): \(message)", details: details)
        }
    }
}
