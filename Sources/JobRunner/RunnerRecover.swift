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
        if mayLackContents { try feed.skipLost() }
        keepReserve()
        tidyArchive()
        restoreSummaries()
        let found = try findJobs()
        for name in found.unfinished {
            do throws(SpoolError) {
                try restore(name)
            } catch {
                guard isOfOneFile(error, of: [name]) else { throw error }
                // Whoever has put something in the place of a status of a job that there is not is nobody to wait for.
                if feed.open[name] != nil { unrestored.insert(name) }
            }
        }
        unrestoredMayLackContents = mayLackContents
        try cleanUpAttempts()
        try restoreNotes()
        findUnbooked()
        bringFeedUpToDate(found.unshown)
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

    /// Jobs that could not be looked at at the start and can be now: nothing has been made of their requests meanwhile.
    func restoreLookable() {
        guard stopping == nil else { return }
        for name in unrestored.sorted() {
            do throws(SpoolError) {
                // They are as they were left.
                mayLackContents = unrestoredMayLackContents
                defer { mayLackContents = false }
                if let ended = try readResult(of: name)?.status,
                    try spool.readOwn(.status(name))?["job_id"]?.string == ended.identity.jobID
                {
                    recover(ended)
                } else {
                    try restore(name)
                }
                unrestored.remove(name)
                if let request = SpoolFile.request(name).fileName { look(at: request) }
            } catch {
                if !isOfOneFile(error, of: [name]) { tell(error) }
            }
        }
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
        // It was over, and somebody has taken its result away: if its request is still there it is looked at as any other.
        if status.standing.isOver { return }
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
}
