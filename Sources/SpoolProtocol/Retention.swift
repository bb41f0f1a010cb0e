/// How long finished jobs stay: in the spool, and then in the archive. Pure: what is due is decided from times alone.

/// A length of time as people write it (`7d`, `12h`, `90m`, `30s`, `0`), or `never`.
public enum RetentionTime: Sendable, Equatable {
    case never
    /// 0 is at once.
    case seconds(Int64)

    /// Why a text is none, in words that name the remedy.
    public struct Problem: Error, Equatable, CustomStringConvertible {
        public let description: String
    }

    /// More makes no difference: it is a hundred years.
    private static let maximum: Int64 = 100 * 366 * 86_400

    private static let units: [(letter: Character, seconds: Int64)] = [
        ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1),
    ]

    /// - Throws: `Problem`.
    public init(_ text: String) throws(Problem) {
        if text == "never" {
            self = .never
            return
        }
        if text == "0" {
            self = .seconds(0)
            return
        }
        guard let unit = Self.units.first(where: { $0.letter == text.last }), let count = Self.number(text.dropLast())
        else {
            throw Problem(
                description:
                    "\"\(FileName(text))\" is no length of time: write a whole number and a unit, as in 7d, 12h, 90m or 30s, or never"
            )
        }
        let (seconds, overflow) = count.multipliedReportingOverflow(by: unit.seconds)
        guard !overflow, seconds <= Self.maximum else {
            throw Problem(description: "\(text) is more than a hundred years: write never")
        }
        self = .seconds(seconds)
    }

    private static func number(_ digits: Substring) -> Int64? {
        digits.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(digits) : nil
    }

    /// What ended at this time or earlier is due; nil: nothing is.
    public func cutoff(at now: Timestamp) -> Timestamp? {
        switch self {
        case .never: nil
        case .seconds(let seconds): now.adding(seconds: -Double(seconds))
        }
    }
}

extension RetentionTime: CustomStringConvertible {
    /// In the largest unit in which it is a whole number.
    public var description: String {
        switch self {
        case .never: return "never"
        case .seconds(0): return "0"
        case .seconds(let seconds):
            let unit = Self.units.first { seconds % $0.seconds == 0 } ?? ("s", 1)
            return "\(seconds / unit.seconds)\(unit.letter)"
        }
    }
}

/// What a daemon does with finished jobs as they age.
public struct Retention: Sendable, Equatable {
    /// After their end families move from the spool to the archive.
    public var archiveAfter: RetentionTime
    /// After their end archived families are deleted, and archived feeds after their last event.
    public var deleteArchivedAfter: RetentionTime

    public static let standard = Retention(archiveAfter: .seconds(7 * 86_400), deleteArchivedAfter: .never)

    public init(archiveAfter: RetentionTime, deleteArchivedAfter: RetentionTime) {
        self.archiveAfter = archiveAfter
        self.deleteArchivedAfter = deleteArchivedAfter
    }

    /// Seconds between two looks at what is due: a quarter of the shorter time, 1 s to 1 h.
    public var interval: Double {
        let quarters = [archiveAfter, deleteArchivedAfter].map { time in
            switch time {
            case .never: Double.infinity
            case .seconds(let seconds): Double(seconds) / 4
            }
        }
        return min(3600, max(1, quarters.min() ?? .infinity))
    }
}
