/// Counts what was done and tells it: progress, log lines, item errors and checkpoints. Every document is counted once:
/// documents = created + updated + skipped + failed. Deletions come on top, and where there is an index, each document once
/// more, so that progress runs through all phases without starting again.
import JSONText
import JobHandler

final class Tally {
    enum Outcome { case created, updated, skipped, attributes, deleted }

    private let job: Job
    private var budget: ErrorBudget
    private var checkpoints = CheckpointRhythm()
    private(set) var created = 0
    private(set) var updated = 0
    private(set) var skipped = 0
    /// Of the skipped, those whose time or mode was brought up to date.
    private(set) var attributes = 0
    private(set) var deleted = 0
    /// Documents, deletions, directories and entries of the index.
    private(set) var failed = 0
    /// Of the failed, deletions, directories and entries of the index, which are no documents of the source.
    private var failedOthers = 0
    /// Of the failed, those that the total has not counted.
    private var failedFolders = 0
    private(set) var bytes: Int64 = 0
    /// Bytes that were written.
    private(set) var bytesCopied: Int64 = 0
    private(set) var foldersCreated = 0
    private(set) var foldersDeleted = 0
    private var special = 0
    /// Documents in the source; nil until the scan is over.
    private var documents: Int?
    private var deletions = 0
    private var phase = "scan"
    /// Documents for which the index is to be looked at, and for which it has been.
    private var toIndex = 0
    private var indexed = 0

    init(_ job: Job, _ budget: ErrorBudget) {
        self.job = job
        self.budget = budget
    }

    /// Documents that are done, one way or another.
    var processed: Int { created + updated + skipped + failed - failedOthers }

    /// Everything that is done, and everything that there is to do.
    private var done: Int { created + updated + skipped + deleted + failed + indexed }
    private var total: Int? { items.map { $0 + toIndex } }
    /// What errors are counted against.
    private var items: Int? { documents.map { $0 + deletions + failedFolders } }

    var counts: [(name: String, value: Int)] {
        [
            ("created", created), ("updated", updated), ("skipped", skipped), ("deleted", deleted), ("failed", failed),
            ("attributes", attributes), ("special", special),
        ]
    }

    func scanning(_ path: [UInt8], found: Int) {
        job.progress { progress in
            progress.phase = "scan"
            progress.item = display(path)
            progress.counts = [("found", found)]
        }
    }

    /// The total is known. What is equal is done already.
    func begin(_ plan: Plan, deletions: Int, isIndexed: Bool) {
        documents = plan.documents
        if isIndexed { toIndex = plan.documents }
        self.deletions = deletions
        skipped = plan.same
        special = plan.special
        job.log("Found \(plan.documents) documents to process")
        if deletions > 0 { job.log("\(deletions) documents to delete") }
        phase = "copy"
        if plan.same > 0 { logProcessed(always: true) }
        tell(nil) { $0.totalBytes = plan.bytes }
    }

    func beginDeleting() {
        phase = "delete"
        tell(nil)
    }

    func beginIndexing() {
        phase = "index"
        tell(nil)
    }

    /// How far the index is, in its own items, of which it may have more or fewer than there are documents.
    func indexing(_ item: String?, done: Int, of total: Int?) {
        if let total, total > 0 { indexed = max(indexed, min(toIndex, toIndex * done / total)) }
        tell(item.map { Array($0.utf8) })
    }

    func finishIndexing() {
        indexed = toIndex
        tell(nil)
    }

    /// The item in hand and the bytes of it that are done.
    func working(on path: [UInt8], bytes more: Int64 = 0) {
        tell(path) { [bytes] in $0.bytes = bytes.plus(more) }
    }

    /// - Parameters:
    ///   - size: bytes that were copied or compared.
    ///   - copied: whether they were written.
    func finish(_ outcome: Outcome, size: Int64 = 0, copied: Bool = false) {
        bytes = bytes.plus(size)
        if copied { bytesCopied = bytesCopied.plus(size) }
        switch outcome {
        case .created: created += 1
        case .updated: updated += 1
        case .skipped: skipped += 1
        case .attributes:
            skipped += 1
            attributes += 1
        case .deleted: deleted += 1
        }
        if outcome == .deleted { logDeleted() } else { logProcessed() }
        afterItem()
    }

    func folderCreated() { foldersCreated += 1 }
    func folderDeleted() { foldersDeleted += 1 }

    enum Failed { case document, deletion, folder, index }

    /// - Throws: `JobFailure` TOO_MANY_ERRORS.
    func fail(_ error: ItemError, _ what: Failed = .document) throws(JobFailure) {
        job.report(error)
        failed += 1
        if what != .document { failedOthers += 1 }
        if what == .folder || what == .index { failedFolders += 1 }
        try budget.spend(of: items)
        if what == .document { logProcessed() }
        afterItem()
    }

    /// Of the index, every entry has its turn however many fail: their documents are in place, and a search would miss
    /// those behind the last one that was borne. Whether they were too many is for `finish`.
    func failIndexing(_ error: ItemError) {
        do throws(JobFailure) {
            try fail(error, .index)
        } catch {
            afterItem()
        }
    }

    /// - Throws: `JobFailure` TOO_MANY_ERRORS.
    func finish() throws(JobFailure) {
        try budget.finish(total: items ?? failed)
    }

    func checkpoint() { job.checkpoint(["phase": .string(phase), "processed": JSON(done)]) }

    private func afterItem() {
        tell(nil)
        if checkpoints.isDue(after: done) { checkpoint() }
    }

    private func tell(_ item: [UInt8]?, _ change: (inout JobProgress) -> Void = { _ in }) {
        job.progress { progress in
            progress.phase = phase
            if let total {
                progress.current = done
                progress.total = total
                progress.bytes = bytes
                progress.counts = counts
            }
            if let item { progress.item = display(item) }
            change(&progress)
        }
    }

    private func logProcessed(always: Bool = false) {
        guard let documents, always || processed % 20 == 0 || processed == documents else { return }
        job.log("Processed \(processed)/\(documents) files")
    }

    private func logDeleted() {
        if deleted % 20 == 0 || deleted == deletions { job.log("Deleted \(deleted)/\(deletions) files") }
    }
}
