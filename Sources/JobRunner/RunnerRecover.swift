/// Finding out where an earlier daemon was, however it ended. The files say it: requests, statuses and results by the
/// table of states, attempts by their locks.
import CLinux
import Glibc
import Logging
import JSONText
import SpoolProtocol
import SpoolStorage

extension Runner {
    func recover() throws(SpoolError) {
        try warnOfForeignStickyDirectory()
        try spool.clearTemporary()
        mayLackContents = try spool.isFirst(sinceBoot: configuration.bootID)
        keepReserve()
        tidyArchive()
        restoreSummaries()
        let found = try findJobs()
        for name in found.unfinished {
            do throws(SpoolError) {
                try restore(name)
            } catch {
                guard isOfOneFile(error, of: [name]) else { throw error }
            }
        }
        try cleanUpAttempts()
        try restoreNotes()
        try bringFeedUpToDate(found.unshown)
        markBoot()
        // What was cancelled while no daemon was there must not be started.
        for name in found.cancelled where pending[name] != nil || running[name] != nil { cancelOrTell(name) }
        try lookAtPause()
        lookAtTypes()
        recheck.formUnion(pending.all.lazy.filter { $0.waiting != nil }.map(\.name))
        lookAtWaiting()
        startWhatCan()
        announceRecovery()
        // Looking at everything has taken far more memory than what is known by it.
        linux_trim_memory()
    }

    private func announceRecovery() {
        flushFeed()
        showSpool(as: .running)
        logger.info(
            "serving \(spool.root.path)", metadata: ["pending": "\(pending.count)", "running": "\(running.count)"])
    }

    private struct FoundJobs {
        /// They have a status and no result.
        var unfinished: [JobName] = []
        /// They have a result and no status, or after a power cut an old one.
        var unshown: [JobName] = []
        /// They have a cancel file.
        var cancelled: [JobName] = []
    }

    private struct FamilyFiles: Named {
        let name: JobName
        var hasStatus = false
        var hasResult = false
    }

    private func findJobs() throws(SpoolError) -> FoundJobs {
        var found = FoundJobs()
        var families = NameTable<FamilyFiles>()
        try spool.root.forEachEntry { (entry) throws(SpoolError) in
            switch SpoolFile(entry) {
            case .status(let name): families.change(name, FamilyFiles(name: name)) { $0.hasStatus = true }
            case .result(let name): families.change(name, FamilyFiles(name: name)) { $0.hasResult = true }
            case .cancel(let name): found.cancelled.append(name)
            case .request, .schedule, .scheduleStatus, .log, .errors, .pause, .spoolStatus, .events, .badName, .ignored:
                break
            }
        }
        for family in families.all {
            let name = family.name
            do throws(SpoolError) {
                if !family.hasStatus {
                    found.unshown.append(name)
                } else if family.hasResult, let file = SpoolFile.result(name).fileName, try spool.isOwn(file) {
                    if mayLackContents, try !saysThatItIsOver(name) { found.unshown.append(name) }
                } else {
                    // A result that somebody planted is none.
                    found.unfinished.append(name)
                }
            } catch {
                guard isOfOneFile(error, of: [name]) else { throw error }
                found.unfinished.append(name)
            }
        }
        found.unfinished.sort()
        found.unshown.sort()
        found.cancelled.sort()
        return found
    }

    /// Takes one job up where its files say it is.
    private func restore(_ name: JobName) throws(SpoolError) {
        guard let status = try spool.readOwn(.status(name)).flatMap(JobStatus.init(json:)),
            let type = JobType(status.identity.type), let id = JobID(status.identity.jobID),
            status.identity.name == name
        else {
            try setAsideIfTorn(name)
            return
        }
        // Its attempts may have left nothing else.
        if mayLackContents { try JobLog.mend(name, in: spool) }
        let identity = status.identity
        numbers.saw(identity.sequence)
        let owner = try owner(of: name, status)
        let request = try request(of: name, status.request, from: identity.slot == nil ? owner : geteuid())
        let definition = try definition(of: type)
        var job = PendingJob(
            name: name, id: id, type: type, lane: identity.lane,
            sequence: identity.sequence, request: status.request, owner: owner, createdAt: identity.createdAt,
            turn: request.map { TurnPolicy($0, definition) } ?? TurnPolicy(),
            slot: identity.slot)
        let history = try readHistory(identity.jobID)
        job.attempts = history.attempts.last?.attempt ?? 0
        if let attempt = try unconcludedAttempt(identity.jobID, after: job.attempts) {
            let policy = definition.map { AttemptPolicy($0, request) } ?? .fallback
            try adopt(job, status, history, attempt, policy)
        } else {
            job.waiting = status.waitingFor
            enqueue(job)
            if status.standing != .pending {
                var status = status
                status.standing = .pending
                status.message = "Waiting"
                put(status, .whole)
            }
        }
    }

