/// What an error of SQLite means for the job. No message shows a statement's arguments.
import GRDB
import JSONText
import JobHandler

extension JobFailure {
    init(_ error: DatabaseError) {
        let path = error.message ?? error.resultCode.description
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(
                "DATABASE_BUSY",
                "another program has been writing to the database for too long (\(path)): it is tried again if `retry` allows",
                exit: .temporary)
        case .SQLITE_FULL: self.init("NO_SPACE", "the disk is full: \(path)", exit: .temporary)
        case .SQLITE_NOTADB: self.init("WRONG_DATABASE", "the file is no SQLite database: it is left alone")
        case .SQLITE_CORRUPT:
            self.init("DATABASE_DAMAGED", "the database is damaged: \(path). Delete it, and let it be made anew")
        case .SQLITE_CANTOPEN:
            self.init(
                "DATABASE_UNUSABLE", "the database cannot be opened: is its directory there, and may it be written?")
        case .SQLITE_READONLY, .SQLITE_PERM:
            self.init("DATABASE_UNUSABLE", "the database may not be written: \(path)")
        default: self.init("DATABASE_FAILED", "SQLite says: \(path)")
        }
    }

    /// Runs a job, so that an error of SQLite ends it with a code. One that was asked to stop while it waited for somebody else
    /// has stopped.
    static func translating<Value>(_ job: Job, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as DatabaseError {
            if [.SQLITE_BUSY, .SQLITE_LOCKED].contains(error.resultCode) { try job.checkStopping() }
            throw JobFailure(error)
        }
    }
}
