/// What the command's exit status says. 0 to 7 are about jobs; from 64 on the numbers are those of sysexits.h, timeout(1)
/// and the shell.
import SpoolClient
import SpoolProtocol

enum ExitStatus: Int32, CaseIterable {
    case success = 0
    case failed = 1
    case partial = 2
    case cancelled = 3
    case rejected = 4
    case jobNotFound = 5
    case jobNotCompleted = 6
    case jobAlreadyOver = 7
    case usage = 64
    case badRequest = 65
    case noSpool = 66
    case noDaemon = 69
    case exists = 73
    case inputOutput = 74
    case damaged = 76
    case noPermission = 77
    case timedOut = 124
    case interrupted = 130

    var meaning: String {
        switch self {
        case .success: "done; of a job: completed, and no item failed"
        case .failed: "the job failed; doctor: there are problems"
        case .partial: "the job completed, but items failed; doctor: there are warnings only"
        case .cancelled: "the job was cancelled"
        case .rejected: "the job was rejected: it never ran"
        case .jobNotFound: "JOB_NOT_FOUND: no such job, or not any more"
        case .jobNotCompleted: "JOB_NOT_COMPLETED: the job is not over"
        case .jobAlreadyOver: "there is nothing to cancel: the job is over"
        case .usage: "the command line is wrong"
        case .badRequest: "the request, or its name, is wrong"
        case .noSpool: "no spool directory, or no input file"
        case .noDaemon: "status: no daemon serves the spool; serve: another one does"
        case .exists: "a request of this name is there already"
        case .inputOutput: "a system call failed"
        case .damaged: "a file in the spool is not what a daemon writes"
        case .noPermission: "a file may not be read or written"
        case .timedOut: "the time to wait is over; the job is not"
        case .interrupted: "interrupted while waiting; the job goes on"
        }
    }

    /// The table in `jobspool --help`.
    static var help: String {
        let rows = allCases.map { status in
            let number = "\(status.rawValue)"
            return String(repeating: " ", count: 5 - number.count) + number + "  " + status.meaning
        }
        let use = "(`submit --wait`, `wait`, `retry --wait` and `result` exit by the job's outcome.)"
        return (["EXIT STATUS"] + rows + ["", use]).joined(separator: "\n")
    }
}

extension ExitStatus {
    /// How a job that is over went.
    init(_ result: JobResult) {
        self =
            switch result.status.standing {
            case .completed: result.status.outcome == .partial ? .partial : .success
            case .failed: .failed
            case .cancelled: .cancelled
            case .rejected: .rejected
            case .pending, .running: .jobNotCompleted
            }
    }

    init(_ error: SpoolClientError) {
        self =
            switch error {
            case .spoolNotFound: .noSpool
            case .jobNotFound, .superseded, .withdrawn, .requestGone: .jobNotFound
            case .jobNotCompleted: .jobNotCompleted
            case .jobAlreadyOver: .jobAlreadyOver
            case .jobExists: .exists
            case .timedOut: .timedOut
            case .invalidName, .invalidRequest: .badRequest
            case .notPermitted: .noPermission
            case .damaged: .damaged
            case .system: .inputOutput
            }
    }

    /// Of several orders the one to tell: what kept the first of them from being carried out.
    static func first(_ statuses: [ExitStatus]) -> ExitStatus { statuses.first { $0 != .success } ?? .success }

    /// Of several jobs the one to tell: what went worst.
    static func worst(_ statuses: [ExitStatus]) -> ExitStatus {
        let order: [ExitStatus] = [.timedOut, .jobNotFound, .failed, .rejected, .cancelled, .partial, .success]
        return statuses.min { (order.firstIndex(of: $0) ?? -1) < (order.firstIndex(of: $1) ?? -1) } ?? .success
    }
}
