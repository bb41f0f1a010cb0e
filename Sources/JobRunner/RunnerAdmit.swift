/// When a job has its turn: what it waits for (`after`, `not_before`, another job's result), and what `on_busy` makes of
/// it when nothing is left to wait for. Decided step by step, each once: jobs, then time, then the lane.
import Glibc
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
            let states = try dependencyStates(of: names, for: job)
            if archived.takeOwed() { owed.insert(job.name) }
            switch DependencyVerdict(states) {
            case .failed(let error): return .over(.failed, error)
            case .waiting(let names, let unknown):
                job.waiting = .jobs(names, unknown: unknown)
                return .waits(job)
            case .met:
                // What else it waits for is in its request, which could not be read yet.
                if !job.turn.isKnown { return .waits(job) }
                job.waiting = job.turn.notBefore.map { .time($0) }
            }
        }
        if case .time(let time) = job.waiting {
            if time > Clock.now() { return .waits(job) }
            job.waiting = nil
        }
        if case .retry(let time) = job.waiting {
            // Its place in the queue is its own since `on_busy` let it in.
            if time <= Clock.now() { job.waiting = nil }
            return .waits(job)
        }
        switch job.turn.onBusy.admission(try facts(for: job)) {
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
        parked.remove(job.name)
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

    /// So long it may take until other news is heard, in seconds.
    private static let recheckSeconds = 0.02

    /// Looks again at jobs whose wait may be over. What the disk does not allow is tried again.
    func lookAtWaiting() {
        lookAtOwed()
        defer { if recheck.isEmpty, rechecking.isEmpty { ends = RecentEnds() } }
        var deadline: Double?
        while !recheck.isEmpty || !rechecking.isEmpty, Clock.monotonic() >= troubleUntil {
            if rechecking.isEmpty {
                let batch = recheck.compactMap { pending[$0] }.sorted { $0.sequence < $1.sequence }
                recheck = []
                archived.expect(batch.lazy.flatMap(\.neededJobs))
                rechecking = batch.map(\.name)[...]
            }
            let end = deadline ?? Clock.monotonic() + Self.recheckSeconds
            deadline = end
            while let name = rechecking.popFirst() {
                do throws(SpoolError) {
                    try lookAgain(at: name)
                } catch {
                    if isOfOneFile(error, of: [name] + (pending[name]?.neededJobs ?? [])) { continue }
                    tell(error)
                    recheck.insert(name)
                    return
                }
                if Clock.monotonic() >= end, !rechecking.isEmpty { return recheckSoon() }
            }
        }
    }

    /// Those for whom the archive was not searched are looked at together when it may be.
    private func lookAtOwed() {
        if owed.isEmpty { return }
        if archived.mayLook(at: Clock.monotonic()) {
            recheck.formUnion(owed)
            owed = []
        } else {
            wake(at: archived.nextLook)
        }
    }

    private func recheckSoon() {
        if isToRecheck { return }
        isToRecheck = true
        mailbox.put(.recheck)
    }

    private func lookAgain(at name: JobName) throws(SpoolError) {
        guard let job = pending[name], let waiting = job.waiting else { return }
        if case .join(let target) = waiting {
            if isUnderWay(target) { return }
            let known = ends.results[target.jobID]
            if let result = known == nil ? try findResult(of: target.name, jobID: target.jobID) : known,
                result.status.standing.countsForJoiners
            {
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
                } else {
                    recheck.insert(name)
                }
            case nil, .jobs, .join: break
            }
        }
    }

    /// The status says what the job waits for.
    func showWaiting(_ job: PendingJob) throws(SpoolError) {
        // It is shown when the first status is there.
        if unsynced.contains(job.name) { return }
        guard var status = try spool.readOwn(.status(job.name)).flatMap(JobStatus.init(json:)),
            status.identity.jobID == job.jobID
        else { return }
        status.waitingFor = job.waiting
        status.message = job.waiting?.message ?? "Waiting"
        status.updatedAt = Clock.now()
        put(status, .whole)
    }

    // MARK: Other jobs

    private func dependencyStates(
        of names: [JobName], for job: PendingJob
    ) throws(SpoolError) -> [(name: JobName, state: DependencyState)] {
        var others: Set<JobName> = []
        let known = ends.standings(for: job)
        for name in names where known[name] == nil {
            if try !isUnderWay(name) { others.insert(name) }
        }
        let results = try findLastResults(of: others)
        return names.map { name in
            guard known[name] != nil || others.contains(name) else { return (name, .underWay) }
            guard let standing = known[name] ?? results[name] else { return (name, .unknown) }
            return (name, standing == .completed ? .completed : .ended(standing))
        }
    }

    /// Whoever waits for a job that is over is looked at again. By now its files may be gone, or those of its next run. What waits for a
    /// name waits on when there was a newer request of it before the job was seen to be over.
    func tellWaiting(of job: FinishedJob) {
        let status = job.result.status
        let (name, jobID) = (status.identity.name, status.identity.jobID)
        let joiners = pending.joiners(of: jobID)
        if !joiners.isEmpty { ends.results[jobID] = job.result }
        if !job.isOvertaken, pending.hasDependents(on: name) {
            ends.put(name, status.standing, before: numbers.last)
        }
        recheckDependents(on: name)
        recheck.formUnion(joiners.map(\.name))
    }

    private func isUnderWay(_ name: JobName) throws(SpoolError) -> Bool {
        if pending[name] != nil || running[name] != nil || finishing[name] != nil || settling[name] != nil {
            return true
        }
        do {
            guard let file = SpoolFile.request(name).fileName, let stat = try spool.root.stat(file) else {
                return false
            }
            return try isNew(name, stat)
        } catch {
            // Something is there.
            if isOfOneFile(error, of: [name]) { return true }
            throw error
        }
    }

    private func isUnderWay(_ job: JobReference) -> Bool {
        [pending[job.name]?.jobID, running[job.name]?.pending.jobID, finishing[job.name]?.result.status.identity.jobID]
            .contains(job.jobID)
    }
}

/// What became of jobs for which others waited, as long as those have not all been looked at.
struct RecentEnds {
    /// By `job_id`.
    var results: [String: JobResult] = [:]
    private var standings: [JobName: (standing: Standing, lastSequence: Int64)] = [:]

    mutating func put(_ name: JobName, _ standing: Standing, before sequence: Int64) {
        standings[name] = (standing, sequence)
    }

    /// Jobs that were accepted later wait for the next runs.
    func standings(for job: PendingJob) -> [JobName: Standing] {
        if standings.isEmpty { return [:] }
        return standings.compactMapValues { job.sequence <= $0.lastSequence ? $0.standing : nil }
    }
}

extension Standing {
    /// A job that was cancelled has done nothing for those that wait for its result.
    var countsForJoiners: Bool {
        switch self {
        case .completed, .failed: true
        case .pending, .running, .cancelled, .rejected: false
        }
    }
}
