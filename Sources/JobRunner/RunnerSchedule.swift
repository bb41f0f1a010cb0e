/// Schedules: reading them, noticing that they change and go. `RunnerScheduleDue` decides what is due, `RunnerScheduleDrop` drops
/// it, and `RunnerScheduleShow` writes down how they stand.
import Logging
import SpoolProtocol
import SpoolStorage

extension Runner {
    func examineSchedule(_ name: JobName) throws(SpoolError) {
        do throws(SpoolError) {
            try lookAtSchedule(name)
        } catch  where error.isForbidden {
            giveUpSchedule(name, error)
        }
    }

    private func lookAtSchedule(_ name: JobName) throws(SpoolError) {
        switch try ScheduleFile.look(at: name, in: spool.root) {
        case .gone: try scheduleIsGone(name)
        case .refused(let refusal):
            let isForeign = try spool.root.mayBeForeign(refusal.stat)
            if refusal.mayChange || isForeign, !hasScheduleSettled(name, refusal.stat) { return }
            let error = isForeign ? Self.linkedError(refusal.stat, .invalidSchedule) : refusal.error
            try takeSchedule(name, refusal.stat, .failure(error))
        case .valid(let schedule, let stat, let isBeingWritten):
            let isForeign = try spool.root.mayBeForeign(stat)
            if isBeingWritten || isForeign, !hasScheduleSettled(name, stat) { return }
            try takeSchedule(
                name, stat, isForeign ? .failure(Self.linkedError(stat, .invalidSchedule)) : .success(schedule))
        }
    }

    /// Looks again at all that are known.
    func lookAtSchedules() {
        for name in schedules.entries.keys.sorted() {
            if let file = SpoolFile.schedule(name).fileName { look(at: file) }
        }
    }

    /// The schedules that have something new, or whose problem may be solved by now; with them those that are gone.
    /// - Parameter seen: all that have a file in the spool, or a status
    func newsOfSchedules(_ seen: Set<JobName>) throws(SpoolError) -> [FileName] {
        var news: [FileName] = []
        for name in seen.union(schedules.entries.keys).sorted() {
            guard let file = SpoolFile.schedule(name).fileName else { continue }
            let stat: FileStat?
            do {
                stat = try spool.root.stat(file)
            } catch {
                if isOfOneFile(error, file) { continue }
                throw error
            }
            if let entry = schedules.entries[name], entry.stat == stat,
                entry.status.problem == nil || !schedules.limit.counts(name)
            {
                continue
            }
            news.append(file)
        }
        return news
    }

    // MARK: Reading

    private func hasScheduleSettled(_ name: JobName, _ stat: FileStat?) -> Bool {
        if let known = schedules.entries[name], known.stat == stat { return true }
        return hasSettled(name, stat, in: &schedules.settling)
    }

    func lookAtSettledSchedules() {
        for name in due(schedules.settling) {
            if let file = SpoolFile.schedule(name).fileName { look(at: file) }
        }
    }

    private func takeSchedule(
        _ name: JobName, _ stat: FileStat, _ content: Result<Schedule, JobError>
    ) throws(SpoolError) {
        schedules.settling[name] = nil
        var entry: ScheduleEntry
        if let known = schedules.entries[name] {
            entry = known
        } else {
            let shown = try restoreScheduleStatus(name)
            let status = shown ?? ScheduleStatus(name: name, fingerprint: stat.fingerprint, now: Clock.now())
            entry = ScheduleEntry(stat: stat, status: status, shown: shown)
            if let last = status.lastRun { entry.status.lastRun = try findRun(last.name) ?? last }
        }
        entry.stat = stat
        if isLimited(stat.owner) { schedules.limit.put(name, of: stat.owner) } else { schedules.limit.remove(name) }
        entry.content = kept(content, of: name, stat)
        if entry.status.fingerprint != stat.fingerprint { entry.status.beginAnew(stat.fingerprint, now: Clock.now()) }
        entry.status.submittedBy = Users.name(of: stat.owner)
        if case .success(let schedule) = content {
            entry.status.description = schedule.description ?? schedule.request.description ?? ""
        }
        schedules.entries[name] = entry
        show.isDirty = true
        try advance(name)
    }

    /// Large ones are read again when they are due: in memory they are many times as large. Those that do not count are when they do.
    private func kept(
        _ content: Result<Schedule, JobError>, of name: JobName, _ stat: FileStat
    ) -> Result<Schedule, JobError>? {
        guard case .success = content else { return content }
        return stat.size <= Self.largestKept && schedules.limit.counts(name) ? content : nil
    }

    /// In bytes.
    private static let largestKept = 16 << 10

    private func restoreScheduleStatus(_ name: JobName) throws(SpoolError) -> ScheduleStatus? {
        if let file = SpoolFile.scheduleStatus(name).fileName { try spool.moveAsideUnlessOwn(file) }
        guard let status = try spool.readOwn(.scheduleStatus(name)).flatMap(ScheduleStatus.init(json:)),
            status.name == name
        else { return nil }
        return status
    }

    /// Deleting the file ends a schedule; an editor that deletes and writes anew gets the settling time for it.
    private func scheduleIsGone(_ name: JobName) throws(SpoolError) {
        guard let status = SpoolFile.scheduleStatus(name).fileName else { return }
        let hasStatus = try spool.root.stat(status) != nil
        guard hasStatus || schedules.entries[name] != nil else {
            schedules.settling[name] = nil
            return
        }
        guard hasScheduleSettled(name, nil) else { return }
        try spool.moveAsideUnlessOwn(status)
        try spool.root.remove(status)
        schedules.settling[name] = nil
        schedules.entries[name] = nil
        schedules.limit.remove(name)
        schedules.unshown.remove(name)
        show.isDirty = true
        logger.info("the schedule is gone", metadata: ["schedule": "\(name)"])
    }

    /// In a sticky directory of another owner only its own user can remove what somebody has put in the place of the status,
    /// and without a status there is no bookmark. The schedule is looked at again with the whole spool.
    func giveUpSchedule(_ name: JobName, _ error: SpoolError) {
        schedules.settling[name] = nil
        schedules.entries[name] = nil
        schedules.limit.remove(name)
        guard schedules.givenUp.insert(name).inserted else { return }
        let message = "schedule \(name) is not served until that is removed: \(error)"
        notice(message)
    }
}
