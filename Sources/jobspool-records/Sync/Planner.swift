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
        /// Unchanged and failed ones do not count towards the limit: jobs that read them again would never get beyond it.
        var limitsChanges = false
        /// Up to where earlier jobs have read a source that comes in the order of its cursor.
        var bookmark: Cursor?
        /// Keys were looked at before: a repeat is none.
        var isPlanned = false
    }

    /// How far the looking at records is.
    struct Standing {
        /// Records that were looked at.
        var looked = 0
        /// How many of the last of them were unchanged.
        var unchanged = 0
        /// How many count towards the limit, those of earlier attempts included.
        var counted = 0
    }

    private let rules: Rules
    /// Records that an earlier attempt has dealt with. What it wrote is found unchanged, and that says nothing of what follows.
    private let alreadyLooked: Int
    private let alreadyUnchanged: Int
    /// The rows of the records that were looked at.
    let seen: SeenRows
    private let places = PlaceLog()
    private(set) var standing = Standing()
    /// Whether the record that was decided on last counts towards the limit.
    private var isLastCounted = false

    /// - Parameter earlier: where an earlier attempt of the job came to.
    init(_ rules: Rules, after earlier: SyncState = SyncState(), seen: SeenRows = SeenRows()) {
        self.rules = rules
        self.seen = seen
        (alreadyLooked, alreadyUnchanged) = (earlier.looked, earlier.unchanged)
        standing.counted = earlier.counted
        if let reached = earlier.reached {
            (standing.looked, standing.unchanged) = (reached.looked, reached.unchanged)
            for chunk in earlier.seen { seen.restore(chunk) }
        }
    }

    var looked: Int { standing.looked }

    /// So many records in a row were unchanged that the rest is left.
    var isStoppedEarly: Bool { rules.stopAfterUnchanged.map { standing.unchanged >= $0 } ?? false }
    /// As many records were looked at as were asked for, and what an earlier attempt has dealt with was read again.
    var isAtLimit: Bool { rules.limit.map { standing.counted >= $0 && looked >= alreadyLooked } ?? false }

    var isFinished: Bool { isStoppedEarly || isAtLimit }

    /// Whether it matters what an earlier record of the same key has made of a row.
    var mindsRepeats: Bool { rules.dropsRepeats || rules.laterWins }
    func minds(_ held: Held) throws -> Bool { try mindsRepeats && seen.contains(held.row) }

    /// What happens to a record.
    /// - Parameter held: finds what the target holds under the record's key.
    func decide(_ record: Int, of batch: RecordBatch, held find: () throws -> Held?) throws -> Decision {
        if batch.entries[record].isPassedOver || isFinished { return .passOver }
        standing.looked += 1
        let decision = try look(record, of: batch, held: find)
        isLastCounted = false
        if looked <= alreadyLooked {
            standing.unchanged = looked == alreadyLooked ? alreadyUnchanged : 0
            return decision
        }
        switch decision {
        case .skip:
            isLastCounted = !rules.limitsChanges
            if !isReadAgain(record, of: batch) { standing.unchanged += 1 }
        case .fail:
            isLastCounted = !rules.limitsChanges
            standing.unchanged = 0
        case .create, .update, .passOver:
            isLastCounted = true
            standing.unchanged = 0
        }
        if isLastCounted { standing.counted += 1 }
        return decision
    }

    /// The record that was decided on last is to be created or updated, and the target refuses it.
    func refused(_ error: ItemError) -> Outcome {
        if isLastCounted, rules.limitsChanges { standing.counted -= 1 }
        isLastCounted = false
        return .failed(error)
    }

    /// Whether the record comes before all that is new, because the source is in the order of its cursor, and is read from the
    /// bookmark on, less the look-back: that it is unchanged says nothing of what follows.
    private func isReadAgain(_ record: Int, of batch: RecordBatch) -> Bool {
        guard batch.isOrderedByCursor, !batch.cursors.isEmpty else { return false }
        guard let cursor = batch.cursors[record] else { return true }
        return rules.bookmark.map { !$0.isBefore(cursor) } ?? false
    }

    /// The standing after some outcomes of a batch. Where it is not known how many were unchanged, it is as few as it may be.
    /// - Parameter before: the standing before the batch.
    func standing(after outcomes: [Outcome], before: Standing) -> Standing {
        let those = outcomes.filter { $0 != .passedOver }
        let new = those.dropFirst(max(0, alreadyLooked - before.looked))
        let changes = new.count { $0 == .created || $0 == .updated }
        return Standing(
            looked: before.looked + those.count, unchanged: new.allSatisfy { $0 == .skipped } ? before.unchanged : 0,
            counted: before.counted + (rules.limitsChanges ? changes : new.count))
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
