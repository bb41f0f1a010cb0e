/// The job type `cache.upload`: sends to a target what the cache holds and the target has not got from it yet. What
/// somebody else has changed there since is a conflict, which is an item error, and stays as it is.
import GRDB
import JSONText
import JobHandler

struct CacheUpload: JobType {
    let cache: String
    let target: String
    /// Of the documents at the most; 0 for the own set.
    let depth: Int
    /// Send over conflicts.
    let force: Bool
    let delete: Bool
    let deletions: DeletionLimit
    let errors: ErrorBudget

    init(params: inout JSONFields) throws {
        cache = try params.path("cache", "the absolute path of the cache's database")
        let target = try params.path("target", "the absolute path of the directory to send to")
        // One directory, one memory of what it has got.
        self.target = target == "/" ? target : String(target.reversed().drop { $0 == "/" }.reversed())
        depth = try params.int("depth", in: 0...1000) ?? 0
        force = try params.bool("force") ?? false
        delete = try params.bool("delete") ?? false
        deletions = try DeletionLimit(&params)
        errors = try ErrorBudget(params: &params)
    }

    func run(_ job: Job) async throws -> JSON? {
        try await JobFailure.translating(job) {
            guard try FileStatus.exists(cache) else {
                throw JobFailure.missing("cache", cache, "run cache.refresh first")
            }
            let (library, patience) = (LibraryDatabase.cache, Patience(job))
            let queue = try job.isDryRun ? library.openToPlan(cache, patience) : library.open(cache, patience)
            let target = try DirectoryTarget(self.target, isDryRun: job.isDryRun)
            return try await Upload(self, job, queue, target).run()
        }
    }
}

extension JobFailure {
    static func missing(_ kind: String, _ path: String, _ remedy: String) -> JobFailure {
        JobFailure(
            "\(kind.uppercased())_MISSING", "there is no \(kind) at \(path): \(remedy)",
            details: ["path": .string(path)])
    }
}

struct Upload {
    private let params: CacheUpload
    private let job: Job
    private let queue: DatabaseQueue
    private let target: any UploadTarget

    init(_ params: CacheUpload, _ job: Job, _ queue: DatabaseQueue, _ target: any UploadTarget) {
        self.params = params
        self.job = job
        self.queue = queue
        self.target = target
    }

    func run() async throws -> JSON {
        let start = ContinuousClock.now
        let (entries, alike) = try plan()
        var tally = UploadTally(job, params.errors, total: entries.count)
        for entry in entries {
            do {
                try job.checkStopping()
            } catch {
                tally.checkpoint()
                job.log("Stopped after \(tally.processed) documents", level: .warning)
                throw error
            }
            tally.working(on: IRI(entry.iri).shown)
            do {
                let outcome = try await send(entry, alike[UploadPlan.folded(entry.name)] ?? [])
                if !job.isDryRun { try clear(entry) }
                tally.finish(outcome, IRI(entry.iri).shown)
            } catch let error as ItemError {
                try tally.fail(
                    ItemError(
                        item: IRI(entry.iri).shown, code: error.code, message: error.message, retryable: error.retryable
                    ))
            }
        }
        return try tally.finish(start.duration(to: .now))
    }

    /// What is to be done, all deletions having been looked at.
    private func plan() throws -> (entries: [UploadPlan.Entry], alike: [String: [String]]) {
        try queue.inDatabase { database in
            let plan = plan(database)
            let entries = try plan.entries(depth: params.depth, delete: params.delete)
            try params.deletions.check(
                entries.count(where: \.isDeletion), from: "the target", held: try plan.held(),
                isSourceEmpty: try plan.isCacheEmpty())
            return (entries, try plan.alike(entries))
        }
    }

    private func plan(_ database: Database) -> UploadPlan { UploadPlan(database: database, target: params.target) }

    /// - Parameter alike: names of documents that may be the entry's to the target.
    private func send(_ entry: UploadPlan.Entry, _ alike: [String]) async throws -> UploadTally.Outcome {
        switch entry {
        case .put(let iri, let name, let hash, let known):
            if known.isEmpty, let other = try await sent(alike, takenFor: name) { throw nameTaken(name, by: other) }
            let found = try await target.hash(of: name)
            // Sent by a run that was killed before it could write that down, or by somebody else.
            if found == hash { return .skipped }
            let ours = known.first { $0 == found }
            if found != nil, ours == nil, !params.force { throw conflict(name, "was changed") }
            if !job.isDryRun {
                try queue.transaction(.immediate) { try plan($0).begin(iri, name, hash, over: ours) }
                try await target.put(try content(iri), as: name)
            }
            return found == nil ? .created : .updated
        case .delete(_, let name, let known):
            guard let found = try await target.hash(of: name) else { return .skipped }
            // It was renamed, and is what another document is now.
            if try await sent(alike, takenFor: name) != nil { return .skipped }
            if !known.contains(found), !params.force { throw conflict(name, "was changed") }
            if !job.isDryRun { try await target.delete(name) }
            return .deleted
        case .nameTaken(_, let name, let holder):
            throw nameTaken(name, by: IRI(holder).shown)
        }
    }

    /// Which of the names the target has got from here under the name in hand, as it takes both for one.
    private func sent(_ alike: [String], takenFor name: String) async throws -> String? {
        for other in alike where !other.hasSameBytes(as: name) {
            guard try await target.takesForOne(name, other) else { continue }
            if try job.isDryRun || queue.inDatabase({ try plan($0).hasSent(other) }) { return other }
        }
        return nil
    }

    private func nameTaken(_ name: String, by holder: String) -> ItemError {
        ItemError(
            item: name, code: "NAME_TAKEN",
            message:
                "\(holder) is \(name) in the target, too, which has room for one: rename either file, or upload them "
                + "from caches of their own to different targets", retryable: false)
    }

    private func clear(_ entry: UploadPlan.Entry) throws {
        try queue.transaction(.immediate) { try plan($0).clear(entry) }
    }

    private func content(_ iri: String) throws -> [UInt8] { try queue.inDatabase { try plan($0).content(iri) } }

    private func conflict(_ name: String, _ what: String) -> ItemError {
        ItemError(
            item: name, code: "CONFLICT",
            message: "\(name) \(what) in the target by somebody else: it stays as it is there, unless `force` is set",
            retryable: false)
    }
}
