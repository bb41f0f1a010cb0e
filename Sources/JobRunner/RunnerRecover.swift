/// Finding out where an earlier daemon was, however it ended. The files say it: requests, statuses and results by the
/// table of states, attempts by their locks.
import Glibc
import Logging
import JSONText
import SpoolProtocol
import SpoolStorage

extension Runner {
    func recover() throws(SpoolError) {
        try spool.clearTemporary()
        try spool.completeArchiving()
        restoreSummaries()
        var known: Set<String> = []
        for name in try unfinishedNames() { try restore(name, &known) }
        for entry in try spool.attempts.entries() {
            if let jobID = entry.string, !known.contains(jobID) { try cleanUp(jobID) }
        }
        try restoreNotes()
        try bringFeedUpToDate()
        // What was cancelled while no daemon was there must not be started.
        for name in (Array(pending.names) + Array(running.keys)).sorted() { cancelOrTell(name) }
        try lookAtPause()
        lookAtTypes()
        recheck.formUnion(pending.names)
        lookAtWaiting()
        startWhatCan()
        announceRecovery()
    }

    private func announceRecovery() {
        do throws(SpoolError) {
            try feed.flush()
        } catch {
            tell(error)
        }
        showSpool(as: .running)
        logger.info(
            "serving \(spool.root.path)", metadata: ["pending": "\(pending.count)", "running": "\(running.count)"])
    }

    /// The jobs that have a status and no result.
    private func unfinishedNames() throws(SpoolError) -> [JobName] {
        var statuses: [JobName] = []
        var results: Set<JobName> = []
        for entry in try spool.root.entries() {
            switch SpoolFile(entry) {
            case .status(let name): statuses.append(name)
            case .result(let name): results.insert(name)
            case .request, .cancel, .schedule, .scheduleStatus, .log, .errors, .pause, .spoolStatus, .events, .badName,
                .ignored:
                break
            }
        }
        var unfinished: [JobName] = []
        for name in statuses.sorted() {
            // A result that somebody planted is none.
            if results.contains(name), let file = SpoolFile.result(name).fileName, try spool.isOwn(file) { continue }
            unfinished.append(name)
        }
        return unfinished
    }

    /// Takes one job up where its files say it is.
    private func restore(_ name: JobName, _ known: inout Set<String>) throws(SpoolError) {
        guard let status = try spool.readOwn(.status(name)).flatMap(JobStatus.init(json:)),
            let type = JobType(status.identity.type), status.identity.name == name
        else { return }
        let identity = status.identity
        numbers.saw(identity.sequence)
        known.insert(identity.jobID)
        var job = PendingJob(
            name: name, jobID: identity.jobID, type: type, lane: identity.lane,
            sequence: identity.sequence, request: status.request, owner: try owner(of: name, status),
            createdAt: identity.createdAt, turn: try turnPolicy(of: name, status.request), slot: identity.slot)
        let history = try readHistory(identity.jobID)
        job.attempts = history.attempts.last?.attempt ?? 0
        if let attempt = try unconcludedAttempt(identity.jobID, after: job.attempts) {
            try adopt(job, status, history, attempt)
        } else {
            job.waiting = status.waitingFor
            enqueue(job)
            if status.standing != .pending {
                var status = status
                status.standing = .pending
                status.message = "Waiting"
                put(status, .process)
            }
        }
    }

    /// The owner of the request decides about cancelling; of one that is gone, the name in the status. What a schedule dropped
    /// is the daemon's own file, but not its job.
    private func owner(of name: JobName, _ status: JobStatus) throws(SpoolError) -> UInt32 {
        if status.identity.slot != nil { return Users.number(of: status.identity.submittedBy) ?? .max }
        guard let file = SpoolFile.request(name).fileName, let stat = try spool.root.stat(file) else {
            return Users.number(of: status.identity.submittedBy) ?? geteuid()
        }
        return stat.owner
    }

    /// Of a request that is gone or has changed nothing is known; it is not started before it has been looked at.
    private func turnPolicy(of name: JobName, _ version: Fingerprint) throws(SpoolError) -> TurnPolicy {
        guard case .valid(let request, let stat, _) = try RequestFile.look(at: name, in: spool.root, sync: false),
            stat.fingerprint == version
        else { return TurnPolicy() }
        do throws(JobError) {
            return TurnPolicy(request, try catalog.definition(of: request.type))
        } catch {
            // Its type is gone, which is told when its turn comes.
            return TurnPolicy(request, nil)
        }
    }

    /// The number of the attempt whose end nobody has drawn conclusions from; nil when there is none.
    private func unconcludedAttempt(_ jobID: String, after concluded: Int) throws(SpoolError) -> Int? {
        guard let directory = try existingDirectory(jobID) else { return nil }
        let numbers = try directory.entries().compactMap { $0.string.flatMap { Int($0) } }
        return numbers.max().flatMap { $0 > concluded ? $0 : nil }
    }

