/// The ways in which a job ends without success, as values that a handler throws.
public import JSONText

/// The job fails. Its code and message reach the daemon as the last line of the output, and the exit status says which
/// kind of failure it is.
public struct JobFailure: Error, Equatable, CustomStringConvertible {
    /// A word for programs, in capitals: "SOURCE_EMPTY".
    public let code: String
    /// A sentence for people: what happened, and what to do about it.
    public let message: String
    /// Whatever else a program may want to know: the numbers, the field.
    public let details: JSONObject
    public let exit: HandlerExit

    /// - Parameter exit: `.failed` (1), `.temporary` (75: trying again may help) or `.invalidParams` (64).
    public init(_ code: String, _ message: String, details: JSONObject = [:], exit: HandlerExit = .failed) {
        self.code = code
        self.message = message
        self.details = details
        self.exit = exit
    }

    public var description: String { "\(code): \(message)" }

    /// The params are wrong: exit status 64, which is never retried.
    /// - Parameter field: the member at fault, with dots between the levels: "params.path".
    public static func invalidParams(field: String, _ message: String) -> JobFailure {
        JobFailure("INVALID_PARAMS", message, details: ["field": .string(field)], exit: .invalidParams)
    }

    init(_ error: JSONFieldError) {
        self = .invalidParams(field: error.path.joined(separator: "."), error.description)
    }
}

/// The job was asked to stop and did: thrown by `Job.checkStopping()`, let through by the handler.
public struct JobStopped: Error, Equatable {
    public init() {}
}

/// One item that could not be processed; the job goes on.
public struct ItemError: Error, Equatable {
    /// Which item: a path, a key.
    public let item: String
    /// A word for programs, in capitals: "PERMISSION_DENIED".
    public let code: String
    public let message: String
    /// Whether the same item may succeed when it is tried again.
    public let retryable: Bool

    public init(item: String, code: String, message: String, retryable: Bool) {
        self.item = item
        self.code = code
        self.message = message
        self.retryable = retryable
    }
}
