/// Taking a request in: it is new, it is one, its type exists and allows it; it gets a number and a status, and when those are on the
/// disk (`RunnerCommit`) it cannot be lost. A request that is none is rejected with a result that says why.
import Glibc
import Logging
import JSONText
import SpoolProtocol
import SpoolStorage

extension Runner {
    /// Looks at a request file and does with it what it is there for; true when it has been accepted.
    func examine(_ name: JobName) throws(SpoolError) -> Bool {
        // A request that changes while its job runs is looked at when that run is over, or when its status is there.
        defer { heldBack.forget(name) }
        if running[name] != nil || finishing[name] != nil || unsynced.contains(name) { return false }
        if try holdBackUnread(name) { return false }
        switch try RequestFile.look(at: name, in: spool.root) {
        case .gone:
            try requestIsGone(name)
            return false
        case .refused(let refusal):
            if let job = pending[name], isStill(job, refusal.stat) {
                try endUnreadable(job, refusal)
                if !refusal.isRead { lookAgainSoon(atParked: name, refusal.stat) }
                return false
            }
            guard try isNew(name, refusal.stat) else {
                settles(name)
                return false
            }
            let isForeign = try spool.root.mayBeForeign(refusal.stat)
            if refusal.mayChange || isForeign, !hasSettled(name, refusal.stat) { return false }
            settling[name] = nil
            if let obstacle = try clearOutputs(of: name) {
                try obstruct(name, refusal.stat, nil, obstacle)
            } else {
                // What is wrong with somebody else's file would tell what is in it.
                let error = isForeign ? Self.linkedError(refusal.stat) : try explainEmpty(name, refusal)
                try reject(name, refusal.stat, request: nil, error)
            }
            return false
        case .valid(let request, let stat, let isBeingWritten):
            guard try isNew(name, stat, request) else {
                settles(name)
                try relearnTurn(of: name, request)
                unpark(name)
                return false
            }
            // The close makes another hint; a writer that links a temporary file into place is about to remove the other name.
            let isForeign = try spool.root.mayBeForeign(stat)
            if isBeingWritten || isForeign, !hasSettled(name, stat) { return false }
            settling[name] = nil
            if let obstacle = try clearOutputs(of: name) {
                try obstruct(name, stat, request, obstacle)
                return false
            }
            if isForeign {
                try reject(name, stat, request: request, Self.linkedError(stat))
                return false
            }
            if holdBack(name, origin(of: name, stat).owner) { return false }
            lastAccepted = KnownRequest(name: name, request: request, stat: stat)
            return try accept(name, request, stat)
        }
    }

    /// A request is new when it differs from the one that waits, or from the one that ran.
    /// - Parameter request: what it says, where that has been read: size and times of a file can be set.
    func isNew(_ name: JobName, _ stat: FileStat, _ request: Request? = nil) throws(SpoolError) -> Bool {
        guard let known = pending[name] else { return try isNew(name, stat.fingerprint) }
        return !isStill(known, stat) || request.map { !known.asksFor($0) } ?? false
    }

    /// Whether the file is the one that has been accepted, by its version and its owner: anybody can give a file of his own another's size
    /// and times.
    func isStill(_ job: PendingJob, _ stat: FileStat) -> Bool {
        job.request == stat.fingerprint
            && (stat.owner == job.owner || job.slot != nil && stat.owner == geteuid())
    }

    func isNew(_ name: JobName, _ fingerprint: Fingerprint) throws(SpoolError) -> Bool {
        if let known = pending[name] { return known.request != fingerprint }
        guard let result = try spool.readOwn(.result(name)) else {
            // A `prune` moves the request before the result: one that is gone by now was over.
            guard let file = SpoolFile.request(name).fileName else { return false }
            return try spool.root.stat(file)?.fingerprint == fingerprint
        }
        return Fingerprint(json: result["request"]) != fingerprint
    }

    // MARK: Accepting

    private func accept(_ name: JobName, _ request: Request, _ stat: FileStat) throws(SpoolError) -> Bool {
        let definition: Definition
        let origin = origin(of: name, stat)
        let found = try catalog.lookUp(request.type)
        do throws(JobError) {
            definition = try found.get()
            try definition.checkAllowed(to: origin.owner, daemonUser: geteuid())
            _ = try definition.params(for: request)
        } catch {
            try reject(name, stat, request: request, error)
            return false
        }
        if let circle = DependencyCircle.find(
            from: name, after: { $0 == name ? request.after : pending[$0]?.neededJobs ?? [] })
        {
            try reject(name, stat, request: request, DependencyCircle.error(circle))
            return false
        }
        try makeRoom(for: name)
        let job = PendingJob(
            name: name, id: .random(), type: request.type, lane: definition.lane,
            sequence: try numbers.next(), request: stat.fingerprint, owner: origin.owner, createdAt: Clock.now(),
            turn: TurnPolicy(request, definition), slot: origin.slot)
        switch try turn(of: job.waitingFromTheStart()) {
        case .over(.rejected, let error):
            try reject(name, stat, request: request, lane: job.lane, error)
            return false
        case .over(let standing, let error):
            // A daemon that returns after this has the same to decide: it must not take the job for one that waits for nothing.
            let job = job.waitingFromTheStart()
            try publish(job, request)
            try finishPending(job, standing, error.message, error: error)
            return true
        case .waits(let job):
            try publish(job, request)
            enqueue(job)
            letGo(whatIsNeededBy: job)
            return true
        }
    }

