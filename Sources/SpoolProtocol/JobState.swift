import JSONText

/// The states of a job and the moves between them, as one pure function. What is written to disk and when is the
/// runner's; what follows from what is decided here.
public enum JobState: Sendable, Equatable {
    case pending
    case running
    case stopping(StopReason)
    case over(Ending)

    public enum Ending: Sendable, Equatable {
        case completed(Outcome)
        case failed(JobError)
        case cancelled(by: String)
    }
}

public enum JobStep: Sendable, Equatable {
    /// An attempt runs.
    case started
    case askedToStop(StopReason)
    /// No process of the attempt is left.
    case attemptEnded(AttemptReport)
}

/// What there is to know when an attempt has ended.
public struct AttemptReport: Sendable, Equatable {
    public var end: AttemptEnd
    /// What the handler reported as its failure, if it did.
    public var failure: JobError?
    public var failureIsRetryable: Bool
    /// Items failed.
    public var itemsFailed: Bool
    /// Attempts that have failed, and this one: those that were interrupted, or stopped with the daemon, do not count.
    public var attempts: Int
    /// Attempts in a row, this one included, that were interrupted and left no new checkpoint.
    public var interruptionsWithoutProgress: Int
    public var retry: RetryPolicy
    public var onInterrupted: OnInterrupted

    public init(
        end: AttemptEnd, failure: JobError?, failureIsRetryable: Bool, itemsFailed: Bool, attempts: Int,
        interruptionsWithoutProgress: Int, retry: RetryPolicy, onInterrupted: OnInterrupted
    ) {
        self.end = end
        self.failure = failure
        self.failureIsRetryable = failureIsRetryable
        self.itemsFailed = itemsFailed
        self.attempts = attempts
        self.interruptionsWithoutProgress = interruptionsWithoutProgress
        self.retry = retry
        self.onInterrupted = onInterrupted
    }

    /// A job interrupted so often without progress is given up.
    public static let crashLoopLimit = 3
}

/// What the runner has to do after a step.
public enum JobMove: Sendable, Equatable {
    case run
    /// Ask the attempt to stop.
    case stop
    case finish(JobState.Ending)
    /// Pending again.
    case again(Again)
    /// The step changes nothing in this state.
    case nothing

    public enum Again: Sendable, Equatable {
        /// After the backoff; the attempt failed for a passing reason.
        case retry(JobError)
        /// At once.
        case interrupted(keepsCheckpoint: Bool)
        /// After a while; the handler could not be started for a passing reason. Nothing has run: it was no attempt.
        case notStarted(JobError)
        /// At the daemon's next start.
        case shutdown
    }
}

extension JobState {
    /// The state after a step, and what is to be done.
    public func after(_ step: JobStep) -> (JobState, JobMove) {
        switch (self, step) {
        case (.pending, .started): (.running, .run)
        case (.pending, .askedToStop(.cancel(let user))): (.over(.cancelled(by: user)), .finish(.cancelled(by: user)))
        case (.pending, .askedToStop(.timeout)), (.pending, .askedToStop(.stall)), (.pending, .askedToStop(.shutdown)),
            (.pending, .attemptEnded):
            (self, .nothing)

        case (.running, .started): (self, .nothing)
        case (.running, .askedToStop(let reason)): (.stopping(reason), .stop)
        case (.running, .attemptEnded(let report)): report.verdict(stop: nil)

        case (.stopping, .started): (self, .nothing)
        // A cancel outranks every other reason; it must not come back as pending.
        case (.stopping(.cancel), .askedToStop): (self, .nothing)
        case (.stopping, .askedToStop(.cancel(let user))): (.stopping(.cancel(by: user)), .stop)
        case (.stopping, .askedToStop(.timeout)), (.stopping, .askedToStop(.stall)),
            (.stopping, .askedToStop(.shutdown)):
            (self, .nothing)
        case (.stopping(let reason), .attemptEnded(let report)): report.verdict(stop: reason)

        case (.over, .started), (.over, .askedToStop), (.over, .attemptEnded): (self, .nothing)
        }
    }
}

