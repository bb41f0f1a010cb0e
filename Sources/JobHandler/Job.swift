/// A running job as its handler sees it: the request, the ways to report, and whether to stop. Safe to use from any
/// thread.
public import JSONText

public struct Job: Sendable {
    public let request: JobRequest
    let reporter: Reporter
    let isStopRequested: @Sendable () -> Bool

    public var isDryRun: Bool { request.dryRun }

    /// Whether somebody asked the job to stop, or nobody can hear it any more. To be looked at between items: finish or
    /// undo the one in hand, report the checkpoint, then throw `JobStopped`.
    public var isStopping: Bool { isStopRequested() || reporter.failure != nil }

    /// - Throws: `JobStopped` when `isStopping`.
    public func checkStopping() throws(JobStopped) {
        if isStopping { throw JobStopped() }
    }

    /// Changes what is known of the progress. Cheap enough for every item: at most ten lines a second are written, and
    /// the last state always is.
    public func progress(_ change: (inout JobProgress) -> Void) { reporter.progress(change) }

    public enum LogLevel: String, Sendable, CaseIterable { case debug, info, warning, error }

    /// Of a text that makes a line of more than 1 MiB only the beginning is reported.
    public func log(_ message: String, level: LogLevel = .info) {
        reporter.write { text in
            ["type": "log", "level": .string(level.rawValue), "message": .string(text(message))]
        }
    }

    /// Reports one item that failed; the job goes on. An `ErrorBudget` says for how long. Of texts that make a line of
    /// more than 1 MiB only the beginnings are reported.
    public func report(_ error: ItemError) {
        reporter.write { text in
            [
                "type": "error", "item": .string(text(error.item)), "code": .string(text(error.code)),
                "message": .string(text(error.message)), "retryable": .bool(error.retryable),
            ]
        }
    }

    /// From here a later attempt may carry on. The daemon makes every checkpoint durable before it tells it to anybody:
    /// one every few seconds is plenty.
    /// - Returns: nil; or CHECKPOINT_TOO_LARGE with the sizes, for one that makes a line of more than 1 MiB. It is not reported, which the
    ///   log tells, and the one before holds: a handler that cannot do without throws it.
    @discardableResult
    public func checkpoint(_ value: JSON) -> JobFailure? {
        do throws(LineTooLong) {
            try reporter.writeWhole(["type": "checkpoint", "value": value])
            return nil
        } catch {
            let failure = error.failure(
                "CHECKPOINT_TOO_LARGE", "the checkpoint",
                remedy: "write it to a file in JOBSPOOL_WORK_DIR, and report that file's name")
            log("\(failure)", level: .error)
            return failure
        }
    }

    /// - Throws: `JobFailure` RESULT_TOO_LARGE for one that makes a line of more than 1 MiB.
    func result(_ value: JSON) throws(JobFailure) {
        do throws(LineTooLong) {
            try reporter.writeWhole(["type": "result", "value": value])
        } catch {
            throw error.failure(
                "RESULT_TOO_LARGE", "the result", remedy: "write it to a file, and give that file's name as the result")
        }
    }

    /// Details that make a line of more than 1 MiB are left out.
    func failure(_ failure: JobFailure) {
        do throws(LineTooLong) {
            try reporter.writeWhole([
                "type": "failure", "code": .string(failure.code), "message": .string(failure.message),
                "details": .object(failure.details),
            ])
        } catch {
            reporter.write { text in
                [
                    "type": "failure", "code": .string(text(failure.code)), "message": .string(text(failure.message)),
                    "details": [:],
                ]
            }
        }
    }
}
