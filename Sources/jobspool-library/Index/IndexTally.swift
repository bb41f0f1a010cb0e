/// Counts what is done to an index and tells it.
import JSONText
import JobHandler

final class IndexTally {
    private let job: Job
    private var budget: ErrorBudget
    private var counts: [IndexedDocuments.Outcome: Int] = [:]
    private(set) var failed = 0
    private var files = 0
    /// Files, and documents that are not there any more; nil until the scan is over.
    private var total: Int?
    private var checkpoints = CheckpointRhythm()

    init(_ job: Job, _ budget: ErrorBudget) {
        self.job = job
        self.budget = budget
    }

    private var processed: Int { counts.values.reduce(0, +) + failed }

    func scanning(_ path: String) {
        job.progress { progress in
            progress.phase = "scan"
            progress.item = path
        }
    }

    /// What is equal is done already.
    func begin(files: Int, reads: Int, deletions: Int) {
        self.files = files + failed
        counts[.skipped] = files - reads
        total = files + failed + deletions
        job.log("Found \(files) documents to index, \(reads) of them new or changed")
        tell(nil)
    }

    func working(on path: String) { tell(path) }

    func finish(_ path: String, _ outcome: IndexedDocuments.Outcome) {
        counts[outcome, default: 0] += 1
        afterItem()
    }

    /// - Throws: `JobFailure` TOO_MANY_ERRORS.
    func fail(_ error: ItemError, isScan: Bool = false) throws {
        job.report(error)
        failed += 1
        try budget.spend(of: total)
        if !isScan { afterItem() }
    }

    /// Says how far it is: an index is brought up to date from what it holds, whatever the checkpoint.
    func checkpoint() { if !job.isDryRun { job.checkpoint(["phase": "index", "processed": JSON(processed)]) } }

    func checkpointIfDue() { if checkpoints.isDue(after: processed) { checkpoint() } }

    /// - Throws: `JobFailure` TOO_MANY_ERRORS.
    func checkErrors() throws { try budget.finish(total: max(files, failed)) }

    func finish(_ duration: Duration) -> JSON {
        let shown = named.map { "\($0.value) \($0.name)" }.joined(separator: ", ")
        job.log(
            "\(job.isDryRun ? "DRY RUN: " : "")Index \(failed == 0 ? "complete" : "finished with errors"): \(shown)",
            level: failed == 0 ? .info : .warning)
        return [
            "dry_run": .bool(job.isDryRun), "documents": JSON(files),
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

    private func afterItem() {
        if let total, processed % 100 == 0 || processed == total { job.log("Indexed \(processed)/\(total) documents") }
        tell(nil)
    }

    private func tell(_ item: String?) {
        job.progress { progress in
            progress.phase = "index"
            progress.current = processed
            progress.total = total
            progress.counts = named
            if let item { progress.item = item }
        }
    }
}
