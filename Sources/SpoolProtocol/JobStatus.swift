public import JSONText

/// What a job is, from acceptance to the end: the part that status, result and events share.
public struct JobIdentity: Sendable, Equatable {
    public var name: JobName
    /// A UUID (RFC 9562); a re-run has a new one.
    public var jobID: String
    /// As the request has it; empty when a rejected request has none.
    public var type: String
    public var description: String
    public var lane: String
    /// The number of acceptance: smaller was accepted earlier. It survives restarts and depends on no clock.
    public var sequence: Int64
    public var dryRun: Bool
    /// The user who owns the request file: the name, or the number of one without a name.
    public var submittedBy: String
    public var createdAt: Timestamp
    public var labels: JSONObject
    /// nil for a request that no schedule dropped.
    public var slot: ScheduleSlot?

    public init(
        name: JobName, jobID: String, type: String, description: String, lane: String, sequence: Int64, dryRun: Bool,
        submittedBy: String, createdAt: Timestamp, labels: JSONObject, slot: ScheduleSlot? = nil
    ) {
        self.name = name
        self.jobID = jobID
        self.type = type
        self.description = description
        self.lane = lane
        self.sequence = sequence
        self.dryRun = dryRun
        self.submittedBy = submittedBy
        self.createdAt = createdAt
        self.labels = labels
        self.slot = slot
    }
}

/// A time at which a schedule wanted a job.
public struct ScheduleSlot: Sendable, Equatable {
    /// The schedule's name.
    public var schedule: JobName
    public var at: Timestamp

    public init(schedule: JobName, at: Timestamp) {
        self.schedule = schedule
        self.at = at
    }
}

/// How a job stands.
public enum Standing: String, Sendable, CaseIterable {
    case pending, running, completed, failed, cancelled
    /// It never ran.
    case rejected

    public var isOver: Bool {
        switch self {
        case .pending, .running: false
        case .completed, .failed, .cancelled, .rejected: true
        }
    }
}

/// How a completed job went: success must not hide failures.
public enum Outcome: String, Sendable, CaseIterable {
    case success
    /// Completed, but items failed.
    case partial
}

/// `NAME.status.json`: the job now.
public struct JobStatus: Sendable, Equatable {
    public var identity: JobIdentity
    public var standing: Standing
    public var outcome: Outcome?
    /// 0 before the first attempt.
    public var attempt: Int
    public var startedAt: Timestamp?
    public var updatedAt: Timestamp
    public var finishedAt: Timestamp?
    public var progress: Progress
    public var counts: Counts
    public var checkpoint: JSON
    public var message: String
    public var recentLogs: [LogEntry]
    public var error: JobError?
    /// The version of the request that the job is for.
    public var request: Fingerprint
    /// What a pending job waits for beside its turn.
    public var waitingFor: Waiting?
    /// The job whose result this one's is.
    public var joined: JobReference?

    /// How many log messages a status shows.
    public static let recentLogsLimit = 10

    /// What the message begins with when the handler could not be started just now, and a reason follows.
    public static let waitingToBeStarted = "Waiting to be started"

    public init(identity: JobIdentity, standing: Standing, updatedAt: Timestamp, message: String, request: Fingerprint)
    {
        self.identity = identity
        self.standing = standing
        self.updatedAt = updatedAt
        self.message = message
        self.request = request
        attempt = 0
        progress = Progress()
        counts = Counts()
        checkpoint = .null
        recentLogs = []
    }

    /// From the first start to the end, or to the last update; nil for a job that has not started.
    public var durationSeconds: Double? { startedAt.map { (finishedAt ?? updatedAt).seconds(since: $0) } }
}

extension JobStatus {
    /// When a job that waits for its next attempt is tried again.
    public var retryAt: Timestamp? {
        if case .retry(let time) = waitingFor { time } else { nil }
    }
}

// MARK: - The file

