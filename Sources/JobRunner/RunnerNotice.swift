/// What is told beside the changes of jobs, in the log and in the feed. Only so much of it: who plants a hundred thousand files must not
/// fill the disk with what is said about them.
import Logging
import SpoolStorage

/// So many at once, and one more every second.
struct NoticeLimit {
    static let burst = 100.0

    private var left = burst
    private var lastRefill = 0.0
    /// How many were not told since the last one that was.
    private(set) var omitted = 0

    /// - Parameter now: CLOCK_MONOTONIC, seconds
    mutating func takes(at now: Double) -> Bool {
        refill(now)
        guard left >= 1 else {
            omitted += 1
            return false
        }
        left -= 1
        return true
    }

    /// How many were omitted, once there is room to say so.
    mutating func takeOmitted(at now: Double) -> Int? {
        guard omitted > 0 else { return nil }
        refill(now)
        guard left >= 1 else { return nil }
        defer { omitted = 0 }
        left -= 1
        return omitted
    }

    private mutating func refill(_ now: Double) {
        left = min(Self.burst, left + max(0, now - lastRefill))
        lastRefill = now
    }
}

extension Runner {
    func notice(_ message: String) {
        if noticeLimit.takes(at: Clock.monotonic()) {
            logger.warning("\(message)")
            feed.notice(message)
        }
    }

    /// That there was more to tell is told as well.
    func tellOfOmittedNotices() {
        if let count = noticeLimit.takeOmitted(at: Clock.monotonic()) {
            let message = "\(count) more notices like the last ones were left out"
            logger.warning("\(message)")
            feed.notice(message)
        } else if noticeLimit.omitted > 0 {
            wake(at: Clock.monotonic() + 1)
        }
    }
}
