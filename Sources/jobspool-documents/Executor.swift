/// Carries out the plan, one step after the other, each complete or undone. In a dry run the same steps look at the same
/// files and change nothing.
import Glibc
import JobHandler

final class Executor {
    let params: SyncParams
    let job: Job
    let tally: Tally
    let plan: Plan
    private let source: Descriptor
    /// nil in a dry run of which the target does not exist.
    private let target: Descriptor?
    let staged: StagedFiles
    var comparison = FileComparison()
    /// Of a dry run.
    var changes = PlannedChanges()
    /// Directories of the target that are writable for the time being, with the modes that they had.
    var modes: [UInt32: mode_t] = [:]
    /// Directories that the target takes for others, each with a slash at its end: nothing goes there.
    private var taken: [(path: [UInt8], error: ItemError)] = []
    private var opened: (folder: UInt32, source: Descriptor?, target: Descriptor?)?

    /// - Parameters:
    ///   - source: the root of the source.
    ///   - target: the root of the target; nil in a dry run of which the target does not exist.
    init(
        _ params: SyncParams, _ job: Job, _ tally: Tally, _ plan: Plan, source: Descriptor, target: Descriptor?
    ) {
        self.params = params
        self.job = job
        self.tally = tally
        self.plan = plan
        self.source = source
        self.target = target
        staged = StagedFiles(limit: params.batchSize)
    }

    func run(_ steps: [Plan.Step]) throws {
        do {
            for step in steps {
                try job.checkStopping()
                do {
                    try perform(step)
                } catch let error as SystemCallError {
                    try fail(plan.path(of: step), error, step.action)
                } catch let error as ItemError {
                    try fail(error, step.action)
                }
                if staged.isFull { try commit() }
            }
            try commit()
        } catch let stop as JobStopped {
            // What is written already is put in place: that is quick, and saves the next attempt the work.
            try commit()
            throw stop
        }
    }

    private func perform(_ step: Plan.Step) throws {
        if let error = errorOfTaken(plan.path(ofFolder: step.folder)) {
            throw ItemError(
                item: display(plan.path(of: step)), code: error.code, message: error.message, retryable: error.retryable
            )
        }
        switch step.action {
        case .makeFolder: try makeFolder(step)
        case .create, .update: try copy(step, as: step.action == .create ? .created : .updated)
        case .compare: try compare(step)
        case .attributes: try setAttributes(step)
        case .delete: try delete(step)
        case .deleteFolder: try deleteFolder(step)
        case .deleteLeftover: try deleteLeftover(step)
        }
    }

    func commit() throws {
        try staged.commit { file in
            tally.finish(file.outcome, size: file.size, copied: true)
        } failed: { file, error in
            if let error = error as? ItemError { return try fail(error, .create) }
            guard let error = error as? SystemCallError else { throw error }
            try fail(file.path, error, .create)
        }
    }

    /// - Throws: `JobFailure` when the error is everybody's, or one too many.
    private func fail(_ path: [UInt8], _ error: SystemCallError, _ action: Plan.Action) throws {
        if let failure = JobFailure(ifHopeless: error) { throw failure }
        try fail(ItemError(error, item: display(path)), action)
    }

    private func fail(_ error: ItemError, _ action: Plan.Action) throws(JobFailure) {
        let what: Tally.Failed =
            switch action {
            case .create, .update, .compare, .attributes: .document
            case .delete: .deletion
            case .makeFolder, .deleteFolder, .deleteLeftover: .folder
            }
        try tally.fail(error, what)
    }

    /// The directory is another one's in the target, and what would go there is not to be mixed with what is there.
    func refuse(folder path: [UInt8], _ error: ItemError) { taken.append((path + [UInt8(ascii: "/")], error)) }

    /// - Parameter folder: its path from the root.
    /// - Returns: why nothing may go there.
    func errorOfTaken(_ folder: ArraySlice<UInt8>) -> ItemError? {
        if taken.isEmpty { return nil }
        let path = folder + [UInt8(ascii: "/")]
        return taken.first { path.starts(with: $0.path) }?.error
    }

    func wouldDo(_ what: String, _ path: [UInt8]) { job.log("DRY RUN: would \(what) \(display(path))") }

    // MARK: The directories in hand

    /// - Throws: `SystemCallError`.
    func sourceFolder(_ step: Plan.Step) throws(SystemCallError) -> Descriptor {
        if let folder = opened, folder.folder == step.folder, let descriptor = folder.source { return descriptor }
        let descriptor = try source.directory(below: plan.path(ofFolder: step.folder))
        if opened?.folder != step.folder { opened = (step.folder, nil, nil) }
        opened?.source = descriptor
        return descriptor
    }

    /// The target's directory, made writable for the time being if its mode says it is not.
    /// - Throws: `SystemCallError`.
    func targetFolder(_ step: Plan.Step) throws(SystemCallError) -> Descriptor {
        if let folder = opened, folder.folder == step.folder, let descriptor = folder.target { return descriptor }
        guard let target else { throw SystemCallError(operation: "open", path: params.target, errno: ENOENT) }
        let path = plan.path(ofFolder: step.folder)
        let descriptor = try target.directory(below: path)
        if !job.isDryRun {
            let status = try FileStatus(of: descriptor, display(path))
            if status.permissions & 0o300 != 0o300 {
                try systemCall("chmod", display(path)) {
                    fchmod(descriptor.raw, status.permissions | status.identityBits | 0o700)
                }
                modes[step.folder] = status.permissions | status.identityBits
            }
        }
        if opened?.folder != step.folder { opened = (step.folder, nil, nil) }
        opened?.target = descriptor
        return descriptor
    }

    /// Gives the directories back their modes that have not got the source's: those of which this job changes no more than what
    /// is in them, and all of them when it has stopped or failed. The deepest come first, before the way to them is barred.
    func restoreModes() {
        // What is not in place is taken back while that may be done.
        staged.abandon()
        guard let target else { return }
        func depth(_ folder: UInt32) -> Int { plan.path(ofFolder: folder).count }
        for (folder, mode) in modes.sorted(by: { depth($0.key) > depth($1.key) }) {
            let path = plan.path(ofFolder: folder)
            do throws(SystemCallError) {
                let descriptor = try target.directory(below: path)
                try systemCall("chmod", display(path)) { fchmod(descriptor.raw, mode) }
            } catch {
                // One that is gone, or has given way to a document, needs none.
                if [ENOENT, ENOTDIR, ELOOP].contains(error.errno) { continue }
                job.log("The directory \(display(path)) stays writable: \(error)", level: .warning)
            }
        }
        modes = [:]
    }
}
