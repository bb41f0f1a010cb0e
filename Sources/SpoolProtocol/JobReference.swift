public import JSONText

/// One run of another job, as statuses, results and errors name it.
public struct JobReference: Sendable, Equatable {
    public var name: JobName
    public var jobID: String
    /// nil for one that waits.
    public var startedAt: Timestamp?

    public init(name: JobName, jobID: String, startedAt: Timestamp? = nil) {
        self.name = name
        self.jobID = jobID
        self.startedAt = startedAt
    }
}

extension JobReference {
    public var json: JSON {
        [
            "name": .string(name.string), "job_id": .string(jobID), "started_at": JSON(startedAt?.description),
        ]
    }

    public init?(json: JSON?) {
        guard let json, let name = JobName(json: json["name"]), let jobID = json["job_id"]?.string else { return nil }
        self.name = name
        self.jobID = jobID
        startedAt = json["started_at"]?.string.flatMap(Timestamp.init)
    }
}
