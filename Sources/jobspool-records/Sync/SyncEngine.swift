/// Reads, plans and applies, batch by batch. A dry run and a mirror plan first, and change nothing meanwhile; a mirror keeps what
/// it has to write in temporary files, so that the guard can look at the complete plan before the first change.
import JSONText
import JobHandler

final class SyncEngine {
    private let params: SyncParams
    private let job: Job
    private let target: any RecordTarget
    private let tally: SyncTally
    private let rules: Planner.Rules
    /// What earlier attempts left.
    private let earlier: SyncState
    /// The only records to look at; nil for all.
    private let retry: RetryItems?
    private var bookmarks: BookmarkKeeper
    /// What is committed with each batch.
    private var state: SyncState
    /// Whether the rows of the source that are kept are of this reading.
    private var isSeenKept: Bool

    /// - Parameters:
    ///   - state: what earlier attempts of this job left, or what it begins with.
    ///   - retry: all others are passed over.
    /// - Throws: as `SyncTally`.
    init(
        _ params: SyncParams, _ job: Job, _ target: any RecordTarget, state: SyncState, rules: Planner.Rules,
        retry: RetryItems?
    ) throws(JobFailure) {
        self.params = params
        self.job = job
        self.target = target
        self.rules = rules
        self.retry = retry
        self.state = state
        (self.state.seen, self.state.seenAnew) = ([], false)
        self.state.isOver = false
        // Until it has come to the end. What is tried again was read by another job.
        if retry == nil { self.state.isBehind = true }
        isSeenKept = state.reached != nil
        earlier = state
        bookmarks = BookmarkKeeper(state, isMoving: params.mode == .incremental && retry == nil)
        tally = try SyncTally(job, params.errors, earlier: state)
    }

    /// - Parameters:
    ///   - total: records of the source, where that is known.
    ///   - source: its name.
    /// - Returns: the job's result.
    func run(_ records: any IdentifiedRecords, total: Int?, source: String) async throws -> JSON {
        let planner = Planner(rules, after: earlier)
        let isWhole: Bool
        do {
            if job.isDryRun || params.mode == .mirror {
                isWhole = try await runPlanned(records, planner, total, source)
            } else {
                tally.begin("sync", records: total)
                isWhole = try await apply(records, planner, total)
            }
        } catch is JobStopped {
            tally.checkpoint()
            job.log("Stopped after \(tally.operations) operations", level: .warning)
            throw JobStopped()
        }
        if planner.isStoppedEarly, let records = params.stopAfterUnchanged {
            job.log("Stopped early: \(records) records in a row were unchanged")
        }
        if isWhole, let retry { try tally.takeMissing(retry.missing, mode: params.mode) }
        try tally.finish()
        // What follows an early stop is known to be unchanged.
        let isReached = isWhole || planner.isStoppedEarly
        if retry == nil { state.isBehind = !isReached }
        bookmarks.end(isReached: isReached)
        (state.cursor, state.isOver) = (bookmarks.cursor, true)
        if !job.isDryRun { try target.finish(state) }
        SyncSummary(job, tally).log()
        return SyncSummary(job, tally).result(stoppedEarly: planner.isStoppedEarly)
    }

    // MARK: Straight on

    /// - Returns: whether the source was read to its end.
    private func apply(_ records: any IdentifiedRecords, _ planner: Planner, _ total: Int?) async throws -> Bool {
        var batch = RecordBatch(limit: params.batchSize)
        var log = BatchLog(job, size: params.batchSize)
        var hasMore = true
        while hasMore, !planner.isFinished {
            try job.checkStopping()
            hasMore = try await records.next(into: &batch)
            if batch.position != nil { planner.seen.trackChanges() }
            let (before, standing) = (state, planner.standing)
            let outcomes = try await target.apply(batch, planner) { outcomes in
                state = before
                state.count(outcomes)
                // A part of the batch is done.
                if outcomes.count < batch.count {
                    if params.mode != .mirror {
                        state.stand(at: planner.standing(after: outcomes, before: standing))
                    }
                    return state
                }
                bookmarks.take(outcomes, batch)
                if params.mode != .mirror { state.stand(at: planner.standing) }
                // What an earlier attempt has committed holds until this one comes further.
                if planner.looked >= earlier.looked { state.bookmark = bookmarks.bookmark }
                state.reached = tally.reached(batch.position, after: outcomes, state, planner.standing)
                if state.reached != nil {
                    (state.seen, state.seenAnew) = (planner.seen.takeChanges(), !isSeenKept)
                    isSeenKept = true
                }
                return state
            }
            (state.seen, state.seenAnew) = ([], false)
            log.tell(outcomes, batch, of: total)
            try tally.take(outcomes, batch)
            if outcomes.count < batch.count { throw JobStopped() }
        }
        return !hasMore && !planner.isFinished
    }

