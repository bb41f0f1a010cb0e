/// What is to be done about a schedule now: which slots are dropped, which count as missed, when to look again. Pure: the
/// schedule, the bookmark of what has been done about it, and the time decide.

/// How far a schedule has been dealt with. It survives the daemon in the schedule's status.
public struct ScheduleBookmark: Sendable, Equatable {
    /// When the schedule was first seen as it is, to the second: the grid of `every_seconds` begins here.
    public var since: Timestamp
    /// Every slot up to here has been dropped or given up.
    public var handledUntil: Timestamp
    /// Slots up to here had been dealt with when the schedule began anew, because the clock had been set back; nil once that time has passed
    /// again. None of them is made up for.
    public var handledBefore: Timestamp?
    /// Slots that passed while nothing could be dropped.
    public var missed: Int64 = 0
    /// Those of them for which nothing was dropped later.
    public var skipped: Int64 = 0

    /// A schedule that begins now.
    public init(now: Timestamp) {
        since = Timestamp(wholeSeconds: now.wholeSeconds)
        handledUntil = since
    }

    /// As an earlier daemon left it.
    init(since: Timestamp, handledUntil: Timestamp, handledBefore: Timestamp?, missed: Int64, skipped: Int64) {
        self.since = since
        self.handledUntil = handledUntil
        self.handledBefore = handledBefore
        self.missed = missed
        self.skipped = skipped
    }
}

public struct SchedulePlan: Sendable, Equatable {
    /// The slots to be dropped, in order.
    public var drop: [Timestamp]
    /// What holds once they are.
    public var bookmark: ScheduleBookmark
    /// The next slot; nil when there is none.
    public var next: Timestamp?

    /// A slot that is noticed later than this is missed, in seconds.
    public static let grace: Int64 = 60
    /// How many missed slots `if_missed` `all` makes up for.
    public static let mostMadeUpFor = 100
    /// A clock that is set back by less does not repeat slots; by more it was wrong, and the schedule begins anew, in seconds.
    public static let correction: Double = 3 * 3600

    /// - Parameter dropped: slots that were dropped by a daemon that died before it could write that down.
    public init(
        _ rule: SlotRule, _ ifMissed: Schedule.IfMissed, _ bookmark: ScheduleBookmark, now: Timestamp,
        dropped: [Timestamp] = []
    ) {
        self.bookmark = bookmark
        drop = []
        if bookmark.handledUntil.seconds(since: now) >= Self.correction {
            let anew = ScheduleBookmark(now: now)
            self.bookmark.handledBefore = max(bookmark.handledUntil, bookmark.handledBefore ?? bookmark.handledUntil)
            self.bookmark.since = anew.since
            self.bookmark.handledUntil = anew.handledUntil
        }
        let slots = SlotSeries(rule: rule, start: self.bookmark.since.wholeSeconds)
        takeDue(slots, ifMissed, now, dropped)
        next = slots.next(after: self.bookmark.handledUntil.wholeSeconds).map(Timestamp.init(wholeSeconds:))
    }

    private mutating func takeDue(
        _ slots: SlotSeries, _ ifMissed: Schedule.IfMissed, _ now: Timestamp, _ dropped: [Timestamp]
    ) {
        let handled = bookmark.handledUntil.wholeSeconds
        let last = now.wholeSeconds
        guard let latest = slots.latest(1, after: handled, through: last).first else { return }
        let lateEnd = max(handled, now.adding(seconds: -Double(Self.grace)).wholeSecondsUp - 1)
        let lateStart = min(max(handled, bookmark.handledBefore?.wholeSeconds ?? handled), lateEnd)
        let late = slots.count(after: lateStart, through: lateEnd)
        let ofLate = slots.latest(Self.lateLimit(ifMissed), after: lateStart, through: lateEnd)
        let inTime = slots.count(after: lateEnd, through: last)
        let ofInTime = slots.latest(Self.limit(slots.rule, ifMissed), after: lateEnd, through: last)
        drop = (ofLate + ofInTime).map(Timestamp.init(wholeSeconds:))
        // They have their jobs, in time or not.
        let earlier = dropped.count { $0.wholeSeconds > lateStart && $0.wholeSeconds <= last && !drop.contains($0) }
        bookmark.missed += max(0, late + inTime - Int64(ofInTime.count) - Int64(earlier))
        bookmark.skipped += max(0, late + inTime - Int64(drop.count) - Int64(earlier))
        bookmark.handledUntil = Timestamp(wholeSeconds: latest)
        if let before = bookmark.handledBefore, before <= bookmark.handledUntil { bookmark.handledBefore = nil }
    }

    /// How many late slots are made up for.
    private static func lateLimit(_ ifMissed: Schedule.IfMissed) -> Int {
        switch ifMissed {
        case .skip: 0
        case .once: 1
        case .all: mostMadeUpFor
        }
    }

    /// How many of the slots that are in time are dropped: all, but of a grid that is finer than the grace only the latest
    /// is worth a run, unless every slot is wanted.
    private static func limit(_ rule: SlotRule, _ ifMissed: Schedule.IfMissed) -> Int {
        let isFine: Bool =
            switch rule {
            case .every(let interval): interval < grace
            case .off, .cron: false
            }
        return switch ifMissed {
        case .skip, .once: isFine ? 1 : .max
        case .all: .max
        }
    }
}

extension Timestamp {
    var wholeSeconds: Int64 { milliseconds.quotientAndRemainderFloored(by: 1000).0 }
    /// The first second that is not before it.
    fileprivate var wholeSecondsUp: Int64 { (milliseconds + 999).quotientAndRemainderFloored(by: 1000).0 }

    init(wholeSeconds: Int64) { self.init(seconds: wholeSeconds, nanoseconds: 0) }
}
