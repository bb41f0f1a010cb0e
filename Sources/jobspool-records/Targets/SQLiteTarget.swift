/// A table in a SQLite database. Records and state are committed in one transaction.
import GRDB
import JSONText
import JobHandler

final class SQLiteTarget: RecordTarget {
    let name: String
    private let path: String
    private let tableName: String
    private let keepsFields: Bool
    private let job: Job
    /// nil in a dry run of which the database does not exist.
    let queue: DatabaseQueue?
    /// nil in a dry run of which the table does not exist, and after `close`.
    private(set) var table: RecordTable?
    private var pretended: PretendedRows?
    /// The columns that the table would have, and the layout that was looked at last.
    private var pretendedColumns: (columns: RecordColumns, latest: FieldLayout?)?
    private(set) var states: SyncStates?
    private var unseen: UnseenRows?

    /// - Parameters:
    ///   - job: for its type bookmarks are kept.
    ///   - keepsFields: false for a table of keys and hashes alone.
    init(path: String, table: String, _ job: Job, keepsFields: Bool = true) throws {
        let dryRun = job.isDryRun
        name = "table \(table) of \(path)"
        self.path = path
        tableName = table
        self.keepsFields = keepsFields
        self.job = job
        queue = try SQLiteFile.open(path, readOnly: dryRun, mayBeMissing: dryRun, for: job)
        try explained {
            self.table = try queue?.inDatabase { database in
                if dryRun {
                    let exists = try RecordTable.exists(table, in: database)
                    return exists ? try RecordTable(table, in: database, keepsFields: keepsFields, readOnly: true) : nil
                }
                try SyncStates.prepare(database)
                return try RecordTable(table, in: database, keepsFields: keepsFields)
            }
        }
    }

    func count() throws -> Int { try explained { try queue?.inDatabase { _ in try table?.count() } ?? 0 } }

    func state(source: String) throws -> SyncState {
        let states = SyncStates(target: tableName, type: job.request.type, source: source)
        self.states = states
        return try explained {
            guard let queue, let table else { return SyncState() }
            return try queue.inDatabase { try states.read($0, holdsRecords: table.holdsRecords()) }
        }
    }

    func plan(_ batch: RecordBatch, _ planner: Planner) throws -> [Outcome] {
        try plan(batch, planner) { refusal($0, of: batch) }
    }

    /// - Parameter refusal: why a record could not be written, as far as that is known before.
    func plan(
        _ batch: RecordBatch, _ planner: Planner, refusal: (_ record: Int) -> ItemError?
    ) throws -> [Outcome] {
        let pretended = try self.pretended ?? PretendedRows()
        self.pretended = pretended
        func outcome(_ record: Int) throws -> Outcome {
            var held: Planner.Held?
            let decision = try planner.decide(record, of: batch) {
                held = try table?.find(record, of: batch)
                if let there = held, try planner.minds(there) { held = try pretended.updated(there, record, of: batch) }
                if held == nil { held = try pretended.find(record, of: batch) }
                return held
            }
            switch decision {
            case .create:
                if let error = refusal(record) { return planner.refused(error) }
                try planner.created(record, of: batch, row: try pretended.insert(record, of: batch))
                return .created
            case .update:
                if let error = refusal(record) { return planner.refused(error) }
                if let held, planner.mindsRepeats { try pretended.update(record, of: batch, row: held.row) }
                return .updated
            case .skip: return .skipped
            case .passOver: return .passedOver
            case .fail(let error): return .failed(error)
            }
        }
        return try explained {
            guard let queue else { return try (0..<batch.count).map { try outcome($0) } }
            return try queue.inDatabase { _ in try (0..<batch.count).map { try outcome($0) } }
        }
    }

    /// Why a record's fields can have no columns.
    private func refusal(_ record: Int, of batch: RecordBatch) -> ItemError? {
        guard keepsFields else { return nil }
        let layout = batch.layout(record)
        var (columns, latest) = pretendedColumns ?? (table?.columns ?? RecordColumns(new: tableName), nil)
        if latest === layout { return nil }
        // Held once only, so that it is changed where it is.
        pretendedColumns = nil
        defer { pretendedColumns = (columns, latest) }
        do throws(RecordColumns.Refused) {
            try columns.pretend(layout)
            latest = layout
            return nil
        } catch {
            return error.itemError(batch.key(record))
        }
    }

