/// The two limits on an attempt's time: how long it may run, and how long it may say nothing.
import SpoolProtocol
import SpoolStorage

/// Says when an attempt has run too long, or said nothing for too long; each once.
struct Stopwatch {
    private let timeout: (at: Double, seconds: Double)?
    private let stallSeconds: Double?
    private var lastOutput = Clock.monotonic()
    private var isDone = false

    init(_ plan: FollowPlan) {
        let elapsed = Clock.now().seconds(since: plan.attemptStartedAt)
        timeout = plan.timeoutSeconds.map { (Clock.monotonic() - elapsed + $0, $0) }
        stallSeconds = plan.stallSeconds
    }

    mutating func sawOutput() { lastOutput = Clock.monotonic() }

    /// - Parameter now: before what the handler says was last read. Between the two the disk may have kept the follower waiting, and what
    ///   the handler said then has not been heard yet.
    mutating func reasonToStop(at now: Double) -> StopReason? {
        guard !isDone else { return nil }
        if let timeout, now >= timeout.at {
            isDone = true
            return .timeout(seconds: timeout.seconds)
        }
        if let stallSeconds, now - lastOutput >= stallSeconds {
            isDone = true
            return .stall(seconds: stallSeconds)
        }
        return nil
    }
}
