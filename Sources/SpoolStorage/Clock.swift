package import SpoolProtocol
/// The time of day, for the times that files show, and a clock that nobody sets, for measuring spans.
import Glibc

package enum Clock {
    /// CLOCK_REALTIME, clock_gettime(2).
    package static func now() -> Timestamp {
        let time = read(CLOCK_REALTIME)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
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
