/// What the runner keeps in memory of the jobs that are not over. Of those that are it keeps nothing: the files say it.
import JSONText
import SpoolProtocol
import SpoolStorage

/// A job that waits. Kept small: there may be a hundred thousand.
struct PendingJob: Sendable {
    let name: JobName
    let jobID: String
    let type: JobType
    let lane: String
    let priority: Int
    let sequence: Int64
    let request: Fingerprint
    /// The user who owns the request file.
    let owner: UInt32
    let createdAt: Timestamp
    /// Attempts so far.
    var attempts = 0
    /// Not to be started before this time.
    var notBefore: Timestamp?

    var queueEntry: LaneQueue.Entry { LaneQueue.Entry(priority: priority, sequence: sequence, name: name) }
}

/// A job with an attempt.
struct RunningJob: Sendable {
    let pending: PendingJob
    let policy: AttemptPolicy
    let link: AttemptLink
    let history: JobHistory
    let attempt: Int
    let attemptStartedAt: Timestamp
    /// As the attempt began; the follower has the latest.
    let status: JobStatus
    var state = JobState.running
}

/// What a definition and a request say about a job's attempts.
struct AttemptPolicy: Sendable {
    var timeoutSeconds: Double?
    var stallSeconds: Double?
    var graceSeconds: Double
    var retry: RetryPolicy
    var onInterrupted: OnInterrupted

    /// The request may shorten the definition's timeout, not extend it.
    init(_ definition: Definition, _ request: Request?) {
        timeoutSeconds = [definition.timeoutSeconds, request?.timeoutSeconds].compactMap { $0 }.min()
        stallSeconds = definition.stallSeconds
        graceSeconds = definition.graceSeconds
        retry = request?.retry ?? definition.retry
        onInterrupted = definition.onInterrupted
    }

    /// For a living attempt whose definition is gone.
    static let fallback = AttemptPolicy()

    private init() {
        graceSeconds = Definition.defaultGraceSeconds
        retry = .never
        onInterrupted = .resume
    }
}

/// A job that is over and whose result the disk has not taken yet. Its lane stays taken: what happened must not be lost.
struct FinishedJob: Sendable {
    var result: JobResult
    var owner: UInt32
    var event: JobEvent.Kind
    /// The result is on the disk; status and cleaning up may still be to do.
    var isCommitted = false
    /// Its only attempt ended as it should, unasked: the attempt's directory can be used again.
    var leavesSpare = false
}

/// What a job's earlier attempts left: `.jobspool/attempts/JOB_ID/job.json`.
struct JobHistory: Sendable, Equatable {
    var attempts: [AttemptRecord] = []
    /// Attempts in a row that were interrupted and left no new checkpoint.
    var interruptionsWithoutProgress = 0

    var json: JSON {
        [
            "attempts": .array(attempts.map(\.json)),
            "interruptions_without_progress": JSON(interruptionsWithoutProgress),
        ]
    }

    init() {}

    init(json: JSON) {
        attempts = (json["attempts"]?.array ?? []).compactMap(AttemptRecord.init(json:))
        interruptionsWithoutProgress = json["interruptions_without_progress"]?.int ?? 0
    }
}
