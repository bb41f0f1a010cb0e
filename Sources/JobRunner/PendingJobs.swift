/// The jobs that wait, and what has to be found among them without looking at all of them: there may be a hundred thousand.
import HeapModule
import SpoolProtocol

struct PendingJobs {
    private var jobs = NameTable<PendingJob>()
    private var kinds: Set<JobKind> = []
    private var lanes: [String: LaneCount] = [:]
    /// By acceptance; jobs that have left stay in it until they are the oldest, or too many.
    private var byAge = Heap<Age>()
    /// How often a job has come or gone, or changed.
    private(set) var changes = 0
    /// Jobs that wait for a time.
    private(set) var timed: Set<JobName> = []
    /// Jobs that wait for the job of a name.
    private var dependents: [JobName: Set<JobName>] = [:]
    /// By the users who dropped them.
    private var users: [UInt32: UserCount] = [:]
    /// Jobs that wait for the result of a run, by its `job_id`.
    private var joiners: [String: Set<JobName>] = [:]

    private struct Age: Comparable {
        var sequence: Int64
        var name: JobName

        static func < (a: Age, b: Age) -> Bool { a.sequence < b.sequence }
    }

    private struct UserCount {
        var jobs = 0
        /// In their requests' `after`.
        var names = 0
    }

    struct LaneCount {
        /// In the queue, or waiting for a retry.
        var queued = 0
        /// Waiting for something else.
        var waiting = 0
    }

    var count: Int { jobs.count }
    /// What is kept to find the oldest: not many more than there are jobs.
    var agesKept: Int { byAge.count }
    var names: some Sequence<JobName> { jobs.names }
    var all: some Sequence<PendingJob> { jobs.all }

    subscript(_ name: JobName) -> PendingJob? { jobs[name] }

    /// Whether a place in a queue is still that of a job that waits for nothing but its turn.
    func counts(_ entry: LaneQueue.Entry) -> Bool {
        jobs[entry.name].map { $0.queueEntry == entry && $0.waiting == nil } ?? false
    }

    func count(of user: UInt32) -> Int { users[user]?.jobs ?? 0 }

    /// The jobs of a user and the names that these wait for.
    func weight(of user: UInt32) -> Int { users[user].map { $0.jobs + $0.names } ?? 0 }

    func count(inLane lane: String) -> LaneCount { lanes[lane] ?? LaneCount() }

    /// Adds a job, or takes over what has changed about it.
    mutating func put(_ job: PendingJob) {
        changes += 1
        var job = job
        job.share(&kinds)
        if let known = remove(job.name), known.sequence == job.sequence {
            // Its age stands in the heap already.
        } else {
            byAge.insert(Age(sequence: job.sequence, name: job.name))
        }
        jobs.put(job)
        if byAge.count > 2 * jobs.count + 64 {
            byAge = Heap(jobs.all.map { Age(sequence: $0.sequence, name: $0.name) })
        }
        count(job, 1)
        switch job.waiting {
        case nil: break
        case .time, .retry: timed.insert(job.name)
        case .jobs(let names, _): for name in names { dependents[name, default: []].insert(job.name) }
        case .join(let target): joiners[target.jobID, default: []].insert(job.name)
        }
    }

    @discardableResult
    mutating func remove(_ name: JobName) -> PendingJob? {
        guard let job = jobs.remove(name) else { return nil }
        changes += 1
        count(job, -1)
        switch job.waiting {
        case nil: break
        case .time, .retry: timed.remove(name)
        case .jobs(let names, _): for needed in names { Self.remove(name, from: &dependents, needed) }
        case .join(let target): Self.remove(name, from: &joiners, target.jobID)
        }
        return job
    }

    private mutating func count(_ job: PendingJob, _ change: Int) {
        users[job.owner, default: UserCount()].jobs += change
        users[job.owner, default: UserCount()].names += change * job.turn.after.count
        if users[job.owner]?.jobs == 0 { users[job.owner] = nil }
        if job.isQueued {
            lanes[job.lane, default: LaneCount()].queued += change
        } else {
            lanes[job.lane, default: LaneCount()].waiting += change
        }
    }

    private static func remove<Key>(_ name: JobName, from index: inout [Key: Set<JobName>], _ key: Key) {
        index[key]?.remove(name)
        if index[key]?.isEmpty ?? false { index[key] = nil }
    }

    // MARK: Finding, in order of acceptance

    func hasDependents(on name: JobName) -> Bool { dependents[name] != nil }

    /// The jobs that wait for the job of this name.
    func dependents(on name: JobName) -> [PendingJob] { inOrder(dependents[name]) }

    /// The names that jobs wait for and take to be there.
    var expected: [JobName] {
        dependents.compactMap { name, waiters in
            guard let waiter = waiters.first, case .jobs(_, let unknown)? = jobs[waiter]?.waiting else { return nil }
            return unknown.contains(name) ? nil : name
        }
    }

    /// The jobs that wait for the result of this run.
    func joiners(of jobID: String) -> [PendingJob] { inOrder(joiners[jobID]) }

    private func inOrder(_ names: Set<JobName>?) -> [PendingJob] {
        (names ?? []).compactMap { jobs[$0] }.sorted { $0.sequence < $1.sequence }
    }

    /// The job that has waited longest.
    mutating func oldest() -> PendingJob? {
        while let entry = byAge.min {
            if let job = jobs[entry.name], job.sequence == entry.sequence { return job }
            byAge.removeMin()
        }
        return nil
    }
}
