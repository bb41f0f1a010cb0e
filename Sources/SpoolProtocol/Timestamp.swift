/// A point in time as the spool's files write it: UTC, milliseconds, RFC 3339 (`2026-01-07T13:33:12.000Z`). RFC 3339 has
/// the years 0000 to 9999; a time outside of them, as anybody can give to a file, becomes the nearest inside.
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Since 1970-01-01T00:00:00Z, without leap seconds.
    public let milliseconds: Int64

    public static let earliest = Timestamp(milliseconds: -62_167_219_200_000)
    public static let latest = Timestamp(milliseconds: 253_402_300_799_999)

    private static let range: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999

    public init(milliseconds: Int64) {
        self.milliseconds = min(max(milliseconds, Self.range.lowerBound), Self.range.upperBound)
    }

    /// A time as stat(2) and clock_gettime(2) give it.
    public init(seconds: Int64, nanoseconds: Int64) {
        let seconds = min(max(seconds, Self.range.lowerBound / 1000 - 1), Self.range.upperBound / 1000 + 1)
        self.init(milliseconds: seconds * 1000 + nanoseconds / 1_000_000)
    }

    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.milliseconds < b.milliseconds }

    public func adding(seconds: Double) -> Timestamp {
        let sum = Double(milliseconds) + (seconds * 1000).rounded()
        if sum >= Double(Self.range.upperBound) { return .latest }
        // NaN, too, is no time to wait for.
        return sum > Double(Self.range.lowerBound) ? Timestamp(milliseconds: Int64(sum)) : .earliest
    }

    /// Seconds from `earlier` to here, never less than zero: clocks are set back.
    public func seconds(since earlier: Timestamp) -> Double {
        Double(max(0, milliseconds - earlier.milliseconds)) / 1000
    }
}

extension Timestamp: CustomStringConvertible {
    public var description: String {
        let (days, ofDay) = milliseconds.quotientAndRemainderFloored(by: 86_400_000)
        let (year, month, day) = civil(fromDays: days)
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        let (hours, minutes, seconds) = (ofDay / 3_600_000, ofDay / 60_000 % 60, ofDay / 1000 % 60)
        return "\(date)T\(padded(hours, 2)):\(padded(minutes, 2)):\(padded(seconds, 2)).\(padded(ofDay % 1000, 3))Z"
    }
}

extension Timestamp {
    /// To the second and without punctuation, as names of files have it: `20260107T133312Z`.
    public var compact: String { description.filter { $0 != "-" && $0 != ":" }.prefix { $0 != "." } + "Z" }
}

extension Timestamp {
    /// Reads RFC 3339 with `Z` or an offset and any number of fractional digits (beyond milliseconds they are dropped);
    /// nil for anything else and for dates that do not exist. A leap second counts as the second before it.
    public init?(_ text: String) {
        var rest = text.utf8[...]
        func number(_ digits: Int, _ range: ClosedRange<Int64>) -> Int64? {
            guard rest.count >= digits, rest.prefix(digits).allSatisfy({ (0x30...0x39).contains($0) }),
                let value = Int64(Substring(rest.prefix(digits))), range.contains(value)
            else { return nil }
            rest = rest.dropFirst(digits)
            return value
        }
        func skip(_ characters: String) -> Bool {
            guard let first = rest.first, characters.utf8.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        guard let year = number(4, 0...9999), skip("-"), let month = number(2, 1...12), skip("-"),
            let day = number(2, 1...31), skip("Tt "), let hour = number(2, 0...23), skip(":"),
            let minute = number(2, 0...59), skip(":"), let second = number(2, 0...60)
        else { return nil }
        let days = daysFromCivil(year, month, day)
        guard civil(fromDays: days) == (year, month, day) else { return nil }
        var fraction: Int64 = 0
        if skip(".") {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            guard !digits.isEmpty else { return nil }
            fraction = Int64((String(Substring(digits)) + "00").prefix(3)) ?? 0
            rest = rest.dropFirst(digits.count)
        }
        var offset: Int64 = 0
        if !skip("Zz") {
            let sign: Int64 = rest.first == UInt8(ascii: "-") ? -1 : 1
            guard skip("+-"), let hours = number(2, 0...23), skip(":"), let minutes = number(2, 0...59) else {
                return nil
            }
            offset = sign * (hours * 60 + minutes)
        }
        guard rest.isEmpty else { return nil }
        let minutes = days * 1440 + hour * 60 + minute - offset
        let milliseconds = (minutes * 60 + min(second, 59)) * 1000 + fraction
        guard Self.range.contains(milliseconds) else { return nil }
        self.init(milliseconds: milliseconds)
    }
}

private func padded(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
