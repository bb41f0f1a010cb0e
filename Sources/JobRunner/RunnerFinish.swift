/// Committing a result. The order is the promise: the result on the disk first, then the status that announces it, the event, and last the
/// removal of what only a living job needs. A daemon that dies in between finds the attempt's directory and goes on from there.
import DequeModule
import Glibc
import Logging
import JSONText
import SpoolProtocol
import SpoolStorage

extension Runner {
    /// Commits a result now, or as soon as the disk takes it.
    /// - Parameter isUnheardOf: neither a status nor the feed has told of the job.
    func finish(
        _ result: JobResult, ran: PendingJob? = nil, owner: UInt32, event: JobEvent.Kind, leavesSpare: Bool = false,
        isUnheardOf: Bool = false
    ) {
        finishing[result.status.identity.name] = FinishedJob(
            result: result, ran: ran, owner: owner, event: event, isUnheardOf: isUnheardOf, leavesSpare: leavesSpare)
        tryFinishing(result.status.identity.name)
    }

    /// Ends a job that has waited for another one's result, which becomes its own.
    func finish(_ job: PendingJob, joining other: JobResult) throws(SpoolError) {
        let target = other.status
        try finishPending(job, target.standing, target.message, error: target.error) { result in
            result.status.outcome = target.outcome
            result.status.counts = target.counts
            result.status.progress = target.progress
            result.status.joined = JobReference(
                name: target.identity.name, jobID: target.identity.jobID, startedAt: target.startedAt)
            result.result = other.result
            result.errorsTotal = other.errorsTotal
            result.errors = other.errors
        }
    }

    /// Ends a job that is waiting.
    /// - Parameter complete: adds what else there is to say.
    func finishPending(
        _ job: PendingJob, _ standing: Standing, _ message: String, error: JobError?,
        complete: (inout JobResult) -> Void = { _ in }
    ) throws(SpoolError) {
        var result = try result(of: job, standing, message, error: error)
        complete(&result)
        pending.remove(job.name)
        let event: JobEvent.Kind =
            switch standing {
            case .cancelled: .cancelled
            case .rejected: .rejected
            case .completed: .completed
            case .failed, .pending, .running: .failed
            }
        finish(result, owner: job.owner, event: event)
    }

    /// The result of a job that ends while it waits.
    func result(
        of job: PendingJob, _ standing: Standing, _ message: String, error: JobError?
    ) throws(SpoolError) -> JobResult {
        let history = try readHistory(job.jobID)
        var status = Self.status(of: job, nil, standing, message)
        let first = unsynced[job.name]?.status
        let shown = first == nil ? try spool.readOwn(.status(job.name)).flatMap(JobStatus.init(json:)) : first
        if let shown, shown.identity.jobID == job.jobID {
            status = shown
            status.standing = standing
            status.message = message
        }
        status.error = error
        status.updatedAt = Clock.now()
        status.finishedAt = status.updatedAt
        status.waitingFor = nil
        var result = JobResult(status: status, attempts: history.attempts)
        if job.attempts > 0, let jobDirectory = try existingDirectory(job.jobID) {
            // The items that failed in its attempts.
            let written = try JobLog.writtenErrors(of: job.name, in: spool, jobDirectory)
            result.errorsTotal = written.errorsTotal
            result.errors = written.firstErrors
        }
        return result
    }

    func tryFinishingAgain() {
        let now = Clock.monotonic()
        guard now >= troubleUntil else { return }
        for (name, job) in finishing.sorted(by: { $0.key < $1.key }) {
            if job.tryAgainAt <= now { tryFinishing(name) } else { wake(at: job.tryAgainAt) }
        }
    }

    func tryFinishing(_ name: JobName) {
        // One that the feed has not told of yet is told of first.
        guard var job = finishing[name], !job.isOnItsWay, !unsynced.contains(name), !isBehindAnEnd(name, job) else {
            return
        }
        do throws(SpoolError) {
            // The feed knows the job first: by what it says is open a daemon that returns finds what it has to complete.
            if !job.isCommitted { try feed.flush() }
        } catch {
            hasFailed(name)
            tell(error)
            return
        }
        job.isOnItsWay = true
        finishing[name] = job
        let part: ResultOrder.Part = job.isCommitted ? .status : job.isUnheardOf ? .result : .resultAndStatus
        committer.commit(ResultOrder(result: job.result, part: part))
        tryFinishingNext(in: job.result.status.identity.lane, after: name)
    }

    /// Whether another job of the lane ended before this one, and its result is to come first. What the disk does not take is not waited for.
    private func isBehindAnEnd(_ name: JobName, _ job: FinishedJob) -> Bool {
        guard job.ran != nil, let ending = lanes[job.result.status.identity.lane]?.ending, ending.first != name else {
            return false
        }
        return ending.prefix { $0 != name }.contains { before in
            guard let other = finishing[before] else { return false }
            return !other.isOnItsWay && !other.isCommitted && !other.isObstructed && !other.hasFailed
                && !unsynced.failed.contains(before)
        }
    }

    /// Results that waited for this one.
    func tryFinishingNext(in lane: String, after name: JobName) {
        guard let ending = lanes[lane]?.ending, let index = ending.firstIndex(of: name) else { return }
        let waiting = ending[(index + 1)...].first { next in
            finishing[next].map { !$0.isOnItsWay && !$0.isObstructed && !$0.hasFailed } ?? false
        }
        if let waiting { tryFinishing(waiting) }
    }

