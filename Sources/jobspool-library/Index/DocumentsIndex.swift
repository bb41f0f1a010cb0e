/// The job type `documents.index`: brings a full-text index up to date with the text, Markdown, HTML and JSON files of a
/// directory. `documents.sync` runs it after the copying when it is given an `index`.
///
/// A document that cannot be read or is no text is an item error; the index forgets what it had of it.
import Glibc
import GRDB
import JSONText
import JobHandler

struct DocumentsIndex: JobType {
    let params: IndexParams

    init(params: inout JSONFields) throws { self.params = try IndexParams(&params) }

    func run(_ job: Job) async throws -> JSON? {
        try await JobFailure.translating(job) {
            let index = LibraryDatabase.index
            let patience = Patience(job)
            let queue =
                try job.isDryRun ? index.openToPlan(params.index, patience) : index.open(params.index, patience)
            return try Indexing(params, job, queue).run()
        }
    }
}

final class Indexing {
    private let params: IndexParams
    private let job: Job
    private let queue: DatabaseQueue
    /// nil for one that is going to be made.
    private let directory: Descriptor?
    private let source: Descriptor?
    private let tally: IndexTally
    /// Bytes of a document at the most.
    private static let maximumSize = 64 << 20
    /// Bytes after which documents are written before more are read.
    private static let byteLimit = 8 << 20

    init(_ params: IndexParams, _ job: Job, _ queue: DatabaseQueue) throws {
        self.params = params
        self.job = job
        self.queue = queue
        let isToBeMade = try job.isDryRun && params.source != nil && !FileStatus.exists(params.directory)
        directory = isToBeMade ? nil : try Self.open(params.directory)
        source = try params.source.map(Self.open)
        tally = IndexTally(job, params.source == nil ? params.errors : ErrorBudget(maxErrors: .max))
    }

    private static func open(_ path: String) throws -> Descriptor {
        do {
            return try Descriptor.open(path, O_RDONLY | O_DIRECTORY)
        } catch {
            throw JobFailure(
                "SOURCE_MISSING", "\(path) is no directory that can be read: \(error)", details: ["path": .string(path)]
            )
        }
    }

    func run() throws -> JSON {
        let start = ContinuousClock.now
        try queue.inDatabase { try IndexPlan(database: $0).begin() }
        try checkRoot()
        try scan()
        let (files, held, counts) = try queue.inDatabase { database in
            let plan = IndexPlan(database: database)
            return (
                try plan.fileCount(), try plan.heldCount(below: params.path), try plan.counts(below: params.path)
            )
        }
        if files == 0, held > 0, !params.allowEmpty, params.source == nil {
            throw JobFailure(
                "SOURCE_EMPTY",
                "\(params.directory) has no documents, and the index has \(held): nothing was changed. Is it mounted? "
                    + "The index may be emptied only with `allow_empty`.", details: ["held": JSON(held)])
        }
        // A directory of which a part cannot be read looks just like one of which a part was deleted.
        let mayDelete = tally.failed == 0
        tally.begin(files: files, reads: counts.reads, deletions: mayDelete ? counts.deletions : 0)
        try carryOut { plan, last, limit in try plan.reads(after: last, limit) }
        if mayDelete {
            try carryOut { [path = params.path] plan, last, limit in try plan.deletions(below: path, after: last, limit)
            }
        }
        // As a part of another job it leaves to that one how many errors are too many.
        if params.source == nil { try tally.checkErrors() }
        return tally.finish(start.duration(to: .now))
    }

    /// An index is of one directory.
    private func checkRoot() throws {
        try queue.inDatabase { database in
            switch try String.fetchOne(database, sql: "SELECT path FROM root") {
            case nil where !job.isDryRun:
                try database.execute(sql: "INSERT INTO root VALUES (?)", arguments: [params.directory])
            case let root? where root != params.directory:
                throw JobFailure.invalidParams(
                    field: "params.index",
                    "`params.index`: \(params.index) is the index of \(root), not of \(params.directory): name another one, or delete it"
                )
            case _: break
            }
        }
    }

