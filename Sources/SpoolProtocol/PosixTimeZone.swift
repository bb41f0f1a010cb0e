/// A POSIX TZ string such as `CET-1CEST,M3.5.0,M10.5.0/3`: a time zone's rule for all years, which ends a TZif file. With the
/// extension of RFC 9636 (section 3.3.2) times of -167 to 167 hours. A daylight-saving time without its rule is no rule.
struct PosixTimeZone: Sendable, Equatable {
    /// Local time minus UTC, in seconds.
    let standardOffset: Int64
    let daylight: Daylight?

    struct Daylight: Sendable, Equatable {
        var offset: Int64
        var start: Rule
        var end: Rule
    }

    /// A day of the year, and the seconds from its midnight, by the clock on the wall before the change.
    struct Rule: Sendable, Equatable {
        var day: Day
        var seconds: Int64

        enum Day: Sendable, Equatable {
            /// `Jn`: 1 to 365, 29 February never counted.
            case ofCommonYear(Int64)
            /// `n`: 0 to 365, 29 February counted.
            case ofYear(Int64)
            /// `Mm.w.d`: week 5 is the last, weekday 0 is Sunday.
            case ofMonth(Int64, week: Int64, weekday: Int64)
        }
    }

    func period(at instant: Int64) -> TimeZoneRules.Period {
        guard let daylight else {
            return TimeZoneRules.Period(
                start: TimeZoneRules.distantPast, end: TimeZoneRules.distantFuture, offset: standardOffset,
                previousOffset: standardOffset)
        }
        let year = civil(fromDays: instant.quotientAndRemainderFloored(by: secondsPerDay).0).year
        // A change at one end of the year may by UTC be in the year beside it.
        let changes = (year - 2...year + 2).flatMap { self.changes(in: $0, daylight) }
        let index = changes.lastIndex { $0.at <= instant } ?? 0
        return TimeZoneRules.Period(
            start: changes[index].at, end: changes[index + 1].at, offset: changes[index].offset,
            previousOffset: changes[max(0, index - 1)].offset)
    }

    /// The two changes of a year in order. Where one year's daylight-saving time ends as the next one's begins, there is none
    /// between them: the end comes first.
    private func changes(in year: Int64, _ daylight: Daylight) -> [TimeZoneRules.Change] {
        let start = TimeZoneRules.Change(
            at: daylight.start.localSeconds(in: year) - standardOffset, offset: daylight.offset)
        let end = TimeZoneRules.Change(
            at: daylight.end.localSeconds(in: year) - daylight.offset, offset: standardOffset)
        return start.at < end.at ? [start, end] : [end, start]
    }
}

extension PosixTimeZone.Rule {
    /// Since 1970-01-01T00:00:00 by the clock on the wall.
    fileprivate func localSeconds(in year: Int64) -> Int64 { dayNumber(in: year) * secondsPerDay + seconds }

    private func dayNumber(in year: Int64) -> Int64 {
        switch day {
        case .ofYear(let number): return daysFromCivil(year, 1, 1) + number
        case .ofCommonYear(let number):
            return daysFromCivil(year, 1, 1) + number - 1 + (isLeapYear(year) && number >= 60 ? 1 : 0)
        case .ofMonth(let month, let week, let weekday):
            let first = daysFromCivil(year, month, 1)
            let next = month == 12 ? daysFromCivil(year + 1, 1, 1) : daysFromCivil(year, month + 1, 1)
            let ahead = (weekday - SpoolProtocol.weekday(ofDay: first)).quotientAndRemainderFloored(by: 7).1
            let number = first + ahead + (week - 1) * 7
            return number < next ? number : number - 7
        }
    }
}

// MARK: - Reading

extension PosixTimeZone {
    /// nil for what is no such string.
    init?(_ text: Substring.UTF8View) {
        var reader = Reader(rest: text)
        guard reader.skipName(), let west = reader.time(upTo: 24) else { return nil }
        standardOffset = -west
        guard !reader.rest.isEmpty else {
            daylight = nil
            return
        }
        guard reader.skipName() else { return nil }
        var offset = standardOffset + 3600
        if reader.rest.first != UInt8(ascii: ",") {
            guard let west = reader.time(upTo: 24) else { return nil }
            offset = -west
        }
        guard let start = reader.rule(), let end = reader.rule(), reader.rest.isEmpty else { return nil }
        daylight = Daylight(offset: offset, start: start, end: end)
    }
}

private struct Reader {
    var rest: Substring.UTF8View

    /// Three letters or more, or anything between angle brackets.
    mutating func skipName() -> Bool {
        if skip("<") {
            guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
            rest = rest[end...].dropFirst()
            return true
        }
        let letters = rest.prefix { (0x41...0x5A).contains($0 & 0xDF) }
        rest = rest.dropFirst(letters.count)
        return letters.count >= 3
    }

    /// `[+-]hh[:mm[:ss]]`, in seconds.
    mutating func time(upTo hours: Int64) -> Int64? {
        let sign: Int64 = rest.first == UInt8(ascii: "-") ? -1 : 1
        _ = skip("-") || skip("+")
        guard let hour = number(0...hours) else { return nil }
        var seconds = hour * 3600
        if skip(":") {
            guard let minute = number(0...59) else { return nil }
            seconds += minute * 60
            if skip(":") {
                guard let second = number(0...59) else { return nil }
                seconds += second
            }
        }
        return sign * seconds
    }

    /// `,date[/time]`
    mutating func rule() -> PosixTimeZone.Rule? {
        guard skip(","), let day = day() else { return nil }
        guard skip("/") else { return PosixTimeZone.Rule(day: day, seconds: 7200) }
        return time(upTo: 167).map { PosixTimeZone.Rule(day: day, seconds: $0) }
    }

    private mutating func day() -> PosixTimeZone.Rule.Day? {
        if skip("J") { return number(1...365).map { .ofCommonYear($0) } }
        guard skip("M") else { return number(0...365).map { .ofYear($0) } }
        guard let month = number(1...12), skip("."), let week = number(1...5), skip("."), let weekday = number(0...6)
        else { return nil }
        return .ofMonth(month, week: week, weekday: weekday)
    }

    private mutating func number(_ range: ClosedRange<Int64>) -> Int64? {
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        guard (1...3).contains(digits.count), let value = Int64(Substring(digits)), range.contains(value) else {
            return nil
        }
        rest = rest.dropFirst(digits.count)
        return value
    }

    private mutating func skip(_ character: Character) -> Bool {
        guard let first = rest.first, first == character.asciiValue else { return false }
        rest = rest.dropFirst()
        return true
    }
}
