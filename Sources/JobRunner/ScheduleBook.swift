/// What the runner keeps of the schedules in the spool, and of the requests that it dropped for them.
import JSONText
import SpoolProtocol
import SpoolStorage

struct ScheduleBook {
    var zones = TimeZones()
    var settling = SettlingFiles<JobName>()
    var entries: [JobName: ScheduleEntry] = [:]
    /// Of users who may not have as many as they like.
    var limit = ScheduleLimit()
    /// Schedules that cannot be served, because of somebody else's file.
    var givenUp: Set<JobName> = []
    /// Of requests that were dropped and have not been accepted, by the names of their jobs.
    var notes: [JobName: ScheduleNote] = [:]
    /// Slots that an earlier daemon has dropped and not written down in the bookmark, by schedule.
    var unbooked: [JobName: [Timestamp]] = [:]
    /// Schedules that are to go on.
    var due: Set<JobName> = []
    /// Those of them whose turn it is, in order.
    var advancing: ArraySlice<JobName> = []
    /// `News.schedules` is on its way.
    var isToWake = false
    /// Schedules whose status has changed since it was written.
    var unshown: Set<JobName> = []

    /// What `spool.status.json` says of them all.
    var summary: JSON {
        func count(_ state: ScheduleStatus.State) -> JSON { JSON(entries.values.count { $0.status.state == state }) }
        return [
            "total": JSON(entries.count), "active": count(.active), "invalid": count(.invalid),
            "next_run_at": JSON(entries.values.compactMap(\.status.nextRunAt).min()?.description),
        ]
    }
}

struct ScheduleEntry {
    /// Of the schedule file that `content` is from. That is nil where it is not kept: it is large, or does not count.
    var stat: FileStat
    var content: Result<Schedule, JobError>?
    var status: ScheduleStatus
    /// The status as it was written last.
    var shown: ScheduleStatus?

    /// The written status is as good as a new one.
    var isShown: Bool {
        guard var shown else { return false }
        shown.updatedAt = status.updatedAt
        return shown == status
    }
}

/// `.jobspool/scheduled/JOB.json`: for whom a request was dropped, written before it was. The request's file is the
/// daemon's own; without the note it would count as the daemon's user's.
struct ScheduleNote: Sendable, Equatable {
    var job: JobName
    var slot: ScheduleSlot
    /// The user who owns the schedule file.
    var owner: UInt32
    /// The version of the request that this is about.
    var request: Fingerprint

    /// Where it is, in its directory.
    static func fileName(of job: JobName) -> FileName? { SpoolFile.request(job).fileName }

    var json: JSON {
        [
            "v": 1, "name": .string(job.string), "schedule": .string(slot.schedule.string),
            "scheduled_at": .string(slot.at.description), "owner": JSON(owner), "request": request.json,
        ]
    }

    init(job: JobName, slot: ScheduleSlot, owner: UInt32, request: Fingerprint) {
        self.job = job
        self.slot = slot
        self.owner = owner
        self.request = request
    }

    /// nil for what no daemon wrote.
    init?(_ bytes: [UInt8], of job: JobName) {
        do {
            let json = try JSON(parsing: bytes)
            guard json["name"] == .string(job.string),
                let owner = json["owner"]?.int64.flatMap({ UInt32(exactly: $0) }),
                let slot = ScheduleSlot(schedule: json["schedule"], at: json["scheduled_at"]),
                let request = Fingerprint(json: json["request"])
            else { return nil }
            self.init(job: job, slot: slot, owner: owner, request: request)
        } catch {
            return nil
        }
    }
}
