/// The names of what is in `archive/`: `YYYY/MM/DD/NAME~JOB_ID/`, a directory for each archived family of files, by the UTC
/// day on which its job ended, and `spool.events-SEQUENCE.jsonl`, a file for each feed that was full. Everything else in
/// there is somebody else's.

/// A directory of days' families.
public struct ArchiveDay: Sendable, Hashable, Comparable {
    public let year: Int
    public let month: Int
    public let day: Int

    /// The UTC day of a time.
    public init(of time: Timestamp) {
        let parts = time.description.prefix(10).split(separator: "-").map { Int($0) ?? 0 }
        (year, month, day) = (parts[0], parts[1], parts[2])
    }

    /// nil when there is no such day.
    public init?(_ year: FileName, _ month: FileName, _ day: FileName) {
        guard let year = year.number(4), let month = month.number(2), let day = day.number(2) else { return nil }
        (self.year, self.month, self.day) = (year, month, day)
        guard Timestamp("\(components.joined(separator: "-"))T00:00:00Z") != nil else { return nil }
    }

    /// The names of the three directories, the outermost first.
    public var components: [String] { [padded(year, 4), padded(month, 2), padded(day, 2)] }

    public static func < (a: ArchiveDay, b: ArchiveDay) -> Bool {
        (a.year, a.month, a.day) < (b.year, b.month, b.day)
    }

    public enum Age: Sendable, Equatable {
        /// All that ended on this day is due, none of it is, or each family's own time has to say.
        case due, notDue, mixed
    }

    /// What is due of a day when everything is that ended at a time or earlier.
    public func age(at cutoff: Timestamp) -> Age {
        let cutoffDay = ArchiveDay(of: cutoff)
        if self < cutoffDay { return .due }
        return self == cutoffDay ? .mixed : .notDue
    }

    private func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension FileName {
    /// The number that a name of just so many digits writes.
    fileprivate func number(_ digits: Int) -> Int? {
        guard bytes.count == digits, bytes.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return string.flatMap { Int($0) }
    }

    /// The name of a directory that may hold a year's families; of one in it, a month's or a day's.
    public var isArchiveYear: Bool { number(4) != nil }
    public var isArchiveMonthOrDay: Bool { number(2) != nil }
}

/// Which family a directory holds.
public struct ArchivedName: Sendable, Hashable {
    public let name: JobName
    /// A UUID.
    public let jobID: String

    /// nil when the job's identifier is none that a path may hold.
    public init?(_ name: JobName, jobID: String) {
        guard Self.isUUID(jobID) else { return nil }
        self.name = name
        self.jobID = jobID
    }

    /// nil for what is no family's.
    public init?(_ directory: FileName) {
        guard let text = directory.string, let mark = text.utf8.lastIndex(of: UInt8(ascii: "~")),
            let id = String(text.utf8[text.utf8.index(after: mark)...]), let nameText = String(text.utf8[..<mark])
        else { return nil }
        do throws(JobName.Problem) {
            self.init(try JobName(nameText), jobID: id)
        } catch {
            return nil
        }
    }

    public var string: String { "\(name)~\(jobID)" }
    public var fileName: FileName { FileName(string) }

    private static func isUUID(_ text: String) -> Bool {
        text.utf8.count == 36
            && text.utf8.enumerated().allSatisfy { index, byte in
                [8, 13, 18, 23].contains(index)
                    ? byte == UInt8(ascii: "-") : Character(Unicode.Scalar(byte)).isHexDigit
            }
    }
}

/// A feed that was full, by the number of its last event.
public struct ArchivedFeed: Sendable, Hashable {
    public let lastSequence: Int64

    public init(lastSequence: Int64) { self.lastSequence = lastSequence }

    /// nil for what is no archived feed.
    public init?(_ file: FileName) {
        guard let text = file.string, text.hasPrefix(Self.prefix), text.hasSuffix(Self.suffix),
            case let digits = text.dropFirst(Self.prefix.count).dropLast(Self.suffix.count), digits.first != "-",
            let number = Int64(digits), String(number).utf8.elementsEqual(digits.utf8)
        else { return nil }
        lastSequence = number
    }

    public var fileName: FileName { FileName("\(Self.prefix)\(lastSequence)\(Self.suffix)") }

    private static let prefix = "spool.events-"
    private static let suffix = ".jsonl"
}
