/// Starting attempts: the next job of every free lane.
import Glibc
import Logging
import JSONText
import SpoolProtocol
import SpoolStorage

extension Runner {
    func startWhatCan() {
        guard mayStart else { return }
        // Lanes whose next job has no status yet.
        var held: Set<String> = []
        while busyLanes < configuration.maxLanes, let lane = laneToServe(besides: held) {
            guard let job = nextJob(in: lane) else {
                held.insert(lane)
                continue
            }
            do throws(SpoolError) {
                try start(job)
            } catch {
                if isOfOneFile(error, of: [job.name]) {
                    // It has its turn when it can be looked at.
                    parked.insert(job.name)
                    continue
                }
                lanes[lane]?.queue.insert(job.queueEntry)
                tell(error)
                return
            }
        }
    }

    /// Of the lanes that are free, the one whose next job comes first: where not all may be at work, none waits for ever.
    func laneToServe(besides held: Set<String> = []) -> String? {
        let pending = pending
        var first: (lane: String, entry: LaneQueue.Entry)?
        for lane in laneNames where lanes[lane]?.isFree ?? false && !held.contains(lane) {
            guard let entry = lanes[lane]?.queue.peek(where: pending.counts) else { continue }
            if first.map({ entry < $0.entry }) ?? true { first = (lane, entry) }
        }
        return first?.lane
    }

    /// For going through the lanes and changing them: `lanes.keys`, and a copy of a lane as well, would be a second owner of the queues, which
    /// are then copied, with all their jobs, at the first change.
    var laneNames: [String] { Array(lanes.keys) }

    /// How many are at work.
    var busyLanes: Int { lanes.values.count { !$0.isFree } }

    /// Whether anything keeps all jobs from starting.
    var mayStart: Bool {
        stopping == nil && paused == nil && shortage == nil && Clock.monotonic() >= troubleUntil && hasRoomForResults
    }

    /// Results that the disk has not taken are kept in memory, and after a crash their jobs are looked at anew: there are never many.
    private var hasRoomForResults: Bool {
        // Those of requests that never ran are no loss.
        let underWay = finishing.values.lazy.filter { !$0.isObstructed && $0.result.status.startedAt != nil }
        return underWay.count < Self.mostResultsUnderWay && !underWay.contains(where: \.hasFailed)
            && unsynced.failed.isEmpty
    }

    private static let mostResultsUnderWay = 64

    private func nextJob(in lane: String) -> PendingJob? {
        // Its status may not be there yet.
        guard let next = nextInQueue(of: lane), unsynced[next]?.isShown != false else { return nil }
        lanes[lane]?.queue.removeFirst()
        return pending[next]
    }

    /// The name of a lane's next job.
    func nextInQueue(of lane: String) -> JobName? {
        let pending = pending
        return lanes[lane]?.queue.peek(where: pending.counts)?.name
    }

    /// Starts an attempt, or finds out that there is nothing to start.
    private func start(_ job: PendingJob) throws(SpoolError) {
        try spool.keepHome()
        guard let request = try request(of: job) else {
            // It has been changed, or is being changed: it is looked at before it can have its turn again.
            parked.insert(job.name)
            if let file = SpoolFile.request(job.name).fileName { look(at: file) }
            return
        }
        try writeConclusion(of: job.jobID)
        let history = job.attempts == 0 ? JobHistory() : try readHistory(job.jobID)
        let attempt = (history.attempts.last?.attempt ?? 0) + 1
        let spare = attempt == 1 ? try takeSpare(for: job) : nil
        let jobDirectory = if let spare { spare.job } else { try spool.attempts.makeDirectory(job.jobID, mode: 0o700) }
        let checkpoint: JSON = spare == nil ? try readCheckpoint(in: jobDirectory) : .null
        let definition: Definition
        let plan: AttemptPlan
        do {
            definition = try catalog.lookUp(job.type).get()
            plan = try makePlan(job, request, definition, attempt: attempt, checkpoint: checkpoint)
        } catch let error as SpoolError {
            throw error
        } catch let error as JobError {
            try finishPending(job, .failed, error.message, error: error)
            return
        } catch {
            preconditionFailure("neither a job's nor a file's error: \(error)")
        }
        let policy = AttemptPolicy(definition, request)
        try write(policy, definition, attempt: attempt, in: jobDirectory)
        let process: AttemptProcess
        do throws(SpoolError) {
            process = try AttemptProcess.start(
                AttemptProcess.prepare(plan, in: jobDirectory, spare), configuration.launcher)
        } catch {
            try jobDirectory.removeTree(FileName(String(attempt)))
            guard error.operation == .spawn, error.code == E2BIG else { throw error }
            // It never can: nobody is to wait for it.
            let failure = JobError(
                .handlerFailed,
                "cannot start \(plan.command[0]): the arguments and the environment of its type's definition are too long (execve(2))",
                details: ["errno": JSON(E2BIG)])
            try finishPending(job, .failed, failure.message, error: failure)
            return
        }
        began(
            job, request, policy, process, at: Clock.now(), history, attempt: attempt,
            checkpoint, in: jobDirectory)
    }

