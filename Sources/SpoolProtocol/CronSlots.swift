/// When a cron expression runs in a time zone, as instants. The clocks' changes are treated as cron(8) of Debian treats them:
///
/// - An expression at particular times runs once, at the change, for all it would have done in a time that is skipped, and
///   not again in a time that is repeated.
/// - One whose minute or hour begins with `*` runs by the clock on the wall: nothing in the skipped time, again in the repeated.
/// - Changes of 3 hours and more are corrections (a zone that changes sides of the date line): by the clock on the wall, too.
public struct CronSlots: Sendable, Equatable {
    let expression: CronExpression
    let zone: TimeZoneRules

    public init(_ expression: CronExpression, in zone: TimeZoneRules) {
        self.expression = expression
        self.zone = zone
    }

    private static let correction: Int64 = 3 * 3600
    /// No two dates of the calendar that fit an expression are farther apart: 29 February as a Sunday, over 2100.
    private static let horizon: Int64 = 41 * 366 * secondsPerDay

    /// The first slot after an instant, in seconds since 1970; nil when there is none.
    func next(after instant: Int64) -> Int64? {
        var from = instant + 1
        while from <= instant + Self.horizon {
            let stretch = Stretch(self, from: from)
            if stretch.makesUp { return from }
            let end = min(stretch.local.upperBound, stretch.local.lowerBound + Self.horizon)
            if let time = expression.first(in: stretch.local.lowerBound..<end) { return time - stretch.offset }
            from = stretch.end
        }
        return nil
    }

    /// How many slots there are after an instant, up to and with another.
    func count(after instant: Int64, through last: Int64) -> Int64 {
        var count: Int64 = 0
        var from = instant + 1
        while from <= last {
            let stretch = Stretch(self, from: from)
            let end = min(stretch.local.upperBound, last + stretch.offset + 1)
            if end > stretch.local.lowerBound { count += expression.count(in: stretch.local.lowerBound..<end) }
            // What it makes up for may fall together with what is due at that minute anyway.
            if stretch.makesUp, expression.first(in: from + stretch.offset..<from + stretch.offset + 1) == nil {
                count += 1
            }
            from = stretch.end
        }
        return count
    }

    /// From an instant to the next change of the clocks.
    private struct Stretch {
        /// The next change.
        let end: Int64
        let offset: Int64
        /// The local times that count.
        let local: Range<Int64>
        /// It begins with a change that skipped times at which the expression would have run.
        let makesUp: Bool

        init(_ slots: CronSlots, from instant: Int64) {
            let period = slots.zone.period(at: instant)
            end = period.end
            offset = period.offset
            let before = period.start + period.previousOffset
            let after = period.start + period.offset
            var start = instant + offset
            if slots.expression.isFixed, after < before, before - after <= CronSlots.correction {
                start = max(start, before)
            }
            local = start..<max(start, end + offset)
            let isSkip = instant == period.start && before < after && after - before < CronSlots.correction
            makesUp = isSkip && slots.expression.isFixed && slots.expression.first(in: before..<after) != nil
        }
    }
}
