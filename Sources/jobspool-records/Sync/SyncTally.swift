/// Counts what was done and tells it: progress, item errors and checkpoints. Every record is counted once: records =
/// created + updated + skipped + failed. Deletions come on top, so that progress runs through all phases without starting again.
import JSONText
import JobHandler

final class SyncTally {
    private let job: Job
    private var budget: ErrorBudget
    private var checkpoints = CheckpointRhythm()
    private(set) var created: Int
    private(set) var updated: Int
    private(set) var deleted: Int
    private(set) var failed = 0
    /// Found unchanged, also because an earlier attempt had written them.
    private var unchanged = 0
    /// What earlier attempts wrote.
    private let earlier: SyncState
    /// Failed deletions, which are no records of the source.
    private var failedDeletions = 0
    /// Not looked at.
    private var passedOver = 0
    /// Records of the source; nil while it is not known.
    private var records: Int?
    private var deletions = 0
    private(set) var phase = "read"

    /// - Throws: `JobFailure` TOO_MANY_ERRORS when what failed up to where an earlier attempt came is too much already.
    init(_ job: Job, _ budget: ErrorBudget, earlier: SyncState) throws(JobFailure) {
        self.job = job
        self.budget = budget
        self.earlier = earlier
        (created, updated, deleted) = (earlier.created, earlier.updated, earlier.deleted)
        failed = earlier.reached?.failed ?? 0
        for _ in 0..<failed { try self.budget.spend(of: nil) }
    }

    var skipped: Int { (earlier.reached?.skipped ?? 0) + max(0, unchanged - earlier.carried) }

    /// Records that were looked at.
    var processed: Int { created + updated + skipped + failed - failedDeletions }

    /// Everything that was done, or failed.
    var operations: Int { processed + deleted + failedDeletions }

    /// What the state has to say when this batch is done, too; nil for a source that is read from its beginning again.
    /// - Parameter standing: of this attempt, which may not have come to where an earlier one was.
    func reached(
        _ position: JSON?, after outcomes: [Outcome], _ state: SyncState, _ standing: Planner.Standing
    ) -> SyncState.Reached? {
        guard let position else { return nil }
        var (more, errors) = (0, 0)
        for outcome in outcomes {
            switch outcome {
            case .skipped: more += 1
            case .failed: errors += 1
            case .created, .updated, .passedOver: break
            }
        }
        let beyond = earlier.carried - (unchanged + more)
        return SyncState.Reached(
            position: position, written: state.created + state.updated - max(0, beyond),
            skipped: (earlier.reached?.skipped ?? 0) + max(0, -beyond), failed: failed + errors,
            looked: standing.looked, unchanged: standing.unchanged)
    }

    var counts: [(name: String, value: Int)] {
        [("created", created), ("updated", updated), ("skipped", skipped), ("deleted", deleted), ("failed", failed)]
    }

    /// - Parameter records: of the source; nil where it is not known.
    func begin(_ phase: String, records: Int?) {
        self.phase = phase
        self.records = records
        if let records { job.log("Found \(records) records to process") }
        tell(nil)
    }

    /// A plan is complete: from here on everything is known.
    func begin(_ phase: String, records: Int, deletions: Int) {
        self.phase = phase
        self.records = records
        self.deletions = deletions
        passedOver = 0
        tell(nil)
    }

    /// What became of the records of a batch.
    /// - Parameter isPlan: what would be created or updated is not counted: that is yet to come.
    /// - Throws: `JobFailure` TOO_MANY_ERRORS.
    func take(_ outcomes: [Outcome], _ batch: RecordBatch, isPlan: Bool = false) throws(JobFailure) {
        for outcome in outcomes {
            switch outcome {
            case .created: if !isPlan { created += 1 }
            case .updated: if !isPlan { updated += 1 }
            case .skipped: unchanged += 1
            case .failed(let error): try fail(error)
            case .passedOver: passedOver += 1
            }
        }
        tell(batch)
        if checkpoints.isDue(after: operations) { checkpoint() }
    }

    /// Items that were to be tried again, and that the source does not have: those of which the deletion failed are among them.
    /// - Throws: `JobFailure` TOO_MANY_ERRORS.
    func takeMissing(_ items: [String], mode: SyncParams.Mode) throws(JobFailure) {
        let remedy = mode == .mirror ? ". If its deletion failed, a mirror without `retry_of` deletes it" : ""
        for item in items {
            let message = "the source does not have \(item.printable(limit: 200)): nothing was tried again\(remedy)"
            try fail(ItemError(item: item, code: "NOT_FOUND", message: message, retryable: false))
        }
    }

    func takeDeletions(_ ends: [(key: String, error: ItemError?)]) throws(JobFailure) {
        for end in ends {
            if let error = end.error {
                failedDeletions += 1
                try fail(error)
            } else {
                deleted += 1
            }
        }
        tell(nil)
        if checkpoints.isDue(after: operations) { checkpoint() }
    }

    /// In a dry run: what would be deleted counts as deleted.
    func pretendDeletions(_ count: Int) { deleted += count }

    private func fail(_ error: ItemError) throws(JobFailure) {
        job.report(error)
        failed += 1
        try budget.spend(of: records.map { $0 + deletions })
    }

    /// The reading is over: what was looked at is what there was.
    /// - Throws: `JobFailure` TOO_MANY_ERRORS.
    func finish() throws(JobFailure) {
        records = processed
        deletions = deleted + failedDeletions
        passedOver = 0
        tell(nil)
        try budget.finish(total: operations)
    }

    func checkpoint() { job.checkpoint(["phase": .string(phase), "processed": JSON(operations)]) }

    private func tell(_ batch: RecordBatch?) {
        job.progress { progress in
            progress.phase = phase
            progress.current = operations + passedOver
            progress.total = records.map { $0 + deletions }
            progress.counts = counts
            if let read = batch?.read { (progress.bytes, progress.totalBytes) = (read.done, read.total) }
            if let batch, batch.count > 0 {
                let last = batch.count - 1
                progress.item = batch.problem(last) == nil ? batch.key(last) : batch.place(last)
            }
        }
    }
}
