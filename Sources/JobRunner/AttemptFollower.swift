/// Follows one attempt to its end, on a thread of its own: reads its outputs, writes log, errors, checkpoint and status,
/// sees to timeouts, and reports how it ended. A daemon that returns follows a living attempt with the same code.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage

struct AttemptFollower {
    let spool: Spool
    let link: AttemptLink
    var plan: FollowPlan
    /// Where the job's checkpoint is saved.
    let jobDirectory: Directory
    /// Tells the runner of a reason to stop the attempt. Told once a reason.
    let askToStop: @Sendable (StopReason) -> Void
    /// Tells people of trouble with the job's files.
    let complain: @Sendable (SpoolError) -> Void
    /// Tells people of what keeps the attempt from ending.
    let warn: @Sendable (String) -> Void
    /// Starts the next job of the lane, if it is there to be started.
    let beginNext: @Sendable () -> Void
    var rhythm = FollowerRhythm()

    /// Status is written at most five times a second.
    private static let statusInterval = 0.2
    /// So often the supervisor's record is looked at, in seconds.
    static let recordInterval = 1.0

    /// Blocks until the attempt has ended.
    func follow() throws(SpoolError) -> FollowReport {
        let directory = link.process.directory
        let emptied = plan.isNewJob ? EmptiedOutputs() : try EmptiedOutputs(in: directory, of: attempt)
        let log = try JobLog(
            spool, plan.status.identity.name, in: jobDirectory, attempt: plan.status.attempt, isNew: plan.isNewJob,
            emptied: emptied)
        var following = try Following(
            output: try OutputReader(directory, AttemptFile.standardOutput),
            errors: try OutputReader(directory, AttemptFile.standardError),
            ledger: AttemptLedger(plan.status, log: log, emptied: emptied, saved: plan.savedCheckpoint), log: log)
        var watch = Stopwatch(plan)
        var tick = rhythm.firstTick
        while !link.process.waitForSupervisorEnd(milliseconds: tick) {
            if link.isDetached { return following.report(.detached) }
            link.insistOnStop()
            let readAt = Clock.monotonic()
            let sawOutput = drain(&following)
            if following.takeSawOutput() { watch.sawOutput() }
            // A chunk at a time, as long as there is more: a handler that never stops talking is stopped all the same.
            // One that empties its output again and again is given no more than its time.
            tick = sawOutput && !following.hasBegunAnew ? 0 : rhythm.tick
            tellOfSurvivors(&following)
            publishStatus(&following)
            if let reason = watch.reasonToStop(at: readAt), try !handlerHasEnded() { askToStop(reason) }
        }
        guard let record = try stopOrphans(&following) else { return following.report(.detached) }
        if case .ended(let record) = record, record.end == .exited(HandlerExit.completed), record.leftBehind == 0 {
            beginNext()
        }
        if case .ended(let record) = record, record.leftBehind > 0 {
            link.note(.warning, "stopped \(record.leftBehind) processes that the handler left behind")
        }
        guard insist(&following, { (following) throws(SpoolError) in try readToEnd(&following) }) else {
            return following.report(.detached)
        }
        if case .ended(let record) = record, record.end == .exited(HandlerExit.completed),
            let failure = following.ledger.reports.failure
        {
            let said = "\(failure.code): \(failure.message)"
            link.note(.warning, "exited with 0 after it had said that it fails (\(said)): that counts as success")
        }
        let isSaved = insist(&following) { (following) throws(SpoolError) in
            try save(&following)
            try following.log.sync()
        }
        guard isSaved else { return following.report(.detached) }
        switch record {
        case .notStarted: return following.report(.neverStarted)
        case .started, .exited: return following.report(.ended(.vanished(at: Clock.now())))
        case .ended(let record): return following.report(.ended(record))
        }
    }

    /// Those that it has left behind are being stopped already, or have been.
    private func handlerHasEnded() throws(SpoolError) -> Bool {
        switch try link.process.record() {
        case .notStarted, .started: false
        case .exited, .ended: true
        }
    }

    /// What changes while following.
    struct Following: ~Copyable {
        var output: OutputReader
        var errors: OutputReader
        var ledger: AttemptLedger
        let log: JobLog
        /// What stood in the output when following began, in bytes: an earlier daemon has shown it, and it is not shown
        /// step by step again.
        var alreadySaid: Int64
        /// The last reading found an output emptied.
        var hasBegunAnew = false
        /// The handler has said something since that was last asked.
        fileprivate var sawOutput = false
        var statusDue = 0.0
        var recordDue = Clock.monotonic() + AttemptFollower.recordInterval
        var survivors: String?
        var isDirectorySynced = false
        var troubleToldAt = -Double.infinity

        init(output: consuming OutputReader, errors: consuming OutputReader, ledger: AttemptLedger, log: JobLog)
            throws(SpoolError)
        {
            alreadySaid = try output.size()
            self.output = output
            self.errors = errors
            self.ledger = ledger
            self.log = log
        }
    }

    // MARK: Reading

    /// Takes what is new; false when nothing was. Trouble is told and tried again with the next tick.
    func drain(_ following: inout Following) -> Bool {
        var sawOutput = false
        do throws(SpoolError) {
            if !following.log.isFull { sawOutput = try following.readLines() } else { following.heard() }
            try save(&following)
        } catch {
            tell(error, &following)
            return false
        }
        return sawOutput
    }

