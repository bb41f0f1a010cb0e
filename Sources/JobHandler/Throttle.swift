/// Lets something happen at most once in a while. Pure: the caller brings the time.
struct Throttle {
    /// Nanoseconds between two admissions.
    let interval: UInt64
    private var last: UInt64?

    init(interval: UInt64) { self.interval = interval }

    /// Whether it may happen now; if so, the interval begins anew. `now` is in nanoseconds of a clock that never goes
    /// back.
    mutating func admits(at now: UInt64) -> Bool {
        if let last, now &- last < interval { return false }
        last = now
        return true
    }
}
