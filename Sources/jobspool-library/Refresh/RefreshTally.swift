/// Counts what a refresh does and tells it. The total is told as soon as it is certain: when the last level is known.
import JSONText
import JobHandler

final class RefreshTally {
    private let job: Job
    private let run: String
    private var budget: ErrorBudget
    private var counts: [Visits.Outcome: Int] = [:]
    private var deletions = 0
    private var total: Int?
    private var checkpoints = CheckpointRhythm()
    private var phase = "scan"

    init(_ job: Job, _ budget: ErrorBudget, run: String) {
        self.job = job
        self.budget = budget
        self.run = run
    }

    var created: Int { counts[.created] ?? 0 }
    var failed: Int { counts[.failed] ?? 0 }
    var processed: Int { counts.values.reduce(0, +) }

    /// What earlier attempts have done. Their errors were told, and count.
    /// - Throws: `JobFailure` TOO_MANY_ERRORS.
    func resume(_ counts: [Visits.Outcome: Int]) throws {
        self.counts = counts
        for _ in 0..<failed { try budget.spend(of: nil) }
        phase = "read"
        job.log("Resuming after \(processed) documents")
    }

    func beginLevel(_ depth: Int, of last: Int, _ visits: Visits) throws {
        phase = "read"
        let levels = try visits.levels()
        let found = levels.indices.contains(depth) ? levels[depth] : 0
        job.log(depth == 0 ? "Found \(found) documents of the own set" : "Depth \(depth): \(found) documents")
        if depth == last { total = levels.reduce(0, +) }
        tell(nil)
    }

    func working(on iri: String) { tell(IRI(iri).shown) }

    func finish(_ iri: String, _ outcome: Visits.Outcome) {
        counts[outcome, default: 0] += 1
        if job.isDryRun, outcome != .skipped {
            job.log("DRY RUN: would \(outcome == .created ? "create" : "update") \(IRI(iri).shown)")
        }
        logProcessed()
        tell(nil)
    }

    /// - Throws: `JobFailure` TOO_MANY_ERRORS.
    func fail(_ error: ItemError) throws {
        job.report(error)
        counts[.failed, default: 0] += 1
        try budget.spend(of: total)
        logProcessed()
        tell(nil)
    }

    func deleted() { deletions += 1 }

    /// - Throws: `JobFailure` TOO_MANY_ERRORS.
    func checkErrors() throws { try budget.finish(total: processed) }

    func checkpoint() { job.checkpoint(["run": .string(run), "processed": JSON(processed)]) }

    func checkpointIfDue() { if checkpoints.isDue(after: processed) { checkpoint() } }

    func finish(levels: [Int], _ duration: Duration) -> JSON {
        total = processed
        tell(nil)
        let shown = named.map { "\($0.value) \($0.name)" }.joined(separator: ", ")
        job.log(
            "\(job.isDryRun ? "DRY RUN: " : "")Refresh \(failed == 0 ? "complete" : "finished with errors"): \(shown)",
            level: failed == 0 ? .info : .warning)
        return [
            "dry_run": .bool(job.isDryRun), "documents": JSON(processed),
            "levels": .array(levels.map { JSON($0) }),
            "counts": .object(JSONObject(named.map { ($0.name, JSON($0.value)) })),
            "duration_seconds": JSON((duration / .milliseconds(1)).rounded() / 1000),
        ]
    }

    private var named: [(name: String, value: Int)] {
        [
            ("created", created), ("updated", counts[.updated] ?? 0),
            ("skipped", counts[.skipped] ?? 0), ("deleted", deletions), ("failed", failed),
        ]
    }

    private func tell(_ item: String?) {
        job.progress { progress in
            progress.phase = phase
            progress.current = processed
            progress.total = total
            progress.counts = named
            if let item { progress.item = item }
        }
    }

    private func logProcessed() {
        guard processed % 20 == 0 || processed == total else { return }
        job.log("Processed \(processed)\(total.map { "/\($0)" } ?? "") documents")
    }
}
