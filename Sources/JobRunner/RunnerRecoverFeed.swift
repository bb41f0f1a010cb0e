/// The feed of a daemon that returns: it is brought up to what the files say.
import SpoolProtocol
import SpoolStorage

extension Runner {
    /// A change that was on the disk, but not yet in the feed when the daemon died, is told now; a status that a result
    /// has overtaken, or that is not there at all, is written anew. What the disk does not allow keeps no daemon from starting.
    func bringFeedUpToDate(_ unshown: [JobName]) {
        let open = feed.open
        let left = open.all.filter { pending[$0.name] == nil && running[$0.name] == nil }
        for told in left.sorted(by: { $0.name < $1.name }) {
            do throws(SpoolError) {
                if let status = try findEnd(of: told) { recover(status) } else { feed.forget(told.name) }
            } catch {
                // It is still open in the feed: the next daemon tells.
                if !isOfOneFile(error, of: [told.name]) { tell(error) }
            }
        }
        for name in unshown where pending[name] == nil && running[name] == nil {
            do throws(SpoolError) {
                guard let status = try readResult(of: name)?.status, open[name]?.id != JobID(status.identity.jobID)
                else { continue }
                // The feed has never heard of it: it tells first.
                feed.append(.recovered, status)
                do throws(SpoolError) {
                    try feed.flush()
                    recover(status, isTold: true)
                } catch {
                    unshownEnds.append((status, true))
                    throw error
                }
            } catch {
                tell(error)
            }
        }
        tellOfLiving(open)
    }

    /// Shows, and then tells of, the end of a job that the feed knows; what the disk does not take is tried again.
    /// - Parameter isTold: the feed tells of it already
    func recover(_ status: JobStatus, isTold: Bool = false) {
        do throws(SpoolError) {
            try show(status)
            if !isTold { feed.append(.recovered, status) }
        } catch {
            unshownEnds.append((status, isTold))
            tell(error)
        }
        // The request may have changed while the result got to the disk.
        lookForChange(of: status.identity.name, since: status.request)
    }

    /// The status of a job that the feed does not know to be over, and that is.
    private func findEnd(of told: FeedRecord.Told) throws(SpoolError) -> JobStatus? {
        let shown = try spool.readOwn(.status(told.name)).flatMap(JobStatus.init(json:))
            .flatMap { JobID($0.identity.jobID) == told.id ? $0 : nil }
        guard var status = try findResult(of: told.name, jobID: told.id?.string)?.status else {
            // Somebody has taken the result away.
            return shown.flatMap { $0.standing.isOver ? $0 : nil }
        }
        // The log's last lines are the one thing that a result does not repeat.
        if let shown { status.recentLogs = shown.recentLogs }
        return status
    }

    /// The result says all that the status does: where somebody else holds its name the job is over without.
    private func show(_ status: JobStatus) throws(SpoolError) {
        do throws(SpoolError) {
            try spool.publish(finished: status)
        } catch {
            if error.isForbidden || isOfOneFile(error, of: [status.identity.name]) { return }
            throw error
        }
    }

    func showEndsAgain() {
        guard !unshownEnds.isEmpty, Clock.monotonic() >= troubleUntil else { return }
        let ends = unshownEnds
        unshownEnds = []
        for (status, isTold) in ends {
            let name = status.identity.name
            do throws(SpoolError) {
                let isLast = try readResult(of: name)?.status.identity.jobID == status.identity.jobID
                if isLast, pending[name] == nil, running[name] == nil { recover(status, isTold: isTold) }
            } catch {
                unshownEnds.append((status, isTold))
                tell(error)
            }
        }
    }

    private func tellOfLiving(_ open: NameTable<FeedRecord.Told>) {
        func isTold(_ job: PendingJob, _ standing: Standing) -> Bool {
            open[job.name].map { $0.id == job.id && $0.standing == standing } ?? false
        }
        let waiting = pending.all.lazy.filter { !isTold($0, .pending) }.map { ($0.sequence, $0.name) }
        let atWork = running.values.filter { !isTold($0.pending, $0.status.standing) }
            .map { ($0.pending.sequence, $0.pending.name) }
        for (_, name) in (Array(waiting) + atWork).sorted(by: { $0.0 < $1.0 }) {
            if let status = running[name]?.status
                ?? pending[name].map({ Self.status(of: $0, nil, .pending, "Waiting") })
            {
                feed.append(.recovered, status)
            }
            if feed.isFull { flushFeed() }
        }
    }
}
