/// What is due of the schedules: at their slots, and whenever something about them has changed.
import Glibc
import Logging
import SpoolProtocol
import SpoolStorage

extension Runner {
    /// So long it may take until other news is heard, in seconds.
    private static let wakeSeconds = 0.02

    /// Schedules whose next slot has come, or for which the clock has been set back, go on: those that have waited longest first.
    /// - Parameter all: the others too, whose time zone or type may have changed.
    func wakeSchedules(all: Bool = false) {
        guard stopping == nil, Clock.monotonic() >= troubleUntil else { return }
        let now = Clock.now()
        for (name, entry) in schedules.entries {
            let isSetBack = entry.status.bookmark.handledUntil.seconds(since: now) >= SchedulePlan.correction
            let next = entry.status.nextRunAt
            if all || isSetBack || next.map({ $0 <= now }) ?? false {
                schedules.due.insert(name)
            } else if let next {
                wake(for: next, now)
            }
        }
        advanceDue()
    }

    /// For a while, and then again when other news has been heard.
    func advanceDue() {
        guard stopping == nil, Clock.monotonic() >= troubleUntil else { return }
        if schedules.advancing.isEmpty {
            let entries = schedules.entries
            let ages = schedules.due.map { (age: entries[$0]?.status.nextRunAt ?? .latest, name: $0) }
            schedules.advancing = ages.sorted(by: <).map(\.name)[...]
            schedules.due = []
        }
        let deadline = Clock.monotonic() + Self.wakeSeconds
        while let name = schedules.advancing.popFirst() {
            do throws(SpoolError) {
                try advance(name)
            } catch  where error.isForbidden {
                giveUpSchedule(name, error)
            } catch {
                schedules.due.insert(name)
                tell(error)
                return
            }
            if Clock.monotonic() >= deadline { break }
        }
        if !schedules.advancing.isEmpty || !schedules.due.isEmpty { wakeSchedulesSoon() }
    }

    /// When other news has been heard.
    private func wakeSchedulesSoon() {
        if schedules.isToWake { return }
        schedules.isToWake = true
        mailbox.put(.schedules)
    }

    /// The clock may be set: no sleep is long.
    private func wake(for slot: Timestamp, _ now: Timestamp) {
        wake(at: Clock.monotonic() + min(Self.longestSleep, max(0.001, slot.seconds(since: now))))
    }

    /// Does what is due: drops, and then writes down that it did.
    func advance(_ name: JobName) throws(SpoolError) {
        guard stopping == nil, var entry = schedules.entries[name], let file = SpoolFile.schedule(name).fileName else {
            return
        }
        guard try spool.root.stat(file) == entry.stat else {
            look(at: file)
            return
        }
        guard let content = try content(of: name, entry) else {
            look(at: file)
            return
        }
        let before = entry.status
        switch try readySchedule(name, content, entry.stat.owner) {
        case .failure(let error):
            if before.problem != error { tellProblem(error, of: name) }
            entry.status.state = .invalid
            entry.status.problem = error
            entry.status.nextRunAt = nil
        case .success((_, .off)):
            entry.status.state = .off
            entry.status.problem = nil
            entry.status.nextRunAt = nil
        case .success((let schedule, let rule)):
            entry.status.problem = nil
            if let error = noRoom(for: entry.stat.owner) {
                // What has to be done about slots that have passed is decided when there is room: see `if_missed`.
                if before.problem != error { tellProblem(error, of: name) }
                entry.status.state = .active
                entry.status.problem = error
                entry.status.nextRunAt = nil
            } else if paused == nil {
                try dropDue(schedule, rule, &entry)
            } else {
                entry.status.state = .paused
                entry.status.nextRunAt = nil
            }
        }
        schedules.entries[name] = entry
        showSchedule(name)
        if let next = entry.status.nextRunAt { wake(for: next, Clock.now()) }
    }

    private func dropDue(
        _ schedule: Schedule, _ rule: SlotRule, _ entry: inout ScheduleEntry
    ) throws(SpoolError) {
        let before = entry.status.bookmark
        let plan = SchedulePlan(
            rule, schedule.ifMissed, before, now: Clock.now(), dropped: schedules.unbooked[entry.status.name] ?? [])
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
        schedules.unbooked[entry.status.name] = nil
        entry.status.state = .active
        entry.status.nextRunAt = plan.next
    }

    /// Why nothing is dropped for a user now: he has as many pending jobs as he may have.
    private func noRoom(for owner: UInt32) -> JobError? {
        guard !hasRoom(owner) else { return nil }
        return JobError(
            .busy,
            "\(Users.name(of: owner)) has as many pending jobs as one user may have (--max-pending-per-user): slots that pass meanwhile are missed"
        )
    }

    /// What the schedule's file says; nil when it is another one by now.
    private func content(
        of name: JobName, _ entry: ScheduleEntry
    ) throws(SpoolError) -> Result<Schedule, JobError>? {
        if let error = tooMany(name, entry.stat.owner) { return .failure(error) }
        if let content = entry.content { return content }
        guard case .valid(let schedule, let stat, _) = try ScheduleFile.look(at: name, in: spool.root),
            stat == entry.stat
        else { return nil }
        return .success(schedule)
    }

    /// The schedule as it can be acted on, or what is wrong with it.
    private func readySchedule(
        _ name: JobName, _ content: Result<Schedule, JobError>, _ owner: UInt32
    ) throws(SpoolError) -> Result<(Schedule, SlotRule), JobError> {
        let schedule: Schedule
        switch content {
        case .failure(let error): return .failure(error)
        case .success(let content): schedule = content
        }
        let found = try catalog.lookUp(schedule.request.type)
        do throws(JobError) {
            _ = try Schedule.jobName(name, at: Clock.now())
            let definition = try found.get()
            try definition.checkAllowed(to: owner, daemonUser: geteuid())
            _ = try definition.params(for: schedule.request)
            let rule = try schedule.slotRule { zone throws(JobError) in try schedules.zones.rules(of: zone) }
            return .success((schedule, rule))
        } catch {
            return .failure(error)
        }
    }

    private func tooMany(_ name: JobName, _ owner: UInt32) -> JobError? {
        if schedules.limit.counts(name) { return nil }
        return JobError(
            .notAllowed,
            "\(Users.name(of: owner)) has more than \(ScheduleLimit.most) schedules, and those count that come first by name: remove others"
        )
    }

    private func tellProblem(_ error: JobError, of name: JobName) {
        notice("schedule \(name): \(error.code): \(error.message)")
    }
}
