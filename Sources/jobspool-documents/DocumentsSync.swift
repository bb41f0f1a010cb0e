/// The job type `documents.sync`: brings `target` to what `source` holds, below `path`. Scan, plan, copy, delete last
/// and never after a scan error.
///
/// Kept are contents, modes (without set-user-ID and set-group-ID), modification times to the nanosecond, symbolic links
/// and holes. Not kept are owners, access times, extended attributes, ACLs, and hard links, each of which becomes a file
/// of its own. FIFOs, sockets and devices are skipped.
import Glibc
import JSONText
import JobHandler

struct DocumentsSync: JobType {
    let params: SyncParams

    init(params: inout JSONFields) throws {
        self.params = try SyncParams(&params)
        if self.params.filter.verdict(onDirectory: self.params.path) == .excluded {
            throw params.wrong("path", "is excluded by `exclude`")
        }
    }

    func run(_ job: Job) async throws -> JSON? { try execute(job) }

    func execute(_ job: Job) throws -> JSON {
        let start = ContinuousClock.now
        let tally = Tally(job, params.errors)
        if let processed = job.request.checkpoint?["processed"]?.int {
            job.log("Resuming after \(processed) documents: what is done is found equal")
        }
        var indexed: JSON?
        do {
            let roots = try Roots(params)
            let index = try TargetIndex(params, roots)
            let plan = try scan(roots, job, tally)
            try DeletionGuard.check(plan, params)
            let changes = try carryOut(plan, roots, job, tally, isIndexed: index != nil)
            indexed = try index?.update(changes, job, tally)
        } catch is JobStopped {
            tally.checkpoint()
            job.log("Stopped after \(tally.processed) documents", level: .warning)
            throw JobStopped()
        }
        try tally.finish()
        logEnd(job, tally)
        return result(job, tally, start.duration(to: .now), indexed)
    }

    private func scan(_ roots: Roots, _ job: Job, _ tally: Tally) throws -> Plan {
        let target = try roots.target.flatMap { try Roots.open(params.path, below: $0, "target") }
        guard let source = try Roots.open(params.path, below: roots.source, "source") else {
            throw try missing(target)
        }
        let scanner = Scanner(params, job, tally)
        try scanner.scan(source, target, missing: target == nil ? try missingNames(roots.target) : 0)
        let plan = scanner.plan
        if plan.hardLinks > 0 {
            job.log("\(plan.hardLinks) documents have several hard links: each is copied as a file of its own")
        }
        if plan.respelled > 0 {
            job.log(
                "\(plan.respelled) names are spelled in another way in the target: it takes both for one, and keeps its own"
            )
        }
        if plan.scanErrors > 0, params.delete {
            job.log("Nothing will be deleted: \(plan.scanErrors) items could not be scanned", level: .warning)
        }
        return plan
    }

    /// A source that is not there is always an error; its code says whether it would have emptied the target.
    private func missing(_ target: Descriptor?) throws -> JobFailure {
        if let target, try Listing(of: target, params.target).count > 0 {
            return DeletionGuard.sourceEmpty("does not exist", params, targetDocuments: nil)
        }
        return JobFailure(
            "SOURCE_MISSING", "the source \(params.source) has no \(display(params.path.bytes))",
            details: ["source": .string(params.source), "path": .string(display(params.path.bytes))])
    }

    /// How many names at the end of `path` the target does not have.
    private func missingNames(_ target: Descriptor?) throws -> Int {
        var current = target
        for (index, component) in params.path.components.enumerated() {
            let path = RelativePath(bytes: component)
            guard let root = current, let next = try Roots.open(path, below: root, "target") else {
                return params.path.components.count - index
            }
            current = next
        }
        return 0
    }

    private func carryOut(
        _ plan: Plan, _ roots: Roots, _ job: Job, _ tally: Tally, isIndexed: Bool
    ) throws -> PlannedChanges {
        let target =
            if roots.target == nil, !job.isDryRun { try Roots.makeTarget(params.target) } else { roots.target }
        let mayDelete = plan.scanErrors == 0
        let executor = Executor(params, job, tally, plan, source: roots.source, target: target)
        defer { executor.restoreModes() }
        tally.begin(plan, deletions: mayDelete ? plan.documentsToDelete : 0, isIndexed: isIndexed)
        try executor.run(plan.copies)
        if mayDelete {
            if !plan.deletions.isEmpty || !plan.replacements.isEmpty { tally.beginDeleting() }
            try executor.run(plan.deletions)
            try executor.run(plan.replacements)
        } else {
            try refuseReplacements(plan, tally)
        }
        if !job.isDryRun, let target { try executor.finishFolders(roots.source, target) }
        return executor.changes
    }

    private func refuseReplacements(_ plan: Plan, _ tally: Tally) throws {
        for step in plan.replacements where step.action == .create {
            try tally.fail(
                ItemError(
                    item: display(plan.path(of: step)), code: "TYPE_CONFLICT",
                    message: "its place in the target is taken, and nothing is deleted after a scan error",
                    retryable: true))
        }
    }

    private func logEnd(_ job: Job, _ tally: Tally) {
        let prefix = job.isDryRun ? "DRY RUN: " : ""
        let counts = tally.counts.filter { $0.value > 0 || $0.name != "attributes" && $0.name != "special" }
            .map { "\($0.value) \($0.name)" }.joined(separator: ", ")
        let verdict = tally.failed == 0 ? "Sync complete" : "Sync finished with errors"
        job.log("\(prefix)\(verdict): \(counts)", level: tally.failed == 0 ? .info : .warning)
    }

    private func result(_ job: Job, _ tally: Tally, _ duration: Duration, _ indexed: JSON?) -> JSON {
        let milliseconds = (duration / .milliseconds(1)).rounded()
        var result: JSONObject = [
            "path": .string(display(params.path.bytes)), "dry_run": .bool(job.isDryRun),
            "documents": JSON(tally.processed),
            "counts": .object(JSONObject(tally.counts.map { ($0.name, JSON($0.value)) })),
            "bytes_copied": JSON(tally.bytesCopied), "directories_created": JSON(tally.foldersCreated),
            "directories_deleted": JSON(tally.foldersDeleted), "duration_seconds": JSON(milliseconds / 1000),
        ]
        result["index"] = indexed
        return .object(result)
    }
}
