/// What follows from an attempt's end: the job is over, or goes back to its queue.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage

extension Runner {
    func attemptEnded(_ name: JobName, _ jobID: String, _ report: FollowReport) {
        guard let job = running[name], job.pending.jobID == jobID else { return }
        if let before = job.before, running[before.name]?.pending.jobID == before.jobID {
            // A job that was quicker than the one that saw its predecessor end. Ends keep their order.
            return postpone(job, report)
        }
        defer { if running[name] == nil { hearPostponed(of: job.pending.lane) } }
        switch report.ending {
        case .detached:
            leaveRunning(job)
            lanes[job.pending.lane]?.end(name)
        case .neverStarted:
            if isHeld(job.pending) { return postpone(job, report) }
            leaveRunning(job)
            // Daemon and supervisor died between two steps, or the machine cannot start processes: nothing has run.
            requeue(job, job.history, report, "Waiting", after: 1)
        case .ended(let record): conclude(job, report, record)
        }
    }

    private func leaveRunning(_ job: RunningJob) {
        running[job.pending.name] = nil
        summaries[job.pending.type.string]?.running.removeAll { $0 == job.pending.name.string }
        show.isDirty = true
    }

    private func conclude(_ job: RunningJob, _ report: FollowReport, _ record: ExitRecord) {
        // A checkpoint that is thrown away is no progress.
        let madeProgress = report.madeProgress && job.policy.onInterrupted == .resume
        let interruptions = madeProgress ? 0 : job.history.interruptionsWithoutProgress + 1
        let attempt = AttemptReport(
            end: record.end, failure: report.failure, failureIsRetryable: report.failureIsRetryable,
            itemsFailed: report.itemsFailed,
            attempts: 1 + job.history.attempts.count { $0.ending == .failed },
            interruptionsWithoutProgress: interruptions,
            retry: job.policy.retry, onInterrupted: job.policy.onInterrupted)
        let (_, move) = Self.state(of: job, record).after(.attemptEnded(attempt))
        if case .again = move, isHeld(job.pending) { return postpone(job, report) }
        leaveRunning(job)
        if case .again(.notStarted(let error)) = move {
            waitForMachine(job, report, error)
            return
        }
        var history = job.history
        if !Self.isNoAttempt(record, move) { history.attempts.append(Self.record(of: job, record, move)) }
        switch move {
        case .finish(let ending): finish(job, ending, report, history, record)
        case .again(.interrupted(let keepsCheckpoint)):
            history.interruptionsWithoutProgress = interruptions
            let message = "Interrupted: \(keepsCheckpoint ? "resumes from its checkpoint" : "starts again")"
            requeue(job, history, report, message, after: nil, keepsCheckpoint: keepsCheckpoint)
        case .again(.retry(let error)):
            history.interruptionsWithoutProgress = 0
            let delay = job.policy.retry.delay(afterAttempt: job.attempt, jitter: configuration.jitter())
            requeue(job, history, report, "Waiting to be tried again: \(error.message)", after: delay)
        case .again(.shutdown):
            requeue(
                job, history, report, "Waiting: the daemon was stopped, the job goes on at its next start", after: nil)
        case .again(.notStarted), .run, .stop, .nothing:
            preconditionFailure("an attempt's end is no reason for \(move)")
        }
    }

    /// What came before is told first.
    private func postpone(_ job: RunningJob, _ report: FollowReport) {
        lanes[job.pending.lane]?.postponed.append(.followed(job.pending.name, jobID: job.pending.jobID, report))
    }

    /// Whether something has to be told before a job goes back to its queue.
    private func isHeld(_ job: PendingJob) -> Bool {
        guard stopping != nil else {
            return lanes[job.lane]?.hasResultsUnderWay ?? false || unsynced.contains(job.name)
        }
        let isBehind = lanes[job.lane]?.ending.contains { !isLeftToTheNext($0) } ?? false
        return isBehind || unsynced.contains(job.name) && !unsynced.failed.contains(job.name)
    }

    /// Nothing has run. What the machine has no more of it lacks for other jobs, too: all wait a moment then, and it is told.
    private func waitForMachine(_ job: RunningJob, _ report: FollowReport, _ error: JobError) {
        let code = error.details["errno"]?.int.flatMap { Int32(exactly: $0) } ?? 0
        if code != ETXTBSY { tell(SpoolError(.spawn, "the handler of \(job.pending.type)", code: code)) }
        let message = "\(JobStatus.waitingToBeStarted): \(error.message)"
        requeue(job, job.history, report, message, after: Self.startAgainAfter)
    }

    /// In seconds.
    private static let startAgainAfter = 5.0

    /// The job's state, with what a daemon that died in the grace time of a timeout took with it: by the time of day, which somebody may
    /// have set meanwhile. Of an attempt that this daemon has started it needs no telling.
    private static func state(of job: RunningJob, _ record: ExitRecord) -> JobState {
        guard job.isAdopted, job.state == .running, record.end != .exited(HandlerExit.completed),
            record.end != .vanished,
            let timeout = job.policy.timeoutSeconds,
            record.finishedAt.seconds(since: job.attemptStartedAt) >= timeout
        else { return job.state }
        return .stopping(.timeout(seconds: timeout))
    }