    /// Results are on the disk, or are not. A few at a time: the end of an attempt must not wait for all that is to be told of others.
    func committed(_ reports: [CommitReport]) {
        commitReports += reports
        for _ in 0..<Self.toldAtOnce {
            guard let report = commitReports.popFirst() else { return }
            conclude(report)
        }
        if !commitReports.isEmpty { mailbox.put(.committed([])) }
        if !names.isEmpty, !hasEndsEnough { lookSoon() }
    }

    private static let toldAtOnce = 2

    private func hasFailed(_ name: JobName) {
        guard let job = finishing[name] else { return }
        finishing[name]?.hasFailed = true
        tryFinishingNext(in: job.result.status.identity.lane, after: name)
        // When the daemon stops, those behind it need not wait any longer.
        if stopping != nil { hearPostponed(of: job.result.status.identity.lane) }
    }

    /// A result is on the disk; or it is not, and is tried again.
    private func conclude(_ report: CommitReport) {
        guard var job = finishing[report.name], job.result.status.identity.jobID == report.jobID else { return }
        job.isOnItsWay = false
        if report.resultError == nil {
            job.isCommitted = true
            job.isOvertaken = job.isOvertaken || report.isOvertaken
        }
        finishing[report.name] = job
        do throws(SpoolError) {
            if let error = report.resultError { throw error }
            try tellUnheardOf(&job)
            if let error = report.statusError { try judgeStatusError(error, job) }
        } catch {
            hasFailed(report.name)
            do throws(SpoolError) {
                if error.isForbidden || isOfOneFile(error, of: [report.name]), try obstructEnd(of: report.name) {
                    return
                }
            } catch {
                // Trouble of another kind comes up again with the next try.
            }
            tell(error)
            return
        }
        finishing[report.name] = nil
        unwritten[job.result.status.identity.jobID] = nil
        announceEnd(of: job)
    }

    /// The feed tells before the status: by a result without one, a daemon that returns knows what may not have been told.
    private func tellUnheardOf(_ job: inout FinishedJob) throws(SpoolError) {
        guard job.isUnheardOf else { return }
        if !job.isTold { feed.append(job.event, job.result.status) }
        job.isTold = true
        finishing[job.result.status.identity.name] = job
        try feed.flush()
        do throws(SpoolError) {
            try spool.showEnd(job.result.status)
        } catch {
            try judgeStatusError(error, job)
        }
    }

    /// The result says all that the status does: where somebody else holds its name the job is over without.
    private func judgeStatusError(_ error: SpoolError, _ job: FinishedJob) throws(SpoolError) {
        let name = job.result.status.identity.name
        guard error.isForbidden || isOfOneFile(error, of: [name]), let obstacle = try obstacle(at: .status(name)) else {
            throw error
        }
        if let stat = obstacle.stat, obstructions.isNews(obstacle.file, stat) { notice(obstacle.message) }
    }

    /// Of the jobs that started behind this one, the next is told now.
    func leaveLane(_ status: JobStatus) {
        lanes[status.identity.lane]?.leave(status.identity.name)
        tellOn(status.identity.lane)
    }

    private func announceEnd(of job: FinishedJob) {
        let status = job.result.status
        let name = status.identity.name
        if let start = lanes[status.identity.lane]?.takeStart(of: status.identity.jobID) { tellStart(start) }
        tellAcceptance(of: name)
        if !job.isTold { feed.append(job.event, status) }
        leaveLane(status)
        totals[status.standing, default: 0] += 1
        // A handler that is not there has not run, and whoever watches the type must hear of it.
        if status.startedAt != nil || status.standing == .failed {
            summaries[status.identity.type, default: TypeSummary()].take(status)
        }
        show.isDirty = true
        heardOfJob(status)
        forgetNote(of: name)
        tellWaiting(of: job)
        logger.info(
            "over",
            metadata: [
                "name": "\(name)", "status": "\(status.standing.rawValue)", "message": "\(status.message)",
            ])
        do throws(SpoolError) {
            try dismissCancel(of: status)
        } catch {
            // It finds nothing to cancel.
            logger.warning("cannot clean up after \(name): \(error)")
        }
        cleanUp(after: job)
        lookForChange(of: name, since: status.request)
    }

    private func cleanUp(after job: FinishedJob) {
        let (name, jobID) = (job.result.status.identity.name, job.result.status.identity.jobID)
        cleaner.run { [spool, spares, logger] in
            do throws(SpoolError) {
                if job.leavesSpare {
                    try spares.keep(jobID)
                } else {
                    try spool.attempts.removeTree(FileName(jobID))
                }
            } catch {
                // It goes at the next start.
                logger.warning("cannot clean up after \(name): \(error)")
            }
        }
    }

    /// The request may have been changed while its job ran, or been put aside while it got to the disk.
    func lookForChange(of name: JobName, since version: Fingerprint) {
        guard let request = SpoolFile.request(name).fileName else { return }
        do throws(SpoolError) {
            let isStill = try spool.root.stat(request)?.fingerprint == version
            if isStill, settling[name] == nil, !parked.contains(name) { return }
        } catch {
            if isOfOneFile(error, of: [name]) { return }
            tell(error)
        }
        look(at: request)
    }
}
