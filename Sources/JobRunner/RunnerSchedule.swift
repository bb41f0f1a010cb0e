/// Schedules: reading them, deciding what is due, and showing how they stand in `NAME.schedule.status.json`. That status is
/// also the bookmark: it says how far the schedule has been dealt with. What is due is dropped by `RunnerScheduleDrop`.
import Glibc
import Logging
import SpoolProtocol
import SpoolStorage

extension Runner {
    func examineSchedule(_ name: JobName) throws(SpoolError) {
        switch try ScheduleFile.look(at: name, in: spool.root) {
        case .gone: try scheduleIsGone(name)
        case .refused(let refusal):
            if refusal.mayChange, !hasScheduleSettled(name, refusal.stat) { return }
            try takeSchedule(name, refusal.stat, .failure(refusal.error))
        case .valid(let schedule, let stat, let isBeingWritten):
            if isBeingWritten, !hasScheduleSettled(name, stat) { return }
            try takeSchedule(name, stat, .success(schedule))
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
            let stat = try spool.root.stat(file)
            if let entry = schedules.entries[name], entry.status.problem == nil, entry.stat == stat { continue }
            news.append(file)
        }
        return news
    }

    // MARK: Reading

    private func hasScheduleSettled(_ name: JobName, _ stat: FileStat?) -> Bool {
        if let known = schedules.entries[name], known.stat == stat { return true }
        let now = Clock.monotonic()
        if schedules.settling.hasSettled(name, stat, for: configuration.settleSeconds, now: now) { return true }
        wake(at: now + configuration.settleSeconds)
        return false
    }

