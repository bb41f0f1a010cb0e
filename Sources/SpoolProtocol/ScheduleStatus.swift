/// `NAME.schedule.status.json`: what the daemon makes of a schedule, and how far it is.
public import JSONText

public struct ScheduleStatus: Sendable, Equatable {
    public var name: JobName
    public var state: State
    public var description: String
    /// The user who owns the schedule file, and whom its jobs count as submitted by.
    public var submittedBy: String
    /// nil when nothing will be dropped as things are.
    public var nextRunAt: Timestamp?
    /// The last slot for which a request was dropped.
    public var lastScheduledAt: Timestamp?
    public var lastRun: ScheduleRun?
    public var bookmark: ScheduleBookmark
    public var problem: JobError?
    public var updatedAt: Timestamp
    /// The version of the schedule file that the bookmark is for.
    public var fingerprint: Fingerprint

    public enum State: String, Sendable, CaseIterable {
        case active
        /// `every_seconds` is 0.
        case off
        /// `problem` says why nothing is dropped.
        case invalid
        /// The spool is paused.
        case paused
    }

    /// A schedule that is seen for the first time.
    public init(name: JobName, fingerprint: Fingerprint, now: Timestamp) {
        self.name = name
        self.fingerprint = fingerprint
        state = .active
        description = ""
        submittedBy = ""
        bookmark = ScheduleBookmark(now: now)
        updatedAt = now
    }

    /// The file is another one now: it begins anew. What has run stays told.
    public mutating func beginAnew(_ fingerprint: Fingerprint, now: Timestamp) {
        self.fingerprint = fingerprint
        bookmark = ScheduleBookmark(now: now)
    }
}

/// The job of a schedule's last slot.
public struct ScheduleRun: Sendable, Equatable {
    public var name: JobName
    public var jobID: String?
    /// nil: dropped, and not yet accepted.
    public var standing: Standing?
    public var outcome: Outcome?
    public var startedAt: Timestamp?
    public var finishedAt: Timestamp?
    public var error: JobError?

    /// A request that was dropped just now.
    public init(name: JobName) { self.name = name }

    public init(_ status: JobStatus) {
        name = status.identity.name
        jobID = status.identity.jobID
        standing = status.standing
        outcome = status.outcome
        startedAt = status.startedAt
        finishedAt = status.finishedAt
        error = status.error
    }

    /// As `status` says it: a standing, or "dropped".
    public var standingText: String { standing?.rawValue ?? "dropped" }
}

// MARK: - The file

extension ScheduleStatus {
    public var json: JSON {
        [
            "v": 1, "name": .string(name.string), "state": .string(state.rawValue),
            "description": .string(description), "submitted_by": .string(submittedBy),
            "next_run_at": JSON(nextRunAt?.description), "last_scheduled_at": JSON(lastScheduledAt?.description),
            "last_run": lastRun?.json ?? .null, "missed": JSON(bookmark.missed), "skipped": JSON(bookmark.skipped),
            "problem": problem?.json ?? .null, "updated_at": .string(updatedAt.description),
            "since": .string(bookmark.since.description), "handled_until": .string(bookmark.handledUntil.description),
            "handled_before": JSON(bookmark.handledBefore?.description), "fingerprint": fingerprint.json,
        ]
    }

    /// Reads what a daemon of this or an earlier version wrote; nil when it lacks what every such status has.
    public init?(json: JSON) {
        func time(_ key: String) -> Timestamp? { json[key]?.string.flatMap(Timestamp.init) }
        guard let name = JobName(json: json["name"]), let since = time("since"),
            let handledUntil = time("handled_until"), let updatedAt = time("updated_at"),
            let fingerprint = Fingerprint(json: json["fingerprint"]),
            let state = json["state"]?.string.flatMap(State.init(rawValue:))
        else { return nil }
        self.init(name: name, fingerprint: fingerprint, now: updatedAt)
        self.state = state
        description = json["description"]?.string ?? ""
        submittedBy = json["submitted_by"]?.string ?? ""
        nextRunAt = time("next_run_at")
        lastScheduledAt = time("last_scheduled_at")
        lastRun = ScheduleRun(json: json["last_run"])
        bookmark = ScheduleBookmark(
            since: since, handledUntil: handledUntil, handledBefore: time("handled_before"),
            missed: Self.count(json["missed"]),
            skipped: Self.count(json["skipped"]))
        problem = JobError(json: json["problem"])
    }

    /// A damaged one counts for nothing: it is added to.
    private static func count(_ json: JSON?) -> Int64 {
        guard let count = json?.int64, (0...1 << 53).contains(count) else { return 0 }
        return count
    }
}

extension ScheduleRun {
    var json: JSON {
        [
            "name": .string(name.string), "job_id": JSON(jobID), "status": .string(standingText),
            "outcome": JSON(outcome?.rawValue), "started_at": JSON(startedAt?.description),
            "finished_at": JSON(finishedAt?.description), "error": error?.json ?? .null,
        ]
    }

    init?(json: JSON?) {
        guard let json, let name = JobName(json: json["name"]) else { return nil }
        self.init(name: name)
        jobID = json["job_id"]?.string
        standing = json["status"]?.string.flatMap(Standing.init(rawValue:))
        outcome = json["outcome"]?.string.flatMap(Outcome.init(rawValue:))
        startedAt = json["started_at"]?.string.flatMap(Timestamp.init)
        finishedAt = json["finished_at"]?.string.flatMap(Timestamp.init)
        error = JobError(json: json["error"])
    }
}