extension JobStatus {
    public var json: JSON {
        [
            "v": 1, "name": .string(identity.name.string), "job_id": .string(identity.jobID),
            "type": .string(identity.type), "description": .string(identity.description),
            "status": .string(standing.rawValue), "outcome": JSON(outcome?.rawValue), "lane": .string(identity.lane),
            "sequence": JSON(identity.sequence), "attempt": JSON(attempt), "dry_run": .bool(identity.dryRun),
            "submitted_by": .string(identity.submittedBy), "created_at": .string(identity.createdAt.description),
            "started_at": JSON(startedAt?.description), "updated_at": .string(updatedAt.description),
            "finished_at": JSON(finishedAt?.description), "duration_seconds": JSON(durationSeconds),
            "progress": progress.json, "counts": counts.json, "checkpoint": checkpoint, "message": .string(message),
            "recent_logs": .array(recentLogs.map(\.json)), "error": error?.json ?? .null,
            "labels": .object(identity.labels), "files": Self.files(of: identity.name), "request": request.json,
            "retry_at": JSON(retryAt?.description), "waiting_for": waitingFor?.json ?? .null,
            "joined": joined?.json ?? .null, "scheduled_at": JSON(identity.slot?.at.description),
            "schedule": JSON(identity.slot?.schedule.string),
        ]
    }

    private static func files(of name: JobName) -> JSON {
        let files: [(String, SpoolFile)] = [
            ("request", .request(name)), ("status", .status(name)), ("log", .log(name)), ("errors", .errors(name)),
            ("result", .result(name)), ("cancel", .cancel(name)),
        ]
        return .object(JSONObject(files.map { ($0, JSON($1.fileName?.string)) }))
    }

    /// Reads what a daemon of this or an earlier version wrote; nil when it lacks what every status has.
    public init?(json: JSON) {
        guard let identity = JobIdentity(json: json),
            let standing = json["status"]?.string.flatMap(Standing.init(rawValue:)),
            let updatedAt = json["updated_at"]?.string.flatMap(Timestamp.init),
            let request = Fingerprint(json: json["request"])
        else { return nil }
        self.init(
            identity: identity, standing: standing, updatedAt: updatedAt, message: json["message"]?.string ?? "",
            request: request)
        outcome = json["outcome"]?.string.flatMap(Outcome.init(rawValue:))
        attempt = json["attempt"]?.int ?? 0
        startedAt = json["started_at"]?.string.flatMap(Timestamp.init)
        finishedAt = json["finished_at"]?.string.flatMap(Timestamp.init)
        progress = Progress(json: json["progress"])
        counts = Counts(json: json["counts"])
        checkpoint = json["checkpoint"] ?? .null
        recentLogs = (json["recent_logs"]?.array ?? []).compactMap(LogEntry.init(json:))
        error = JobError(json: json["error"])
        waitingFor =
            Waiting(json: json["waiting_for"]) ?? json["retry_at"]?.string.flatMap(Timestamp.init).map { .retry($0) }
        joined = JobReference(json: json["joined"])
    }
}

extension JobIdentity {
    init?(json: JSON) {
        guard let name = JobName(json: json["name"]), let jobID = json["job_id"]?.string,
            let sequence = json["sequence"]?.int64,
            let createdAt = json["created_at"]?.string.flatMap(Timestamp.init)
        else { return nil }
        self.name = name
        self.jobID = jobID
        self.sequence = sequence
        self.createdAt = createdAt
        type = json["type"]?.string ?? ""
        description = json["description"]?.string ?? ""
        lane = json["lane"]?.string ?? Definition.defaultLane
        dryRun = json["dry_run"]?.bool ?? false
        submittedBy = json["submitted_by"]?.string ?? ""
        labels = json["labels"]?.object ?? [:]
        slot = ScheduleSlot(schedule: json["schedule"], at: json["scheduled_at"])
    }
}

extension ScheduleSlot {
    /// nil when one of the two is missing or not right.
    public init?(schedule: JSON?, at: JSON?) {
        guard let schedule = JobName(json: schedule), let at = at?.string.flatMap(Timestamp.init) else { return nil }
        self.init(schedule: schedule, at: at)
    }
}
