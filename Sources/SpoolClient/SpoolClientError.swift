/// What can go wrong between a program and a spool: a code for programs and, for people, what is wrong and the remedy.
public import SpoolProtocol
import Glibc
import SpoolStorage

public enum SpoolClientError: Error, Sendable {
    /// There is no directory of this path.
    case spoolNotFound(path: String)
    /// No file of the spool belongs to a job of this name or identifier.
    case jobNotFound(String)
    /// The job is not over, so that it has no result and cannot be run again. `state` is how it stands.
    case jobNotCompleted(JobName, state: String)
    /// The job is over, so that there is nothing to cancel.
    case jobAlreadyOver(JobName, Standing)
    /// A request of this name is in the spool. `archived` is the path of the request of an earlier run that was to run again.
    case jobExists(JobName, archived: String? = nil)
    /// The job cannot run again: its request is gone.
    case requestGone(JobName)
    /// While it was waited for, the request was dropped again before this version of it was over.
    case superseded(JobName)
    /// While it was waited for, the job left the spool.
    case withdrawn(JobName)
    /// The job was not over in time. `state` is how it stands.
    case timedOut(JobName, state: String, seconds: Double)
    case invalidName(String)
    /// The request is wrong: the daemon would reject it.
    case invalidRequest(JobError)
    /// A file of the spool that this process may not read or write.
    case notPermitted(String)
    /// A file of the spool that does not hold what a daemon writes.
    case damaged(path: String, why: String)
    /// A system call failed.
    case system(String)
}

extension SpoolClientError {
    public var code: String {
        switch self {
        case .spoolNotFound: "SPOOL_NOT_FOUND"
        case .jobNotFound: JobError.Code.jobNotFound.rawValue
        case .jobNotCompleted: JobError.Code.jobNotCompleted.rawValue
        case .jobAlreadyOver: "JOB_ALREADY_OVER"
        case .jobExists: "JOB_EXISTS"
        case .requestGone: "REQUEST_GONE"
        case .superseded: "SUPERSEDED"
        case .withdrawn: "WITHDRAWN"
        case .timedOut: "WAIT_TIMEOUT"
        case .invalidName: "INVALID_NAME"
        case .invalidRequest(let error): error.code
        case .notPermitted: "NOT_PERMITTED"
        case .damaged: "DAMAGED_FILE"
        case .system: "IO_ERROR"
        }
    }

    public var message: String {
        switch self {
        case .spoolNotFound(let path): "there is no spool at \(path): name its directory"
        case .jobNotFound(let name): "there is no job \(name) in the spool, nor in its archive"
        case .jobNotCompleted(let name, let state): "job \(name) is not over: \(state)"
        case .jobAlreadyOver(let name, let standing): "job \(name) is over already: \(standing.rawValue)"
        case .jobExists(let name, archived: nil):
            "the spool has a request \(name) already: choose another name, or replace it"
        case .jobExists(let name, let archived?):
            "the spool has a newer request \(name); the one of the archived run is \(archived)"
        case .requestGone(let name):
            "the request of job \(name) is neither in the spool nor in the archive: submit it again"
        case .superseded(let name):
            "the request of job \(name) was dropped again before this version of it was over"
        case .withdrawn(let name):
            "job \(name) is no longer there: its request was withdrawn before it was seen, or its files were deleted"
        case .timedOut(let name, let state, let seconds):
            "job \(name) was not over after \(JobView.shown(seconds: seconds)): \(state)"
        case .invalidName(let problem): problem
        case .invalidRequest(let error): error.message
        case .notPermitted(let what): what
        case .damaged(let path, let why):
            "\(path) is not what a daemon writes: \(why); rename it if it was meant to be something else, or remove it"
        case .system(let what): what
        }
    }
}

extension SpoolClientError: CustomStringConvertible {
    public var description: String { "\(code): \(message)" }
}

extension SpoolClientError {
    init(_ error: SpoolError) {
        self =
            switch error.code {
            case EACCES, EPERM, EROFS: .notPermitted(error.description)
            default: .system(error.description)
            }
    }
}

/// Makes storage errors into the client's.
func storage<Result: ~Copyable>(_ body: () throws(SpoolError) -> Result) throws(SpoolClientError) -> Result {
    do {
        return try body()
    } catch {
        throw SpoolClientError(error)
    }
}
