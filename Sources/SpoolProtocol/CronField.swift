import JSONText

/// One of the five fields of a cron expression, as crontab(5) of Debian has them: `*`, numbers, names, ranges, lists, steps.
/// Stricter than cron in two points, where what it accepts never does what was meant: a range that runs backwards (cron:
/// never) and a step that is larger than the field (cron: its first value alone).
struct CronField: Sendable, Equatable {
    /// Bit n is set when n is among the values. Sunday is 0.
    private var bits: UInt64 = 0
    /// The text begins with `*`. That alone, not which values it stands for, makes the difference for cron(8).
    let hasStar: Bool

    enum Kind: CaseIterable, Sendable {
        case minute, hour, dayOfMonth, month, dayOfWeek
    }

    func contains(_ value: Int64) -> Bool { bits & (1 << UInt64(value)) != 0 }

    var values: [Int64] { (0..<64).filter { contains($0) } }

    init(_ text: Substring, _ kind: Kind) throws(CronExpression.Problem) {
        hasStar = text.utf8.first == UInt8(ascii: "*")
        for element in text.split(separator: ",", omittingEmptySubsequences: false) {
            try add(element, kind, text)
        }
    }

    private mutating func add(
        _ element: Substring, _ kind: Kind, _ whole: Substring
    ) throws(CronExpression.Problem) {
        let parts = element.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, !first.isEmpty else { throw kind.problem(whole, "has an empty element") }
        let isRange = first == "*" || first.contains("-")
        let range = try kind.range(first, whole)
        var step: Int64 = 1
        if parts.count == 2 {
            if !isRange {
                throw kind.problem(
                    whole, "has a step without a range: write `\(first)-\(kind.bounds.upperBound)/\(parts[1])`")
            }
            step = try kind.step(parts[1], whole)
        }
        for value in stride(from: range.lowerBound, through: range.upperBound, by: Int(step)) {
            // 7 is Sunday, too.
            bits |= 1 << UInt64(kind == .dayOfWeek ? value % 7 : value)
        }
    }
}

extension CronField.Kind {
    fileprivate var bounds: ClosedRange<Int64> {
        switch self {
        case .minute: 0...59
        case .hour: 0...23
        case .dayOfMonth: 1...31
        case .month: 1...12
        case .dayOfWeek: 0...7
        }
    }

    private var name: String {
        switch self {
        case .minute: "minute"
        case .hour: "hour"
        case .dayOfMonth: "day of month"
        case .month: "month"
        case .dayOfWeek: "day of week"
        }
    }

    private var words: [String] {
        switch self {
        case .minute, .hour, .dayOfMonth: []
        case .month: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
        case .dayOfWeek: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
        }
    }

    fileprivate func problem(_ field: Substring, _ what: String) -> CronExpression.Problem {
        CronExpression.Problem(description: "the \(name) `\(String(field).printable(limit: 60))` \(what)")
    }

    fileprivate func range(
        _ text: Substring, _ whole: Substring
    ) throws(CronExpression.Problem) -> ClosedRange<Int64> {
        if text == "*" { return bounds.lowerBound...(self == .dayOfWeek ? 6 : bounds.upperBound) }
        let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let first = try value(ends[0], whole)
        guard ends.count == 2 else { return first...first }
        var last = try value(ends[1], whole)
        // FRI-SUN ends with the week that it began in.
        if self == .dayOfWeek, last == 0, first > 0 { last = 7 }
        guard first <= last else {
            throw problem(whole, "has a range that runs backwards: write it as two, separated by a comma")
        }
        return first...last
    }

    private func value(_ text: Substring, _ whole: Substring) throws(CronExpression.Problem) -> Int64 {
        if let index = words.firstIndex(of: text.lowercased()) { return Int64(index) + (self == .month ? 1 : 0) }
        guard let number = Self.number(text), bounds.contains(number) else {
            let names =
                words.isEmpty
                ? "" : ", or a name from \(words[0].uppercased()) to \(words[words.count - 1].uppercased())"
            throw problem(whole, "must consist of numbers from \(bounds.lowerBound) to \(bounds.upperBound)\(names)")
        }
        return number
    }

    fileprivate func step(_ text: Substring, _ whole: Substring) throws(CronExpression.Problem) -> Int64 {
        let largest = bounds.upperBound - bounds.lowerBound
        guard let number = Self.number(text), (1...largest).contains(number) else {
            throw problem(whole, "must have a step from 1 to \(largest) behind the slash")
        }
        return number
    }

    private static func number(_ text: Substring) -> Int64? {
        guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int64(text)
    }
}