    private func takeSpare(for job: PendingJob) throws(SpoolError) -> Spares.Spare? {
        if let armed = lanes[job.lane]?.armed, armed.job.id == job.id {
            lanes[job.lane]?.armed = nil
            return Spares.Spare(job: armed.jobDirectory, attempt: armed.attempt.directory, files: armed.attempt.files)
        }
        return try spares.take(for: job.jobID)
    }

    /// A job's attempt has been started just now.
    func began(
        _ job: PendingJob, _ request: Request, _ policy: AttemptPolicy, _ process: AttemptProcess, at now: Timestamp,
        _ history: JobHistory, attempt: Int, _ checkpoint: JSON, in jobDirectory: Directory
    ) {
        var status = Self.status(of: job, request, .running, "Running")
        status.attempt = attempt
        status.checkpoint = checkpoint
        status.startedAt = history.attempts.first?.startedAt ?? now
        pending.remove(job.name)
        began(
            RunningJob(
                pending: job, policy: policy, link: AttemptLink(process), history: history,
                attempt: attempt, attemptStartedAt: now, status: status),
            jobDirectory: jobDirectory, isNewJob: attempt == 1)
    }

    /// The request as it was accepted; nil when it is not there so any more.
    private func request(of job: PendingJob) throws(SpoolError) -> Request? {
        for case let known? in [lastAccepted, lanes[job.lane]?.armed?.request] where known.name == job.name {
            if isStill(job, known.stat), try known.isUnchanged(in: spool.root) { return known.request }
        }
        guard case .valid(let request, let stat, _) = try RequestFile.look(at: job.name, in: spool.root),
            isStill(job, stat), job.asksFor(request)
        else { return nil }
        return request
    }

    func makePlan(
        _ job: PendingJob, _ request: Request, _ definition: Definition, attempt: Int, checkpoint: JSON
    ) throws -> AttemptPlan {
        let params = try definition.params(for: request)
        var command = definition.command
        command[0] = try configuration.programs.find(command[0], for: job.type)
        // The handler finds itself there by the way from its attempt's directory: no name in the spool, which others may write to, is
        // on it. What it does with the path that it is told is for the path's owner to protect (sticky).
        let workDirectory = try spool.work.makeDirectory(job.type.string, mode: 0o700).path
        let input = HandlerRequest(
            jobID: job.jobID, name: job.name, type: job.type, params: params, dryRun: request.dryRun, attempt: attempt,
            checkpoint: checkpoint, scheduledAt: job.slot?.at)
        return AttemptPlan(
            jobID: job.jobID, attempt: attempt, command: command,
            environment: HandlerEnvironment.make(
                definition, configuration.programs, jobID: job.jobID, dryRun: request.dryRun, attempt: attempt,
                checkpoint: "\(spool.attempts.path)/\(job.jobID)/\(AttemptFile.checkpoint)",
                workDirectory: workDirectory, spoolDirectory: spool.root.path),
            workingDirectory: definition.workingDirectory ?? AttemptFile.workDirectory(of: job.type),
            graceSeconds: definition.graceSeconds,
            request: input.json.line)
    }

