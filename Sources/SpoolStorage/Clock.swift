/// The time of day, for the times that files show, and a clock that nobody sets, for measuring spans.
import Glibc
package import SpoolProtocol

package enum Clock {
    /// CLOCK_REALTIME, clock_gettime(2).
    package static func now() -> Timestamp {
        if let replacement { return replacement.now() }
        let time = read(CLOCK_REALTIME)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
    }

    /// Seconds on CLOCK_MONOTONIC.
    package static func monotonic() -> Double {
        if let replacement { return replacement.monotonic() }
        let time = read(CLOCK_MONOTONIC)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Other clocks for a task and what it starts, so that a test need not wait for time to pass. Threads do not inherit them:
    /// who hands work to one hands these over too.
    @TaskLocal package static var replacement: (any Clocks)?

    private static func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        clock_gettime(clock, &time)
        return time
    }
}

/// Two clocks that stand in for the machine's.
package protocol Clocks: Sendable {
    func now() -> Timestamp
    /// Seconds.
    func monotonic() -> Double
}
