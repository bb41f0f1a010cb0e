/// When cron expressions run while clocks change: by hand for the changes of three zones, and against cron(8)'s loop, minute
/// by minute, for many expressions.
import TestSupport
import Testing

@testable import SpoolProtocol

@Suite("A cron expression in a time zone")
struct CronSlotsTests {
    struct Case: Sendable {
        let zone: String
        let cron: String
        /// "2026-03-28T00", the instant from which on its slots are listed.
        let from: String
        /// The slots by UTC, "29T01:00".
        let slots: [String]

        init(_ zone: String, _ cron: String, _ from: String, _ slots: String) {
            self.zone = zone
            self.cron = cron
            self.from = from
            self.slots = slots.split(separator: " ").map(String.init)
        }
    }

    // Berlin, 29 March 2026: 02:00 CET (01:00Z) becomes 03:00 CEST. 25 October: 03:00 CEST (01:00Z) becomes 02:00 CET.
    static let berlin = [
        Case(Zones.berlin, "30 2 * * *", "2026-03-28T00", "28T01:30 29T01:00 30T00:30 31T00:30"),
        Case(Zones.berlin, "0,30 2 * * *", "2026-03-28T00", "28T01:00 28T01:30 29T01:00 30T00:00 30T00:30"),
        Case(Zones.berlin, "0 2,3 * * *", "2026-03-28T00", "28T01:00 28T02:00 29T01:00 30T00:00 30T01:00"),
        Case(Zones.berlin, "0 3 * * *", "2026-03-28T00", "28T02:00 29T01:00 30T01:00"),
        Case(Zones.berlin, "59 1 * * *", "2026-03-28T00", "28T00:59 29T00:59 29T23:59"),
        Case(Zones.berlin, "*/30 2 * * *", "2026-03-28T00", "28T01:00 28T01:30 30T00:00 30T00:30"),
        Case(Zones.berlin, "30 * * * *", "2026-03-29T00", "29T00:30 29T01:30 29T02:30"),
        Case(Zones.berlin, "30 2 29 3 *", "2026-03-28T00", "29T01:00 29T00:30"),
        Case(Zones.berlin, "30 2 * * 1-5", "2026-03-27T00", "27T01:30 30T00:30"),
        Case(Zones.berlin, "30 2 * * *", "2026-10-24T00", "24T00:30 25T00:30 26T01:30"),
        Case(Zones.berlin, "0 2 * * *", "2026-10-24T00", "24T00:00 25T00:00 26T01:00"),
        Case(Zones.berlin, "0 3 * * *", "2026-10-24T00", "24T01:00 25T02:00 26T02:00"),
        Case(
            Zones.berlin, "*/20 2 * * *", "2026-10-25T00",
            "25T00:00 25T00:20 25T00:40 25T01:00 25T01:20 25T01:40 26T01:00"),
        Case(Zones.berlin, "@hourly", "2026-10-25T00", "25T00:00 25T01:00 25T02:00"),
    ]

    // New York, 8 March 2026: 02:00 EST (07:00Z) becomes 03:00 EDT. 1 November: 02:00 EDT (06:00Z) becomes 01:00 EST.
    static let newYork = [
        Case(Zones.newYork, "30 2 * * *", "2026-03-07T00", "07T07:30 08T07:00 09T06:30"),
        Case(Zones.newYork, "15 2,14 * * *", "2026-03-08T00", "08T07:00 08T18:15 09T06:15"),
        Case(Zones.newYork, "* 2 * * *", "2026-03-07T07:58", "07T07:58 07T07:59 09T06:00"),
        Case(Zones.newYork, "30 1 * * *", "2026-10-31T00", "31T05:30 01T05:30 02T06:30"),
        Case(Zones.newYork, "0 2 * * *", "2026-10-31T00", "31T06:00 01T07:00 02T07:00"),
        Case(Zones.newYork, "@hourly", "2026-11-01T05", "01T05:00 01T06:00 01T07:00"),
        Case(Zones.newYork, "30 1 1 11 *", "2026-10-31T00", "01T05:30 01T05:30"),
    ]