    func apply(_ batch: RecordBatch, _ planner: Planner, state: ([Outcome]) -> SyncState) async throws -> [Outcome] {
        try explained { try applyNow(batch, planner, state) }
    }

    private func applyNow(_ batch: RecordBatch, _ planner: Planner, _ state: ([Outcome]) -> SyncState) throws
        -> [Outcome]
    {
        var outcomes: [Outcome] = []
        outcomes.reserveCapacity(batch.count)
        try queue?.inTransaction { database in
            guard let table else { return .rollback }
            for record in 0..<batch.count {
                let decision = try planner.decide(record, of: batch) { try table.find(record, of: batch) }
                outcomes.append(try carryOut(decision, record, batch, planner, table))
            }
            try states?.write(state(outcomes), database)
            return .commit
        }
        return outcomes
    }

    private func carryOut(
        _ decision: Planner.Decision, _ record: Int, _ batch: RecordBatch, _ planner: Planner, _ table: RecordTable
    ) throws -> Outcome {
        switch decision {
        case .create:
            do {
                try planner.created(record, of: batch, row: try table.insert(record, of: batch))
                return .created
            } catch {
                return planner.refused(try itemError(error, batch.key(record)))
            }
        case .update:
            do {
                try table.update(record, of: batch)
                if table.rowsMove, let held = try table.find(record, of: batch) {
                    try planner.moved(record, of: batch, to: held.row)
                }
                return .updated
            } catch {
                return planner.refused(try itemError(error, batch.key(record)))
            }
        case .skip: return .skipped
        case .passOver: return .passedOver
        case .fail(let error): return .failed(error)
        }
    }

    /// - Throws: the error itself when it concerns more than this record.
    private func itemError(_ error: any Error, _ key: String) throws -> ItemError {
        if let refused = error as? RecordColumns.Refused { return refused.itemError(key) }
        guard let error = error as? DatabaseError, error.concernsOneRow else { throw error }
        return ItemError(
            item: key, code: "REFUSED", message: "the target refuses it: \(error.message ?? "\(error)")",
            retryable: false)
    }

    // MARK: Deletions

    func countUnseen(_ seen: SeenRows) throws -> Int {
        guard let table else { return 0 }
        return try explained {
            try queue?.inDatabase { try UnseenRows(seen: seen).count(table, $0) } ?? 0
        }
    }

    func unseenKeys(_ seen: SeenRows, limit: Int) throws -> [String] {
        guard let table else { return [] }
        return try explained {
            try queue?.inDatabase { database in
                var rows = UnseenRows(seen: seen)
                return try rows.next(limit, table, database).map(\.key)
            } ?? []
        }
    }

    func deleteUnseen(
        _ seen: SeenRows, limit: Int, state: (_ deleted: Int) -> SyncState
    ) async throws -> [(key: String, error: ItemError?)] {
        try explained { try deleteNow(seen, limit, state) }
    }

    private func deleteNow(
        _ seen: SeenRows, _ limit: Int, _ state: (_ deleted: Int) -> SyncState
    ) throws -> [(key: String, error: ItemError?)] {
        guard let table else { return [] }
        var unseen = self.unseen ?? UnseenRows(seen: seen)
        var ends: [(key: String, error: ItemError?)] = []
        try queue?.inTransaction { database in
            for (row, key) in try unseen.next(limit, table, database) {
                do {
                    try table.delete(row: row)
                    ends.append((key, nil))
                } catch {
                    ends.append((key, try itemError(error, key)))
                }
            }
            try states?.write(state(ends.count { $0.error == nil }), database)
            return .commit
        }
        self.unseen = unseen
        return ends
    }

    // MARK: The end

    func finish(_ state: SyncState) throws {
        try explained {
            try queue?.writeWithoutTransaction { database in
                try database.inTransaction {
                    try states?.write(state, database)
                    return .commit
                }
                try SQLiteFile.flush(database)
            }
        }
    }

    func close() throws {
        // Statements go before their connection.
        table = nil
        try explained { try queue?.close() }
    }

    func explained<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as DatabaseError {
            throw job.end(error, path: path, role: "target")
        } catch let error as RecordTable.Unusable {
            throw JobFailure.invalidParams(
                field: "params.target.table", "\(error.reason) in \(path), and records need a table with row numbers")
        }
    }
}
