/// How a sync ended: the last log line and the result.
import JSONText
import JobHandler

struct SyncSummary {
    private let job: Job
    private let tally: SyncTally

    init(_ job: Job, _ tally: SyncTally) {
        self.job = job
        self.tally = tally
    }

    func log() {
        let counts = tally.counts.map { "\($0.value) \($0.name)" }.joined(separator: ", ")
        if job.isDryRun {
            job.log(
                "DRY RUN: would add \(tally.created), update \(tally.updated) and delete \(tally.deleted): \(counts)",
                level: tally.failed == 0 ? .info : .warning)
        } else if tally.failed == 0 {
            job.log("Sync complete: \(tally.operations)/\(tally.operations) operations successful: \(counts)")
        } else {
            let successful = tally.operations - tally.failed
            job.log(
                "Sync finished with errors: \(successful)/\(tally.operations) operations successful: \(counts)",
                level: .warning)
        }
    }

    func result(stoppedEarly: Bool) -> JSON {
        [
            "dry_run": .bool(job.isDryRun), "records": JSON(tally.processed), "operations": JSON(tally.operations),
            "counts": .object(JSONObject(tally.counts.map { ($0.name, JSON($0.value)) })),
            "stopped_early": .bool(stoppedEarly),
        ]
    }
}
