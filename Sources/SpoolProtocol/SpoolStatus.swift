public import JSONText

/// Who serves a spool: written into the lock, and told to a second daemon that is refused.
public struct DaemonIdentity: Sendable, Equatable {
    public var pid: Int
    public var host: String
    public var user: String
    public var startedAt: Timestamp
    public var version: String
    /// Where it has its definitions of types from, an absolute path; nil when it has the built-in ones alone.
    public var typesDirectory: String?

    public init(
        pid: Int, host: String, user: String, startedAt: Timestamp, version: String, typesDirectory: String? = nil
    ) {
        self.pid = pid
        self.host = host
        self.user = user
        self.startedAt = startedAt
        self.version = version
        self.typesDirectory = typesDirectory
    }

    public var json: JSON {
        [
            "pid": JSON(pid), "host": .string(host), "user": .string(user),
            "started_at": .string(startedAt.description), "version": .string(version),
            "types_directory": JSON(typesDirectory),
        ]
    }

    public init?(json: JSON?) {
        guard let json, let pid = json["pid"]?.int, let host = json["host"]?.string,
            let startedAt = json["started_at"]?.string.flatMap(Timestamp.init)
        else { return nil }
        self.init(
            pid: pid, host: host, user: json["user"]?.string ?? "", startedAt: startedAt,
            version: json["version"]?.string ?? "", typesDirectory: json["types_directory"]?.string)
    }
}

/// The last run of a type, as `spool.status.json` tells it under `types`: idle when it never ran.
public struct TypeSummary: Sendable, Equatable {
    /// The names of the jobs that run now.
    public var running: [String] = []
    public var lastRun: Timestamp?
    public var lastFinished: Timestamp?
    public var lastJob: String?
    public var lastJobID: String?
    public var lastStatus: Standing?
    public var lastOutcome: Outcome?
    /// The error of the last run that failed; it stays until a run completes.
    public var lastError: JobError?
    public var lastDurationSeconds: Double?
    public var counts: Counts?

    public init() {}

    /// Takes over a run that is over, or a job that failed before it could run.
    public mutating func take(_ status: JobStatus) {
        lastRun = status.startedAt
        lastFinished = status.finishedAt
        lastJob = status.identity.name.string
        lastJobID = status.identity.jobID
        lastStatus = status.standing
        lastOutcome = status.outcome
        lastDurationSeconds = status.durationSeconds
        counts = status.counts
        if status.standing == .completed { lastError = nil }
        if let error = status.error { lastError = error }
    }
}

extension TypeSummary {
    public var json: JSON {
        [
            "running": .bool(!running.isEmpty), "running_jobs": .array(running.map { .string($0) }),
            "last_run": JSON(lastRun?.description), "last_finished": JSON(lastFinished?.description),
            "last_job": JSON(lastJob), "last_job_id": JSON(lastJobID),
            "last_status": .string(lastStatus?.rawValue ?? "idle"), "last_outcome": JSON(lastOutcome?.rawValue),
            "last_error": lastError?.json ?? .null, "last_duration_seconds": JSON(lastDurationSeconds),
            "counts": counts?.json ?? .null,
        ]
    }

    /// What an earlier daemon wrote; what it lacks is unknown. Nothing runs any more.
    public init(json: JSON) {
        lastRun = json["last_run"]?.string.flatMap(Timestamp.init)
        lastFinished = json["last_finished"]?.string.flatMap(Timestamp.init)
        lastJob = json["last_job"]?.string
        lastJobID = json["last_job_id"]?.string
        lastStatus = json["last_status"]?.string.flatMap(Standing.init(rawValue:))
        lastOutcome = json["last_outcome"]?.string.flatMap(Outcome.init(rawValue:))
        lastError = JobError(json: json["last_error"])
        lastDurationSeconds = json["last_duration_seconds"]?.double
        counts = json["counts"].flatMap { $0.isNull ? nil : Counts(json: $0) }
    }
}
