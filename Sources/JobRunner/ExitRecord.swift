/// What the supervisor wrote into `record.jsonl`: one line before it starts the handler, one that says which process that is, one when
/// it has ended and has left somebody behind, one when somebody cannot be stopped, and one when it is over. Each line names the job and the attempt, so that what an earlier attempt left in a directory that is used again counts for nothing.
import JSONText
import SpoolProtocol

struct ExitRecord: Equatable {
    var end: AttemptEnd
    var finishedAt: Timestamp
    /// Processes that the handler had left running and that were stopped.
    var leftBehind: Int
    /// The sizes of the handler's outputs by then, in bytes; nil where an earlier version did not write them down.
    var outputSize: Int64?
    var errorSize: Int64?

    init(end: AttemptEnd, finishedAt: Timestamp, leftBehind: Int) {
        self.end = end
        self.finishedAt = finishedAt
        self.leftBehind = leftBehind
    }

    /// Nobody saw how it ended.
    static func vanished(at time: Timestamp) -> ExitRecord {
        ExitRecord(end: .vanished, finishedAt: time, leftBehind: 0)
    }
}

/// How far an attempt has come, as its record says.
enum AttemptRecordState: Equatable {
    case notStarted
    case started
    /// The handler has ended; whoever it left behind is being stopped.
    case exited
    case ended(ExitRecord)

    static func startedLine(of attempt: String, at time: Timestamp) -> [UInt8] {
        JSON.object(["of": .string(attempt), "started_at": .string(time.description)]).line
    }

    static func exitedLine(of attempt: String, at time: Timestamp) -> [UInt8] {
        JSON.object(["of": .string(attempt), "exited_at": .string(time.description)]).line
    }

    static func survivorsLine(of attempt: String, _ who: String) -> [UInt8] {
        JSON.object(["of": .string(attempt), "survivors": .string(who)]).line
    }

    /// Those who did not end when KILL was sent to them, as the record says last.
    static func survivors(_ bytes: [UInt8], of attempt: String) -> String? {
        lines(of: attempt, in: bytes).compactMap { $0["survivors"]?.string }.last
    }

    static func trace(_ bytes: [UInt8], of attempt: String) -> HandlerTrace? {
        lines(of: attempt, in: bytes).compactMap(HandlerTrace.init(json:)).last
    }

    /// Written by a daemon that stops: why the attempt ends.
    static func shutdownLine(of attempt: String, at time: Timestamp) -> [UInt8] {
        JSON.object(["of": .string(attempt), "shutdown_at": .string(time.description)]).line
    }

    /// Whether the record has such a line of an attempt.
    static func tellsOfShutdown(_ bytes: [UInt8], of attempt: String) -> Bool {
        lines(of: attempt, in: bytes).contains { $0["shutdown_at"] != nil }
    }

    static func endedLine(of attempt: String, _ record: ExitRecord) -> [UInt8] {
        var object: JSONObject = [
            "of": .string(attempt), "finished_at": .string(record.finishedAt.description),
            "left_behind": JSON(record.leftBehind),
        ]
        if let size = record.outputSize { object["stdout_bytes"] = JSON(size) }
        if let size = record.errorSize { object["stderr_bytes"] = JSON(size) }
        switch record.end {
        case .exited(let status): object["exit_status"] = JSON(status)
        case .signalled(let signal): object["signal"] = JSON(signal)
        case .notStarted(let error): object["not_started"] = error.json
        case .vanished: break
        }
        return JSON.object(object).line
    }

    /// Reads the record.
    init(_ bytes: [UInt8], of attempt: String) {
        self = .notStarted
        for line in Self.lines(of: attempt, in: bytes) {
            if let record = ExitRecord(json: line) {
                self = .ended(record)
            } else if line["exited_at"] != nil {
                self = .exited
            } else if line["shutdown_at"] == nil, line["survivors"] == nil {
                // Also by an end that is damaged: something has run.
                self = .started
            }
        }
    }

    /// Lines that are torn, as a power cut can leave them, or another attempt's count for nothing.
    private static func lines(of attempt: String, in bytes: [UInt8]) -> [JSON] {
        // As these lines are written.
        let beginning = Array(#"{"of":\#(JSON.string(attempt).text)"#.utf8)
        return bytes.split(separator: 0x0A).compactMap { line in
            guard line.starts(with: beginning) else { return nil }
            do { return try JSON(parsing: Array(line)) } catch { return nil }
        }
    }
}

extension ExitRecord {
    fileprivate init?(json: JSON) {
        guard let finishedAt = json["finished_at"]?.string.flatMap(Timestamp.init) else { return nil }
        self.finishedAt = finishedAt
        leftBehind = json["left_behind"]?.int ?? 0
        outputSize = json["stdout_bytes"]?.int64
        errorSize = json["stderr_bytes"]?.int64
        if let status = json["exit_status"]?.int {
            end = .exited(status)
        } else if let signal = json["signal"]?.int {
            end = .signalled(signal)
        } else if let error = JobError(json: json["not_started"]) {
            end = .notStarted(error)
        } else {
            return nil
        }
    }
}
