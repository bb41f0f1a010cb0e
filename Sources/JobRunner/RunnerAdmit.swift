/// When a job has its turn: what it waits for (`after`, `not_before`, another job's result), and what `on_busy` makes of
/// it when nothing is left to wait for. Decided step by step, each once: jobs, then time, then the lane.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage

/// What became of a job that was looked at.
enum Turn {
    /// It waits, in its queue or for something.
    case waits(PendingJob)
    case over(Standing, JobError)
}

extension Runner {
    /// A longer sleep could miss that somebody has set the clock, in seconds.
    static let longestSleep = 60.0

    /// Takes a job as far as it can go now. Jobs that it replaces are cancelled.
    func turn(of job: PendingJob) throws(SpoolError) -> Turn {
        var job = job
        if case .jobs(let names, _) = job.waiting {
            var states: [(name: JobName, state: DependencyState)] = []
            for name in names { states.append((name, try dependencyState(of: name))) }
            switch DependencyVerdict(states) {
            case .failed(let error): return .over(.failed, error)
            case .waiting(let names, let unknown):
                job.waiting = .jobs(names, unknown: unknown)
                return .waits(job)
            case .met: job.waiting = job.turn.notBefore.map { .time($0) }
            }
        }
        if case .time(let time) = job.waiting {
            if time > Clock.now() { return .waits(job) }
            job.waiting = nil
        }
        if case .retry = job.waiting { return .waits(job) }
        switch job.turn.onBusy.admission(facts(for: job)) {
        case .queue: job.waiting = nil
        case .join(let target): job.waiting = .join(target)
        case .reject(let error): return .over(.rejected, error)
        case .replace(let others):
            try replace(others, by: job)
            job.waiting = nil
        }
        return .waits(job)
    }

    /// Lets a job wait: in its queue when it waits for nothing else.
    func enqueue(_ job: PendingJob) {
        var job = job
        parked.remove(job.name)
        if case .retry(let time) = job.waiting, time <= Clock.now() { job.waiting = nil }
        pending.put(job)
        switch job.waiting {
        case nil: lanes[job.lane, default: Lane()].queue.insert(job.queueEntry)
        case .time(let time), .retry(let time):
            wake(at: Clock.monotonic() + min(Self.longestSleep, time.seconds(since: Clock.now())))
        case .jobs, .join: break
        }
        show.isDirty = true
    }

    // MARK: Looking again

    /// Looks again at jobs whose wait may be over. What the disk does not allow is tried again.
    func lookAtWaiting() {
        while !recheck.isEmpty, Clock.monotonic() >= troubleUntil {
            let batch = recheck.compactMap { pending[$0] }.sorted { $0.sequence < $1.sequence }
            recheck = []
            for (index, job) in batch.enumerated() {
                do throws(SpoolError) {
                    try lookAgain(at: job.name)
                } catch {
                    tell(error)
                    recheck.formUnion(batch[index...].map(\.name))
                    return
                }
            }
        }
    }

    private func lookAgain(at name: JobName) throws(SpoolError) {
        guard let job = pending[name], let waiting = job.waiting else { return }
        if case .join(let target) = waiting {
            if isUnderWay(target) { return }
            if let result = try findResult(of: target), result.status.standing.countsForJoiners {
                try finish(job, joining: result)
                return
            }
        }
        switch try turn(of: job) {
        case .over(let standing, let error): try finishPending(job, standing, error.message, error: error)
        case .waits(let moved):
            if moved.waiting == waiting { return }
            try showWaiting(moved)
            enqueue(moved)
        }
    }

    /// Jobs whose time has come go on.
    func wakeWaiting() {
        let now = Clock.now()
        for name in pending.timed {
            guard let job = pending[name] else { continue }
            switch job.waiting {
            case .time(let time), .retry(let time):
                if time > now {
                    wake(at: Clock.monotonic() + min(Self.longestSleep, time.seconds(since: now)))
                } else if job.isQueued {
                    enqueue(job)
                } else {
                    recheck.insert(name)
                }
            case nil, .jobs, .join: break
            }
        }
    }

