public import JSONText

/// One line of `spool.events.jsonl`: a change of a job's state. A reader of the feed alone can say where every job is.
public struct JobEvent: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable {
        /// Pending for the first time.
        case accepted
        /// An attempt runs.
        case started
        /// Pending again: to be retried, or after the daemon was stopped.
        case requeued
        case completed, failed, cancelled, rejected
        /// What the feed last said was not the latest when the daemon came back: this is.
        case recovered
        /// About no job: a file with a bad name, one that was moved aside, the spool paused or resumed.
        case noticed
    }

    public var at: Timestamp
    /// Counts all events of a spool, without gaps.
    public var sequence: Int64
    public var kind: Kind
    /// The job, where the event is about one.
    public var job: JobIdentity?
    public var standing: Standing?
    public var outcome: Outcome?
    public var attempt: Int
    public var error: JobError?
    /// For people.
    public var message: String

    public init(at: Timestamp, sequence: Int64, kind: Kind, status: JobStatus, message: String? = nil) {
        self.at = at
        self.sequence = sequence
        self.kind = kind
        job = status.identity
        standing = status.standing
        outcome = status.outcome
        attempt = status.attempt
        error = status.error
        self.message = message ?? status.message
    }

    /// An event that is about no job.
    public init(at: Timestamp, sequence: Int64, noticed message: String) {
        self.at = at
        self.sequence = sequence
        self.message = message
        kind = .noticed
        attempt = 0
    }

    public var json: JSON {
        [
            "at": .string(at.description), "sequence": JSON(sequence), "event": .string(kind.rawValue),
            "name": JSON(job?.name.string), "job_id": JSON(job?.jobID), "type": JSON(job?.type),
            "status": JSON(standing?.rawValue), "outcome": JSON(outcome?.rawValue), "lane": JSON(job?.lane),
            "job_sequence": job.map { JSON($0.sequence) } ?? .null, "attempt": JSON(attempt),
            "error": error?.json ?? .null, "message": .string(message),
        ]
    }
}