    private static let many = 4

    /// From here on the job is there for the runner; from when its status is on the disk (`RunnerCommit`) it cannot be lost.
    private func publish(_ job: PendingJob, _ request: Request) throws(SpoolError) {
        var status = Self.status(of: job, request, .pending, job.waiting?.message ?? "Waiting")
        status.waitingFor = job.waiting
        // One by itself starts at once: its status is there first. Of many all statuses get to the disk together.
        let isShown = names.count < Self.many
        if isShown { try spool.publish(status.json, as: .status(job.name), .process) }
        let order = AcceptanceOrder(status: status, isShown: isShown)
        unsynced.put(order)
        committer.commit(order)
        heardOfJob(status)
        recheckDependents(on: job.name)
    }

    /// Jobs that wait for this one show that it has come, or has gone.
    func recheckDependents(on name: JobName) {
        archived.forget(name)
        recheck.formUnion(pending.dependents(on: name).map(\.name))
    }

    /// A job's status before its first attempt.
    static func status(
        of job: PendingJob, _ request: Request?, _ standing: Standing, _ message: String
    ) -> JobStatus {
        let identity = JobIdentity(
            name: job.name, jobID: job.jobID, type: job.type.string,
            description: request.map { $0.description ?? describe($0) } ?? "", lane: job.lane, sequence: job.sequence,
            dryRun: request?.dryRun ?? false, submittedBy: Users.name(of: job.owner), createdAt: job.createdAt,
            labels: request?.labels ?? [:], slot: job.slot)
        return JobStatus(
            identity: identity, standing: standing, updatedAt: Clock.now(), message: message, request: job.request)
    }

    /// What a request without a description is called: "Sync Projects/219" for one of a sync type with a path.
    private static func describe(_ request: Request) -> String {
        guard request.type.string.hasSuffix(".sync") else { return request.type.string }
        return request.params["path"]?.string.map { "Sync \($0)" } ?? request.type.string
    }

    /// A request that could not be read when the daemon came is back as it was.
    private func relearnTurn(of name: JobName, _ request: Request) throws(SpoolError) {
        guard let job = pending[name], !job.turn.isKnown else { return }
        let found = try catalog.lookUp(job.type)
        let definition: Definition?
        do throws(JobError) {
            definition = try found.get()
        } catch {
            // It says so itself when its turn has come.
            definition = nil
        }
        enqueue(job.with(TurnPolicy(request, definition)))
        if job.waiting != nil { recheck.insert(name) }
    }

    /// A request whose turn came while it was away is back as it was.
    private func unpark(_ name: JobName) {
        guard parked.remove(name) != nil, let job = pending[name] else { return }
        lanes[job.lane, default: Lane()].queue.insert(job.queueEntry)
    }

    // MARK: What was there before

    /// Makes way for a new run: an older pending request of this name is replaced, and the files of a finished run go to
    /// the archive.
    private func makeRoom(for name: JobName) throws(SpoolError) {
        if let replaced = pending[name] { try replace(replaced) }
        try dismissSpentCancel(of: name)
        try spool.archiveFamily(of: name)
    }

    /// A newer request of the same name takes its place. What it did in its attempts goes to the archive.
    private func replace(_ job: PendingJob) throws(SpoolError) {
        let result = try result(
            of: job, .cancelled, "Replaced by a newer request of the same name", error: nil)
        if job.attempts > 0 {
            try spool.publish(result.json, as: .result(job.name), .power, mode: Spool.overtakenMode)
            try spool.publish(result.status.json, as: .status(job.name), .process)
        }
        pending.remove(job.name)
        unwritten[job.jobID] = nil
        recheck.formUnion(pending.joiners(of: job.jobID).map(\.name))
        tellAcceptance(of: job.name)
        feed.append(.cancelled, result.status)
        try spool.attempts.removeTree(FileName(job.jobID))
    }

    // MARK: Rejecting

    func reject(
        _ name: JobName, _ stat: FileStat, request: Request?, lane: String = Definition.defaultLane, _ error: JobError
    ) throws(SpoolError) {
        try makeRoom(for: name)
        let origin = origin(of: name, stat)
        // Of a pending request that this one replaces.
        if let status = SpoolFile.status(name).fileName, try spool.isOwn(status) { try spool.root.remove(status) }
        let type = request?.type ?? JobType.unknown
        let job = PendingJob(
            name: name, id: .random(), type: type, lane: lane,
            sequence: try numbers.next(), request: stat.fingerprint, owner: origin.owner, createdAt: Clock.now(),
            slot: origin.slot)
        var status = Self.status(of: job, request, .rejected, "Rejected: \(error.message)")
        if request == nil { status.identity.type = "" }
        status.error = error
        logger.warning("rejected", metadata: ["name": "\(name)", "error": "\(error.code): \(error.message)"])
        finish(JobResult(status: status), owner: origin.owner, event: .rejected, isUnheardOf: true)
    }
}

extension JobType {
    /// For a request whose type nobody could read.
    static let unknown: JobType = {
        guard let type = JobType("unknown") else { preconditionFailure("\"unknown\" is a type's name") }
        return type
    }()
}
