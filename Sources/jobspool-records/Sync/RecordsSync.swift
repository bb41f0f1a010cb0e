/// The job type `records.sync`: brings a target to what a source holds, record by record.
import JSONText
import JobHandler

struct RecordsSync: JobType {
    let params: SyncParams

    init(params: inout JSONFields) throws { self.params = try SyncParams(&params) }

    func run(_ job: Job) async throws -> JSON? {
        let source = try params.source.open()
        let target = try params.target.open(job.request.type, dryRun: job.isDryRun)
        do {
            let result = try await SyncEngine(params, job, source, target).run()
            await source.close()
            try target.close()
            return result
        } catch {
            await source.close()
            try target.close()
            throw error
        }
    }
}
