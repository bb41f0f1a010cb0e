/// What is due: in time, late, after the clock was set; and that whatever happens, no slot is dropped twice.
import TestSupport
import Testing

@testable import SpoolProtocol

@Suite("A schedule's plan")
struct SchedulePlanTests {
    /// 2026-01-07T12:00:00Z and so many seconds.
    private static func at(_ seconds: Double) -> Timestamp {
        Samples.time("2026-01-07T12:00:00Z").adding(seconds: seconds)
    }

    private func bookmark(since: Double, handled: Double) -> ScheduleBookmark {
        var bookmark = ScheduleBookmark(now: Self.at(since))
        bookmark.handledUntil = Self.at(handled)
        return bookmark
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let rule: SlotRule
        let ifMissed: Schedule.IfMissed
        let handled: Double
        let now: Double
        let drop: [Double]
        let missed: Int64
        let skipped: Int64
        let next: Double

        init(
            _ what: String, _ rule: SlotRule, _ ifMissed: Schedule.IfMissed, handled: Double = 0, now: Double,
            drop: [Double], missed: Int64 = 0, skipped: Int64 = 0, next: Double
        ) {
            testDescription = "\(what), \(ifMissed)"
            self.rule = rule
            self.ifMissed = ifMissed
            self.handled = handled
            self.now = now
            self.drop = drop
            self.missed = missed
            self.skipped = skipped
            self.next = next
        }
    }

    private static func cron(_ text: String) -> SlotRule {
        do { return .cron(CronSlots(try CronExpression(text), in: .utc)) } catch { preconditionFailure("\(error)") }
    }

    static let fiveMinutes = SlotRule.every(seconds: 300)
    static let second = SlotRule.every(seconds: 1)
    static let minute = cron("* * * * *")

    static let inTime = [
        Case("nothing is due before the first interval is over", fiveMinutes, .all, now: 299.999, drop: [], next: 300),
        Case("the first slot is an interval after the beginning", fiveMinutes, .skip, now: 300, drop: [300], next: 600),
        Case("a slot is in time for a minute", fiveMinutes, .skip, now: 360, drop: [300], next: 600),
        Case("what was handled is not again", fiveMinutes, .all, handled: 300, now: 310, drop: [], next: 600),
        Case("the beginning is no slot of a cron expression", minute, .all, now: 59.9, drop: [], next: 60),
        Case("two slots in time are two jobs", minute, .skip, now: 120, drop: [60, 120], next: 180),
        Case(
            "of a fine grid only the latest slot", second, .skip, now: 30.5, drop: [30], missed: 29, skipped: 29,
            next: 31),
        Case(
            "of a fine grid only the latest slot", second, .once, now: 30.5, drop: [30], missed: 29, skipped: 29,
            next: 31),
        Case("of a fine grid every slot", second, .all, now: 3.2, drop: [1, 2, 3], next: 4),
    ]

    static let late = [
        Case(
            "a slot is late after a minute", fiveMinutes, .skip, now: 360.001, drop: [], missed: 1, skipped: 1,
            next: 600),
        Case("a slot is late after a minute", fiveMinutes, .once, now: 360.001, drop: [300], missed: 1, next: 600),
        Case("a slot is late after a minute", fiveMinutes, .all, now: 360.001, drop: [300], missed: 1, next: 600),
        Case("an hour is missed", fiveMinutes, .skip, now: 3599, drop: [], missed: 11, skipped: 11, next: 3600),
        Case("an hour is missed", fiveMinutes, .once, now: 3599, drop: [3300], missed: 11, skipped: 10, next: 3600),
        Case(
            "an hour is missed", fiveMinutes, .all, now: 3599, drop: (1...11).map { Double($0) * 300 }, missed: 11,
            next: 3600
        ),
        Case(
            "the last slot is in time", fiveMinutes, .skip, now: 3600, drop: [3600], missed: 11, skipped: 11, next: 3900
        ),
        Case(
            "the last slot is in time", fiveMinutes, .once, now: 3600, drop: [3300, 3600], missed: 11, skipped: 10,
            next: 3900),
        Case(
            "more is missed than is made up for", fiveMinutes, .all, now: 86_399,
            drop: (188...287).map { Double($0) * 300 },
            missed: 287, skipped: 187, next: 86_400),
        Case(
            "a fine grid after ten minutes", second, .skip, now: 600, drop: [600], missed: 599, skipped: 599, next: 601),
        Case(
            "a fine grid after ten minutes", second, .once, now: 600, drop: [539, 600], missed: 599, skipped: 598,
            next: 601),
        Case(
            "a fine grid after ten minutes", second, .all, now: 600, drop: (440...600).map(Double.init), missed: 539,
            skipped: 439, next: 601),
        Case(
            "cron after a day", cron("0 * * * *"), .once, now: 86_399, drop: [82_800], missed: 23, skipped: 22,
            next: 86_400),
        Case(
            "forty years of minutes", minute, .all, now: 1_262_304_059.5,
            drop: (0..<100).map { 1_262_303_940 - 60 * Double(99 - $0) } + [1_262_304_000], missed: 21_038_399,
            skipped: 21_038_299, next: 1_262_304_060),
        Case(
            "forty years of seconds", second, .once, now: 1_262_304_000, drop: [1_262_303_939, 1_262_304_000],
            missed: 1_262_303_999, skipped: 1_262_303_998, next: 1_262_304_001),
    ]

