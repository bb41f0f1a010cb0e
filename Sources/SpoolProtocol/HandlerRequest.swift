public import JSONText

/// The one JSON object on a handler's standard input.
public struct HandlerRequest: Sendable, Equatable {
    public var jobID: String
    public var name: JobName
    public var type: JobType
    public var params: JSONObject
    public var dryRun: Bool
    public var attempt: Int
    /// The last checkpoint that an earlier attempt reported; null for a first attempt and after a restart.
    public var checkpoint: JSON
    /// When the schedule meant the job to run; nil for jobs that no schedule dropped.
    public var scheduledAt: Timestamp?

    public init(
        jobID: String, name: JobName, type: JobType, params: JSONObject, dryRun: Bool, attempt: Int, checkpoint: JSON,
        scheduledAt: Timestamp?
    ) {
        self.jobID = jobID
        self.name = name
        self.type = type
        self.params = params
        self.dryRun = dryRun
        self.attempt = attempt
        self.checkpoint = checkpoint
        self.scheduledAt = scheduledAt
    }

    public var json: JSON {
        [
            "v": 1, "job_id": .string(jobID), "name": .string(name.string), "type": .string(type.string),
            "params": .object(params), "dry_run": .bool(dryRun), "attempt": JSON(attempt), "checkpoint": checkpoint,
            "scheduled_at": JSON(scheduledAt?.description),
        ]
    }
}
