/// Committing a result. The order is the promise: the result on the disk first, then the status that announces it, the event, and last the
/// removal of what only a living job needs. A daemon that dies in between finds the attempt's directory and goes on from there.
import Glibc
import Logging
import JSONText
import SpoolProtocol
import SpoolStorage

extension Runner {
    /// Commits a result now, or as soon as the disk takes it; until then the job's lane stays taken.
    /// - Parameter isUnheardOf: neither a status nor the feed has told of the job.
    func finish(
        _ result: JobResult, owner: UInt32, event: JobEvent.Kind, leavesSpare: Bool = false, isUnheardOf: Bool = false
    ) {
        finishing[result.status.identity.name] = FinishedJob(
            result: result, owner: owner, event: event, isUnheardOf: isUnheardOf, leavesSpare: leavesSpare)
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
        if let shown = try spool.readOwn(.status(job.name)).flatMap(JobStatus.init(json:)),
            shown.identity.jobID == job.jobID
        {
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
            let written = try JobLog(spool, job.name, in: jobDirectory, attempt: 0, isNew: false).written
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

    private func tryFinishing(_ name: JobName) {
        guard var job = finishing[name] else { return }
        do throws(SpoolError) {
            if !job.isCommitted {
                // The feed knows the job first: by what it says is open a daemon that returns finds what it has to complete.
                try feed.flush()
                if let file = SpoolFile.result(name).fileName { try spool.moveAsideUnlessOwn(file) }
                try spool.publish(job.result.json, as: .result(name), .power)
                job.isCommitted = true
                finishing[name] = job
                free(job.result.status.identity)
            }
            if job.isUnheardOf {
                // Before its status: by a result without one, a daemon that returns knows what may not have been told.
                if !job.isTold { feed.append(job.event, job.result.status) }
                job.isTold = true
                finishing[name] = job
                try feed.flush()
            }
            try publishLastStatus(job)
        } catch {
            do throws(SpoolError) {
                if error.isForbidden, try obstructEnd(of: name) { return }
            } catch {
                // Trouble of another kind comes up again with the next try.
            }
            tell(error)
            return
        }
        finishing[name] = nil
        announceEnd(of: job)
    }

    /// The result says all that the status does: where somebody else holds its name the job is over without.
    private func publishLastStatus(_ job: FinishedJob) throws(SpoolError) {
        let name = job.result.status.identity.name
        do throws(SpoolError) {
            try spool.publish(job.result.status.json, as: .status(name), .process)
        } catch  where error.isForbidden {
            if let file = SpoolFile.status(name).fileName, let stat = try spool.root.stat(file),
                !stat.isFile(of: geteuid()), obstructions.isNews(file, stat)
            {
                notice(Obstacle(file: file, stat: stat).message)
            }
        }
    }

    func free(_ identity: JobIdentity) {
        if lanes[identity.lane]?.busy == identity.name { lanes[identity.lane]?.busy = nil }
    }

    private func announceEnd(of job: FinishedJob) {
        let status = job.result.status
        let name = status.identity.name
        if !job.isTold { feed.append(job.event, status) }
        totals[status.standing, default: 0] += 1
        if status.startedAt != nil { summaries[status.identity.type, default: TypeSummary()].take(status) }
        show.isDirty = true
        heardOfJob(status)
        forgetNote(of: name)
        recheckDependents(on: name)
        recheck.formUnion(pending.joiners(of: status.identity.jobID).map(\.name))
        logger.info(
            "over",
            metadata: [
                "name": "\(name)", "status": "\(status.standing.rawValue)", "message": "\(status.message)",
            ])
        do throws(SpoolError) {
            if let cancel = SpoolFile.cancel(name).fileName { _ = try dismissCancel(cancel) }
            if job.leavesSpare {
                try spares.keep(status.identity.jobID)
            } else {
                try spool.attempts.removeTree(FileName(status.identity.jobID))
            }
        } catch {
            // A cancel file that cannot be removed finds nothing to cancel; the directory goes at the next start.
            logger.warning("cannot clean up after \(name): \(error)")
        }
        // It may have been changed while it ran.
        if let request = SpoolFile.request(name).fileName { look(at: request) }
    }
}
