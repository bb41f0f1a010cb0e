/// The schedules of a spool, as their files show them.
import Glibc
public import JSONText
public import SpoolProtocol
import SpoolStorage

public struct ScheduleView: Sendable {
    public let name: JobName
    /// What a daemon last said of it; nil when none has seen it.
    public let status: ScheduleStatus?
    /// A daemon has seen the schedule as it is now.
    public let isSeen: Bool
    /// Why nothing is dropped: by the daemon's word or, of a schedule that it has not seen, by what can be told from here.
    public let problem: JobError?
    /// With all that a newer daemon may have put in.
    private let document: JSON?

    init(_ name: JobName, file: Fingerprint, unseenProblem: JobError?, _ status: ScheduleStatus?, _ document: JSON?) {
        self.name = name
        self.status = status
        self.document = document
        isSeen = status?.fingerprint == file
        problem = isSeen ? status?.problem : unseenProblem
    }

    /// The status's state, or "unseen".
    public var stateText: String { isSeen ? status?.state.rawValue ?? "unseen" : "unseen" }

    /// The status as the daemon wrote it; of a schedule that no daemon has seen as it is, what there is to say.
    public var json: JSON {
        if isSeen, let document { return document }
        return [
            "v": 1, "name": .string(name.string), "state": .string(stateText), "next_run_at": .null,
            "last_scheduled_at": JSON(status?.lastScheduledAt?.description),
            "last_run": document?["last_run"] ?? .null, "problem": problem?.json ?? .null,
        ]
    }
}

extension SpoolDirectory {
    /// All schedules, by name.
    /// - Throws: `SpoolClientError`: `damaged`, `notPermitted`, `system`.
    public func schedules() throws(SpoolClientError) -> [ScheduleView] {
        let files = try storage { () throws(SpoolError) in try JobFiles(root) }
        let entries = try storage { () throws(SpoolError) in try root.entries() }
        var views: [ScheduleView] = []
        for entry in entries.sorted() {
            guard case .schedule(let name) = SpoolFile(entry),
                let stat = try storage({ () throws(SpoolError) in try root.visibleStat(entry) })
            else { continue }
            let document = try files.read(.scheduleStatus(name))
            let status = document.flatMap(ScheduleStatus.init(json:))
            let isSeen = status?.fingerprint == stat.fingerprint
            views.append(
                ScheduleView(
                    name, file: stat.fingerprint, unseenProblem: isSeen ? nil : problem(of: name, entry), status,
                    document))
        }
        return views
    }

    private func problem(of name: JobName, _ file: FileName) -> JobError? {
        do {
            guard let bytes = try root.read(file, limit: Schedule.maximumBytes + 1) else { return nil }
            _ = try ScheduleCheck(bytes, name: name)
            return nil
        } catch let error as JobError {
            return error
        } catch {
            return JobError(.invalidSchedule, "\(error)")
        }
    }
}

/// What a daemon would say of a schedule, without one; but for the types, which it alone knows.
public struct ScheduleCheck: Sendable {
    public let schedule: Schedule
    /// If it began now; nil when it is off.
    public let next: Timestamp?

    /// - Parameter name: of the schedule; nil for one that has none yet.
    /// - Throws: `JobError` `INVALID_SCHEDULE` with the line, the column, the field and the remedy.
    public init(_ bytes: [UInt8], name: JobName?) throws(JobError) {
        if bytes.count > Schedule.maximumBytes {
            throw JobError(
                .invalidSchedule,
                "the schedule is larger than 1 MiB: put the data into a file and its path into `params`",
                details: ["bytes": JSON(bytes.count)])
        }
        schedule = try Schedule(parsing: bytes)
        let now = Clock.now()
        if let name { _ = try Schedule.jobName(name, at: now) }
        var zones = TimeZones()
        let rule = try schedule.slotRule { zone throws(JobError) in try zones.rules(of: zone) }
        next = SchedulePlan(rule, .skip, ScheduleBookmark(now: now), now: now).next
    }
}
