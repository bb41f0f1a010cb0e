/// What the runner keeps in memory of the jobs that are not over. Of those that are it keeps nothing: the files say it.
import JSONText
import SpoolProtocol
import SpoolStorage

/// A job that waits. Kept small: there may be a hundred thousand. What few jobs have stands apart.
struct PendingJob: Sendable, Named {
    let name: JobName
    let id: JobID
    private var kind: JobKind
    let sequence: Int64
    let request: Fingerprint
    let createdAt: Timestamp
    /// The user who owns the request file.
    let owner: UInt32
    /// Attempts so far.
    private(set) var attemptCount: UInt32 = 0
    /// What the request says about its turn.
    private(set) var turn: TurnPolicy
    private let slotBox: Rare<ScheduleSlot>?
    private var waitingBox: Rare<Waiting>?

    init(
        name: JobName, id: JobID, type: JobType, lane: String, sequence: Int64, request: Fingerprint, owner: UInt32,
        createdAt: Timestamp, turn: TurnPolicy = TurnPolicy(), slot: ScheduleSlot? = nil
    ) {
        self.name = name
        self.id = id
        kind = JobKind(type, lane)
        self.sequence = sequence
        self.request = request
        self.owner = owner
        self.createdAt = createdAt
        self.turn = turn
        slotBox = slot.map(Rare.init)
    }

    func with(_ turn: TurnPolicy) -> PendingJob {
        var job = self
        job.turn = turn
        return job
    }

    var jobID: String { id.string }
    var type: JobType { kind.type }
    var lane: String { kind.lane }

    /// Has one kind for all jobs of it.
    mutating func share(_ kinds: inout Set<JobKind>) { kind = kinds.insert(kind).memberAfterInsert }

    /// Attempts so far.
    var attempts: Int {
        get { Int(attemptCount) }
        set { attemptCount = UInt32(clamping: newValue) }
    }

    /// Of the schedule that dropped the request.
    var slot: ScheduleSlot? { slotBox?.value }

    /// What it waits for beside its turn; nil in the queue.
    var waiting: Waiting? {
        get { waitingBox?.value }
        set { waitingBox = newValue.map(Rare.init) }
    }

    var queueEntry: LaneQueue.Entry { LaneQueue.Entry(priority: turn.priority, sequence: sequence, name: name) }

    var reference: JobReference { JobReference(name: name, jobID: jobID) }

    /// Whether a request asks for what this job is to do, as far as that is known.
    func asksFor(_ request: Request) -> Bool { turn.work.map { $0 == request.workHash } ?? true }

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

/// What many jobs have in common.
final class JobKind: Sendable, Hashable {
    let type: JobType
    let lane: String

    init(_ type: JobType, _ lane: String) {
        self.type = type
        self.lane = lane
    }

    static func == (a: JobKind, b: JobKind) -> Bool { a.type == b.type && a.lane == b.lane }

    func hash(into hasher: inout Hasher) {
        hasher.combine(type)
        hasher.combine(lane)
    }
}

/// What few jobs have: where there is none it takes no room.
final class Rare<Value: Sendable>: Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}

/// What a request says about when its job has its turn. Read again from the request when a daemon returns.
struct TurnPolicy: Sendable {
    /// `Request.workHash`; nil when the request could not be read again.
    let work: Int?
    private let smallPriority: Int8
    let onBusy: OnBusy
    /// The type's definition says `on_busy`, not the request: the administrator's word, which holds for everybody's jobs.
    let isOnBusyOfType: Bool
    private let conditions: Rare<(notBefore: Timestamp?, after: [JobName])>?

    /// Of a job whose request nobody could read.
    init() {
        work = nil
        smallPriority = 0
        onBusy = .queue
        isOnBusyOfType = true
        conditions = nil
    }

    init(_ request: Request, _ definition: Definition?) {
        work = request.workHash
        smallPriority = Int8(clamping: request.priority)
        onBusy = request.onBusy ?? definition?.onBusy ?? .queue
        isOnBusyOfType = request.onBusy == nil
        let hasConditions = request.notBefore != nil || !request.after.isEmpty
        conditions = hasConditions ? Rare((request.notBefore, request.after)) : nil
    }

    /// The request has been read.
    var isKnown: Bool { work != nil }
    /// -100 to 100.
    var priority: Int { Int(smallPriority) }
    var notBefore: Timestamp? { conditions?.value.notBefore }
    var after: [JobName] { conditions?.value.after ?? [] }
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
    /// CLOCK_MONOTONIC, seconds; of an attempt that was found alive, when that was.
    let beganAt = Clock.monotonic()
    var state = JobState.running
    /// An earlier daemon has started it.
    var isAdopted = false
    /// The job whose follower has started it.
    var before: JobReference?
    /// The job that was to be made ready behind it, whether that was possible or not.
    var triedToArm: JobID?

    var isBeingCancelled: Bool {
        if case .stopping(.cancel) = state { true } else { false }
    }

    var reference: JobReference {
        JobReference(name: pending.name, jobID: pending.jobID, startedAt: status.startedAt)
    }
}

/// What a definition and a request say about a job's attempts. Each has what was said when it started, also when a daemon returns.
struct AttemptPolicy: Sendable, Equatable {
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

    var json: JSON {
        [
            "timeout_seconds": JSON(timeoutSeconds), "stall_seconds": JSON(stallSeconds),
            "grace_seconds": JSON(graceSeconds), "on_interrupted": .string(onInterrupted.rawValue),
            "retry": ["max_attempts": JSON(retry.maxAttempts), "backoff_seconds": JSON(retry.backoffSeconds)],
        ]
    }

    /// nil when a daemon has not written that.
    init?(json: JSON) {
        guard let grace = json["grace_seconds"]?.double,
            let onInterrupted = json["on_interrupted"]?.string.flatMap(OnInterrupted.init(rawValue:)),
            let maxAttempts = json["retry"]?["max_attempts"]?.int,
            let backoff = json["retry"]?["backoff_seconds"]?.double
        else { return nil }
        timeoutSeconds = json["timeout_seconds"]?.double
        stallSeconds = json["stall_seconds"]?.double
        graceSeconds = grace
        retry = RetryPolicy(maxAttempts: maxAttempts, backoffSeconds: backoff)
        self.onInterrupted = onInterrupted
    }
}

/// A job that is over and whose result the disk has not taken yet.
struct FinishedJob: Sendable {
    var result: JobResult
    /// What it was, of a job whose attempt has ended.
    var ran: PendingJob?
    var owner: UInt32
    var event: JobEvent.Kind
    /// The committer has it.
    var isOnItsWay = false
    /// The disk did not take it, the last time.
    var hasFailed = false
    /// The result is on the disk; status and cleaning up may still be to do.
    var isCommitted = false
    /// Another request was there before the result was.
    var isOvertaken = false
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

    /// A daemon that stops does not wait for it.
    var isLeftToTheNext: Bool { isObstructed || hasFailed && !isOnItsWay }
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
        interruptionsWithoutProgress = min(max(0, json["interruptions_without_progress"]?.int ?? 0), 1_000_000)
    }
}
