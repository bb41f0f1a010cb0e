public import JSONText

/// `NAME.result.json`: how a job ended. It exists exactly when the job is over.
public struct JobResult: Sendable, Equatable {
    /// The job's last status, which holds identity, times, counts and error.
    public var status: JobStatus
    public var attempts: [AttemptRecord]
    /// Whatever the handler gave as its result.
    public var result: JSON
    /// How many items failed, over all attempts.
    public var errorsTotal: Int64
    /// The first of them.
    public var errors: [ItemError]

    /// How many item errors a result holds; the errors file has all.
    public static let errorsLimit = 100

    public init(
        status: JobStatus, attempts: [AttemptRecord] = [], result: JSON = .null, errorsTotal: Int64 = 0,
        errors: [ItemError] = []
    ) {
        self.status = status
        self.attempts = attempts
        self.result = result
        self.errorsTotal = errorsTotal
        self.errors = errors
    }
}

extension JobResult {
    public var json: JSON {
        let identity = status.identity
        return [
            "v": 1, "name": .string(identity.name.string), "job_id": .string(identity.jobID),
            "type": .string(identity.type), "description": .string(identity.description),
            "status": .string(status.standing.rawValue), "outcome": JSON(status.outcome?.rawValue),
            "lane": .string(identity.lane), "sequence": JSON(identity.sequence), "attempt": JSON(status.attempt),
            "dry_run": .bool(identity.dryRun), "submitted_by": .string(identity.submittedBy),
            "created_at": .string(identity.createdAt.description), "started_at": JSON(status.startedAt?.description),
            "updated_at": .string(status.updatedAt.description), "finished_at": JSON(status.finishedAt?.description),
            "duration_seconds": JSON(status.durationSeconds), "message": .string(status.message),
            "counts": status.counts.json, "result": result, "error": status.error?.json ?? .null,
            "errors_total": JSON(errorsTotal), "errors": .array(errors.map(\.json)),
            "attempts": .array(attempts.map(\.json)), "labels": .object(identity.labels),
            "request": status.request.json, "progress": status.progress.json, "checkpoint": status.checkpoint,
            "joined": status.joined?.json ?? .null, "scheduled_at": JSON(identity.slot?.at.description),
            "schedule": JSON(identity.slot?.schedule.string),
        ]
    }

    /// Reads what a daemon of this or an earlier version wrote; nil when it lacks what every result has.
    public init?(json: JSON) {
        guard let status = JobStatus(json: json), status.standing.isOver else { return nil }
        self.init(
            status: status, attempts: (json["attempts"]?.array ?? []).compactMap(AttemptRecord.init(json:)),
            result: json["result"] ?? .null, errorsTotal: json["errors_total"]?.int64 ?? 0,
            errors: (json["errors"]?.array ?? []).compactMap(ItemError.init(json:)))
    }
}
