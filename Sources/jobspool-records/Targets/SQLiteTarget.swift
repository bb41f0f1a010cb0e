/// A table in a SQLite database. Rows and state are committed in one transaction.
import GRDB
import JSONText
import JobHandler

final class SQLiteTarget: RecordTarget {
    let name: String
    private let queue: DatabaseQueue
    private var openTable: RecordTable?
    /// - Precondition: not after `close`.
    private var table: RecordTable { openTable! }

    init(path: String, table: String) throws {
        name = "table \(table) of \(path)"
        queue = try DatabaseQueue(path: path)
        openTable = try queue.inDatabase { try RecordTable(table, in: $0) }
    }

    func count() throws -> Int { try queue.inDatabase { _ in try table.count() } }

    func state() throws -> SyncState { SyncState() }

    func apply(_ batch: RecordBatch, _ planner: Planner, state: () -> SyncState) async throws -> [Outcome] {
        try applyNow(batch, planner)
    }

    private func applyNow(_ batch: RecordBatch, _ planner: Planner) throws -> [Outcome] {
        var outcomes: [Outcome] = []
        try queue.inTransaction { _ in
            for record in 0..<batch.count { outcomes.append(try apply(record, batch, planner)) }
            return .commit
        }
        return outcomes
    }

    private func apply(_ record: Int, _ batch: RecordBatch, _ planner: Planner) throws -> Outcome {
        switch planner.identify(record, of: batch) {
        case .failure(let error): return .failed(error)
        case .success(let (key, hash)):
            let held = try table.find(key)
            switch planner.decide(key: key, hash: hash, held: held, at: batch.place(record)) {
            case .create:
                planner.created(try table.insert(record, of: batch, key: key, hash: hash))
                return .created
            case .update:
                try table.update(record, of: batch, key: key, hash: hash)
                return .updated
            case .skip: return .skipped
            case .passOver: return .passedOver
            case .fail(let error): return .failed(error)
            }
        }
    }

    func countUnseen(_ planner: Planner) throws -> Int { 0 }

    func deleteUnseen(_ planner: Planner, limit: Int) async throws -> [(key: String, error: ItemError?)] { [] }

    func finish(_ state: SyncState) throws {}

    func close() throws {
        // Statements go before their connection.
        openTable = nil
        try queue.close()
    }
}
