/// What a daemon would say of a request before it runs it, without one: content, size and file name.
import JSONText
public import SpoolProtocol

extension Request {
    /// Reads a request as the daemon does.
    /// - Throws: `JobError` `INVALID_REQUEST` with the line, the column, the field and the remedy.
    public init(checking bytes: [UInt8]) throws(JobError) {
        if bytes.count > Self.maximumBytes {
            throw JobError(
                .invalidRequest,
                "the request is larger than 1 MiB: put the data into a file and its path into `params`",
                details: ["bytes": JSON(bytes.count)])
        }
        try self.init(parsing: bytes)
    }
}

/// What a daemon would make of a file of this name.
public enum RequestFileName: Sendable, Equatable {
    case request(JobName)
    case schedule(JobName)
    /// No request, or never taken up: why, and the remedy.
    case unfit(String)

    public init(_ file: FileName) {
        self =
            switch SpoolFile(file) {
            case .request(let name): .request(name)
            case .schedule(let name): .schedule(name)
            case .badName(let reason): .unfit(reason)
            case .ignored where !file.description.hasSuffix(".json"):
                .unfit("\"\(file)\" would be ignored: the name of a request ends in .json")
            case .ignored: .unfit("\"\(file)\" would be ignored: choose another name")
            case .cancel, .scheduleStatus, .status, .log, .errors, .result, .pause, .spoolStatus, .events:
                .unfit("\"\(file)\" is the name of another file of the spool: choose another name")
            }
    }
}
