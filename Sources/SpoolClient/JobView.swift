/// A job as its files show it. The state follows from which files exist and which version of the request they are for.
public import JSONText
public import SpoolProtocol
import SpoolStorage

public struct JobView: Sendable {
    public let name: JobName
    public let state: State
    /// The request that is in the spool now; nil when it is gone.
    public let request: Fingerprint?
    /// Somebody asked for the job to be cancelled, and that is not complete.
    public let cancelRequested: Bool

    public enum State: Sendable {
        /// Dropped, and not yet seen by a daemon. `previous` is the run before, of a request that was dropped again.
        case dropped(Draft, previous: JobResult?)
        /// Pending or running; for a moment also over, while the result is not to be seen yet.
        case active(JobStatus)
        case over(JobResult)
    }

    /// What a request that no daemon has seen says of itself. It may still turn out to be wrong.
    public struct Draft: Sendable, Equatable {
        public var type: String
        public var description: String
        /// The version of the request.
        public var fingerprint: Fingerprint
        /// What is wrong with it, so that it will be rejected.
        public var problem: JobError?
    }

    /// The documents that the state was read from, with all that a newer daemon may have put in.
    let statusDocument: JSON?
    let resultDocument: JSON?
    /// Where its files are in the archive; nil for a job in the spool.
    var archived: ArchivedFamily?
    /// Somebody has removed the result: the state is `over` by what the status says, and a daemon runs the job again.
    public internal(set) var resultIsMissing = false
}

extension JobView {
    /// The directory of an archived job's files; nil for a job in the spool.
    public var archivedPath: String? { archived?.path }

    /// How the job stands; nil for one that was dropped and not yet seen.
    public var standing: Standing? {
        switch state {
        case .dropped: nil
        case .active(let status): status.standing
        case .over(let result): result.status.standing
        }
    }

    /// `standing` as the files write it, or "dropped".
    public var standingText: String { standing?.rawValue ?? "dropped" }

    /// The job's last known status; nil for one that was dropped and not yet seen.
    public var status: JobStatus? {
        switch state {
        case .dropped: nil
        case .active(let status): status
        case .over(let result): completed(result)
        }
    }

    public var type: String {
        switch state {
        case .dropped(let draft, _): draft.type
        case .active(let status): status.identity.type
        case .over(let result): result.status.identity.type
        }
    }

    public var jobID: String? { acceptance?.jobID }

    /// Who the job is since a daemon accepted it; nil for one that was dropped and not yet seen.
    public var acceptance: JobIdentity? {
        switch state {
        case .dropped: nil
        case .active(let status): status.identity
        case .over(let result): result.status.identity
        }
    }

    /// The request has changed since the job was accepted: it runs again when this run is over, or instead of it.
    public var runsAgain: Bool {
        guard let request, let status else { return false }
        return status.request != request
    }

    /// One line for people: "running, 45.2 %".
    public var summary: String {
        switch state {
        case .dropped(_, previous: nil): return "dropped, not yet seen by a daemon"
        case .dropped(_, previous: .some): return "dropped again, not yet seen by a daemon"
        case .active(let status):
            if status.standing.isOver { return "\(standingText), and its result is not there yet" }
            let percent = status.progress.percent.map { ", \($0) %" } ?? ""
            return standingText + (status.standing == .pending ? "" : percent)
        case .over(let result):
            return standingText + (result.status.outcome == .partial ? ", but items failed" : "")
                + (resultIsMissing ? "; its result was removed" : "")
        }
    }

    /// A result's status with what only the status file tells: progress, checkpoint, the last messages.
    private func completed(_ result: JobResult) -> JobStatus {
        var status = result.status
        guard let last = statusDocument.flatMap(JobStatus.init(json:)), last.identity.jobID == status.identity.jobID
        else { return status }
        status.progress = last.progress
        status.checkpoint = last.checkpoint
        status.recentLogs = last.recentLogs
        return status
    }

    /// "2 s", "0.5 s".
    static func shown(seconds: Double) -> String { "\(JSON(seconds).text) s" }
}

// MARK: - JSON

extension JobView {
    /// The job's status document as the daemon wrote it, its standing brought up to date; for a job that no daemon has
    /// seen one of the same kind with the status "dropped". Of an archived job `archived` says where its files are.
    public var json: JSON { withArchived(statusJSON) }

    private func withArchived(_ document: JSON) -> JSON {
        guard let archivedPath, var object = document.object else { return document }
        object["archived"] = .string(archivedPath)
        return .object(object)
    }

    private var statusJSON: JSON {
        switch state {
        case .dropped(let draft, let previous):
            return [
                "v": 1, "name": .string(name.string), "job_id": .null, "type": .string(draft.type),
                "description": .string(draft.description), "status": .string(standingText), "outcome": .null,
                "created_at": .string(draft.fingerprint.modifiedAt.description), "message": .string(summary),
                "error": draft.problem?.json ?? .null, "request": draft.fingerprint.json,
                "previous": (previous == nil ? JSON.null : resultDocument) ?? .null,
            ]
        case .active(let status):
            return statusDocument ?? status.json
        case .over(let result):
            if let statusDocument, statusDocument["status"]?.string == result.status.standing.rawValue,
                statusDocument["job_id"]?.string == result.status.identity.jobID
            {
                return statusDocument
            }
            return completed(result).json
        }
    }

    /// The result document as the daemon wrote it, or the status where the result is missing; nil for a job that is not over.
    public var resultJSON: JSON? {
        switch state {
        case .dropped, .active: nil
        case .over(let result): withArchived(resultDocument ?? (resultIsMissing ? statusDocument : nil) ?? result.json)
        }
    }
}