    func lookAtSettledSchedules() {
        let due = schedules.settling.due(after: configuration.settleSeconds, now: Clock.monotonic())
        for name in due.names {
            if let file = SpoolFile.schedule(name).fileName { look(at: file) }
        }
        if let next = due.next { wake(at: next) }
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
            entry = ScheduleEntry(stat: stat, content: content, status: status, shown: shown)
            if let last = status.lastRun { entry.status.lastRun = try findRun(last.name) ?? last }
        }
        entry.stat = stat
        entry.content = content
        if entry.status.fingerprint != stat.fingerprint { entry.status.beginAnew(stat.fingerprint, now: Clock.now()) }
        entry.status.submittedBy = Users.name(of: stat.owner)
        if case .success(let schedule) = content {
            entry.status.description = schedule.description ?? schedule.request.description ?? ""
        }
        schedules.entries[name] = entry
        show.isDirty = true
        try advance(name)
    }

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
        schedules.unshown.remove(name)
        show.isDirty = true
        logger.info("the schedule is gone", metadata: ["schedule": "\(name)"])
    }

    // MARK: What is due

    /// Schedules whose next slot has come, or for which the clock has been set back, go on.
    func wakeSchedules() {
        guard stopping == nil, Clock.monotonic() >= troubleUntil else { return }
        let now = Clock.now()
        for (name, entry) in schedules.entries {
            guard let next = entry.status.nextRunAt else { continue }
            let isSetBack = entry.status.bookmark.handledUntil.seconds(since: now) >= SchedulePlan.correction
            if next > now, !isSetBack {
                wake(at: Clock.monotonic() + min(Self.longestSleep, max(0.001, next.seconds(since: now))))
                continue
            }
            do throws(SpoolError) {
                try advance(name)
            } catch {
                tell(error)
                return
            }
        }
    }

    /// Does what is due: drops, and then writes down that it did.
    private func advance(_ name: JobName) throws(SpoolError) {
        guard stopping == nil, var entry = schedules.entries[name], let file = SpoolFile.schedule(name).fileName else {
            return
        }
        guard try spool.root.stat(file) == entry.stat else {
            look(at: file)
            return
        }
        switch readySchedule(name, entry) {
        case .failure(let error):
            if entry.status.problem != error { tellProblem(error, of: name) }
            entry.status.state = .invalid
            entry.status.problem = error
            entry.status.nextRunAt = nil
        case .success((_, .off)):
            entry.status.state = .off
            entry.status.problem = nil
            entry.status.nextRunAt = nil
        case .success((let schedule, let rule)):
            entry.status.problem = nil
            if paused == nil {
                try dropDue(schedule, rule, &entry)
            } else {
                entry.status.state = .paused
                entry.status.nextRunAt = nil
            }
        }
        schedules.entries[name] = entry
        showSchedule(name)
        if let next = entry.status.nextRunAt {
            wake(at: Clock.monotonic() + min(Self.longestSleep, max(0.001, next.seconds(since: Clock.now()))))
        }
    }

    private func dropDue(
        _ schedule: Schedule, _ rule: SlotRule, _ entry: inout ScheduleEntry
    ) throws(SpoolError) {
        let before = entry.status.bookmark
        let plan = SchedulePlan(rule, schedule.ifMissed, before, now: Clock.now())
        if let last = try drop(plan.drop, of: entry.status.name, schedule, owner: entry.stat.owner) {
            entry.status.lastScheduledAt = last.at
            entry.status.lastRun = try findRun(last.job) ?? ScheduleRun(name: last.job)
        }
        if plan.bookmark.missed > before.missed {
            logger.warning(
                "slots were missed",
                metadata: [
                    "schedule": "\(entry.status.name)", "missed": "\(plan.bookmark.missed - before.missed)",
                    "skipped": "\(plan.bookmark.skipped - before.skipped)",
                ])
        }
        entry.status.bookmark = plan.bookmark
        entry.status.state = .active
        entry.status.nextRunAt = plan.next
    }

    /// The schedule as it can be acted on, or what is wrong with it.
    private func readySchedule(
        _ name: JobName, _ entry: ScheduleEntry
    ) -> Result<(Schedule, SlotRule), JobError> {
        do throws(JobError) {
            let schedule = try entry.content.get()
            _ = try Schedule.jobName(name, at: Clock.now())
            let definition = try catalog.definition(of: schedule.request.type)
            try definition.checkAllowed(to: entry.stat.owner, daemonUser: geteuid())
            _ = try definition.params(for: schedule.request)
            let rule = try schedule.slotRule { zone throws(JobError) in try schedules.zones.rules(of: zone) }
            return .success((schedule, rule))
        } catch {
            return .failure(error)
        }
    }

    private func tellProblem(_ error: JobError, of name: JobName) {
        logger.warning(
            "a schedule is not valid", metadata: ["schedule": "\(name)", "error": "\(error.code): \(error.message)"])
        feed.notice("schedule \(name): \(error.code): \(error.message)")
    }

    // MARK: Showing

    /// A job that a schedule dropped stands otherwise than before.
    func heardOfJob(_ status: JobStatus) {
        guard let slot = status.identity.slot,
            schedules.entries[slot.schedule]?.status.lastRun?.name == status.identity.name
        else { return }
        schedules.entries[slot.schedule]?.status.lastRun = ScheduleRun(status)
        schedules.unshown.insert(slot.schedule)
    }

    func showSchedules() {
        guard !schedules.unshown.isEmpty, Clock.monotonic() >= troubleUntil else { return }
        for name in schedules.unshown.sorted() { showSchedule(name) }
    }

    /// Writes the status, if it is another one. What the disk does not take waits.
    private func showSchedule(_ name: JobName) {
        schedules.unshown.remove(name)
        guard var entry = schedules.entries[name], !entry.isShown, let file = SpoolFile.scheduleStatus(name).fileName
        else {
            return
        }
        entry.status.updatedAt = Clock.now()
        let isBookmark =
            entry.shown?.bookmark != entry.status.bookmark || entry.shown?.fingerprint != entry.status.fingerprint
        do throws(SpoolError) {
            try spool.moveAsideUnlessOwn(file)
            try spool.publish(
                entry.status.json, as: .scheduleStatus(name), isBookmark ? .power : .powerAfterDirectorySync)
            entry.shown = entry.status
            schedules.entries[name] = entry
            show.isDirty = true
        } catch {
            schedules.unshown.insert(name)
            tell(error)
        }
    }
}
