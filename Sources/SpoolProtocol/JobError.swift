public import JSONText

/// Why a job did not complete, as status and result say it.
public struct JobError: Sendable, Equatable, Error {
    /// One of `Code`, or a code of the handler's own.
    public var code: String
    /// For people: what is wrong, where, and the remedy.
    public var message: String
    /// For programs; empty when there is nothing more to say.
    public var details: JSONObject

    /// The codes that the spool itself gives.
    public enum Code: String, Sendable, CaseIterable {
        case invalidRequest = "INVALID_REQUEST"
        case unknownType = "UNKNOWN_TYPE"
        case notAllowed = "NOT_ALLOWED"
        case busy = "BUSY"
        case dependencyFailed = "DEPENDENCY_FAILED"
        case invalidParams = "INVALID_PARAMS"
        case timeout = "TIMEOUT"
        case stalled = "STALLED"
        case interrupted = "INTERRUPTED"
        case crashLoop = "CRASH_LOOP"
        case tooManyErrors = "TOO_MANY_ERRORS"
        case handlerFailed = "HANDLER_FAILED"
        case handlerNotFound = "HANDLER_NOT_FOUND"
        // Of schedules
        case invalidSchedule = "INVALID_SCHEDULE"
        // Of commands
        case jobNotFound = "JOB_NOT_FOUND"
        case jobNotCompleted = "JOB_NOT_COMPLETED"
    }

    public init(_ code: Code, _ message: String, details: JSONObject = [:]) {
        self.init(code: code.rawValue, message: message, details: details)
    }

    public init(code: String, message: String, details: JSONObject = [:]) {
        self.code = code
        self.message = message
        self.details = details
    }

    public func isCode(_ code: Code) -> Bool { self.code == code.rawValue }
}

extension JobError {
    public var json: JSON { ["code": .string(code), "message": .string(message), "details": .object(details)] }

    public init?(json: JSON?) {
        guard let json, let code = json["code"]?.string else { return nil }
        self.init(code: code, message: json["message"]?.string ?? "", details: json["details"]?.object ?? [:])
    }
}