    // Lord Howe Island changes by half an hour. 5 April 2026: 02:00 (4 April, 15:00Z) becomes 01:30. 4 October: 02:00
    // (3 October, 15:30Z) becomes 02:30.
    static let lordHowe = [
        Case(Zones.lordHowe, "45 1 * * *", "2026-04-03T00", "03T14:45 04T14:45 05T15:15"),
        Case(Zones.lordHowe, "45 * * * *", "2026-04-04T14:30", "04T14:45 04T15:15 04T16:15"),
        Case(Zones.lordHowe, "15 1 * * *", "2026-04-04T00", "04T14:15 05T14:45"),
        Case(Zones.lordHowe, "15 2 * * *", "2026-10-02T00", "02T15:45 03T15:30 04T15:15"),
        Case(Zones.lordHowe, "45 2 * * *", "2026-10-02T00", "02T16:15 03T15:45 04T15:45"),
        Case(Zones.lordHowe, "*/15 2 * * *", "2026-10-03T15", "03T15:30 03T15:45 04T15:00"),
    ]

    // Troll station changes by two hours, at 01:00 UTC on the days of Berlin.
    static let troll = [
        Case(Zones.troll, "30 1,2 * * *", "2026-03-28T00", "28T01:30 28T02:30 29T01:00 29T23:30 30T00:30"),
        Case(Zones.troll, "30 1,2 * * *", "2026-10-24T00", "24T00:30 24T23:30 25T00:30 26T01:30 26T02:30"),
        Case(Zones.troll, "30 3 * * *", "2026-10-24T00", "24T01:30 25T03:30"),
    ]

    @Test(
        "runs once for what a change skips, and not again in what it repeats",
        arguments: berlin + newYork + lordHowe + troll)
    func changes(row: Case) throws {
        let slots = CronSlots(try CronExpression(row.cron), in: try Zones.zone(row.zone))
        let from = row.from.count == 13 ? "\(row.from):00:00Z" : "\(row.from):00Z"
        var at = Samples.time(from).wholeSeconds - 1
        let start = at
        var found: [String] = []
        for count in 1...row.slots.count {
            at = try #require(slots.next(after: at))
            found.append(String(Timestamp(wholeSeconds: at).description.dropFirst(8).prefix(8)))
            #expect(slots.count(after: start, through: at) == Int64(count))
            #expect(slots.count(after: start, through: at - 1) == Int64(count - 1))
        }
        #expect(found == row.slots)
    }

    @Test(
        "takes a change of three hours and more for a correction: a day that a zone skips is gone",
        .enabled(if: Zones.areInstalled, "needs tzdata"))
    func dateLine() throws {
        // Samoa had no 30 December 2011.
        let zone = try Zones.installed("Pacific/Apia")
        let daily = CronSlots(try CronExpression("0 12 * * *"), in: zone)
        let first = try #require(daily.next(after: Samples.time("2011-12-29T12:00:00Z").wholeSeconds))
        #expect(Timestamp(wholeSeconds: first) == Samples.time("2011-12-29T22:00:00Z"))
        #expect(daily.next(after: first) == first + 86_400)
        let thatDay = CronSlots(try CronExpression("0 12 30 12 *"), in: zone)
        #expect(thatDay.next(after: first) == Samples.time("2012-12-29T22:00:00Z").wholeSeconds)
    }

    // MARK: Against cron's loop

    /// What cron(8) of Debian does each minute: it keeps a virtual time, which stands still while a repeated time passes.
    private struct CronLoop {
        let text: String
        let minutes: Set<Int64>, hours: Set<Int64>, days: Set<Int64>, weekdays: Set<Int64>
        let isFixed: Bool, eitherDay: Bool
        private var runsOnDay: [Int64: Bool] = [:]

