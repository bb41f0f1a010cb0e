public import JSONText

/// One line of a handler's standard output (DESIGN: the handler contract). Whatever is no report is a log line, so that
/// any program's output can be followed.
public enum HandlerLine: Sendable, Equatable {
    case progress(ProgressReport)
    case log(LogEntry.Level, String)
    case error(item: String, code: String, message: String, retryable: Bool)
    case checkpoint(JSON)
    case result(JSON)
    /// Why the job fails, to be followed by an exit status other than 0.
    case failure(JobError, retryable: Bool)
    /// A report of a type that this version does not know.
    case ignored
}

/// What a handler said of its progress; nil is "as before".
public struct ProgressReport: Sendable, Equatable {
    public var phase: String?
    public var current: Int64?
    public var total: Int64?
    public var item: String?
    public var bytes: Int64?
    public var totalBytes: Int64?
    public var counts: JSON?

    public init() {}
}

extension HandlerLine {
    /// The longest line that is taken, in bytes; longer ones are cut, and a report that is cut is a log line.
    public static let maximumBytes = 1 << 20

    /// How deep a report may be nested. It becomes a part of statuses, results and requests, which are nested a few levels deeper, and at most
    /// `JSON.maximumDepth` deep. One that is deeper is a log line.
    public static let maximumDepth = 500

    /// Reads a line without its line break.
    public init(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let first = bytes.first(where: { $0 != 0x20 && $0 != 0x09 }), first == UInt8(ascii: "{") else {
            self = .plain(bytes)
            return
        }
        do {
            self = HandlerLine(try JSON(parsing: bytes, maximumDepth: Self.maximumDepth)) ?? .plain(bytes)
        } catch {
            self = .plain(bytes)
        }
    }

    private static func plain(_ bytes: UnsafeBufferPointer<UInt8>) -> HandlerLine {
        .log(.info, String(decoding: bytes, as: UTF8.self))
    }

    /// nil when the object is no report.
    private init?(_ json: JSON) {
        guard let type = json["type"]?.string else { return nil }
        switch type {
        case "progress": self = .progress(ProgressReport(json))
        case "log":
            let level = json["level"]?.string.flatMap(LogEntry.Level.init(rawValue:)) ?? .info
            self = .log(level, json["message"].text)
        case "error":
            self = .error(
                item: json["item"].text, code: json["code"]?.string ?? "ERROR", message: json["message"].text,
                retryable: json["retryable"]?.bool ?? false)
        case "checkpoint": self = .checkpoint(json["value"] ?? .null)
        case "result": self = .result(json["value"] ?? .null)
        case "failure":
            let error = JobError(
                code: json["code"]?.string ?? JobError.Code.handlerFailed.rawValue,
                message: json["message"].text, details: json["details"]?.object ?? [:])
            self = .failure(error, retryable: json["retryable"]?.bool ?? false)
        default: self = .ignored
        }
    }
}

extension JSON? {
    /// What people are to read: a string as it is, nothing for null, anything else as JSON.
    fileprivate var text: String {
        switch self {
        case nil, .null: ""
        case .string(let string): string
        case let value?: value.text
        }
    }
}

extension ProgressReport {
    init(_ json: JSON) {
        phase = json["phase"]?.string
        current = json["current"]?.int64
        total = json["total"]?.int64
        item = json["item"]?.string
        bytes = json["bytes"]?.int64
        totalBytes = json["total_bytes"]?.int64
        counts = json["counts"]
    }
}
