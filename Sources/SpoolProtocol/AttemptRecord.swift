public import JSONText

/// One attempt, as a result's `attempts` tells it.
public struct AttemptRecord: Sendable, Equatable {
    /// From 1.
    public var attempt: Int
    public var startedAt: Timestamp
    public var finishedAt: Timestamp
    /// `completed`, `failed`, `cancelled`, `interrupted`, `stopped` (the daemon was stopped).
    public var ending: Ending
    /// nil when a signal ended the handler, or nobody saw how it ended.
    public var exitStatus: Int?
    public var signal: Int?
    public var error: JobError?

    public enum Ending: String, Sendable, CaseIterable {
        case completed, failed, cancelled, interrupted, stopped
    }

    public init(
        attempt: Int, startedAt: Timestamp, finishedAt: Timestamp, ending: Ending, exitStatus: Int? = nil,
        signal: Int? = nil, error: JobError? = nil
    ) {
        self.attempt = attempt
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.ending = ending
        self.exitStatus = exitStatus
        self.signal = signal
        self.error = error
    }
}

extension AttemptRecord {
    public var json: JSON {
        [
            "attempt": JSON(attempt), "started_at": .string(startedAt.description),
            "finished_at": .string(finishedAt.description), "ending": .string(ending.rawValue),
            "exit_status": JSON(exitStatus), "signal": JSON(signal), "error": error?.json ?? .null,
        ]
    }

    public init?(json: JSON) {
        guard let attempt = json["attempt"]?.int, (1...1_000_000_000).contains(attempt),
            let startedAt = json["started_at"]?.string.flatMap(Timestamp.init),
            let finishedAt = json["finished_at"]?.string.flatMap(Timestamp.init),
            let ending = json["ending"]?.string.flatMap(Ending.init(rawValue:))
        else { return nil }
        self.init(
            attempt: attempt, startedAt: startedAt, finishedAt: finishedAt, ending: ending,
            exitStatus: json["exit_status"]?.int, signal: json["signal"]?.int, error: JobError(json: json["error"]))
    }
}
