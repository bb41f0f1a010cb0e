/// When the runner wants to look at everything again, and the sleeps under way for that. However often it asks, a sleep is only begun
/// when none ends before: sleeps that are never taken back would else become more with every look.
struct WakeUpTimer {
    /// The earliest time that was asked for since the last look (CLOCK_MONOTONIC, seconds).
    private var next = Double.infinity
    /// When the sleeps end that are under way.
    private var sleeps: [Double] = []

    mutating func wake(at time: Double) { next = min(next, time) }

    /// The end of a sleep that has to be begun now.
    mutating func begin() -> Double? {
        guard next < sleeps.min() ?? .infinity else { return nil }
        sleeps.append(next)
        return next
    }

    mutating func hasSlept(until time: Double) {
        if let index = sleeps.firstIndex(of: time) { sleeps.remove(at: index) }
    }

    /// Everything is looked at now, and asks for its next time anew.
    mutating func look() { next = .infinity }
}
