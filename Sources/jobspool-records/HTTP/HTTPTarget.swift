/// An HTTP API as a target: one PUT or POST for each record that is new or changed, one DELETE for each that a mirror has to delete.
/// What the API holds is known from a SQLite database of keys and hashes, in which each entry is recorded right after its own success;
/// a request that is made again after a crash has the same Idempotency-Key as before.
import GRDB
import JSONText
import JobHandler
import NIOHTTP1

final class HTTPTarget: RecordTarget {
    var name: String { params.name }
    private let params: HTTPTargetParams
    private let connection: HTTPConnection
    private let job: Job
    /// Keys and hashes of what was sent.
    private let entries: SQLiteTarget
    /// Tells this run of the sync from others: the attempts of one job have the same.
    private let run: String
    private var unseen: UnseenRows?
    /// Rows whose records were not found, as long as none was.
    private var missing: [(row: Int64, key: String)] = []
    /// So many of them are too many.
    private static let mostMissing = 100

    init(_ params: HTTPTargetParams, _ job: Job, _ pacing: Pacing) throws {
        self.params = params
        self.job = job
        run = job.request.jobID.isEmpty ? "\(UInt64.random(in: .min ... .max))" : job.request.jobID
        // First what may fail: a connection that has been made has to be closed.
        entries = try SQLiteTarget(
            path: params.state, table: params.name, job, keepsFields: false)
        connection = try HTTPConnection(params.connection, to: params.address, job, pacing)
    }

    func count() throws -> Int { try entries.count() }
    func state(source: String) throws -> SyncState { try entries.state(source: source) }
    func countUnseen(_ seen: SeenRows) throws -> Int { try entries.countUnseen(seen) }
    func unseenKeys(_ seen: SeenRows, limit: Int) throws -> [String] { try entries.unseenKeys(seen, limit: limit) }
    func finish(_ state: SyncState) throws { try entries.finish(state) }
    func close() async throws {
        await connection.close()
        try entries.close()
    }

    // MARK: Records

    func plan(_ batch: RecordBatch, _ planner: Planner) throws -> [Outcome] {
        try entries.plan(batch, planner) { record in
            let key = batch.key(record)
            return params.address(of: key) == nil ? refused(key) : nil
        }
    }