        init(_ random: inout SeededGenerator) {
            func field(_ range: ClosedRange<Int64>, _ random: inout SeededGenerator) -> (String, Set<Int64>) {
                switch Int.random(in: 0...5, using: &random) {
                case 0, 1: return ("*", Set(range))
                case 2:
                    let step = Int64.random(in: 1...min(6, range.upperBound - range.lowerBound), using: &random)
                    return ("*/\(step)", Set(range.filter { ($0 - range.lowerBound) % step == 0 }))
                case 3:
                    let low = Int64.random(in: range, using: &random)
                    let high = Int64.random(in: low...range.upperBound, using: &random)
                    return ("\(low)-\(high)", Set(low...high))
                default:
                    let values = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                        Int64.random(in: range, using: &random)
                    }
                    return (values.map { "\($0)" }.joined(separator: ","), Set(values))
                }
            }
            let minute = field(0...59, &random)
            // Mostly the hours in which clocks change.
            let hour = Bool.random(using: &random) ? ("1,2,3", [1, 2, 3]) : field(0...23, &random)
            let day = field(1...31, &random)
            let weekday = field(0...6, &random)
            minutes = minute.1
            hours = hour.1
            days = day.1
            weekdays = weekday.1
            text = "\(minute.0) \(hour.0) \(day.0) * \(weekday.0)"
            isFixed = !minute.0.hasPrefix("*") && !hour.0.hasPrefix("*")
            eitherDay = !day.0.hasPrefix("*") && !weekday.0.hasPrefix("*")
        }

        /// - Parameter minute: by the clock on the wall, since 1970
        private mutating func matches(_ minute: Int64) -> Bool {
            guard minutes.contains(minute % 60), hours.contains(minute / 60 % 24) else { return false }
            let number = minute / 1440
            if let known = runsOnDay[number] { return known }
            let date = Timestamp(milliseconds: number * 86_400_000).description
            let (year, month) = (Int64(date.prefix(4)) ?? 0, Int64(date.dropFirst(5).prefix(2)) ?? 0)
            let day = Int64(date.dropFirst(8).prefix(2)) ?? 0
            let byDay = days.contains(day), byWeekday = weekdays.contains(Self.weekday(year, month, day))
            let runs = eitherDay ? byDay || byWeekday : byDay && byWeekday
            runsOnDay[number] = runs
            return runs
        }

        /// Sakamoto's method; 0 is Sunday.
        private static func weekday(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
            let shifts: [Int64] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4]
            let y = month < 3 ? year - 1 : year
            return (y + y / 4 - y / 100 + y / 400 + shifts[Int(month) - 1] + day) % 7
        }

        /// The minutes, since 1970 by UTC, at which it starts its job.
        /// - Parameter wall: what the clock on the wall shows from the minute before `start` on
        mutating func runs(from start: Int64, _ wall: [Int64]) -> [Int64] {
            var virtual = wall[0]
            var found: [Int64] = []
            for (index, now) in wall.enumerated().dropFirst() {
                let runs: Bool
                switch now - virtual {
                case 1: runs = matches(now)
                case 2...180: runs = isFixed ? (virtual + 1...now).contains { matches($0) } : matches(now)
                case -179...0: runs = !isFixed && matches(now)
                default: runs = matches(now)
                }
                if now > virtual || now - virtual <= -180 { virtual = now }
                if runs { found.append(start + Int64(index) - 1) }
            }
            return found
        }
    }

    @Test(
        "runs when cron's own loop runs it, through every change of a year and a half",
        arguments: [
            Zones.berlin, Zones.newYork, Zones.lordHowe, Zones.troll, "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
            "AAA-3BBB-6,J60,J300",
        ])
    func asCron(footer: String) throws {
        let zone = try Zones.zone(footer)
        var random = SeededGenerator(seed: 20_260_329)
        var windows: [(start: Int64, end: Int64, wall: [Int64])] = []
        var at = Samples.time("2026-01-01T00:00:00Z").wholeSeconds
        while windows.count < 3 {
            at = zone.period(at: at).end
            let (start, end) = (at / 60 - 2000, at / 60 + 2000)
            windows.append((start, end, (start - 1...end).map { $0 + zone.offset(at: $0 * 60) / 60 }))
        }
        for _ in 0..<30 {
            var loop = CronLoop(&random)
            let slots = CronSlots(try CronExpression(loop.text), in: zone)
            #expect(slots.expression.isFixed == loop.isFixed)
            for (start, end, wall) in windows {
                var found: [Int64] = []
                var at = start * 60 - 1
                while let next = slots.next(after: at), next <= end * 60 {
                    found.append(next / 60)
                    at = next
                }
                let difference = found.difference(from: loop.runs(from: start, wall))
                #expect(difference.isEmpty, "\(loop.text)")
                #expect(slots.count(after: start * 60 - 1, through: end * 60) == Int64(found.count), "\(loop.text)")
            }
        }
    }
}