    /// Whether nothing has run, and nothing of it stays.
    private static func isNoAttempt(_ record: ExitRecord, _ move: JobMove) -> Bool {
        if case .notStarted = record.end, case .again = move { true } else { false }
    }

    private static func record(of job: RunningJob, _ record: ExitRecord, _ move: JobMove) -> AttemptRecord {
        let (ending, error): (AttemptRecord.Ending, JobError?) =
            switch move {
            case .finish(.completed): (.completed, nil)
            case .finish(.cancelled): (.cancelled, nil)
            case .finish(.failed(let error)):
                (error.isCode(.interrupted) || error.isCode(.crashLoop) ? .interrupted : .failed, error)
            case .again(.retry(let error)): (.failed, error)
            case .again(.interrupted): (.interrupted, nil)
            case .again(.shutdown), .again(.notStarted), .run, .stop, .nothing: (.stopped, nil)
            }
        var exitStatus: Int?
        var signal: Int?
        switch record.end {
        case .exited(let status): exitStatus = status
        case .signalled(let number): signal = number
        case .notStarted, .vanished: break
        }
        return AttemptRecord(
            attempt: job.attempt, startedAt: job.attemptStartedAt, finishedAt: record.finishedAt, ending: ending,
            exitStatus: exitStatus, signal: signal, error: error)
    }

    // MARK: Again

    /// Puts a job back into its queue. The status says until when it waits before the history says that the attempt counts: a daemon that
    /// returns in between comes to the same conclusion once more. The history is on the disk before the attempt's files go.
    private func requeue(
        _ job: RunningJob, _ history: JobHistory, _ report: FollowReport, _ message: String, after delay: Double?,
        keepsCheckpoint: Bool = true
    ) {
        var waiting = job.pending
        waiting.attempts = history.attempts.last?.attempt ?? 0
        waiting.waiting = delay.map { .retry(Clock.now().adding(seconds: $0)) }
        var status = report.status
        status.standing = .pending
        // As before, when it was no attempt.
        status.attempt = waiting.attempts
        status.startedAt = history.attempts.first?.startedAt
        status.message = message
        status.waitingFor = waiting.waiting
        if !keepsCheckpoint { status.checkpoint = .null }
        put(status, .whole)
        unwritten[waiting.jobID] = UnwrittenConclusion(
            history: history, attempt: job.attempt, keepsCheckpoint: keepsCheckpoint)
        do throws(SpoolError) {
            try writeConclusion(of: waiting.jobID)
        } catch {
            // The attempt's files are still there: the next daemon comes to the same conclusion. This one writes it before the
            // job's next attempt.
            tell(error)
        }
        if let start = lanes[waiting.lane]?.takeStart(of: waiting.jobID) { tellStart(start) }
        feed.append(.requeued, status)
        lanes[waiting.lane]?.end(waiting.name)
        enqueue(waiting)
        // It may have been changed or cancelled while the attempt ran.
        for file in [SpoolFile.request(waiting.name), .cancel(waiting.name)] {
            if let fileName = file.fileName { look(at: fileName) }
        }
    }

    /// Writes what followed from a job's last attempt, unless that is written.
    func writeConclusion(of jobID: String) throws(SpoolError) {
        guard let conclusion = unwritten[jobID] else { return }
        let directory = try spool.attempts.directory(jobID)
        if !conclusion.keepsCheckpoint { try directory.remove(AttemptFile.checkpoint) }
        try spool.publish(conclusion.history.json.indented, as: AttemptFile.job, in: directory, .power)
        try spool.attempts.sync()
        try directory.removeTree(FileName(String(conclusion.attempt)))
        unwritten[jobID] = nil
    }

    // MARK: Over

    private func finish(
        _ job: RunningJob, _ ending: JobState.Ending, _ report: FollowReport, _ history: JobHistory,
        _ record: ExitRecord
    ) {
        var status = report.status
        status.finishedAt = max(record.finishedAt, job.attemptStartedAt)
        status.updatedAt = Clock.now()
        status.waitingFor = nil
        let event: JobEvent.Kind
        switch ending {
        case .completed(let outcome):
            status.standing = .completed
            status.outcome = outcome
            if status.message == "Running" {
                status.message =
                    outcome == .partial ? "Completed, with \(report.errorsTotal) failed items" : "Completed"
            }
            event = .completed
        case .failed(let error):
            status.standing = .failed
            status.error = error
            status.message = error.message
            event = .failed
        case .cancelled(let user):
            status.standing = .cancelled
            status.message = "Cancelled by \(user)"
            event = .cancelled
        }
        let result = JobResult(
            status: status, attempts: history.attempts, result: report.result, errorsTotal: report.errorsTotal,
            errors: report.errors)
        lanes[job.pending.lane]?.end(job.pending.name)
        lanes[job.pending.lane]?.awaitResult(of: job.pending.name)
        let leavesSpare = job.attempt == 1 && job.state == .running && record.end != .vanished
        finish(result, ran: job.pending, owner: job.pending.owner, event: event, leavesSpare: leavesSpare)
    }
}