    /// - Returns: fewer outcomes than there are records when the job is asked to stop.
    func apply(_ batch: RecordBatch, _ planner: Planner, state: ([Outcome]) -> SyncState) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        // How many of them are stored.
        var stored = 0
        do {
            for record in 0..<batch.count {
                try job.checkStopping()
                let outcome = try await apply(record, of: batch, planner) { outcome in
                    stored = record + 1
                    return state(outcomes + [outcome])
                }
                outcomes.append(outcome)
            }
        } catch is JobStopped {
            // What is done is committed, and the engine stops before the next batch.
        } catch {
            try write(state(outcomes))
            throw error
        }
        if stored < outcomes.count || outcomes.isEmpty { try write(state(outcomes)) }
        return outcomes
    }

    /// - Parameter state: what is committed with a record that was sent, so that it counts as that whatever happens then.
    private func apply(
        _ record: Int, of batch: RecordBatch, _ planner: Planner, state: (Outcome) -> SyncState
    ) async throws -> Outcome {
        let decision = try withTable { table, _ in
            try planner.decide(record, of: batch) { try table.find(record, of: batch) }
        }
        switch decision {
        case .skip: return .skipped
        case .passOver: return .passedOver
        case .fail(let error): return .failed(error)
        case .create:
            if let error = try await send(record, of: batch) { return planner.refused(error) }
            try write(state(.created)) { table, _ in
                try planner.created(record, of: batch, row: try table.insert(record, of: batch))
            }
            return .created
        case .update:
            if let error = try await send(record, of: batch) { return planner.refused(error) }
            try write(state(.updated)) { table, _ in try table.update(record, of: batch) }
            return .updated
        }
    }

    /// - Returns: why the API refuses this record.
    private func send(_ record: Int, of batch: RecordBatch) async throws -> ItemError? {
        let key = batch.key(record)
        guard let address = params.address(of: key) else { return refused(key) }
        var request = HTTPConnection.Request(address: address)
        request.method = HTTPMethod(rawValue: params.method.rawValue)
        let object = JSON.object(try batch.object(record))
        request.body = (params.member.map { JSON.object([$0: object]) } ?? object).bytes
        request.headers = [
            ("Content-Type", "application/json"),
            ("Idempotency-Key", idempotencyKey(request.method, key, batch.hash(record))),
        ]
        return try await connection.send(request, isAnswer: concernsOneRecord) { answer in
            answer.status / 100 == 2 ? nil : refused(answer, key)
        }
    }

    /// What a server says of one record, while others may do: Bad Request, Conflict, Precondition Failed, Content Too Large,
    /// Unprocessable Content. Where each record has an address of its own, also Not Found, Gone and URI Too Long.
    private func concernsOneRecord(_ status: UInt) -> Bool {
        [400, 409, 412, 413, 422].contains(status) || params.hasAddresses && [404, 410, 414].contains(status)
    }

    private func refused(_ key: String) -> ItemError {
        ItemError(
            item: key, code: "KEY_REFUSED",
            message: "the key \(key) would be a segment of the address that leads elsewhere: no request was made",
            retryable: false)
    }

    private func refused(_ answer: HTTPAnswer, _ key: String) -> ItemError {
        let reason = HTTPFailures.excerpt(answer).map { ": \($0)" } ?? ""
        return ItemError(
            item: key, code: "REFUSED",
            message: connection.credentials.removed(from: "the target refuses it: HTTP \(answer.status)\(reason)")
                .printable(limit: 500), retryable: answer.status == 409)
    }

    /// The same for the same record, content and job; another for any other, also for a content that was there once before.
    private func idempotencyKey(_ method: HTTPMethod, _ key: String, _ hash: some Collection<UInt8>) -> String {
        let parts = "\(run)\n\(method.rawValue)\n\(params.name)\n\(key)\n"
        return SHA256.hex(Array(parts.utf8) + hash, bytes: 16)
    }

    // MARK: Deletions

    /// What a server says to a DELETE.
    private enum Deletion {
        case done
        case missing
        case refused(ItemError)
    }

    /// A row whose record is not there counts as deleted once it is known that records are deleted at that address at all.
    func deleteUnseen(
        _ seen: SeenRows, limit: Int, state: (_ deleted: Int) -> SyncState
    ) async throws -> [(key: String, error: ItemError?)] {
        var unseen = self.unseen ?? UnseenRows(seen: seen)
        defer { self.unseen = unseen }
        var ends: [(key: String, error: ItemError?)] = []
        var deleted = 0
        func forget(_ row: Int64, _ key: String) throws {
            deleted += 1
            try write(state(deleted)) { table, _ in try table.delete(row: row) }
            ends.append((key, nil))
        }
        // Those that an earlier attempt has deleted tell, too.
        var isTrusted = !params.doubtsDeletions || state(0).deleted > 0
        do {
            while ends.isEmpty {
                let rows = try withTable { table, database in try unseen.next(limit, table, database) }
                for (row, key) in rows {
                    try job.checkStopping()
                    switch try await delete(key) {
                    case .refused(let error): ends.append((key, error))
                    case .missing where !isTrusted:
                        missing.append((row, key))
                        if missing.count == Self.mostMissing { throw nothingFound() }
                    case .done, .missing:
                        isTrusted = true
                        for (row, key) in missing { try forget(row, key) }
                        missing = []
                        try forget(row, key)
                    }
                }
                guard rows.isEmpty else { continue }
                // One may well be gone.
                if missing.count > 1 { throw nothingFound() }
                for (row, key) in missing { try forget(row, key) }
                missing = []
                break
            }
        } catch {
            try write(state(deleted))
            throw error
        }
        return ends
    }

    private func nothingFound() -> JobFailure {
        HTTPFailures.cleared(
            JobFailure(
                "NOTHING_FOUND",
                "DELETE \(params.deletionName): none of \(missing.count) records was found there (HTTP 404 or 410): is "
                    + "`delete_url` right? They are remembered as sent; if they are gone, set `allow_missing`",
                details: ["missing": JSON(missing.count)]), of: connection.credentials)
    }

    private func delete(_ key: String) async throws -> Deletion {
        guard let address = params.deletionAddress(of: key) else { return .refused(refused(key)) }
        var request = HTTPConnection.Request(address: address)
        request.method = .DELETE
        request.headers = [("Idempotency-Key", idempotencyKey(.DELETE, key, []))]
        func isMissing(_ status: UInt) -> Bool { status == 404 || status == 410 }
        return try await connection.send(request, isAnswer: { isMissing($0) || concernsOneRecord($0) }) { answer in
            if answer.status / 100 == 2 { return .done }
            return isMissing(answer.status) ? .missing : .refused(refused(answer, key))
        }
    }

    // MARK: The database

    @discardableResult
    private func withTable<Value>(_ body: (RecordTable, Database) throws -> Value) throws -> Value {
        try entries.explained {
            guard let queue = entries.queue, let table = entries.table else {
                preconditionFailure("only a dry run has no database, and it writes nothing")
            }
            return try queue.inDatabase { try body(table, $0) }
        }
    }

    /// Stores the state, in one transaction with what `body` does before.
    private func write(
        _ state: @autoclosure () -> SyncState, _ body: (RecordTable, Database) throws -> Void = { _, _ in }
    ) throws {
        try entries.explained {
            try entries.queue?.inTransaction { database in
                if let table = entries.table { try body(table, database) }
                try entries.states?.write(state(), database)
                return .commit
            }
        }
    }
}
