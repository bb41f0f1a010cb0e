public import JSONText

/// A type's definition as its file has it: what is nil is inherited (`extends`) or has a default.
public struct DefinitionFile: Sendable, Equatable {
    public var description: String?
    /// Program and arguments; never given to a shell. A program without a slash is looked up as `Definition.command` says.
    public var command: [String]?
    public var extends: JobType?
    public var params: JSONObject?
    public var requestParams: [String]?
    public var lane: String?
    public var onBusy: OnBusy?
    public var timeoutSeconds: Double?
    public var stallSeconds: Double?
    public var graceSeconds: Double?
    public var retry: RetryPolicy?
    public var onInterrupted: OnInterrupted?
    public var dryRun: Bool?
    public var environment: JSONObject?
    public var workingDirectory: String?
    public var allow: Allowance?

    public init() {}
}

/// Who else than the daemon's user may use a type.
public struct Allowance: Sendable, Equatable {
    /// Names of users; `*` is everybody.
    public var users: [String]
    public var groups: [String]

    public init(users: [String], groups: [String]) {
        self.users = users
        self.groups = groups
    }
}

extension DefinitionFile {
    /// - Throws: `JSONFieldError`.
    public init(decoding object: JSONObject) throws(JSONFieldError) {
        var fields = JSONFields(object)
        if let version = try fields.int("v"), version != Request.version {
            throw fields.wrong("v", "is \(version): this daemon knows version \(Request.version) only")
        }
        description = try fields.string("description")
        command = try fields.strings("command")
        if let command, command.first?.isEmpty ?? true {
            throw fields.wrong("command", "needs at least the program: [\"/usr/bin/rsync\", \"-a\"]")
        }
        try Self.refuseNUL(in: command ?? [], ["command"])
        if let name = try fields.string("extends") {
            guard let type = JobType(name) else { throw fields.wrong("extends", "is no type's name") }
            extends = type
        }
        params = try fields.object("params")
        requestParams = try fields.strings("request_params")
        lane = try fields.string("lane")
        if let lane, JobType(lane) == nil {
            throw fields.wrong("lane", "must be 1 to 100 letters, digits, dots, hyphens and underscores")
        }
        onBusy = try fields.choice("on_busy")
        timeoutSeconds = try fields.seconds("timeout_seconds")
        stallSeconds = try fields.seconds("stall_seconds")
        graceSeconds = try fields.double("grace_seconds", in: 0...86_400)
        retry = try RetryPolicy(&fields, "retry")
        onInterrupted = try fields.choice("on_interrupted")
        dryRun = try fields.bool("dry_run")
        environment = try fields.object("environment")
        for (key, value) in environment?.members ?? [] {
            guard let text = value.string, !key.isEmpty, !key.utf8.contains(UInt8(ascii: "=")) else {
                throw JSONFieldError(path: ["environment", key], problem: "must be a variable's name with a string")
            }
            try Self.refuseNUL(in: [key, text], ["environment", key])
        }
        workingDirectory = try fields.string("working_directory")
        if let workingDirectory, !workingDirectory.beginsWithBytes("/") {
            throw fields.wrong("working_directory", "must be an absolute path")
        }
        try Self.refuseNUL(in: workingDirectory.map { [$0] } ?? [], ["working_directory"])
        allow = try Allowance(&fields)
        try fields.finish()
        if command == nil, extends == nil {
            throw fields.wrong("command", "is missing: name the program, or a type to build on in `extends`")
        }
    }

    /// What goes to the kernel ends at a NUL: it would start something else than what is written there.
    private static func refuseNUL(in texts: [String], _ path: [String]) throws(JSONFieldError) {
        if texts.contains(where: { $0.utf8.contains(0) }) {
            throw JSONFieldError(path: path, problem: "has a NUL character: remove it")
        }
    }

    /// This definition on top of the one it extends: what it says wins; parameters and environment are merged.
    public func extending(_ base: DefinitionFile) -> DefinitionFile {
        var merged = base
        merged.extends = nil
        merged.description = description ?? base.description
        merged.command = command ?? base.command
        merged.params = Self.merge(params, over: base.params)
        merged.requestParams = requestParams ?? base.requestParams
        merged.lane = lane ?? base.lane
        merged.onBusy = onBusy ?? base.onBusy
        merged.timeoutSeconds = timeoutSeconds ?? base.timeoutSeconds
        merged.stallSeconds = stallSeconds ?? base.stallSeconds
        merged.graceSeconds = graceSeconds ?? base.graceSeconds
        merged.retry = retry ?? base.retry
        merged.onInterrupted = onInterrupted ?? base.onInterrupted
        merged.dryRun = dryRun ?? base.dryRun
        merged.environment = Self.merge(environment, over: base.environment)
        merged.workingDirectory = workingDirectory ?? base.workingDirectory
        merged.allow = allow ?? base.allow
        return merged
    }

    private static func merge(_ top: JSONObject?, over base: JSONObject?) -> JSONObject? {
        guard let top, let base else { return top ?? base }
        var merged = base
        for (key, value) in top.members { merged[key] = value }
        return merged
    }
}

extension Allowance {
    init?(_ fields: inout JSONFields) throws(JSONFieldError) {
        guard let object = try fields.object("allow") else { return nil }
        var inner = JSONFields(object, path: ["allow"])
        users = try inner.strings("users") ?? []
        groups = try inner.strings("groups") ?? []
        try inner.finish()
    }
}
