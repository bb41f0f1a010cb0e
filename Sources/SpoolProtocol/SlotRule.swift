/// When a schedule's slots are: in whole seconds since 1970, each at most once.
public enum SlotRule: Sendable, Equatable {
    case off
    /// Every so many seconds from when the schedule was first seen, which itself is no slot.
    case every(seconds: Int64)
    case cron(CronSlots)
}

/// A rule with its beginning.
struct SlotSeries {
    let rule: SlotRule
    let start: Int64

    func next(after instant: Int64) -> Int64? {
        switch rule {
        case .off: nil
        case .every(let interval): start + (max(0, instant - start) / interval + 1) * interval
        case .cron(let slots): slots.next(after: instant)
        }
    }

    /// How many there are after an instant, up to and with another.
    func count(after instant: Int64, through last: Int64) -> Int64 {
        guard instant < last else { return 0 }
        return switch rule {
        case .off: 0
        case .every(let interval): max(0, last - start) / interval - max(0, instant - start) / interval
        case .cron(let slots): slots.count(after: instant, through: last)
        }
    }

    /// The last ones of a span, in order. They are looked for from its end: it may be years long.
    func latest(_ limit: Int, after instant: Int64, through last: Int64) -> [Int64] {
        var span: Int64 = 60
        while true {
            let start = max(instant, last - span)
            var found: [Int64] = []
            var at = start
            while let slot = next(after: at), slot <= last {
                found.append(slot)
                at = slot
            }
            if found.count >= limit || start >= last || start == instant { return found.suffix(limit) }
            span *= 4
        }
    }
}
