public import JSONText

/// One line of `NAME.errors.jsonl`: an item that failed while its job went on.
public struct ItemError: Sendable, Equatable {
    public var at: Timestamp
    /// What failed: a path, a key, a line; empty when the handler did not say.
    public var item: String
    public var code: String
    public var message: String
    public var retryable: Bool
    public var attempt: Int

    public init(at: Timestamp, item: String, code: String, message: String, retryable: Bool, attempt: Int) {
        self.at = at
        self.item = item
        self.code = code
        self.message = message
        self.retryable = retryable
        self.attempt = attempt
    }
}

extension ItemError {
    public var json: JSON {
        [
            "at": .string(at.description), "item": .string(item), "code": .string(code), "message": .string(message),
            "retryable": .bool(retryable), "attempt": JSON(attempt),
        ]
    }

    public init?(json: JSON) {
        guard let at = json["at"]?.string.flatMap(Timestamp.init) else { return nil }
        self.init(
            at: at, item: json["item"]?.string ?? "", code: json["code"]?.string ?? "",
            message: json["message"]?.string ?? "", retryable: json["retryable"]?.bool ?? false,
            attempt: json["attempt"]?.int ?? 0)
    }
}
