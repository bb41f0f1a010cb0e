/// Reads, plans and applies, batch by batch.
import JSONText
import JobHandler

final class SyncEngine {
    private let params: SyncParams
    private let job: Job
    private let source: any RecordSource
    private let target: any RecordTarget
    private let planner: Planner
    private var counts = (created: 0, updated: 0, skipped: 0, failed: 0)

    init(_ params: SyncParams, _ job: Job, _ source: any RecordSource, _ target: any RecordTarget) {
        self.params = params
        self.job = job
        self.source = source
        self.target = target
        planner = Planner(params, source)
    }

    func run() async throws -> JSON {
        var batch = RecordBatch(limit: params.batchSize)
        var hasMore = true
        while hasMore {
            try job.checkStopping()
            batch.removeAll()
            hasMore = try await source.read(into: &batch)
            for outcome in try await target.apply(batch, planner, state: { SyncState() }) {
                switch outcome {
                case .created: counts.created += 1
                case .updated: counts.updated += 1
                case .skipped: counts.skipped += 1
                case .failed(let error):
                    counts.failed += 1
                    job.report(error)
                case .passedOver: break
                }
            }
        }
        try target.finish(SyncState())
        return [
            "counts": [
                "created": JSON(counts.created), "updated": JSON(counts.updated), "skipped": JSON(counts.skipped),
                "deleted": 0, "failed": JSON(counts.failed),
            ]
        ]
    }
}
