import JSONText

/// The names of the files in a spool: the one place that spells their suffixes.
public enum SpoolFile: Sendable, Equatable {
    case request(JobName)
    case cancel(JobName)
    case schedule(JobName)
    case scheduleStatus(JobName)
    case status(JobName)
    case log(JobName)
    case errors(JobName)
    case result(JobName)
    case pause
    case spoolStatus
    case events
    /// It looks like a request, but its name cannot be a job's.
    case badName(reason: String)
    /// Hidden, temporary, a backup, or no JSON.
    case ignored

    /// What the file with this name is.
    public init(_ file: FileName) {
        guard let name = file.string else {
            let isRequest = file.bytes.suffix(5).elementsEqual(".json".utf8) && file.bytes.first != UInt8(ascii: ".")
            self = isRequest ? .badName(reason: "\"\(file)\" is not UTF-8: rename the file") : .ignored
            return
        }
        switch name {
        case Self.pauseName: self = .pause
        case Self.spoolStatusName: self = .spoolStatus
        case Self.eventsName: self = .events
        default: self = Self.ofJob(name)
        }
    }

    private static func ofJob(_ name: String) -> SpoolFile {
        if isTemporary(name) { return .ignored }
        for (suffix, make) in suffixes where name.endsWithBytes(suffix) {
            do {
                return make(try JobName(String(decoding: name.utf8.dropLast(suffix.utf8.count), as: UTF8.self)))
            } catch {
                // What a client wrote is told about.
                return [".json", ".schedule.json"].contains(suffix) ? .badName(reason: "\(error)") : .ignored
            }
        }
        return .ignored
    }

    /// Whether the name is one of a hidden file, a temporary one or a backup, which nobody looks at.
    package static func isTemporary(_ name: String) -> Bool {
        name.beginsWithBytes(".") || ignoredSuffixes.contains(where: { name.endsWithBytes($0) })
    }

    /// The file's name; nil for the two cases that are no particular file.
    public var fileName: FileName? {
        switch self {
        case .request(let name): FileName(name.string + ".json")
        case .cancel(let name): FileName(name.string + ".cancel.json")
        case .schedule(let name): FileName(name.string + ".schedule.json")
        case .scheduleStatus(let name): FileName(name.string + ".schedule.status.json")
        case .status(let name): FileName(name.string + ".status.json")
        case .log(let name): FileName(name.string + ".log.jsonl")
        case .errors(let name): FileName(name.string + ".errors.jsonl")
        case .result(let name): FileName(name.string + ".result.json")
        case .pause: FileName(Self.pauseName)
        case .spoolStatus: FileName(Self.spoolStatusName)
        case .events: FileName(Self.eventsName)
        case .badName, .ignored: nil
        }
    }

    public static let archiveDirectory = "archive"
    public static let privateDirectory = ".jobspool"

    /// What no job can be called, because such a request would be one of the spool's own files.
    static let reservedNames = ["spool", "spool.pause"]

    /// What a name must not end in, because such a request would be another job's file.
    static let reservedNameSuffixes = [".cancel", ".schedule", ".status", ".result"]

    private static let pauseName = "spool.pause.json"
    private static let spoolStatusName = "spool.status.json"
    private static let eventsName = "spool.events.jsonl"
    private static let ignoredSuffixes = ["~", ".tmp", ".part", ".swp"]

    /// Longer suffixes before the ones they end in.
    private static let suffixes: [(String, @Sendable (JobName) -> SpoolFile)] = [
        (".cancel.json", { .cancel($0) }),
        (".schedule.status.json", { .scheduleStatus($0) }),
        (".schedule.json", { .schedule($0) }),
        (".status.json", { .status($0) }),
        (".result.json", { .result($0) }),
        (".log.jsonl", { .log($0) }),
        (".errors.jsonl", { .errors($0) }),
        (".json", { .request($0) }),
    ]
}
