public import JSONText

/// What tells one version of a request from the next: its size and modification time. `touch` changes it, a copy that
/// keeps times (`cp -a`, `rsync -a`) does not.
public struct Fingerprint: Sendable, Hashable {
    /// In bytes.
    public let size: Int64
    /// Since 1970-01-01T00:00:00Z; the part below a second in `nanoseconds`.
    public let seconds: Int64
    /// 0 to 999,999,999.
    public let nanoseconds: Int64

    public init(size: Int64, seconds: Int64, nanoseconds: Int64) {
        self.size = size
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// The modification time, to the millisecond.
    public var modifiedAt: Timestamp { Timestamp(seconds: seconds, nanoseconds: nanoseconds) }
}

extension Fingerprint {
    /// `mtime` is written as stat(1)'s `%.9Y` writes it, in a string: a JSON number would lose its nanoseconds in most readers.
    public var json: JSON {
        // Before 1970 the parts count up from a second that is too low; the text counts down from zero.
        let isBelowZero = seconds < 0
        let borrows = isBelowZero && nanoseconds > 0
        let whole = String(borrows ? seconds + 1 : seconds)
        let digits = String(borrows ? 1_000_000_000 - nanoseconds : nanoseconds)
        let fraction = String(repeating: "0", count: max(0, 9 - digits.count)) + digits
        return ["size": JSON(size), "mtime": .string((isBelowZero && whole == "0" ? "-0" : whole) + "." + fraction)]
    }

    public init?(json: JSON?) {
        guard let json, let size = json["size"]?.int64, let mtime = json["mtime"]?.string,
            let dot = mtime.utf8.firstIndex(of: UInt8(ascii: ".")), let whole = Int64(mtime[..<dot]),
            case let digits = mtime[mtime.index(after: dot)...], digits.utf8.count == 9,
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let fraction = Int64(digits)
        else { return nil }
        let borrows = mtime.utf8.first == UInt8(ascii: "-") && fraction > 0
        // Only Int64.min itself has no second below it, and needs none.
        let (seconds, overflow) = borrows ? whole.subtractingReportingOverflow(1) : (whole, false)
        if overflow { return nil }
        self.init(size: size, seconds: seconds, nanoseconds: borrows ? 1_000_000_000 - fraction : fraction)
    }
}