    private func scan() throws {
        try queue.transaction(.deferred) { database in
            let plan = IndexPlan(database: database)
            var refused: Set<[UInt8]> = []
            if let directory {
                try DirectoryWalk(
                    root: directory,
                    file: { [tally] path, status in
                        guard let format = TextFormat(path: path) else { return }
                        try plan.add(path, format, status)
                        tally.scanning(path)
                    }, failed: { [tally] in try tally.fail($0, isScan: true) }, refused: { refused.insert($0) },
                    checkStopping: { [job] in try job.checkStopping() }
                ).run(below: params.path)
            }
            if job.isDryRun, params.source != nil {
                try apply(Changes(of: OtherHandler.attachment), plan, &refused)
            }
            for path in refused.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
                try tally.fail(.nameRefused(path), isScan: true)
            }
        }
    }

    /// Makes of the files that are there, and of the names that are refused, those that there will be.
    private func apply(_ changes: Changes, _ plan: IndexPlan, _ refused: inout Set<[UInt8]>) throws {
        for change in changes.changes {
            switch change {
            case .delete(let bytes):
                refused.remove(bytes)
                if let path = String(validating: bytes, as: UTF8.self) { try plan.remove(path) }
            case .put(let bytes):
                guard let path = String(validating: bytes, as: UTF8.self) else {
                    refused.insert(Changes.refused(bytes))
                    continue
                }
                // Whatever it is in the target, it may be no file in the source.
                try plan.remove(path)
                guard let format = TextFormat(path: path), let source = self.source else { continue }
                do {
                    let status = try FileStatus(of: source.open(below: path, O_RDONLY | O_NONBLOCK), path)
                    guard status.isRegular else { continue }
                    try plan.add(path, format, status, isInSource: true)
                } catch let error as SystemCallError where error.errno == ELOOP {
                    // A symbolic link, which is not followed.
                } catch let error as SystemCallError {
                    try tally.fail(ItemError(error, item: path), isScan: true)
                }
            }
        }
    }

    // MARK: Reading and writing

    /// - Parameter next: the steps after a path, a limited number of them.
    private func carryOut(_ next: (IndexPlan, String, Int) throws -> [IndexPlan.Step]) throws {
        var last = ""
        while case let steps = try queue.inDatabase({ try next(IndexPlan(database: $0), last, params.batchSize) }),
            let end = steps.last
        {
            try carryOut(steps)
            last = end.path
        }
    }

    /// Reads documents and writes them together. When it is time to stop, what was read already is written.
    private func carryOut(_ steps: [IndexPlan.Step]) throws {
        var read: [(IndexPlan.Step, DocumentText?)] = []
        var bytes = 0
        do {
            for step in steps {
                try job.checkStopping()
                tally.working(on: step.path)
                let text = step.action == .delete ? nil : try self.read(step)
                read.append((step, text))
                bytes += text?.text.utf8.count ?? 0
                guard bytes >= Self.byteLimit else { continue }
                try write(read)
                (read, bytes) = ([], 0)
            }
        } catch {
            try write(read)
            tally.checkpoint()
            throw error
        }
        try write(read)
    }

    /// - Returns: nil for a document that is not to be had; that is told.
    private func read(_ step: IndexPlan.Step) throws -> DocumentText? {
        do {
            guard let root = step.isInSource ? source : directory else { return nil }
            let file = try root.open(below: step.path, O_RDONLY | O_NONBLOCK)
            return try step.format?.extract(file.readAll(limit: Self.maximumSize, step.path))
        } catch let error as SystemCallError {
            try tally.fail(ItemError(error, item: step.path))
        } catch let error as TextError {
            try tally.fail(
                ItemError(
                    item: step.path, code: error.code, message: "\(step.path): \(error.message)", retryable: false))
        }
        return nil
    }

    private func write(_ read: [(IndexPlan.Step, DocumentText?)]) throws {
        guard !read.isEmpty else { return }
        var outcomes: [(IndexPlan.Step, IndexedDocuments.Outcome)] = []
        try queue.transaction(job.isDryRun ? .deferred : .immediate) { database in
            let documents = IndexedDocuments(database: database)
            for (step, text) in read {
                guard let text, let format = step.format else {
                    if !job.isDryRun { try documents.remove(step.path) }
                    if step.action == .delete { outcomes.append((step, .deleted)) }
                    continue
                }
                let outcome = try documents.outcome(step.path, format, text)
                outcomes.append((step, outcome))
                if job.isDryRun { continue }
                if outcome == .skipped { try documents.touch(step) } else { try documents.put(step, format, text) }
            }
        }
        for (step, outcome) in outcomes { tally.finish(step.path, outcome) }
        tally.checkpointIfDue()
    }
}
