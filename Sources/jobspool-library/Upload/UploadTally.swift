/// Counts what an upload does and tells it.
import JSONText
import JobHandler

struct UploadTally {
    enum Outcome: String { case created, updated, skipped, deleted }

    private let job: Job
    private var budget: ErrorBudget
    private let total: Int
    private var counts: [Outcome: Int] = [:]
    private var failed = 0
    private var checkpoints = CheckpointRhythm()

    init(_ job: Job, _ budget: ErrorBudget, total: Int) {
        self.job = job
        self.budget = budget
        self.total = total
        job.log("Found \(total) documents to upload")
        tell(nil)
    }

    var processed: Int { counts.values.reduce(0, +) + failed }

    func working(on iri: String) { tell(iri) }

    mutating func finish(_ outcome: Outcome, _ iri: String) {
        counts[outcome, default: 0] += 1
        if job.isDryRun, outcome != .skipped {
            let verbs: [Outcome: String] = [.created: "create", .updated: "update", .deleted: "delete"]
            job.log("DRY RUN: would \(verbs[outcome] ?? "skip") \(iri)")
        }
        afterItem()
    }

    /// - Throws: `JobFailure` TOO_MANY_ERRORS.
    mutating func fail(_ error: ItemError) throws {
        job.report(error)
        failed += 1
        try budget.spend(of: total)
        afterItem()
    }

    /// Entries that are done stay done whatever becomes of the checkpoint: it only tells how far the job came.
    func checkpoint() { if !job.isDryRun { job.checkpoint(["processed": JSON(processed)]) } }

    func finish(_ duration: Duration) throws -> JSON {
        try budget.finish(total: total)
        let shown = named.map { "\($0.value) \($0.name)" }.joined(separator: ", ")
        job.log(
            "\(job.isDryRun ? "DRY RUN: " : "")Upload \(failed == 0 ? "complete" : "finished with errors"): \(shown)",
            level: failed == 0 ? .info : .warning)
        return [
            "dry_run": .bool(job.isDryRun), "documents": JSON(total),
            "counts": .object(JSONObject(named.map { ($0.name, JSON($0.value)) })),
            "duration_seconds": JSON((duration / .milliseconds(1)).rounded() / 1000),
        ]
    }

    private var named: [(name: String, value: Int)] {
        [
            ("created", counts[.created] ?? 0), ("updated", counts[.updated] ?? 0),
            ("skipped", counts[.skipped] ?? 0), ("deleted", counts[.deleted] ?? 0), ("failed", failed),
        ]
    }

    private mutating func afterItem() {
        if processed % 20 == 0 || processed == total { job.log("Processed \(processed)/\(total) documents") }
        tell(nil)
        if checkpoints.isDue(after: processed) { checkpoint() }
    }

    private func tell(_ item: String?) {
        job.progress { progress in
            progress.phase = "upload"
            progress.current = processed
            progress.total = total
            progress.counts = named
            if let item { progress.item = item }
        }
    }
}
