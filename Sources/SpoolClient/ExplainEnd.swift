/// How a job ended, and what to do when it did not complete.
import SpoolProtocol

extension JobSituation {
    func explainEnd(_ result: JobResult) -> Explanation {
        let request = SpoolFile.request(name).fileName!
        if let archived = view.archivedPath {
            // A copy would write over a request that has come since.
            let retry = "jobspool retry --spool \(shellQuoted(path: path)) \(result.status.identity.jobID)"
            var explanation = Explanation(
                ofEnd: result, again: archivedRequestIsGone ? Self.dropAgain : retry, errors: errors(result))
            explanation.message += "; it is archived: \(archived)"
            return explanation
        }
        let isGone = view.request == nil
        let touch = "touch \(shellQuoted(path: "\(path)/\(request)"))"
        var explanation = Explanation(
            ofEnd: result, again: isGone ? Self.dropAgain : touch, errors: errors(result))
        if isGone { explanation.message += "; its request is gone" }
        if view.runsAgain { explanation.message += "; its request has changed since, and runs again" }
        if view.resultIsMissing {
            explanation.message += "; its result was removed"
            explanation.severity = max(explanation.severity, .warning)
            if !isGone { explanation.next = "a daemon runs it again, unless its request is removed, too" }
        }
        return explanation
    }

    /// What shows the items that failed.
    private func errors(_ result: JobResult) -> String {
        "jobspool logs --errors --spool \(shellQuoted(path: path)) \(result.status.identity.jobID)"
    }

    /// Where there is no file to touch: that would make an empty one, which is no request.
    private static let dropAgain = "drop the request again"
}

extension Explanation {
    /// - Parameters:
    ///   - again: what runs the job again
    ///   - errors: what shows the items that failed
    init(ofEnd result: JobResult, again: String, errors: String) {
        let status = result.status
        let when = "at \(status.finishedAt ?? status.updatedAt)"
        let name = status.identity.name
        switch status.standing {
        case .completed where status.outcome == .partial:
            let first = result.errors.first.map { ", the first \($0.item): \($0.message)" } ?? ""
            // A status alone does not say how many.
            let failed = result.errorsTotal == 0 ? "items" : counted(Int(result.errorsTotal), "item")
            self.init(
                .partial, "\(name) completed \(when), but \(failed) failed\(first)",
                next: "\(errors) shows them; then \(again)", .warning)
        case .completed:
            let duration = status.durationSeconds.map { ", after \(JobView.shown(seconds: $0))" } ?? ""
            self.init(.completed, "\(name) completed \(when)\(duration)", next: "nothing; to run it again: \(again)")
        case .cancelled:
            self.init(
                .cancelled, "\(name) was cancelled \(when): \(status.message)",
                next: "nothing; to run it again: \(again)")
        case .failed, .pending, .running:
            self.init(
                .failed, "\(name) failed \(when): \(Self.shown(status.error, status.message))",
                next: Self.remedy(status.error, again, errors), .problem)
        case .rejected:
            self.init(
                .rejected, "\(name) was rejected \(when): \(Self.shown(status.error, status.message))",
                next: Self.remedy(status.error, again, errors), .problem)
        }
    }

    private static func shown(_ error: JobError?, _ message: String) -> String {
        error.map { "\($0.code): \($0.message)" } ?? message
    }

    /// What to do about an error, before the job runs again.
    static func remedy(_ error: JobError?, _ again: String, _ errors: String) -> String {
        guard let error else { return "see its log; then \(again)" }
        guard let code = JobError.Code(rawValue: error.code) else {
            return "that is its handler's own code: see its log and its handler's documentation; then \(again)"
        }
        return switch code {
        case .invalidRequest: "correct the request: saving it runs it"
        case .unknownType:
            "correct `type`, or put a definition into the types directory (jobspool types); then \(again)"
        case .notAllowed:
            "have an administrator name you in `allow` of the type's definition, or use another type; then \(again)"
        case .busy: "wait until the lane is free; then \(again); or let it queue (`on_busy`: queue)"
        case .dependencyFailed: "run the job that it names until it completes; then \(again)"
        case .invalidParams: "correct `params`: saving the request runs it"
        case .timeout: "see its log for what took so long, or raise `timeout_seconds`; then \(again)"
        case .stalled: "see its log for where it stopped, or raise `stall_seconds`; then \(again)"
        case .interrupted: "see that what it had begun is in order; then \(again)"
        case .crashLoop: "find out what kills it (memory, a shutdown in its middle); then \(again)"
        case .tooManyErrors: "\(errors) shows the items; correct what they have in common; then \(again)"
        case .handlerFailed: "see its log for why; then \(again)"
        case .handlerNotFound: "install the handler, or correct `command` in the type's definition; then \(again)"
        // Of a schedule and of commands: no job ends with them.
        case .invalidSchedule, .jobNotFound, .jobNotCompleted: "see its log; then \(again)"
        }
    }
}
