/// `on_busy`: what is in a job's lane when its turn is decided, and making way for one that replaces others.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage

extension Runner {
    func facts(for job: PendingJob) throws(SpoolError) -> LaneFacts {
        switch job.turn.onBusy {
        case .queue: LaneFacts()
        case .reject: LaneFacts(holder: try holder(of: job.lane))
        case .join: LaneFacts(equal: try equal(to: job))
        case .replace: LaneFacts(sameType: replaceable(by: job))
        }
    }

    /// What runs in the lane, cannot yet be seen to be over, or is next in it.
    private func holder(of lane: String) throws(SpoolError) -> JobReference? {
        if let job = lanes[lane]?.running.first.flatMap({ running[$0] }) { return job.reference }
        for name in lanes[lane]?.ending ?? [] {
            guard let status = finishing[name]?.result.status else { continue }
            if try isSeenToBeOver(status) { continue }
            return JobReference(name: name, jobID: status.identity.jobID, startedAt: status.startedAt)
        }
        if let next = nextInQueue(of: lane) { return pending[next]?.reference }
        guard pending.count(inLane: lane).queued > 0 else { return nil }
        return pending.all.filter { $0.lane == lane && $0.isQueued }.min { $0.sequence < $1.sequence }?.reference
    }

    /// Others may see a result before the runner hears that it is there.
    func isSeenToBeOver(_ status: JobStatus) throws(SpoolError) -> Bool {
        try readResult(of: status.identity.name)?.status.identity.jobID == status.identity.jobID
    }

    /// The first job that does the same and is not about to be cancelled.
    private func equal(to job: PendingJob) throws(SpoolError) -> JobReference? {
        func isEqual(_ other: PendingJob) -> Bool {
            other.turn.work != nil && other.turn.work == job.turn.work && other.type == job.type
        }
        for name in lanes[job.lane]?.ending ?? [] {
            guard let other = finishing[name], let pending = other.ran, isEqual(pending) else { continue }
            let status = other.result.status
            if status.standing.countsForJoiners, try !isSeenToBeOver(status) {
                return JobReference(name: name, jobID: pending.jobID, startedAt: status.startedAt)
            }
        }
        let atWork = running.values.filter { isEqual($0.pending) && !$0.isBeingCancelled }
        if let first = atWork.min(by: { $0.pending.sequence < $1.pending.sequence }) { return first.reference }
        return pending.all.filter { isEqual($0) && $0.isQueued && $0.jobID != job.jobID }
            .min { $0.sequence < $1.sequence }?.reference
    }

    /// The jobs of the type that the job may cancel: all when the type's definition says so, else those that its submitter may.
    private func replaceable(by job: PendingJob) -> [JobReference] {
        func mayReplace(_ other: PendingJob) -> Bool {
            other.type == job.type && other.jobID != job.jobID
                && (job.turn.isOnBusyOfType || [other.owner, geteuid(), 0].contains(job.owner))
        }
        let waiting = pending.all.filter(mayReplace).sorted { $0.sequence < $1.sequence }
        let atWork = running.values.filter { mayReplace($0.pending) && !$0.isBeingCancelled }
            .sorted { $0.pending.sequence < $1.pending.sequence }
        return atWork.map(\.reference) + waiting.map(\.reference)
    }

    func replace(_ others: [JobReference], by job: PendingJob) throws(SpoolError) {
        let reason = "replaced by \(job.name)"
        let others = others.filter { other in
            [pending[other.name]?.jobID, running[other.name]?.pending.jobID].contains(other.jobID)
        }
        // By files, so that it holds when the daemon dies before they are over.
        if others.count > Self.manyReplaced {
            for other in others { try putCancel(of: other.name, reason, .process) }
            try spool.root.syncFileSystem()
        } else if !others.isEmpty {
            for other in others { try putCancel(of: other.name, reason, .powerAfterDirectorySync) }
            try spool.root.sync()
        }
        for other in others {
            if let waiting = pending[other.name], waiting.jobID == other.jobID {
                try finishPending(waiting, .cancelled, "Cancelled: \(reason)", error: nil)
            } else {
                askToStop(other.name, other.jobID, .cancel(by: "\(Users.name(of: job.owner)): \(reason)"))
            }
        }
    }

    /// More are synced with all else on their file system: each by itself would be dearer.
    private static let manyReplaced = 8

    private func putCancel(
        of name: JobName, _ reason: String, _ durability: Spool.Durability
    ) throws(SpoolError) {
        guard let file = SpoolFile.cancel(name).fileName else { return }
        do throws(SpoolError) {
            try spool.publish(["reason": .string(reason)], as: .cancel(name), durability)
            heardCancels[name] = try spool.root.visibleStat(file)
        } catch {
            // Somebody else's cancel file cannot be replaced; this daemon knows all the same.
            guard error.isForbidden, try spool.root.visibleStat(file) != nil else { throw error }
        }
    }
}
