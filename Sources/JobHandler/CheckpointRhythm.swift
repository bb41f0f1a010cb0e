/// When a checkpoint is due: after 100 items or 5 seconds, but not more than once a second, for the daemon syncs each to
/// the disk. A resumed job plans again, so that a checkpoint tells how far the job came and saves no work.
package struct CheckpointRhythm {
    private var items = 0
    private var at = ContinuousClock.now - .seconds(1)

    package init() {}

    package mutating func isDue(after items: Int, now: ContinuousClock.Instant = .now) -> Bool {
        let waited = now - at
        guard waited >= .seconds(5) || waited >= .seconds(1) && items - self.items >= 100 else { return false }
        self.items = items
        at = now
        return true
    }
}
