/// Decides what happens to each record: the same for a dry run and a real one, for every source and every target.
import JobHandler

final class Planner {
    /// What the target holds under a key.
    struct Held {
        var row: Int64
        var hasEqualHash: Bool
    }

    enum Decision {
        case create
        case update
        case skip
        case passOver
        case fail(ItemError)
    }

    struct Rules {
        /// Update what is equal, too.
        var force = false
        /// Equal repeats of a key are dropped instead of being errors.
        var dropsRepeats = false
        /// A later record of a key supersedes the earlier one.
        var laterWins = false
        /// Unchanged records in a row after which to stop.
        var stopAfterUnchanged: Int?
        /// Records to look at.
        var limit: Int?
        /// Keys were looked at before: a repeat is none.
        var isPlanned = false
    }

    private let rules: Rules
    /// Records that an earlier attempt has dealt with. What it wrote is found unchanged, and that says nothing of what follows.
    private let alreadyLooked: Int
    private let alreadyUnchanged: Int
    /// The rows of the records that were looked at.
    let seen: SeenRows
    private let places = PlaceLog()
    private(set) var looked = 0
    /// How many of the last records were unchanged.
    private(set) var unchanged = 0

    /// - Parameter earlier: where an earlier attempt of the job came to.
    init(_ rules: Rules, after earlier: SyncState = SyncState(), seen: SeenRows = SeenRows()) {
        self.rules = rules
        self.seen = seen
        (alreadyLooked, alreadyUnchanged) = (earlier.looked, earlier.unchanged)
        if let reached = earlier.reached {
            (looked, unchanged) = (reached.looked, reached.unchanged)
            for chunk in earlier.seen { seen.restore(chunk) }
        }
    }

    /// So many records in a row were unchanged that the rest is left.
    var isStoppedEarly: Bool { rules.stopAfterUnchanged.map { unchanged >= $0 } ?? false }
    /// As many records were looked at as were asked for.
    var isAtLimit: Bool { rules.limit.map { looked >= $0 } ?? false }

    var isFinished: Bool { isStoppedEarly || isAtLimit }

    /// Whether it matters what an earlier record of the same key has made of a row.
    var mindsRepeats: Bool { rules.dropsRepeats || rules.laterWins }
    func minds(_ held: Held) throws -> Bool { try mindsRepeats && seen.contains(held.row) }

    /// What happens to a record.
    /// - Parameter held: finds what the target holds under the record's key.
    func decide(_ record: Int, of batch: RecordBatch, held find: () throws -> Held?) throws -> Decision {
        if batch.entries[record].isPassedOver || isFinished { return .passOver }
        looked += 1
        let decision = try look(record, of: batch, held: find)
        if looked <= alreadyLooked {
            unchanged = looked == alreadyLooked ? alreadyUnchanged : 0
        } else if case .skip = decision {
            unchanged += 1
        } else {
            unchanged = 0
        }
        return decision
    }

    private func look(_ record: Int, of batch: RecordBatch, held find: () throws -> Held?) throws -> Decision {
        if let problem = batch.problem(record) {
            return .fail(
                ItemError(
                    item: batch.place(record), code: problem.code, message: problem.message,
                    retryable: problem.retryable))
        }
        guard let held = try find() else { return .create }
        if try !seen.insert(held.row), !rules.isPlanned, !rules.laterWins {
            if rules.dropsRepeats, held.hasEqualHash { return .skip }
            return .fail(try duplicate(record, of: batch, row: held.row))
        }
        try places.append(batch.entries[record].place, row: held.row)
        let isForced = rules.force && looked > alreadyLooked
        return held.hasEqualHash && !isForced ? .skip : .update
    }

    /// The record was updated and is in this row now, which may be another one than before.
    func moved(_ record: Int, of batch: RecordBatch, to row: Int64) throws {
        if try seen.insert(row) { try places.append(batch.entries[record].place, row: row) }
    }

    /// The record was created in this row.
    func created(_ record: Int, of batch: RecordBatch, row: Int64) throws {
        _ = try seen.insert(row)
        try places.append(batch.entries[record].place, row: row)
    }

    private func duplicate(_ record: Int, of batch: RecordBatch, row: Int64) throws -> ItemError {
        let key = batch.key(record)
        let first = try places.place(of: row).map(batch.places.name) ?? "an earlier record"
        return ItemError(
            item: key, code: "DUPLICATE_KEY",
            message: "\(batch.place(record)) has the key \(key), which \(first) has already: it was left out",
            retryable: false)
    }
}
