/// The feed of a daemon that returns: it is brought up to what the files say.
import SpoolProtocol
import SpoolStorage

extension Runner {
    /// A change that was on the disk, but not yet in the feed when the daemon died, is told now; a status that a result
    /// has overtaken, or that is not there at all, is written anew.
    func bringFeedUpToDate(_ unshown: [JobName]) throws(SpoolError) {
        let open = feed.open
        let left = open.all.filter { pending[$0.name] == nil && running[$0.name] == nil }
        for told in left.sorted(by: { $0.name < $1.name }) {
            let name = told.name
            guard let result = try findResult(of: name, jobID: told.id?.string) else {
                feed.forget(name)
                continue
            }
            var status = result.status
            // The log's last lines are the one thing that a result does not repeat.
            if let shown = try spool.readOwn(.status(name)).flatMap(JobStatus.init(json:)),
                JobID(shown.identity.jobID) == told.id
            {
                status.recentLogs = shown.recentLogs
            }
            feed.append(.recovered, status)
            try spool.publish(finished: status)
        }
        for name in unshown where pending[name] == nil && running[name] == nil {
            guard let result = try readResult(of: name),
                open[name]?.id != JobID(result.status.identity.jobID)
            else { continue }
            feed.append(.recovered, result.status)
            try spool.publish(finished: result.status)
        }
        tellOfLiving(open)
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
