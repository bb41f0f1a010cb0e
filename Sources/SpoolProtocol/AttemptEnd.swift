/// How an attempt came to its end, as far as anybody saw: what the supervisor recorded, or that it could not.
public enum AttemptEnd: Sendable, Equatable {
    /// The handler ended by itself: exit(3).
    case exited(Int)
    /// A signal ended the handler.
    case signalled(Int)
    /// The handler could not be started, with the reason.
    case notStarted(JobError)
    /// Nobody saw the end: the machine or the supervisor died.
    case vanished
}

/// The exit statuses of the handler contract. The numbers are sysexits(3)'s.
public enum HandlerExit {
    public static let completed = 0
    /// EX_USAGE.
    public static let usage = 64
    /// EX_TEMPFAIL: a passing failure, may be retried.
    public static let temporaryFailure = 75
    /// EX_CONFIG.
    public static let configuration = 78
    /// 128 + SIGTERM, as shells say it: asked to stop, and stopped.
    public static let stopped = 143
}

/// Why an attempt was asked to stop.
public enum StopReason: Sendable, Equatable {
    /// A cancel file, by this user.
    case cancel(by: String)
    case timeout(seconds: Double)
    case stall(seconds: Double)
    /// The daemon stops; the job goes on at its next start.
    case shutdown
}
