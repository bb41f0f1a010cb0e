/// A time as data write it: RFC 3339, the same with a space or without seconds or zone, a date alone, or the compact form of
/// iCalendar. It can be put earlier and is then written in the same form, because whoever compares it (a database, an API)
/// does so with texts of that form.
struct CivilTime: Sendable, Equatable {
    /// Seconds since 1970-01-01T00:00:00 where the time was written; without a zone that is taken for UTC.
    private var wall: Int
    private var nanoseconds: Int
    private let offset: Int
    private let form: Form

    private struct Form: Equatable {
        var dateSeparator: String
        /// nil for a date alone.
        var separator: String?
        var timeSeparator: String
        var hasSeconds: Bool
        /// With its point; empty for none.
        var fraction: String
        /// "Z", "+01:00" or nothing.
        var zone: String
    }

    /// nil for anything else.
    init?(_ text: String) {
        var reader = Reader(text)
        guard let year = reader.digits(4) else { return nil }
        let dateSeparator = reader.take("-") ? "-" : ""
        guard let month = reader.digits(2), dateSeparator.isEmpty || reader.take("-"), let day = reader.digits(2),
            (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        var form = Form(
            dateSeparator: dateSeparator, separator: nil, timeSeparator: "", hasSeconds: false, fraction: "", zone: "")
        var (seconds, nanoseconds, offset) = (0, 0, 0)
        if !reader.isAtEnd {
            guard let separator = ["T", "t", " "].first(where: { reader.take($0) }), let hour = reader.digits(2) else {
                return nil
            }
            form.separator = separator
            form.timeSeparator = reader.take(":") ? ":" : ""
            guard let minute = reader.digits(2), hour < 25, minute < 60 else { return nil }
            seconds = hour * 3600 + minute * 60
            if form.timeSeparator.isEmpty || reader.take(":"), let second = reader.digits(2) {
                guard second <= 60 else { return nil }
                form.hasSeconds = true
                seconds += second
            }
            if reader.take(".") {
                guard form.hasSeconds, let digits = reader.allDigits(), digits.count <= 9 else { return nil }
                form.fraction = ".\(digits)"
                nanoseconds = Int(digits + String(repeating: "0", count: 9 - digits.count)) ?? 0
            }
            guard let zone = reader.zone() else { return nil }
            (form.zone, offset) = zone
        }
        guard reader.isAtEnd else { return nil }
        wall = Self.days(year, month, day) * 86400 + seconds
        self.nanoseconds = nanoseconds
        self.offset = offset
        self.form = form
    }

    /// Whether this instant is before the other.
    static func < (a: CivilTime, b: CivilTime) -> Bool {
        (a.wall - a.offset, a.nanoseconds) < (b.wall - b.offset, b.nanoseconds)
    }

    /// A text that comes before another one's, by its bytes, when the instant does.
    var sortable: String {
        // Counted from long before the year 0, so that nothing is negative.
        Self.pad(wall - offset + 1_000_000_000_000, 13) + Self.pad(nanoseconds, 9)
    }

    /// Earlier by some seconds; a date alone by as many days as cover them.
    func earlier(by seconds: Int) -> CivilTime {
        var time = self
        time.wall -= form.separator == nil ? (seconds + 86399) / 86400 * 86400 : seconds
        return time
    }

    var text: String {
        let days = wall >= 0 ? wall / 86400 : (wall - 86399) / 86400
        let seconds = wall - days * 86400
        let (year, month, day) = Self.date(days)
        var text = [Self.pad(year, 4), Self.pad(month), Self.pad(day)].joined(separator: form.dateSeparator)
        guard let separator = form.separator else { return text }
        var parts = [Self.pad(seconds / 3600), Self.pad(seconds / 60 % 60)]
        if form.hasSeconds { parts.append(Self.pad(seconds % 60)) }
        text += separator + parts.joined(separator: form.timeSeparator) + form.fraction + form.zone
        return text
    }

    private static func pad(_ number: Int, _ width: Int = 2) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// Days from 1970-01-01 in the Gregorian calendar: years are counted from March, so that the leap day is the last.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let years = month > 2 ? year : year - 1
        let era = (years >= 0 ? years : years - 399) / 400
        let yearOfEra = years - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func date(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}

/// Takes a text apart from left to right.
private struct Reader {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = Substring(text).utf8 }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ character: String) -> Bool {
        guard rest.starts(with: character.utf8) else { return false }
        rest.removeFirst(character.utf8.count)
        return true
    }

    mutating func digits(_ count: Int) -> Int? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        rest.removeFirst(count)
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    mutating func allDigits() -> String? {
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        rest.removeFirst(digits.count)
        return digits.isEmpty ? nil : String(decoding: digits, as: UTF8.self)
    }

    /// What is written, and the seconds east of UTC; nil when it is wrong.
    mutating func zone() -> (text: String, offset: Int)? {
        if isAtEnd { return ("", 0) }
        let text = String(decoding: rest, as: UTF8.self)
        if take("Z") || take("z") { return (text, 0) }
        let sign = take("-") ? -1 : 1
        guard sign == -1 || take("+"), let hours = digits(2) else { return nil }
        _ = take(":")
        let minutes = isAtEnd ? 0 : digits(2)
        return minutes.map { (text, sign * (hours * 3600 + $0 * 60)) }
    }
}
