/// What a follower is given, and what it gives back.
import JSONText
import SpoolProtocol

/// What to follow.
struct FollowPlan: Sendable {
    /// The job's status as the attempt begins.
    var status: JobStatus
    /// When the attempt began.
    var attemptStartedAt: Timestamp
    var timeoutSeconds: Double?
    var stallSeconds: Double?
    var graceSeconds: Double
    /// The first attempt of a job begins its files anew.
    var isNewJob: Bool
    /// Of an attempt that an earlier daemon has started.
    var savedCheckpoint: SavedCheckpoint?
}

/// The last checkpoint of an attempt that its job's directory has when a daemon returns to it.
struct SavedCheckpoint: Sendable {
    var value: JSON
    /// It differs from the one that the attempt began with: it is the attempt's own.
    var isProgress: Bool
    /// The outputs may have been cut off before it was reported: they are not synced, and it is.
    var mayBeAhead: Bool
}

/// What a follower found.
struct FollowReport: Sendable {
    enum Ending: Sendable {
        /// No process of the attempt is left.
        case ended(ExitRecord)
        /// The handler had not been started when daemon and supervisor died.
        case neverStarted
        /// The attempt was left running.
        case detached
    }

    var ending: Ending
    var status: JobStatus
    var result: JSON
    var failure: JobError?
    var failureIsRetryable: Bool
    var itemsFailed: Bool
    var errorsTotal: Int64
    var errors: [ItemError]
    /// The attempt reported a new checkpoint.
    var madeProgress: Bool
}

/// How often a follower does what it does, in milliseconds.
struct FollowerRhythm: Sendable {
    /// A job that is over sooner than this is never shown as running: its status would be replaced before anybody could read it.
    var firstTick: Int32 = 25
    /// The outputs are looked at.
    var tick: Int32 = 100
    /// What the disk did not take is tried again.
    var retry: Int32 = 500
}
