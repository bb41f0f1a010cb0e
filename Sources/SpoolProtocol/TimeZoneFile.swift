import JSONText

/// Reads a TZif file (RFC 9636), as zic(8) writes them to /usr/share/zoneinfo: a header, changes in 32 bits, and from version 2
/// on another header, the same in 64 bits, and a footer. Designations and the indicators of standard time and UT are of no use
/// here. Leap seconds are refused: such a zone counts other seconds than the clock does.
extension TimeZoneRules {
    /// Why bytes are no time zone.
    public struct Problem: Error, Equatable, CustomStringConvertible {
        public let description: String
    }

    /// - Throws: `Problem`.
    public init(tzif bytes: [UInt8]) throws(Problem) {
        var file = TZifReader(bytes: bytes[...])
        var header = try file.header()
        let version = header.version
        if version > 0 {
            try file.skip(header.length(timeSize: 4))
            header = try file.header()
        }
        guard header.leapSeconds == 0 else {
            throw Problem(
                description: "counts leap seconds, which the clock does not: name the zone without \"right/\"")
        }
        let (changes, firstOffset) = try file.changes(header, timeSize: version > 0 ? 8 : 4)
        self.init(changes: changes, firstOffset: firstOffset, footer: version > 0 ? try file.footer() : nil)
    }
}

private struct TZifReader {
    var bytes: ArraySlice<UInt8>

    struct Header {
        /// 0 for version 1, which has no second block.
        let version: UInt8
        let universalIndicators: Int
        let standardIndicators: Int
        let leapSeconds: Int
        let times: Int
        let types: Int
        let designations: Int

        /// Of the block that follows, in bytes.
        func length(timeSize: Int) -> Int {
            times * (timeSize + 1) + types * 6 + designations + leapSeconds * (timeSize + 4) + standardIndicators
                + universalIndicators
        }
    }

    mutating func skip(_ count: Int) throws(TimeZoneRules.Problem) {
        guard count <= bytes.count else {
            throw TimeZoneRules.Problem(description: "is a time-zone file that is cut off")
        }
        bytes = bytes.dropFirst(count)
    }

    mutating func header() throws(TimeZoneRules.Problem) -> Header {
        guard bytes.count >= 44, bytes.prefix(4).elementsEqual("TZif".utf8) else {
            throw TimeZoneRules.Problem(description: "is no time-zone file (TZif)")
        }
        let version = bytes[bytes.startIndex + 4]
        try skip(20)
        var counts: [Int] = []
        for _ in 0..<6 { counts.append(try integer(4)) }
        // What no file has cannot overflow the sums either.
        guard counts.allSatisfy({ (0...1 << 24).contains($0) }), counts[4] > 0 else {
            throw TimeZoneRules.Problem(description: "is a time-zone file with impossible counts")
        }
        return Header(
            version: version, universalIndicators: counts[0], standardIndicators: counts[1], leapSeconds: counts[2],
            times: counts[3], types: counts[4], designations: counts[5])
    }

    /// A signed integer in network order.
    private mutating func integer(_ size: Int) throws(TimeZoneRules.Problem) -> Int {
        let field = bytes.prefix(size)
        try skip(size)
        let isNegative = (field.first ?? 0) & 0x80 != 0
        return field.reduce(isNegative ? -1 : 0) { $0 << 8 | Int($1) }
    }

    mutating func changes(
        _ header: Header, timeSize: Int
    ) throws(TimeZoneRules.Problem) -> ([TimeZoneRules.Change], firstOffset: Int64) {
        guard bytes.count >= header.length(timeSize: timeSize) else {
            throw TimeZoneRules.Problem(description: "is a time-zone file that is cut off")
        }
        var times: [Int] = []
        for _ in 0..<header.times { times.append(try integer(timeSize)) }
        let types = bytes.prefix(header.times).map { Int($0) }
        try skip(header.times)
        var offsets: [Int64] = []
        for _ in 0..<header.types {
            offsets.append(Int64(try integer(4)))
            try skip(2)
        }
        try skip(header.designations + header.standardIndicators + header.universalIndicators)
        let isInOrder = zip(times, times.dropFirst()).allSatisfy { $0 < $1 }
        guard isInOrder, types.allSatisfy({ $0 < offsets.count }), offsets.allSatisfy({ abs($0) < 7 * secondsPerDay })
        else {
            throw TimeZoneRules.Problem(description: "is a time-zone file with impossible changes")
        }
        let range = TimeZoneRules.distantPast...TimeZoneRules.distantFuture
        let changes = zip(times, types).map { time, type in
            let at = min(max(Int64(time), range.lowerBound), range.upperBound)
            return TimeZoneRules.Change(at: at, offset: offsets[type])
        }
        return (changes, offsets[0])
    }

    /// nil when it is empty.
    mutating func footer() throws(TimeZoneRules.Problem) -> PosixTimeZone? {
        let text = bytes.dropFirst().prefix { $0 != 0x0A }
        guard bytes.first == 0x0A, bytes.count > text.count + 1 else {
            throw TimeZoneRules.Problem(description: "is a time-zone file that is cut off")
        }
        if text.isEmpty { return nil }
        guard let rule = PosixTimeZone(Substring(decoding: text, as: UTF8.self).utf8) else {
            throw TimeZoneRules.Problem(
                description:
                    "is a time-zone file with a rule that is none: \"\(String(decoding: text, as: UTF8.self).printable(limit: 100))\""
            )
        }
        return rule
    }
}