extension AttemptReport {
    /// What the end of an attempt means for its job.
    func verdict(stop: StopReason?) -> (JobState, JobMove) {
        switch (stop, end) {
        case (.cancel(let user), _): over(.cancelled(by: user))
        case (.timeout(let seconds), _):
            over(.failed(JobError(.timeout, "stopped after \(JSON(seconds).text) s: `timeout_seconds` is over")))
        case (.stall(let seconds), _):
            over(.failed(JobError(.stalled, "stopped: no output for \(JSON(seconds).text) s (`stall_seconds`)")))
        case (_, .exited(HandlerExit.completed)):
            over(.completed(itemsFailed ? .partial : .success))
        case (.shutdown, .notStarted), (.shutdown, .vanished), (.shutdown, .exited), (.shutdown, .signalled):
            (.pending, .again(.shutdown))
        case (nil, .notStarted(let error)):
            Self.passingReasons.contains(error.details["errno"]?.int ?? 0)
                ? (.pending, .again(.notStarted(error))) : over(.failed(error))
        case (nil, .vanished): interrupted("its supervisor or the machine died")
        case (nil, .signalled(let signal)) where Self.outsideSignals.contains(signal):
            interrupted("signal \(signal) from outside ended the handler")
        case (nil, .signalled(let signal)):
            failedOrRetried(
                failure
                    ?? JobError(.handlerFailed, "signal \(signal) ended the handler", details: ["signal": JSON(signal)]),
                passing: failureIsRetryable)
        case (nil, .exited(HandlerExit.temporaryFailure)):
            failedOrRetried(
                failure
                    ?? JobError(
                        .handlerFailed, "the handler failed for a passing reason (exit 75)",
                        details: ["exit_status": 75]),
                passing: true)
        case (nil, .exited(HandlerExit.usage)), (nil, .exited(HandlerExit.configuration)):
            over(.failed(failure ?? JobError(.invalidParams, "the handler refused its parameters (its log says why)")))
        case (nil, .exited(HandlerExit.stopped)) where failure == nil:
            interrupted("the handler was asked to stop from outside")
        case (nil, .exited(let status)):
            failedOrRetried(
                failure
                    ?? JobError(
                        .handlerFailed, "the handler failed with exit status \(status)",
                        details: ["exit_status": JSON(status)]),
                passing: failureIsRetryable)
        }
    }

    /// HUP, INT, KILL, TERM: what people, the kernel's out-of-memory killer and shutdowns send, not what a crash raises.
    private static let outsideSignals: Set<Int> = [1, 2, 9, 15]

    /// EAGAIN, ENOMEM, ENFILE, EMFILE, ETXTBSY of errno(3): the machine has no more of something just now, or the program is being written.
    private static let passingReasons: Set<Int> = [11, 12, 23, 24, 26]

    private func over(_ ending: JobState.Ending) -> (JobState, JobMove) { (.over(ending), .finish(ending)) }

    private func failedOrRetried(_ error: JobError, passing: Bool) -> (JobState, JobMove) {
        passing && attempts < retry.maxAttempts ? (.pending, .again(.retry(error))) : over(.failed(error))
    }

    private func interrupted(_ why: String) -> (JobState, JobMove) {
        switch onInterrupted {
        case .fail: over(.failed(JobError(.interrupted, "interrupted: \(why)")))
        case .resume, .restart:
            if interruptionsWithoutProgress >= Self.crashLoopLimit {
                over(
                    .failed(
                        JobError(
                            .crashLoop, "given up: interrupted \(interruptionsWithoutProgress) times without progress",
                            details: ["interruptions": JSON(interruptionsWithoutProgress)])))
            } else {
                (.pending, .again(.interrupted(keepsCheckpoint: onInterrupted == .resume)))
            }
        }
    }
}