    /// An attempt runs: its lane is taken, its status says so, and it is followed.
    func began(
        _ job: RunningJob, jobDirectory: Directory, isNewJob: Bool, isAdopted: Bool = false,
        _ saved: SavedCheckpoint? = nil
    ) {
        let name = job.pending.name
        running[name] = job
        running[name]?.isAdopted = isAdopted
        let mayBeTold = lanes[job.pending.lane, default: Lane()].begin(
            job.status, isKnown: isAdopted, isHeld: unsynced.contains(name))
        summaries[job.pending.type.string, default: TypeSummary()].running.append(name.string)
        if !mayBeTold {
            job.link.hide()
        } else if !isAdopted {
            feed.append(.started, job.status)
        }
        heardOfJob(job.status)
        show.isDirty = true
        let mailbox = mailbox
        let jobID = job.pending.jobID
        let plan = FollowPlan(
            status: job.status, attemptStartedAt: job.attemptStartedAt, timeoutSeconds: job.policy.timeoutSeconds,
            stallSeconds: job.policy.stallSeconds, graceSeconds: job.policy.graceSeconds, isNewJob: isNewJob,
            savedCheckpoint: saved)
        let follower = AttemptFollower(
            spool: spool, link: job.link, plan: plan, jobDirectory: jobDirectory,
            askToStop: { mailbox.put(.askedToStop(name, jobID: jobID, $0)) },
            complain: { mailbox.put(.trouble($0)) }, warn: { mailbox.put(.warning($0)) },
            beginNext: beginNext(in: job.pending.lane),
            rhythm: configuration.followerRhythm)
        followers.append((follower, name, jobID: jobID))
    }

    // MARK: Small files

    /// Keeps what is said about an attempt; the usual is not written down where its definition alone says that, too.
    func write(
        _ policy: AttemptPolicy, _ definition: Definition, attempt: Int, in jobDirectory: Directory
    ) throws(SpoolError) {
        if policy != .fallback || AttemptPolicy(definition, nil) != .fallback {
            try spool.publish(policy.json.line, as: AttemptFile.policy, in: jobDirectory, .process)
        } else if attempt > 1 {
            try jobDirectory.remove(AttemptFile.policy)
        }
    }

    /// What was said about a job's last attempt when that began; nil when that was the usual.
    func readPolicy(in jobDirectory: Directory) throws(SpoolError) -> AttemptPolicy? {
        guard let bytes = try jobDirectory.read(AttemptFile.policy) else { return nil }
        do {
            return AttemptPolicy(json: try JSON(parsing: bytes))
        } catch {
            logger.error("\(jobDirectory.path) has a policy that cannot be read and counts for nothing: \(error)")
            return nil
        }
    }

    func readHistory(_ jobID: String) throws(SpoolError) -> JobHistory {
        if let known = unwritten[jobID] { return known.history }
        guard let directory = try existingDirectory(jobID), let bytes = try directory.read(AttemptFile.job) else {
            return JobHistory()
        }
        do {
            return JobHistory(json: try JSON(parsing: bytes))
        } catch {
            logger.error("the history of job \(jobID) cannot be read and counts for nothing: \(error)")
            return JobHistory()
        }
    }

    func readCheckpoint(in jobDirectory: Directory) throws(SpoolError) -> JSON {
        guard let bytes = try jobDirectory.read(AttemptFile.checkpoint) else { return .null }
        do {
            return try JSON(parsing: bytes)
        } catch {
            logger.error("\(jobDirectory.path) has a checkpoint that cannot be read and counts for nothing: \(error)")
            return .null
        }
    }

    /// The job's own directory, if it has one.
    func existingDirectory(_ jobID: String) throws(SpoolError) -> Directory? {
        try spool.attempts.stat(FileName(jobID)) == nil ? nil : try spool.attempts.directory(jobID)
    }

    /// Writes a status whose loss would not matter; the next one comes soon.
    func put(_ status: JobStatus, _ durability: Spool.Durability) {
        do throws(SpoolError) {
            try spool.publish(status.json, as: .status(status.identity.name), durability)
        } catch {
            tell(error)
        }
    }
}
