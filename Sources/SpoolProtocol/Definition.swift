public import JSONText

/// A job type's policy, complete: the definition file, what it extends, and the defaults.
public struct Definition: Sendable, Equatable {
    public let type: JobType
    public let description: String?
    /// Program and arguments. A program without a slash is looked up beside the daemon's own executable, then on the
    /// standard path.
    public let command: [String]
    /// Fixed parameters: they win over the request's.
    public let params: JSONObject
    /// The parameters that a request may set; nil: all.
    public let requestParams: [String]?
    public let lane: String
    public let onBusy: OnBusy
    public let timeoutSeconds: Double?
    /// The time without any output after which an attempt counts as stuck.
    public let stallSeconds: Double?
    /// Between TERM and KILL.
    public let graceSeconds: Double
    public let retry: RetryPolicy
    public let onInterrupted: OnInterrupted
    /// The handler can do a dry run.
    public let dryRun: Bool
    public let environment: [(name: String, value: String)]
    /// nil: the type's work directory.
    public let workingDirectory: String?
    /// nil: the daemon's user (and root) only.
    public let allow: Allowance?

    public static let defaultLane = "default"
    public static let defaultGraceSeconds: Double = 10

    /// nil when neither the file nor what it extends has a command.
    public init?(type: JobType, _ file: DefinitionFile) {
        guard let command = file.command else { return nil }
        self.type = type
        self.command = command
        description = file.description
        params = file.params ?? [:]
        requestParams = file.requestParams
        lane = file.lane ?? Self.defaultLane
        onBusy = file.onBusy ?? .queue
        timeoutSeconds = file.timeoutSeconds
        stallSeconds = file.stallSeconds
        graceSeconds = file.graceSeconds ?? Self.defaultGraceSeconds
        retry = file.retry ?? .never
        onInterrupted = file.onInterrupted ?? .resume
        dryRun = file.dryRun ?? false
        environment = (file.environment?.members ?? []).map { ($0.key, $0.value.string ?? "") }
        workingDirectory = file.workingDirectory
        allow = file.allow
    }

    public static func == (a: Definition, b: Definition) -> Bool {
        a.json == b.json && a.environment.map { JSON($0.value) } == b.environment.map { JSON($0.value) }
    }
}

extension Definition {
    /// The policy as `jobspool types --json` shows it. The environment's values are left out: they may be secrets.
    public var json: JSON {
        [
            "type": .string(type.string), "description": JSON(description),
            "command": .array(command.map { .string($0) }), "params": .object(params),
            "request_params": requestParams.map { .array($0.map { .string($0) }) } ?? .null, "lane": .string(lane),
            "on_busy": .string(onBusy.rawValue), "timeout_seconds": JSON(timeoutSeconds),
            "stall_seconds": JSON(stallSeconds), "grace_seconds": JSON(graceSeconds),
            "retry": ["max_attempts": JSON(retry.maxAttempts), "backoff_seconds": JSON(retry.backoffSeconds)],
            "on_interrupted": .string(onInterrupted.rawValue), "dry_run": .bool(dryRun),
            "environment": .array(environment.map { .string($0.name) }), "working_directory": JSON(workingDirectory),
            "allow": allow.map {
                ["users": .array($0.users.map { .string($0) }), "groups": .array($0.groups.map { .string($0) })]
            } ?? .null,
        ]
    }
}

extension Definition {
    /// The parameters that the handler gets: the request's, with the fixed ones over them.
    /// - Throws: `JobError` `INVALID_PARAMS` when the request sets what it may not, or wants a dry run of a handler that
    ///   cannot do one.
    public func params(for request: Request) throws(JobError) -> JSONObject {
        if request.dryRun, !dryRun {
            throw JobError(
                .invalidParams,
                "`dry_run`: the handler of \(type) cannot do a dry run; set `dry_run` in its definition if it can",
                details: ["field": "dry_run"])
        }
        if let requestParams, let key = request.params.keys.first(where: { !requestParams.containsBytes(of: $0) }) {
            let allowed = requestParams.isEmpty ? "none" : requestParams.sorted().joined(separator: ", ")
            throw JobError(
                .invalidParams,
                "`params.\(key.printable(limit: 100))` may not be set by a request of type \(type); it may set: \(allowed)",
                details: ["field": .string("params.\(key)")])
        }
        var merged = request.params
        for (key, value) in params.members { merged[key] = value }
        return merged
    }
}
