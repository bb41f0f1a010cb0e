/// The choices that a type's definition makes and that some requests may make: what to do when the lane is busy, when
/// an attempt fails, when one is interrupted.

/// What becomes of a request whose lane is busy.
public enum OnBusy: String, Sendable, CaseIterable {
    case queue, reject, join, replace
}

/// What becomes of a job whose attempt died without having ended: machine or supervisor killed.
public enum OnInterrupted: String, Sendable, CaseIterable {
    /// A new attempt, which is given the last checkpoint.
    case resume
    /// A new attempt, from the beginning.
    case restart
    /// The job ends `failed`, `INTERRUPTED`.
    case fail
}

/// How often an attempt that failed for a passing reason is tried again.
public struct RetryPolicy: Sendable, Equatable {
    /// Attempts in all, the first included: 1 to 100.
    public var maxAttempts: Int
    /// The wait before the second attempt; it doubles with each further one. 0 to 86,400 s.
    public var backoffSeconds: Double

    public static let never = RetryPolicy(maxAttempts: 1, backoffSeconds: 10)

    public init(maxAttempts: Int, backoffSeconds: Double) {
        self.maxAttempts = maxAttempts
        self.backoffSeconds = backoffSeconds
    }

    /// The wait after `attempt` attempts: exponential, at most an hour, with jitter of up to a quarter.
    /// - Parameter jitter: 0 to 1.
    public func delay(afterAttempt attempt: Int, jitter: Double) -> Double {
        var delay = backoffSeconds
        for _ in 1..<max(attempt, 1) where delay < 3600 { delay *= 2 }
        return min(delay, max(3600, backoffSeconds)) * (1 + jitter / 4)
    }
}
