public import JSONText

/// One line of `NAME.log.jsonl`.
public struct LogEntry: Sendable, Equatable {
    public var at: Timestamp
    public var level: Level
    public var source: Source
    /// 0 for what the daemon says before the first attempt.
    public var attempt: Int
    public var message: String

    public enum Level: String, Sendable, CaseIterable {
        case debug, info, warning, error
    }

    /// Where the line comes from: the handler's reports, its standard error, or the daemon.
    public enum Source: String, Sendable, CaseIterable {
        case handler, stderr, daemon
    }

    public init(at: Timestamp, level: Level, source: Source, attempt: Int, message: String) {
        self.at = at
        self.level = level
        self.source = source
        self.attempt = attempt
        self.message = message
    }
}

extension LogEntry {
    public var json: JSON {
        [
            "at": .string(at.description), "level": .string(level.rawValue), "source": .string(source.rawValue),
            "attempt": JSON(attempt), "message": .string(message),
        ]
    }

    public init?(json: JSON) {
        guard let at = json["at"]?.string.flatMap(Timestamp.init),
            let level = json["level"]?.string.flatMap(Level.init(rawValue:)),
            let source = json["source"]?.string.flatMap(Source.init(rawValue:)),
            let message = json["message"]?.string
        else { return nil }
        self.init(at: at, level: level, source: source, attempt: json["attempt"]?.int ?? 0, message: message)
    }
}
