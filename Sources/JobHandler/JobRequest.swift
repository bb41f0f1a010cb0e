/// The one JSON object that a handler reads from standard input. Members that this version does not know are ignored,
/// so that an older handler runs under a newer daemon; members that are there have to be right.
public import JSONText

public struct JobRequest: Sendable, Equatable {
    /// The newest version of the contract that this library reads.
    public static let version = 1

    /// A UUID; empty in a request written by hand.
    public var jobID: String
    /// The request's file name without its suffix; empty in a request written by hand.
    public var name: String
    /// The type that was asked for, which may be one that extends the handler's own.
    public var type: String
    public var params: JSONObject
    /// Plan and count, but change nothing.
    public var dryRun: Bool
    /// From 1; above 1 the job runs again after a failure or an interruption.
    public var attempt: Int
    /// The value of the last checkpoint that an earlier attempt reported; nil when there is none.
    public var checkpoint: JSON?
    /// When a schedule asked for this run (RFC 3339); nil for other runs.
    public var scheduledAt: String?

    public init(
        jobID: String = "", name: String = "", type: String = "", params: JSONObject = [:], dryRun: Bool = false,
        attempt: Int = 1, checkpoint: JSON? = nil, scheduledAt: String? = nil
    ) {
        self.jobID = jobID
        self.name = name
        self.type = type
        self.params = params
        self.dryRun = dryRun
        self.attempt = attempt
        self.checkpoint = checkpoint
        self.scheduledAt = scheduledAt
    }

    /// - Throws: `JobFailure` with the code INVALID_REQUEST that names the line or the field.
    public init(parsing bytes: [UInt8]) throws(JobFailure) {
        let json: JSON
        do {
            json = try JSON(parsing: bytes)
        } catch {
            throw Self.invalid("the request on standard input is no JSON: \(error)", field: nil)
        }
        guard let object = json.object else {
            throw Self.invalid("the request on standard input must be an object, not \(json.kind)", field: nil)
        }
        do {
            try self.init(JSONFields(object))
        } catch {
            throw Self.invalid("the request's \(error)", field: error.path.joined(separator: "."))
        }
    }

    private init(_ given: JSONFields) throws(JSONFieldError) {
        var fields = given
        let version = try fields.int("v", in: 1 ... .max) ?? Self.version
        guard version <= Self.version else {
            throw fields.wrong("v", "is \(version), and this handler reads version \(Self.version): update it")
        }
        jobID = try fields.string("job_id") ?? ""
        name = try fields.string("name") ?? ""
        type = try fields.string("type") ?? ""
        params = try fields.object("params") ?? [:]
        dryRun = try fields.bool("dry_run") ?? false
        attempt = try fields.int("attempt", in: 1 ... .max) ?? 1
        checkpoint = fields.value("checkpoint")
        scheduledAt = try fields.string("scheduled_at")
    }

    private static func invalid(_ message: String, field: String?) -> JobFailure {
        JobFailure(
            "INVALID_REQUEST", message, details: field.map { ["field": .string($0)] } ?? [:], exit: .invalidParams)
    }
}
