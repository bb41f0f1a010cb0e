/// When a request is tried again, and after how long: five times, after 0.5 to 30 s with full jitter, or as the server says.
/// Pure: chance and time come from outside.
struct RetryPolicy: Sendable {
    static let retries = 5
    /// Seconds. The upper limit of the first wait.
    static let base = 0.5
    /// Seconds. The upper limit of every wait that is not the server's wish; five retries reach it.
    static let cap = 30.0
    /// By which the upper limit grows.
    static let factor = 3.0
    /// Seconds for which a server may ask at the most.
    static let longestWish = 120.0

    /// Whether a response with this status may be another one later (RFC 9110, section 15).
    static func isPassing(status: UInt) -> Bool { status == 408 || status == 429 || (500...599).contains(status) }

    /// Seconds to wait before a retry.
    /// - Parameters:
    ///   - retry: from 1.
    ///   - wish: seconds that the server asks for.
    ///   - chance: 0 to 1, evenly distributed: full jitter, so that many clients do not come back all at once.
    /// - Returns: nil when it is not tried again.
    static func delay(retry: Int, wish: Double?, chance: Double) -> Double? {
        guard retry <= retries else { return nil }
        var limit = base
        for _ in 1..<max(1, retry) { limit = min(cap, limit * factor) }
        return max(min(wish ?? 0, longestWish), limit * chance)
    }
}

/// The Retry-After header (RFC 9110, section 10.2.3): seconds, or a date.
enum RetryAfter {
    /// - Parameter now: seconds since 1970.
    /// - Returns: seconds from now, not below 0; nil for what is neither.
    static func seconds(_ value: String, now: Double) -> Double? {
        let text = value.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed()
        let trimmed = String(text)
        if !trimmed.isEmpty, trimmed.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            // More digits than a number has are a very long time.
            return Double(trimmed)
        }
        return HTTPDate.seconds(trimmed, now: now).map { max(0, $0 - now) }
    }
}

/// The three forms of an HTTP-date (RFC 9110, section 5.6.7), all of them GMT.
enum HTTPDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// - Parameter now: by which years of two digits are told: none is more than 50 years ahead.
    /// - Returns: seconds since 1970.
    static func seconds(_ text: String, now: Double) -> Double? {
        let words = text.split(whereSeparator: { $0 == " " || $0 == "-" || $0 == "," }).map(String.init)
        switch words.count {
        // Sun, 06 Nov 1994 08:49:37 GMT, and Sunday, 06-Nov-94 08:49:37 GMT
        case 6 where words[5] == "GMT":
            guard var year = number(words[3]) else { return nil }
            if words[3].utf8.count == 2 {
                let current = civilYear(now)
                year += current / 100 * 100
                if year > current + 50 { year -= 100 }
            }
            return seconds(year, words[2], words[1], words[4])
        // Sun Nov  6 08:49:37 1994
        case 5:
            return number(words[4]).flatMap { seconds($0, words[1], words[2], words[3]) }
        default: return nil
        }
    }

    private static func seconds(_ year: Int, _ month: String, _ day: String, _ time: String) -> Double? {
        guard let month = months.firstIndex(of: month), let day = number(day), (1...31).contains(day),
            (1600...9999).contains(year)
        else { return nil }
        let clock = time.split(separator: ":", omittingEmptySubsequences: false).map { number(String($0)) }
        guard clock.count == 3, let hour = clock[0], let minute = clock[1], let second = clock[2], hour < 24,
            minute < 60,
            second <= 60
        else { return nil }
        return Double(days(year, month + 1, day) * 86_400 + hour * 3_600 + minute * 60 + second)
    }

    private static func number(_ text: String) -> Int? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
    }

    /// Days since 1970-01-01 in the Gregorian calendar; years begin in March, so that the leap day is the last one.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let ofYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return year * 365 + year / 4 - year / 100 + year / 400 + ofYear - 719_468
    }

    private static func civilYear(_ now: Double) -> Int {
        guard now.isFinite, now.magnitude < 1e11 else { return 2000 }
        return 1970 + Int(now / 31_556_952)
    }
}