    static let clock = [
        Case("set back by an hour", fiveMinutes, .all, handled: 7200, now: 3600, drop: [], next: 7500),
        Case("set back by an hour", minute, .all, handled: 7200, now: 3600, drop: [], next: 7260),
        Case("set back by almost three hours", second, .all, handled: 10_800, now: 0.001, drop: [], next: 10_801),
        Case("set back by three hours", fiveMinutes, .all, handled: 10_800, now: 0, drop: [], next: 300),
        Case(
            "set back by three hours, to between two slots", fiveMinutes, .all, handled: 14_700, now: 3630.5, drop: [],
            next: 3930),
        Case("set back by a day", cron("0 12 * * *"), .all, handled: 86_400, now: 60, drop: [], next: 86_400),
        Case("off", .off, .all, now: 999_999, drop: [], next: -1),
    ]

    @Test(
        "drops what is in time, treats what is late as `if_missed` says, and repeats nothing",
        arguments: inTime + late + clock)
    func due(row: Case) {
        let before = bookmark(since: 0, handled: row.handled)
        let plan = SchedulePlan(row.rule, row.ifMissed, before, now: Self.at(row.now))
        #expect(plan.drop == row.drop.map(Self.at))
        #expect(plan.bookmark.missed == row.missed)
        #expect(plan.bookmark.skipped == row.skipped)
        #expect(plan.next == (row.next < 0 ? nil : Self.at(row.next)))
        // The same again at the same time: nothing.
        let again = SchedulePlan(row.rule, row.ifMissed, plan.bookmark, now: Self.at(row.now))
        #expect(again.drop.isEmpty)
        #expect(again.bookmark == plan.bookmark)
        #expect(again.next == plan.next)
    }

    @Test("does not count as missed or skipped what a daemon that died has dropped") func dropped() {
        // Of 300 to 1800 the last is in time, and the one before it made up for; 0 is dealt with, and 2100 is still to come.
        let plan = SchedulePlan(
            Self.fiveMinutes, .once, bookmark(since: 0, handled: 0), now: Self.at(1830),
            dropped: [0, 900, 1200, 1500, 2100].map(Self.at))
        #expect(plan.drop == [1500, 1800].map(Self.at))
        #expect(plan.bookmark.missed == 3)
        #expect(plan.bookmark.skipped == 2)
    }

    @Test(
        "makes up for no slot twice, nor for one before it was there, when a clock that was set back is put right",
        arguments: Schedule.IfMissed.allCases)
    func putRight(ifMissed: Schedule.IfMissed) {
        // It was there from 10:00 on, and every minute up to 12:00 has been dealt with. Then the clock says 8:00 for ten minutes.
        var plan = SchedulePlan(Self.minute, ifMissed, bookmark(since: -7200, handled: 0), now: Self.at(-14_400))
        #expect(plan.drop.isEmpty)
        for minute in 1...10 {
            plan = SchedulePlan(Self.minute, ifMissed, plan.bookmark, now: Self.at(-14_400 + 60 * Double(minute)))
            #expect(plan.drop == [Self.at(-14_400 + 60 * Double(minute))], "it goes on meanwhile")
        }
        // It is put half right at first.
        plan = SchedulePlan(Self.minute, ifMissed, plan.bookmark, now: Self.at(-3599))
        #expect(plan.drop == [Self.at(-3600)])
        plan = SchedulePlan(Self.minute, ifMissed, plan.bookmark, now: Self.at(300))
        let late = [60, 120, 180].map { Self.at($0) }
        let madeUpFor = ifMissed == .all ? late : ifMissed == .once ? [late[2]] : []
        #expect(plan.drop == madeUpFor + [Self.at(240), Self.at(300)])
        #expect(plan.bookmark.missed == 3)
        #expect(plan.bookmark.skipped == Int64(3 - madeUpFor.count))
        #expect(plan.bookmark.handledBefore == nil)
    }

    @Test("has a grid that begins at a whole second, however the daemon's wakes are")
    func grid() {
        let first = ScheduleBookmark(now: Self.at(0.7))
        #expect(first.since == Self.at(0))
        #expect(SchedulePlan(Self.fiveMinutes, .skip, first, now: Self.at(0.7)).next == Self.at(300))
    }

    @Test(
        "drops each slot at most once, and with `all` none is lost, whenever it is looked at and however the clock is set",
        arguments: [0, 1, 2, 3] as [UInt64])
    func random(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for rule in [Self.fiveMinutes, Self.second, Self.minute, .every(seconds: 45), Self.cron("*/7 3-20 * * *")] {
            for ifMissed in Schedule.IfMissed.allCases {
                var bookmark = bookmark(since: 0, handled: 0)
                var dropped: [Timestamp] = []
                var due: Int64 = 0
                var now = 0.0
                var latest = 0.0
                for _ in 0..<60 {
                    // Mostly forward, up to 90 minutes; sometimes back, by less than a correction.
                    now += Double.random(in: 0...[1, 100, 5400][Int.random(in: 0...2, using: &random)], using: &random)
                    if Int.random(in: 0...9, using: &random) == 0 { now = max(latest - 10_000, 0) }
                    latest = max(latest, now)
                    let plan = SchedulePlan(rule, ifMissed, bookmark, now: Self.at(now))
                    #expect(plan.drop.allSatisfy { $0 > bookmark.handledUntil && $0 <= Self.at(now) })
                    due += Int64(plan.drop.count) + plan.bookmark.skipped - bookmark.skipped
                    dropped += plan.drop
                    bookmark = plan.bookmark
                    if let next = plan.next { #expect(next > bookmark.handledUntil) }
                }
                #expect(dropped == Set(dropped).sorted())
                let slots = SlotSeries(rule: rule, start: bookmark.since.wholeSeconds)
                #expect(
                    due == slots.count(after: bookmark.since.wholeSeconds, through: bookmark.handledUntil.wholeSeconds))
                if ifMissed == .all { #expect(bookmark.skipped == due - Int64(dropped.count)) }
            }
        }
    }
}