    // MARK: Plan first

    private struct Plan {
        let added = RecordSpool()
        let updated = RecordSpool()
        /// Whether the source was read to its end.
        var isRead = false
        /// Whether all of it was looked at besides, without an error.
        var isWhole = false
        var deletions = 0
    }

    /// - Returns: whether the source was read to its end.
    private func runPlanned(
        _ records: any IdentifiedRecords, _ planner: Planner, _ total: Int?, _ source: String
    ) async throws -> Bool {
        var plan = try await plan(records, planner, total)
        if params.mode == .mirror {
            if plan.isWhole {
                plan.deletions = try target.countUnseen(planner.seen)
                // What this attempt has looked at, whatever earlier ones have.
                try DeletionGuard.check(
                    records: planner.looked, held: try target.count(), deletions: plan.deletions, params, source: source
                )
            } else {
                tellWhyNothingIsDeleted(planner)
            }
        }
        if job.isDryRun {
            try await pretend(plan.deletions, planner)
        } else {
            try await carryOut(plan, planner)
        }
        return plan.isRead
    }

    private func plan(_ records: any IdentifiedRecords, _ planner: Planner, _ total: Int?) async throws -> Plan {
        var plan = Plan()
        var batch = RecordBatch(limit: params.batchSize)
        var log = BatchLog(job, size: params.batchSize)
        var hasMore = true
        tally.begin(job.isDryRun ? "dry run" : "plan", records: total)
        while hasMore, !planner.isFinished {
            try job.checkStopping()
            hasMore = try await records.next(into: &batch)
            let outcomes = try target.plan(batch, planner)
            if job.isDryRun {
                log.tell(outcomes, batch, of: total)
            } else {
                for (record, outcome) in outcomes.enumerated() {
                    if outcome == .created { try plan.added.append(record, of: batch) }
                    if outcome == .updated { try plan.updated.append(record, of: batch) }
                }
            }
            try tally.take(outcomes, batch, isPlan: !job.isDryRun)
        }
        plan.isRead = !hasMore && !planner.isFinished
        plan.isWhole = plan.isRead && tally.failed == 0 && retry == nil
        return plan
    }

    private func carryOut(_ plan: Plan, _ planner: Planner) async throws {
        let records = tally.processed + plan.added.count + plan.updated.count
        if plan.deletions > 0 { job.log("\(plan.deletions) records to delete") }
        let writer = Planner(Planner.Rules(force: rules.force, isPlanned: true), seen: planner.seen)
        for (phase, spool) in [("add", plan.added), ("update", plan.updated)] where spool.count > 0 {
            tally.begin(phase, records: records, deletions: plan.deletions)
            _ = try await apply(spool, writer, spool.count)
        }
        guard plan.deletions > 0 else { return }
        tally.begin("delete", records: records, deletions: plan.deletions)
        var log = BatchLog(job, size: params.batchSize)
        while true {
            try job.checkStopping()
            let before = state.deleted
            let ends = try await target.deleteUnseen(planner.seen, limit: params.batchSize) { deleted in
                state.deleted = before + deleted
                return state
            }
            if ends.isEmpty { break }
            log.tellDeletions(plan.deletions)
            try tally.takeDeletions(ends)
        }
    }

    private func pretend(_ deletions: Int, _ planner: Planner) async throws {
        guard deletions > 0 else { return }
        let keys = try target.unseenKeys(planner.seen, limit: 6)
        BatchLog(job, size: params.batchSize).tellWould("delete", keys, count: deletions)
        tally.pretendDeletions(deletions)
    }

    private func tellWhyNothingIsDeleted(_ planner: Planner) {
        let reason =
            if planner.isStoppedEarly {
                "the reading stopped early"
            } else if planner.isAtLimit {
                "`limit` left records unread"
            } else if retry != nil {
                "only some records were looked at"
            } else {
                "\(tally.failed) records of the source could not be used"
            }
        job.log("Nothing will be deleted: \(reason)", level: .warning)
    }
}
