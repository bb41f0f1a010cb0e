/// Chance and time of the retries. Tests bring their own, so that they do not wait.
import Glibc

struct Pacing: Sendable {
    /// 0 to 1, evenly distributed.
    var chance: @Sendable () -> Double
    /// Seconds since 1970, by which dates of servers are taken.
    var now: @Sendable () -> Double
    /// Waits for some seconds. Cancelled waits end with `CancellationError`.
    var sleep: @Sendable (Double) async throws -> Void

    static let system = Pacing(
        chance: { Double.random(in: 0...1) },
        now: {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        },
        sleep: { try await Task.sleep(for: .seconds($0)) })
}
