public import JSONText

/// What a request file asks for. Only `type` is required.
public struct Request: Sendable, Equatable {
    public var type: JobType
    public var description: String?
    /// Handed to the handler untouched.
    public var params: JSONObject
    public var dryRun: Bool
    /// nil: as the type's definition says.
    public var onBusy: OnBusy?
    /// -100 to 100, higher first.
    public var priority: Int
    public var notBefore: Timestamp?
    /// Jobs that must complete first.
    public var after: [JobName]
    /// Above 0, at most `maximumSeconds`; nil: as the definition says.
    public var timeoutSeconds: Double?
    public var retry: RetryPolicy?
    /// Copied to status and result; the values are strings.
    public var labels: JSONObject

    public init(type: JobType) {
        self.type = type
        params = [:]
        dryRun = false
        priority = 0
        after = []
        labels = [:]
    }

    /// The largest request file, in bytes.
    public static let maximumBytes = 1 << 20
    /// How many jobs `after` may name: the daemon keeps them in memory.
    public static let maximumAfter = 1000
    /// The longest time span that a field may give: ten years, in seconds.
    public static let maximumSeconds: Double = 315_360_000
    /// The version of the file contract.
    public static let version = 1
}

// MARK: - Reading

extension Request {
    /// Reads a request file's content.
    /// - Throws: `JobError` `INVALID_REQUEST` that names what is wrong, the line and column, and the remedy. Its details
    ///   hold `line`, `column`, `field` and, for a text that ends too early, `truncated`.
    public init(parsing bytes: [UInt8]) throws(JobError) {
        self = try ClientDocument.read(
            bytes, .invalidRequest, example: "a request is an object such as {\"type\": \"documents.sync\"}"
        ) { object throws(JSONFieldError) in try Request(decoding: object) }
    }

    /// - Parameter path: the keys that lead to the request, where it is part of something else.
    /// - Throws: `JSONFieldError`.
    public init(decoding object: JSONObject, path: [String] = []) throws(JSONFieldError) {
        var fields = JSONFields(object, path: path)
        let version = try fields.int("v")
        if let version, version != Self.version {
            throw fields.wrong("v", "is \(version): this daemon knows version \(Self.version) only")
        }
        let typeName = try fields.string("type")
        description = try fields.string("description")
        params = try fields.object("params") ?? [:]
        dryRun = try fields.bool("dry_run") ?? false
        onBusy = try fields.choice("on_busy")
        priority = try fields.int("priority", in: -100...100) ?? 0
        notBefore = try Self.readNotBefore(&fields)
        after = try Self.readAfter(&fields)
        timeoutSeconds = try fields.seconds("timeout_seconds")
        retry = try RetryPolicy(&fields, "retry")
        labels = try Self.readLabels(&fields)
        try fields.finish()
        let name = try fields.require(typeName, "type", "name a job type, such as \"documents.sync\"")
        guard let type = JobType(name) else {
            throw fields.wrong("type", "is no type's name: use letters, digits, dots, hyphens and underscores")
        }
        self.type = type
    }

    private static func readNotBefore(_ fields: inout JSONFields) throws(JSONFieldError) -> Timestamp? {
        guard let text = try fields.string("not_before") else { return nil }
        guard let time = Timestamp(text) else {
            throw fields.wrong("not_before", "is no RFC 3339 time, such as \"2026-01-07T13:33:12Z\"")
        }
        return time
    }

    private static func readAfter(_ fields: inout JSONFields) throws(JSONFieldError) -> [JobName] {
        var names: [JobName] = []
        let texts = try fields.strings("after") ?? []
        if texts.count > maximumAfter {
            throw fields.wrong("after", "names \(texts.count) jobs: a request waits for at most \(maximumAfter)")
        }
        for text in texts {
            do {
                names.append(try JobName(text))
            } catch {
                throw fields.wrong("after", "names no job: \(error)")
            }
            if text.hasSuffix(".json") {
                let name = String(text.dropLast(5)).printable(limit: 100)
                throw fields.wrong("after", "names jobs, not their files: write \"\(name)\"")
            }
        }
        return names
    }

    private static func readLabels(_ fields: inout JSONFields) throws(JSONFieldError) -> JSONObject {
        let labels = try fields.object("labels") ?? [:]
        if let wrong = labels.members.first(where: { $0.value.string == nil }) {
            throw JSONFieldError(
                path: fields.path + ["labels", wrong.key],
                problem: "must be a string, not \(wrong.value.kind): labels are text")
        }
        return labels
    }
}

extension JSONFields {
    /// A span of time above 0, at most `Request.maximumSeconds`.
    mutating func seconds(_ key: String) throws(JSONFieldError) -> Double? {
        guard let value = try double(key, in: 0...Request.maximumSeconds) else { return nil }
        if value == 0 { throw wrong(key, "must be above 0") }
        return value
    }
}

extension RetryPolicy {
    /// Reads `{"max_attempts", "backoff_seconds"}`; nil when there is no such member.
    init?(_ fields: inout JSONFields, _ key: String) throws(JSONFieldError) {
        guard let object = try fields.object(key) else { return nil }
        var inner = JSONFields(object, path: fields.path + [key])
        let maxAttempts = try inner.int("max_attempts", in: 1...100)
        let backoff = try inner.double("backoff_seconds", in: 0...86_400)
        try inner.finish()
        self.init(
            maxAttempts: try inner.require(maxAttempts, "max_attempts", "say how many attempts in all, 1 to 100"),
            backoffSeconds: backoff ?? RetryPolicy.never.backoffSeconds)
    }
}

// MARK: - Writing

extension Request {
    /// What a client writes: only what differs from the defaults.
    public var json: JSON {
        var object: JSONObject = ["type": .string(type.string)]
        if let description { object["description"] = .string(description) }
        if !params.isEmpty { object["params"] = .object(params) }
        if dryRun { object["dry_run"] = true }
        if let onBusy { object["on_busy"] = .string(onBusy.rawValue) }
        if priority != 0 { object["priority"] = JSON(priority) }
        if let notBefore { object["not_before"] = .string(notBefore.description) }
        if !after.isEmpty { object["after"] = .array(after.map { .string($0.string) }) }
        if let timeoutSeconds { object["timeout_seconds"] = JSON(timeoutSeconds) }
        if let retry {
            object["retry"] = [
                "max_attempts": JSON(retry.maxAttempts), "backoff_seconds": JSON(retry.backoffSeconds),
            ]
        }
        if !labels.isEmpty { object["labels"] = .object(labels) }
        return .object(object)
    }
}