    private var attempt: String { AttemptPlan.identifier(plan.status.identity.jobID, plan.status.attempt) }

    /// That an output has been emptied is written down before what it says then is, and after the last checkpoint that it said.
    private func saveEmptied(_ following: inout Following) throws(SpoolError) {
        guard following.ledger.isEmptiedUnsaved else { return }
        try saveCheckpoint(&following)
        try following.ledger.emptied.save(in: link.process.directory, of: attempt, spool)
        following.ledger.emptiedIsSaved()
    }

    /// Takes all that was written; nothing more will be.
    private func readToEnd(_ following: inout Following) throws(SpoolError) {
        while try following.readLines() {
            try saveEmptied(&following)
            try following.log.flush()
        }
        following.finish()
    }

    /// The last checkpoint of a batch is saved, and survives a power cut when the next status shows it.
    private func saveCheckpoint(_ following: inout Following) throws(SpoolError) {
        // While it is caught up with, an earlier one than that which has been saved.
        guard following.isUpToDate, let checkpoint = following.ledger.unsavedCheckpoint else { return }
        try spool.publish(checkpoint.line, as: AttemptFile.checkpoint, in: jobDirectory, .power)
        if !following.isDirectorySynced {
            // The job's directory must be there, too.
            try spool.attempts.sync()
            following.isDirectorySynced = true
        }
        following.ledger.checkpointIsSaved()
    }

    /// Writes all that waits.
    private func save(_ following: inout Following) throws(SpoolError) {
        for (level, message) in link.takeNotes() { following.ledger.note(level, message, at: Clock.now()) }
        try saveEmptied(&following)
        try following.log.flush()
        try saveCheckpoint(&following)
    }

    /// Tries again until the disk takes it, and shows meanwhile what can be shown; false when told to leave before.
    private func insist(
        _ following: inout Following, _ action: (inout Following) throws(SpoolError) -> Void
    ) -> Bool {
        while true {
            do throws(SpoolError) {
                try action(&following)
                return true
            } catch {
                tell(error, &following)
                publishStatus(&following)
                if link.isDetached || link.isLeftToTheNext { return false }
                _ = poll(nil, 0, rhythm.retry)
            }
        }
    }

    func publishStatus(_ following: inout Following) {
        let now = Clock.monotonic()
        // A checkpoint that is shown survives a power cut: it is saved first.
        guard following.isUpToDate, following.ledger.unsavedCheckpoint == nil, following.ledger.hasChanged,
            now >= following.statusDue, !link.isHidden
        else { return }
        following.statusDue = now + Self.statusInterval
        do throws(SpoolError) {
            let status = following.ledger.takeStatus(at: Clock.now())
            // An empty one would take the job's identity with it.
            try spool.publish(status.json, as: .status(status.identity.name), .whole)
        } catch {
            following.ledger.statusIsNotShown()
            tell(error, &following)
        }
    }

    func tell(_ error: SpoolError, _ following: inout Following) {
        let now = Clock.monotonic()
        guard now - following.troubleToldAt > 10 else { return }
        following.troubleToldAt = now
        complain(error)
    }
}

extension AttemptFollower.Following {
    fileprivate var isUpToDate: Bool { output.offset >= alreadySaid }

    fileprivate mutating func readLines() throws(SpoolError) -> Bool {
        let now = Clock.now()
        ledger.isCatchingUp = !isUpToDate
        let sawOutput = try output.readLines { ledger.takeOutput($0, at: now) }
        let outputIsAnew = output.takeBeginning()
        if outputIsAnew { ledger.outputIsEmptied(at: now) }
        // Nothing of what it says from here on has been shown. At its end it is up to date, also when it was emptied before it was read.
        if outputIsAnew || !sawOutput { alreadySaid = 0 }
        let sawErrors = try errors.readLines { ledger.takeStandardError($0, at: now) }
        let errorsAreAnew = errors.takeBeginning()
        if errorsAreAnew { ledger.standardErrorIsEmptied(at: now) }
        hasBegunAnew = outputIsAnew || errorsAreAnew
        if sawOutput || sawErrors { heard() }
        return sawOutput || sawErrors
    }

    /// Also what the disk does not take, and what is not read as long as it does not, was said.
    fileprivate mutating func heard() { self.sawOutput = true }

    fileprivate mutating func takeSawOutput() -> Bool {
        defer { sawOutput = false }
        return sawOutput
    }

    fileprivate mutating func finish() {
        let now = Clock.now()
        output.finish { ledger.takeOutput($0, at: now) }
        errors.finish { ledger.takeStandardError($0, at: now) }
        ledger.outputIsOver()
    }

    fileprivate mutating func report(_ ending: FollowReport.Ending) -> FollowReport {
        FollowReport(
            ending: ending, status: ledger.takeStatus(at: Clock.now()), result: ledger.reports.result,
            failure: ledger.reports.failure, failureIsRetryable: ledger.reports.failureIsRetryable,
            itemsFailed: ledger.itemsFailed, errorsTotal: ledger.errorsTotal, errors: ledger.errors,
            madeProgress: ledger.reports.madeProgress)
    }
}
