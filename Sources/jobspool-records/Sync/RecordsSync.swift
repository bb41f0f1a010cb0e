/// The job type `records.sync`: brings a target to what a source holds, record by record.
import JSONText
import JobHandler

struct RecordsSync: JobType {
    let params: SyncParams

    init(params: inout JSONFields) throws { self.params = try SyncParams(&params) }

    func run(_ job: Job) async throws -> JSON? {
        let target = try params.target.open(job)
        do {
            let result = try await run(job, target)
            try target.close()
            return result
        } catch {
            try target.close()
            throw error
        }
    }

    private func run(_ job: Job, _ target: any RecordTarget) async throws -> JSON {
        let source = try await params.source.open(
            SourceContext(job: job, params: params, start: nil, bookmark: nil))
        do {
            let state = try target.state(source: source.name)
            let engine = SyncEngine(
                params, job, target, state: state, rules: Planner.Rules(force: params.force),
                bookmarks: BookmarkKeeper(state, isIncremental: params.mode == .incremental, isOrdered: false))
            let reader = RecordReader(source, params, start: nil, retry: nil)
            let result = try await engine.run(reader, total: try await source.count(), source: source.name)
            await source.close()
            return result
        } catch {
            await source.close()
            throw error
        }
    }
}