    /// The status says what the job waits for.
    private func showWaiting(_ job: PendingJob) throws(SpoolError) {
        guard var status = try spool.readOwn(.status(job.name)).flatMap(JobStatus.init(json:)),
            status.identity.jobID == job.jobID
        else { return }
        status.waitingFor = job.waiting
        status.message = job.waiting?.message ?? "Waiting"
        status.updatedAt = Clock.now()
        put(status, .process)
    }

    // MARK: Other jobs

    private func dependencyState(of name: JobName) throws(SpoolError) -> DependencyState {
        if pending[name] != nil || running[name] != nil || finishing[name] != nil || settling[name] != nil {
            return .underWay
        }
        if let file = SpoolFile.request(name).fileName, let stat = try spool.root.stat(file),
            try isNew(name, stat.fingerprint)
        {
            return .underWay
        }
        guard let result = try spool.readOwn(.result(name)).flatMap(JobResult.init(json:)) else { return .unknown }
        return result.status.standing == .completed ? .completed : .ended(result.status.standing)
    }

    private func isUnderWay(_ job: JobReference) -> Bool {
        [pending[job.name]?.jobID, running[job.name]?.pending.jobID, finishing[job.name]?.result.status.identity.jobID]
            .contains(job.jobID)
    }

    private func findResult(of job: JobReference) throws(SpoolError) -> JobResult? {
        let result = try spool.readOwn(.result(job.name)).flatMap(JobResult.init(json:))
        return result?.status.identity.jobID == job.jobID ? result : nil
    }

    // MARK: on_busy

    private func facts(for job: PendingJob) -> LaneFacts {
        switch job.turn.onBusy {
        case .queue: LaneFacts()
        case .reject: LaneFacts(holder: holder(of: job.lane))
        case .join: LaneFacts(equal: equal(to: job))
        case .replace: LaneFacts(sameType: replaceable(by: job))
        }
    }

    /// What runs in the lane, or is next in it.
    private func holder(of lane: String) -> JobReference? {
        if let busy = lanes[lane]?.busy {
            if let job = running[busy] { return job.reference }
            if let status = finishing[busy]?.result.status {
                return JobReference(name: busy, jobID: status.identity.jobID, startedAt: status.startedAt)
            }
        }
        let pending = pending
        if let next = lanes[lane]?.queue.peek(where: { pending[$0.name]?.sequence == $0.sequence }) {
            return pending[next.name]?.reference
        }
        guard pending.count(inLane: lane).queued > 0 else { return nil }
        return pending.all.filter { $0.lane == lane && $0.isQueued }.min { $0.sequence < $1.sequence }?.reference
    }

    /// The first job that does the same and is not about to be cancelled.
    private func equal(to job: PendingJob) -> JobReference? {
        func isEqual(_ other: PendingJob) -> Bool {
            other.turn.work != nil && other.turn.work == job.turn.work && other.type == job.type
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

    private func replace(_ others: [JobReference], by job: PendingJob) throws(SpoolError) {
        let reason = "replaced by \(job.name)"
        for other in others {
            if let waiting = pending[other.name], waiting.jobID == other.jobID {
                try finishPending(waiting, .cancelled, "Cancelled: \(reason)", error: nil)
            } else if running[other.name]?.pending.jobID == other.jobID {
                // By a file, so that it holds when the daemon dies before the attempt has ended.
                try spool.publish(["reason": .string(reason)], as: .cancel(other.name), .power)
                askToStop(other.name, other.jobID, .cancel(by: "\(Users.name(of: job.owner)): \(reason)"))
            }
        }
    }
}

extension Standing {
    /// A job that was cancelled has done nothing for those that wait for its result.
    fileprivate var countsForJoiners: Bool {
        switch self {
        case .completed, .failed: true
        case .pending, .running, .cancelled, .rejected: false
        }
    }
}