    /// Whose job it is: the status says it, which nobody else can have written; by the request's file only where that is the accepted one, and
    /// its owner has no name any more.
    private func owner(of name: JobName, _ status: JobStatus) throws(SpoolError) -> UInt32 {
        if let owner = Users.number(of: status.identity.submittedBy) { return owner }
        if status.identity.slot != nil { return .max }
        do {
            guard let file = SpoolFile.request(name).fileName, let stat = try spool.root.stat(file),
                stat.fingerprint == status.request
            else { return geteuid() }
            return stat.owner
        } catch {
            if isOfOneFile(error, of: [name]) { return geteuid() }
            throw error
        }
    }

    /// The request that a job is for. Of one that is gone or has changed nothing is known; its job is not started before it has been
    /// looked at.
    func request(of name: JobName, _ version: Fingerprint, from owner: UInt32) throws(SpoolError) -> Request? {
        do {
            guard case .valid(let request, let stat, _) = try RequestFile.look(at: name, in: spool.root),
                stat.fingerprint == version, stat.owner == owner
            else { return nil }
            return request
        } catch {
            if isOfOneFile(error, of: [name]) { return nil }
            throw error
        }
    }

    private func definition(of type: JobType) throws(SpoolError) -> Definition? {
        let found = try catalog.lookUp(type)
        do throws(JobError) {
            return try found.get()
        } catch {
            logger.warning("the type of a job that is not over is gone: \(error.message)")
            return nil
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
        _ job: PendingJob, _ shown: JobStatus, _ history: JobHistory, _ attempt: Int, _ policy: AttemptPolicy
    ) throws(SpoolError) {
        let jobDirectory = try spool.attempts.directory(job.jobID)
        let directory = try jobDirectory.directory(String(attempt))
        let identifier = AttemptPlan.identifier(job.jobID, attempt)
        let process = try AttemptProcess(opening: directory, attempt: identifier)
        guard let input = try directory.stat(AttemptFile.request),
            try directory.stat(AttemptFile.standardOutput) != nil,
            try directory.stat(AttemptFile.standardError) != nil,
            try hasBegun(process, shown)
        else {
            // The daemon died while it made the attempt's files, or before the job's turn came: nothing has run.
            try jobDirectory.removeTree(FileName(String(attempt)))
            var job = job
            job.waiting = shown.waitingFor
            enqueue(job)
            return
        }
        if mayLackContents { try takeBackEnd(of: identifier, in: directory) }
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
        began(
            RunningJob(
                pending: job, policy: policy, link: AttemptLink(process), history: history,
                attempt: attempt, attemptStartedAt: startedAt, status: status),
            jobDirectory: jobDirectory, isNewJob: false, isAdopted: true)
    }

    private func hasBegun(_ process: AttemptProcess, _ shown: JobStatus) throws(SpoolError) -> Bool {
        if shown.standing != .pending { return true }
        if try process.record() != .notStarted { return true }
        return try process.isAlive()
    }

    private func startingCheckpoint(_ directory: Directory) throws(SpoolError) -> JSON {
        guard let bytes = try directory.read(AttemptFile.request) else { return .null }
        do {
            return try JSON(parsing: bytes)["checkpoint"] ?? .null
        } catch {
            return .null
        }
    }

    // MARK: What is left of jobs that are over

    private func cleanUpAttempts() throws(SpoolError) {
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
            if Clock.monotonic() >= deadline { try Orphans.signal(SIGKILL, of: jobID, in: process.directory) }
            _ = poll(nil, 0, 20)
        }
    }

    // MARK: The feed

    /// A change that was on the disk, but not yet in the feed when the daemon died, is told now; a status that a result
    /// has overtaken, or that is not there at all, is written anew.
    private func bringFeedUpToDate(_ unshown: [JobName]) throws(SpoolError) {
        let open = feed.open
        let left = open.all.filter { pending[$0.name] == nil && running[$0.name] == nil }
        for told in left.sorted(by: { $0.name < $1.name }) {
            let name = told.name
            let found: JobResult?
            do {
                found = try findResult(of: name, jobID: told.id?.string)
            } catch {
                if isOfOneFile(error, of: [name]) { continue }
                throw error
            }
            guard let result = found else {
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
            guard let result = try ownResult(of: name),
                open[name]?.id != JobID(result.status.identity.jobID)
            else { continue }
            feed.append(.recovered, result.status)
            try spool.publish(finished: result.status)
        }
        tellOfLiving(open)
    }

    /// nil, too, when nobody can look at it.
    private func ownResult(of name: JobName) throws(SpoolError) -> JobResult? {
        do {
            return try spool.readOwn(.result(name)).flatMap(JobResult.init(json:))
        } catch {
            if isOfOneFile(error, of: [name]) { return nil }
            throw error
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
