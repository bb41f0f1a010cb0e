/// The time of day, for the times that files show, and a clock that nobody sets, for measuring spans.
import Glibc
package import SpoolProtocol

package enum Clock {
    /// CLOCK_REALTIME, clock_gettime(2).
    package static func now() -> Timestamp {
        let time = read(CLOCK_REALTIME)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
    }

    /// Seconds on CLOCK_MONOTONIC.
    package static func monotonic() -> Double {
        let time = read(CLOCK_MONOTONIC)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        clock_gettime(clock, &time)
        return time
    }
}
