/// Dropping what a schedule wants: a note for whom it is, the request under the slot's name, and only then (by the caller)
/// the bookmark. Whenever the daemon dies in between, the next one finds the name taken or drops it: at most once, and at
/// least once.
import Glibc
import JSONText
import Logging
import SpoolProtocol
import SpoolStorage

/// Whose a request is, and what it is for.
struct RequestOrigin {
    /// The user whom it counts as submitted by.
    var owner: UInt32
    /// nil for a request that no schedule dropped.
    var slot: ScheduleSlot?
}

extension Runner {
    /// - Returns: the last of the slots; nil when there are none.
    func drop(
        _ slots: [Timestamp], of name: JobName, _ schedule: Schedule, owner: UInt32
    ) throws(SpoolError) -> (job: JobName, at: Timestamp)? {
        var prepared: [(note: ScheduleNote, file: FileName, drop: PreparedDrop)] = []
        var last: (job: JobName, at: Timestamp)?
        do throws(SpoolError) {
            for slot in slots {
                guard let job = Self.job(of: name, at: slot), let file = SpoolFile.request(job).fileName else {
                    continue
                }
                last = (job, slot)
                if try isTaken(job) { continue }
                let drop = try spool.prepareDrop(schedule.requestBytes)
                let note = ScheduleNote(
                    job: job, slot: ScheduleSlot(schedule: name, at: slot), owner: owner, request: drop.fingerprint)
                prepared.append((note, file, drop))
            }
            try writeNotes(prepared.map(\.note))
            for (note, file, drop) in prepared {
                if try spool.drop(drop, as: file) {
                    look(at: file)
                } else {
                    spool.discard(drop)
                    forgetNote(of: note.job)
                }
            }
            if !prepared.isEmpty { try spool.root.sync() }
        } catch {
            // Those that have been dropped are not there any more.
            for (_, _, drop) in prepared { spool.discard(drop) }
            throw error
        }
        return last
    }

    /// Its name is known to be short enough.
    private static func job(of schedule: JobName, at slot: Timestamp) -> JobName? {
        do throws(JobError) {
            return try Schedule.jobName(schedule, at: slot)
        } catch {
            return nil
        }
    }

    /// Whether the slot has its request already, or has had it. What somebody else has put there in its place counts too: two
    /// jobs of one name there cannot be.
    private func isTaken(_ job: JobName) throws(SpoolError) -> Bool {
        for file in [SpoolFile.status(job), .result(job)] {
            if let name = file.fileName, try spool.isOwn(name) { return true }
        }
        guard let file = SpoolFile.request(job).fileName else { return false }
        let found: FileStat?
        do {
            found = try spool.root.stat(file)
        } catch {
            // Something is there.
            if isOfOneFile(error, file) { return true }
            throw error
        }
        guard let stat = found else { return false }
        if schedules.notes[job]?.request != stat.fingerprint {
            let message =
                "\(job) is not dropped for its schedule: \(Users.name(of: stat.owner)) has a request of that name"
            notice(message)
        }
        return true
    }

    /// What a scheduled job is now, by its files; nil when it has none, or none that can be looked at.
    func findRun(_ job: JobName) throws(SpoolError) -> ScheduleRun? {
        if let result = try readResult(of: job) { return ScheduleRun(result.status) }
        do {
            return try spool.readOwn(.status(job)).flatMap(JobStatus.init(json:)).map(ScheduleRun.init)
        } catch {
            if isOfOneFile(error, of: [job]) { return nil }
            throw error
        }
    }

    // MARK: Notes

    private func writeNotes(_ notes: [ScheduleNote]) throws(SpoolError) {
        if notes.isEmpty { return }
        for note in notes {
            guard let file = ScheduleNote.fileName(of: note.job) else { continue }
            try spool.publish(note.json.indented, as: file, in: spool.scheduled, .powerAfterDirectorySync)
            schedules.notes[note.job] = note
        }
        try spool.scheduled.sync()
    }

    /// The notes of requests that an earlier daemon dropped. Those that nothing has to be remembered for go.
    func restoreNotes() throws(SpoolError) {
        for file in try spool.scheduled.entries() {
            guard case .request(let job) = SpoolFile(file), let bytes = try spool.scheduled.read(file),
                let note = ScheduleNote(bytes, of: job), try isNeeded(note)
            else {
                try spool.scheduled.remove(file)
                continue
            }
            schedules.notes[job] = note
        }
    }

    /// What the daemon before had dropped when it died before it wrote down that it had.
    func findUnbooked() {
        let jobs = pending.all.lazy.compactMap(\.slot) + running.values.lazy.compactMap(\.pending.slot)
        let slots = Dictionary(grouping: jobs + schedules.notes.values.map(\.slot), by: \.schedule)
        for (name, slots) in slots {
            do throws(SpoolError) {
                guard let status = try spool.readOwn(.scheduleStatus(name)).flatMap(ScheduleStatus.init(json:)) else {
                    continue
                }
                let later = slots.map(\.at).filter { $0 > status.bookmark.handledUntil }
                if !later.isEmpty { schedules.unbooked[name] = later }
            } catch {
                // They count as skipped.
                logger.warning("\(error)")
            }
        }
    }

    /// Whether its request is still to be accepted, as far as that can be looked at.
    private func isNeeded(_ note: ScheduleNote) throws(SpoolError) -> Bool {
        do throws(SpoolError) {
            guard let file = SpoolFile.request(note.job).fileName,
                try spool.root.stat(file)?.fingerprint == note.request, try isNew(note.job, note.request)
            else { return false }
            return try spool.readOwn(.status(note.job)).flatMap { Fingerprint(json: $0["request"]) } != note.request
        } catch {
            if isOfOneFile(error, of: [note.job]) { return true }
            throw error
        }
    }

    /// The request is accepted, or gone: what the note says stands in the job's status now.
    func forgetNote(of job: JobName) {
        guard schedules.notes.removeValue(forKey: job) != nil, let file = ScheduleNote.fileName(of: job) else { return }
        do throws(SpoolError) {
            try spool.scheduled.remove(file)
        } catch {
            // It goes at the next start.
            logger.warning("\(error)")
        }
    }

    /// A request that the daemon dropped counts as the schedule's owner's.
    func origin(of job: JobName, _ stat: FileStat) -> RequestOrigin {
        guard stat.owner == geteuid(), let note = schedules.notes[job], note.request == stat.fingerprint else {
            return RequestOrigin(owner: stat.owner)
        }
        return RequestOrigin(owner: note.owner, slot: note.slot)
    }
}
