/// The attempts that an earlier daemon has left: those of jobs that are not over are followed to their ends, what is left of others is cleaned
/// up.
import Glibc
import Logging
import JSONText
import SpoolProtocol
import SpoolStorage

extension Runner {
    /// The number of the attempt whose end nobody has drawn conclusions from; nil when there is none.
    func unconcludedAttempt(_ jobID: String, after concluded: Int) throws(SpoolError) -> Int? {
        guard let directory = try existingDirectory(jobID) else { return nil }
        let numbers = try directory.entries().compactMap { $0.string.flatMap { Int($0) } }
        return numbers.max().flatMap { $0 > concluded ? $0 : nil }
    }

    /// Follows an attempt that an earlier daemon started, alive or dead: its end tells what becomes of the job.
    func adopt(
        _ job: PendingJob, _ shown: JobStatus, _ history: JobHistory, _ attempt: Int, _ policy: AttemptPolicy
    ) throws(SpoolError) {
        let jobDirectory = try spool.attempts.directory(job.jobID)
        let directory = try jobDirectory.directory(String(attempt))
        let identifier = AttemptPlan.identifier(job.jobID, attempt)
        let process = try AttemptProcess(opening: directory, attempt: identifier)
        guard let input = try directory.stat(AttemptFile.request), try hasBegun(process, shown)
        else {
            // The daemon died while it made the attempt's files, or before the job's turn came: nothing has run.
            try jobDirectory.removeTree(FileName(String(attempt)))
            var job = job
            job.waiting = shown.waitingFor
            enqueue(job)
            return
        }
        try replaceOutputs(in: directory)
        // What was shown of this attempt must not seem to go back.
        let isShown = shown.standing == .running && shown.attempt == attempt
        if mayLackContents { try mendRecord(of: identifier, in: directory, hasBegun: isShown) }
        var status =
            isShown
            ? shown
            : JobStatus(
                identity: shown.identity, standing: .running, updatedAt: Clock.now(), message: "Running",
                request: shown.request)
        status.attempt = attempt
        let startedAt = input.fingerprint.modifiedAt
        status.startedAt = history.attempts.first?.startedAt ?? shown.startedAt ?? startedAt
        let starting = try startingCheckpoint(directory)
        status.checkpoint = starting ?? .null
        let last = try readCheckpoint(in: jobDirectory)
        let saved: SavedCheckpoint? =
            last == .null
            ? nil
            : SavedCheckpoint(
                value: last, isProgress: starting.map { $0 != last } ?? false, mayBeAhead: mayLackContents)
        var running = RunningJob(
            pending: job, policy: try readPolicy(in: jobDirectory) ?? policy, link: AttemptLink(process),
            history: history, attempt: attempt, attemptStartedAt: startedAt, status: status)
        // As an earlier daemon left it.
        if try process.isStoppedWithDaemon() {
            running.state = .stopping(.shutdown)
            // It may not have been asked as it should.
            running.link.stop(because: Self.explain(.shutdown))
        }
        began(
            running, jobDirectory: jobDirectory, isNewJob: false, isAdopted: true, saved)
    }

    /// What it said into outputs that it has removed nobody can read.
    private func replaceOutputs(in directory: Directory) throws(SpoolError) {
        for file in [AttemptFile.standardOutput, AttemptFile.standardError] where try directory.stat(file) == nil {
            _ = try directory.open(file, O_WRONLY | O_CREAT, mode: 0o600)
        }
    }

    private func hasBegun(_ process: AttemptProcess, _ shown: JobStatus) throws(SpoolError) -> Bool {
        if try process.record() != .notStarted { return true }
        let hasOutput = try process.directory.stat(AttemptFile.standardOutput) != nil
        let hasErrors = try process.directory.stat(AttemptFile.standardError) != nil
        if hasOutput, hasErrors {
            if shown.standing != .pending { return true }
            return try process.isAlive()
        }
        // They had not been made yet, or the handler has removed them.
        if !process.waitForSupervisorEnd(milliseconds: 0) { return true }
        return try Orphans.exist(of: shown.identity.jobID, process)
    }

    /// nil when it cannot be read: the handler's input is not synced.
    private func startingCheckpoint(_ directory: Directory) throws(SpoolError) -> JSON? {
        guard let bytes = try directory.read(AttemptFile.request) else { return nil }
        do {
            return try JSON(parsing: bytes)["checkpoint"] ?? .null
        } catch {
            return nil
        }
    }

    // MARK: What is left of jobs that are over

    func cleanUpAttempts() throws(SpoolError) {
        // One of them may be a job's that could not be looked at.
        if !unrestored.isEmpty { return }
        var left = Set(try spool.attempts.entries().compactMap(\.string))
        if left.isEmpty { return }
        for job in pending.all { left.remove(job.jobID) }
        for job in running.values { left.remove(job.pending.jobID) }
        for jobID in left.sorted() { try cleanUp(jobID) }
    }

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
            if Clock.monotonic() >= deadline { try Orphans.signal(SIGKILL, of: jobID, process) }
            _ = poll(nil, 0, 20)
        }
    }
}
