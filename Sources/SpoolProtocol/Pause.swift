public import JSONText

/// `spool.pause.json`: while it exists no job starts. It may be empty, hold `{"reason": "…"}`, or any text, which then is
/// the reason.
public struct Pause: Sendable, Equatable {
    /// The file's modification time.
    public var since: Timestamp
    /// The file's owner.
    public var by: String
    /// nil when the file says nothing.
    public var reason: String?

    /// More of the file is not read, in bytes.
    public static let maximumBytes = 1 << 16

    public init(since: Timestamp, by: String, content: [UInt8]) {
        self.since = since
        self.by = by
        reason = Self.reason(in: content)
    }

    private static func reason(in content: [UInt8]) -> String? {
        let text: String?
        do {
            text = try JSON(parsing: content)["reason"]?.string
        } catch {
            text = String(decoding: content, as: UTF8.self)
        }
        let line = text?.split(whereSeparator: \.isNewline).first.map { String($0).printable(limit: 200) }
        return line.flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 }
    }
}

extension Pause {
    public var json: JSON { ["since": .string(since.description), "by": .string(by), "reason": JSON(reason)] }

    public init?(json: JSON?) {
        guard let json, let since = json["since"]?.string.flatMap(Timestamp.init), let by = json["by"]?.string else {
            return nil
        }
        self.since = since
        self.by = by
        reason = json["reason"]?.string
    }
}
