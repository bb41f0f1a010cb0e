import JSONText

/// A cron expression: minute, hour, day of month, month, day of week, or a nickname such as `@daily`, as crontab(5) of
/// Debian has them. Names may stand in ranges and lists, too.
public struct CronExpression: Sendable, Equatable {
    /// As it was written.
    public let text: String
    /// The minutes of a day on which it runs, counted from midnight, in order.
    private let minutes: [Int64]
    private let daysOfMonth: CronField
    private let months: CronField
    private let daysOfWeek: CronField
    /// It runs at particular times: neither minute nor hour begins with `*`. These are the jobs that cron(8) treats with
    /// care when the clocks change.
    public let isFixed: Bool

    /// Why a text is no cron expression, in words that name the remedy.
    public struct Problem: Error, Equatable, CustomStringConvertible {
        public let description: String
    }

    /// - Throws: `Problem`; also for an expression whose dates never come, such as 30 February.
    public init(_ text: String) throws(Problem) {
        self.text = text
        let expanded = try Self.expandNickname(text)
        let fields = expanded.split(whereSeparator: { $0 == " " || $0 == "\t" })
        guard fields.count == 5 else {
            throw Problem(
                description:
                    "has \(fields.count) fields: write five (minute, hour, day of month, month, day of week), such as \"30 2 * * 1-5\""
            )
        }
        let minute = try CronField(fields[0], .minute)
        let hour = try CronField(fields[1], .hour)
        daysOfMonth = try CronField(fields[2], .dayOfMonth)
        months = try CronField(fields[3], .month)
        daysOfWeek = try CronField(fields[4], .dayOfWeek)
        isFixed = !minute.hasStar && !hour.hasStar
        minutes = hour.values.flatMap { hour in minute.values.map { hour * 60 + $0 } }
        guard hasDates else {
            throw Problem(
                description:
                    "never comes: no month `\(fields[3])` has a day `\(fields[2])`; choose another day or month")
        }
    }

    private static func expandNickname(_ text: String) throws(Problem) -> String {
        guard text.utf8.first == UInt8(ascii: "@") else { return text }
        if let expansion = nicknames[text] { return expansion }
        let known = nicknames.keys.sorted()
        let nearest = nearestWord(to: text, among: known).map { "; did you mean \($0)?" } ?? "."
        throw Problem(
            description:
                "has the unknown nickname \"\(text.printable(limit: 60))\"\(nearest) The nicknames are \(known.joined(separator: ", "))."
        )
    }

    private static let nicknames = [
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
        "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
    ]

    // MARK: Days

    /// Either of the two fields for days is enough: the rule when neither begins with `*`. Otherwise both have to match.
    private var eitherDayIsEnough: Bool { !daysOfMonth.hasStar && !daysOfWeek.hasStar }

    private var hasDates: Bool {
        eitherDayIsEnough
            || months.values.contains { month in
                let longest: Int64 = month == 2 ? 29 : [4, 6, 9, 11].contains(month) ? 30 : 31
                return daysOfMonth.values.contains { $0 <= longest }
            }
    }

    private func runs(onDay day: Int64) -> Bool {
        let date = civil(fromDays: day)
        guard months.contains(date.month) else { return false }
        let byDate = daysOfMonth.contains(date.day)
        let byWeekday = daysOfWeek.contains(weekday(ofDay: day))
        return eitherDayIsEnough ? byDate || byWeekday : byDate && byWeekday
    }

    // MARK: Times

    // Local times are seconds since 1970-01-01T00:00:00 by the clock on the wall.

    /// The first local time at which it runs.
    func first(in range: Range<Int64>) -> Int64? {
        for day in Self.days(of: range) where runs(onDay: day) {
            let midnight = day * secondsPerDay
            let index = minutesBefore(range.lowerBound - midnight)
            if index < minutes.count, midnight + minutes[index] * 60 < range.upperBound {
                return midnight + minutes[index] * 60
            }
        }
        return nil
    }

    /// How often it runs.
    func count(in range: Range<Int64>) -> Int64 {
        Self.days(of: range).reduce(0) { sum, day in
            guard runs(onDay: day) else { return sum }
            let midnight = day * secondsPerDay
            let (first, last) = (range.lowerBound - midnight, range.upperBound - midnight)
            return sum + Int64(minutesBefore(last) - minutesBefore(first))
        }
    }

    /// How many of the minutes are before a time of the day, in seconds.
    private func minutesBefore(_ seconds: Int64) -> Int {
        var (low, high) = (0, minutes.count)
        while low < high {
            let middle = (low + high) / 2
            if minutes[middle] * 60 < seconds { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func days(of range: Range<Int64>) -> Range<Int64> {
        guard !range.isEmpty else { return 0..<0 }
        let first = range.lowerBound.quotientAndRemainderFloored(by: secondsPerDay).0
        let last = (range.upperBound - 1).quotientAndRemainderFloored(by: secondsPerDay).0
        return first..<last + 1
    }
}
