/// Cancelling: `NAME.cancel.json` from the job's submitter, the daemon's user or root. The file goes when the effect is complete.
import Glibc
import Logging
import JSONText
import SpoolProtocol
import SpoolStorage

extension Runner {
    func cancelOrTell(_ name: JobName) {
        do throws(SpoolError) {
            try cancel(name)
        } catch {
            if isOfOneFile(error, of: [name]) { return }
            if let file = SpoolFile.cancel(name).fileName { look(at: file) }
            tell(error)
        }
    }

    private func cancel(_ name: JobName) throws(SpoolError) {
        guard let file = SpoolFile.cancel(name).fileName else { return }
        waitingCancels.remove(name)
        let since = unsettled[file]
        unsettled[file] = nil
        guard let stat = try spool.root.stat(file), stat.kind != .directory else {
            spentCancels.forget(file)
            return
        }
        if spentCancels.contains(file, stat) {
            // It may be possible by now to remove it.
            _ = try dismissCancel(file, stat)
            return
        }
        if settling[name] != nil, pending[name] == nil, running[name] == nil {
            // What it is to cancel is still being written; it is looked at again when that is accepted.
            return
        }
        guard let owner = running[name]?.pending.owner ?? pending[name]?.owner else {
            try cancelNothing(name, file, stat)
            return
        }
        guard [owner, geteuid(), 0].contains(stat.owner) else {
            try refuseCancel(
                name, file, stat,
                "\(Users.name(of: stat.owner)) may not cancel \(name): only its submitter, the daemon's user and root may"
            )
            return
        }
        if try spool.root.mayBeForeign(stat) {
            // A client that links a temporary file into place is about to remove the other name.
            unsettled[file] = since
            guard hasSettled(file, stat, in: &unsettled) else { return }
            unsettled[file] = nil
            try refuseCancel(name, file, stat, "\(file) does not cancel \(name): \(Self.linkedError(stat).message)")
            return
        }
        if isBeingWritten(file, stat) {
            // `echo '{"reason": "…"}' > NAME.cancel.json` is seen while it is still empty.
            unsettled[file] = since
            guard hasSettled(file, stat, in: &unsettled) else { return }
            unsettled[file] = nil
        }
        if let job = pending[name], try isOvertaken(job) {
            // It is about the newer request, which comes to it when it has been looked at.
            waitingCancels.insert(name)
            return
        }
        heardCancels[name] = stat
        let reason = try reason(in: file, stat)
        let user = Users.name(of: stat.owner) + (reason.map { ": \($0)" } ?? "")
        if let job = pending[name] {
            try finishPending(job, .cancelled, "Cancelled by \(user)", error: nil)
        } else if let job = running[name] {
            askToStop(name, job.pending.jobID, .cancel(by: user))
        }
    }

    /// Whether there is a newer request than the one that a job is for. It is looked at as soon as that is possible.
    private func isOvertaken(_ job: PendingJob) throws(SpoolError) -> Bool {
        guard let request = SpoolFile.request(job.name).fileName, let stat = try spool.root.stat(request),
            !isStill(job, stat)
        else { return false }
        // Otherwise it is looked at when that is over.
        if !unsynced.contains(job.name), settling[job.name]?.stat != stat { look(at: request) }
        return true
    }

    /// A cancel that waited for a request to be looked at.
    func lookAtWaitingCancel(of name: JobName) {
        guard waitingCancels.contains(name), !unsynced.contains(name), settling[name] == nil,
            let file = SpoolFile.cancel(name).fileName
        else { return }
        waitingCancels.remove(name)
        look(at: file)
    }

    private func isBeingWritten(_ file: FileName, _ stat: FileStat) -> Bool {
        guard stat.kind == .file else { return false }
        do throws(SpoolError) {
            return try spool.root.open(file, O_RDONLY).isBeingWritten()
        } catch {
            // That it is there is what counts.
            return false
        }
    }

    /// What `{"reason": "…"}` says; a cancel file may as well be empty.
    private func reason(in file: FileName, _ stat: FileStat) throws(SpoolError) -> String? {
        guard stat.kind == .file, stat.size > 0 else { return nil }
        do {
            guard let bytes = try spool.root.read(file, limit: Pause.maximumBytes) else { return nil }
            return try JSON(parsing: bytes)["reason"]?.string?.printable(limit: 200)
        } catch {
            // That it is there is what counts.
            return nil
        }
    }

    /// Its job is being committed, and will remove the file; or its request has not been looked at yet, and its
    /// acceptance looks for the file; or there is nothing to cancel.
    private func cancelNothing(_ name: JobName, _ file: FileName, _ stat: FileStat) throws(SpoolError) {
        if let job = finishing[name] {
            // Nobody can see yet that it is over.
            if try !isSeenToBeOver(job.result.status) { heardCancels[name] = stat }
            return
        }
        if let request = SpoolFile.request(name).fileName, let stat = try spool.root.stat(request),
            try isNew(name, stat)
        {
            look(at: request)
            return
        }
        if try dismissCancel(file, stat) { logger.info("nothing to cancel", metadata: ["name": "\(name)"]) }
    }

    /// The cancel file of a run that is over goes; one that came for the next run, which has been dropped already, stays.
    func dismissCancel(of ended: JobStatus) throws(SpoolError) {
        let name = ended.identity.name
        let heard = heardCancels.removeValue(forKey: name)
        guard let file = SpoolFile.cancel(name).fileName, let asked = try spool.root.visibleStat(file) else { return }
        if asked != heard, try spool.hasNewRequest(since: ended), let result = SpoolFile.result(name).fileName,
            // To get its name changes a file.
            let shown = try spool.root.stat(result), asked.changed >= shown.changed
        {
            return
        }
        _ = try dismissCancel(file, asked)
    }

    /// A cancel file that was there before the result of a run is that run's: a daemon that died has left it, and the new run is
    /// not to end by it. Both times are the file system's: no other machine's clock has a part in them.
    func dismissSpentCancel(of name: JobName) throws(SpoolError) {
        guard let cancel = SpoolFile.cancel(name).fileName, let result = SpoolFile.result(name).fileName,
            let asked = try spool.root.visibleStat(cancel), let ended = try spool.root.stat(result),
            asked.isUnchanged(since: ended), try spool.isOwn(result)
        else { return }
        if try dismissCancel(cancel, asked) {
            logger.info("removed a cancel file that has had its effect", metadata: ["name": "\(name)"])
        }
    }

    private func refuseCancel(
        _ name: JobName, _ file: FileName, _ stat: FileStat, _ message: String
    ) throws(SpoolError) {
        notice(message)
        do {
            try spool.moveAside(file)
        } catch  where error.isForbidden {
            // It stays, and counts for nothing.
            _ = spentCancels.isNews(file, stat)
        }
    }

    /// A reason to stop a running attempt: a cancel, a timeout, a stall, the end of the daemon.
    func askToStop(_ name: JobName, _ jobID: String, _ reason: StopReason) {
        guard var job = running[name], job.pending.jobID == jobID else { return }
        let (state, move) = job.state.after(.askedToStop(reason))
        guard move == .stop else { return }
        job.state = state
        running[name] = job
        job.link.stop(because: Self.explain(reason))
    }

    static func explain(_ reason: StopReason) -> String {
        switch reason {
        case .cancel(let user): "asked to stop: cancelled by \(user)"
        case .timeout(let seconds): "asked to stop: `timeout_seconds` (\(seconds)) is over"
        case .stall(let seconds): "asked to stop: no output for \(seconds) s"
        case .shutdown: "asked to stop: the daemon stops; the job goes on at its next start"
        }
    }
}
