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
    let sequence: Int64
    let request: Fingerprint
    /// The user who owns the request file.
    let owner: UInt32
    let createdAt: Timestamp
    /// What the request says about its turn.
    var turn = TurnPolicy()
    /// Of the schedule that dropped the request.
    var slot: ScheduleSlot?
    /// Attempts so far.
    var attempts = 0
    /// What it waits for beside its turn; nil in the queue.
    var waiting: Waiting?

    var queueEntry: LaneQueue.Entry { LaneQueue.Entry(priority: turn.priority, sequence: sequence, name: name) }

    var reference: JobReference { JobReference(name: name, jobID: jobID) }

    /// The jobs that it waits for.
    var neededJobs: [JobName] {
        if case .jobs(let names, _) = waiting { names } else { [] }
    }

    /// With all that it names still to be waited for.
    func waitingFromTheStart() -> PendingJob {
        var job = self
        job.waiting = turn.after.isEmpty ? turn.notBefore.map { .time($0) } : .jobs(turn.after, unknown: [])
        return job
    }

    /// `on_busy` has let it in: it has its place in the queue, or keeps it while it waits for a retry.
    var isQueued: Bool {
        switch waiting {
        case nil, .retry: true
        case .time, .jobs, .join: false
        }
    }
}

/// What a request says about when its job has its turn. Read again from the request when a daemon returns.
struct TurnPolicy: Sendable {
    var priority = 0
    var notBefore: Timestamp?
    var after: [JobName] = []
    var onBusy = OnBusy.queue
    /// The type's definition says `on_busy`, not the request: the administrator's word, which holds for everybody's jobs.
    var isOnBusyOfType = true
    /// `Request.workHash`; nil when the request could not be read again.
    var work: Int?

    init() {}

    init(_ request: Request, _ definition: Definition?) {
        priority = request.priority
        notBefore = request.notBefore
        after = request.after
        onBusy = request.onBusy ?? definition?.onBusy ?? .queue
        isOnBusyOfType = request.onBusy == nil
        work = request.workHash
    }
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

    var isBeingCancelled: Bool {
        if case .stopping(.cancel) = state { true } else { false }
    }

    var reference: JobReference {
        JobReference(name: pending.name, jobID: pending.jobID, startedAt: status.startedAt)
    }
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

/// A job that is over and whose result the disk has not taken yet.
struct FinishedJob: Sendable {
    var result: JobResult
    var owner: UInt32
    var event: JobEvent.Kind
    /// The committer has it.
    var isOnItsWay = false
    /// The disk did not take it, the last time.
    var hasFailed = false
    /// The result is on the disk; status and cleaning up may still be to do.
    var isCommitted = false
    /// Neither a status nor the feed has told of it before.
    var isUnheardOf = false
    /// The feed tells of its end.
    var isTold = false
    /// Somebody else's file stands in the place of its result: see `obstructEnd`.
    var isObstructed = false
    /// CLOCK_MONOTONIC, seconds.
    var tryAgainAt = 0.0
    /// Its only attempt ended as it should, unasked: the attempt's directory can be used again.
    var leavesSpare = false
}

/// What follows from an attempt's end, as long as the disk has not taken it.
struct UnwrittenConclusion: Sendable {
    var history: JobHistory
    var attempt: Int
    var keepsCheckpoint: Bool
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