    /// Follows an attempt that an earlier daemon started, alive or dead: its end tells what becomes of the job.
    private func adopt(
        _ job: PendingJob, _ shown: JobStatus, _ history: JobHistory, _ attempt: Int
    ) throws(SpoolError) {
        let jobDirectory = try spool.attempts.directory(job.jobID)
        let directory = try jobDirectory.directory(String(attempt))
        guard let input = try directory.stat(AttemptFile.request),
            try directory.stat(AttemptFile.standardOutput) != nil,
            try directory.stat(AttemptFile.standardError) != nil
        else {
            // The daemon died while it made the attempt's files: nothing has run.
            try jobDirectory.removeTree(FileName(String(attempt)))
            enqueue(job)
            return
        }
        // What was shown of this attempt must not seem to go back.
        let isShown = shown.standing == .running && shown.attempt == attempt
        var status =
            isShown
            ? shown
            : JobStatus(
                identity: shown.identity, standing: .running, updatedAt: Clock.now(), message: "Running",
                request: shown.request)
        status.attempt = attempt
        let startedAt = input.fingerprint.modifiedAt
        status.startedAt = history.attempts.first?.startedAt ?? shown.startedAt ?? startedAt
        status.checkpoint = try startingCheckpoint(directory)
        let process = try AttemptProcess(
            opening: directory, attempt: AttemptPlan.identifier(job.jobID, attempt))
        began(
            RunningJob(
                pending: job, policy: policy(of: job.type), link: AttemptLink(process), history: history,
                attempt: attempt, attemptStartedAt: startedAt, status: status),
            jobDirectory: jobDirectory, isNewJob: false, isAdopted: true)
    }

    private func startingCheckpoint(_ directory: Directory) throws(SpoolError) -> JSON {
        guard let bytes = try directory.read(AttemptFile.request) else { return .null }
        do {
            return try JSON(parsing: bytes)["checkpoint"] ?? .null
        } catch {
            return .null
        }
    }

    private func policy(of type: JobType) -> AttemptPolicy {
        do throws(JobError) {
            return AttemptPolicy(try catalog.definition(of: type), nil)
        } catch {
            logger.warning("the type of a running attempt is gone: \(error.message)")
            return .fallback
        }
    }

    // MARK: What is left of jobs that are over

    /// An attempt's directory without an unfinished job: the daemon died after the result, or somebody deleted the status.
    private func cleanUp(_ jobID: String) throws(SpoolError) {
        let directory = try spool.attempts.directory(jobID)
        for entry in try directory.entries() {
            guard let number = entry.string, Int(number) != nil else { continue }
            let process = try AttemptProcess(
                opening: try directory.directory(number), attempt: "\(jobID)/\(number)")
            if try process.isAlive() {
                logger.warning("stopping an attempt of job \(jobID), which has no status any more")
                process.stop()
                try waitUntilDead(process, jobID)
            }
        }
        try spool.attempts.removeTree(FileName(jobID))
    }

    /// Nothing may run beside an attempt that nobody knows: it is killed if it does not stop.
    private func waitUntilDead(_ process: AttemptProcess, _ jobID: String) throws(SpoolError) {
        let deadline = Clock.monotonic() + Definition.defaultGraceSeconds
        while try process.isAlive() {
            if Clock.monotonic() >= deadline { try Orphans.signal(SIGKILL, of: jobID, in: process.directory) }
            _ = poll(nil, 0, 20)
        }
    }

    // MARK: The feed

    /// A change that was on the disk, but not yet in the feed when the daemon died, is told now; a status that a result
    /// has overtaken is written anew.
    private func bringFeedUpToDate() throws(SpoolError) {
        let open = feed.open
        feed.forgetReadBack()
        for (name, told) in open.sorted(by: { $0.key < $1.key }) where pending[name] == nil && running[name] == nil {
            guard let json = try spool.readOwn(.result(name)), let result = JobResult(json: json),
                result.status.identity.jobID == told.jobID
            else { continue }
            var status = result.status
            // The log's last lines are the one thing that a result does not repeat.
            if let shown = try spool.readOwn(.status(name)).flatMap(JobStatus.init(json:)),
                shown.identity.jobID == told.jobID
            {
                status.recentLogs = shown.recentLogs
            }
            feed.append(.recovered, status)
            put(status, .process)
        }
        let waiting = pending.all.map { ($0, Self.status(of: $0, nil, .pending, "Waiting")) }
        let atWork = running.values.map { ($0.pending, $0.status) }
        for (job, status) in (waiting + atWork).sorted(by: { $0.0.sequence < $1.0.sequence }) {
            guard let told = open[job.name], told.jobID == job.jobID, told.standing == status.standing else {
                feed.append(.recovered, status)
                continue
            }
        }
    }
}
