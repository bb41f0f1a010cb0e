public import JSONText

/// Who serves a spool: written into the lock, and told to a second daemon that is refused.
public struct DaemonIdentity: Sendable, Equatable {
    public var pid: Int
    public var host: String
    public var user: String
    public var startedAt: Timestamp
    public var version: String

    public init(pid: Int, host: String, user: String, startedAt: Timestamp, version: String) {
        self.pid = pid
        self.host = host
        self.user = user
        self.startedAt = startedAt
        self.version = version
    }

    public var json: JSON {
        [
            "pid": JSON(pid), "host": .string(host), "user": .string(user),
            "started_at": .string(startedAt.description), "version": .string(version),
        ]
    }

    public init?(json: JSON?) {
        guard let json, let pid = json["pid"]?.int, let host = json["host"]?.string,
            let startedAt = json["started_at"]?.string.flatMap(Timestamp.init)
        else { return nil }
        self.init(
            pid: pid, host: host, user: json["user"]?.string ?? "", startedAt: startedAt,
            version: json["version"]?.string ?? "")
    }
}

/// The last run of a type, as `spool.status.json` tells it under `types`.
public struct TypeSummary: Sendable, Equatable {
    /// The names of the jobs that run now.
    public var running: [String] = []
    public var lastRun: JobStatus?
    /// The error of the last run that failed; it stays until a run completes.
    public var lastError: JobError?

    public init() {}

    public var json: JSON {
        [
            "running": .bool(!running.isEmpty), "running_jobs": .array(running.map { .string($0) }),
            "last_run": JSON(lastRun?.startedAt?.description), "last_finished": JSON(lastRun?.finishedAt?.description),
            "last_job": JSON(lastRun?.identity.name.string), "last_job_id": JSON(lastRun?.identity.jobID),
            "last_status": .string(lastRun?.standing.rawValue ?? "idle"),
            "last_outcome": JSON(lastRun?.outcome?.rawValue),
            "last_error": lastError?.json ?? .null,
            "last_duration_seconds": JSON(lastRun?.durationSeconds), "counts": lastRun?.counts.json ?? .null,
        ]
    }
}
