/// A job whose status says that it is over, and whose result is neither in the spool nor in the archive: somebody has removed it. By the
/// table of states it counts as not run, and a daemon runs it again; how it ended its status still says.
import SpoolProtocol
import SpoolStorage

extension JobView {
    /// The result comes before the status that announces it; where directories are cached it may be seen later. In milliseconds.
    private static let patience = 2000

    /// The status says that it is over, and there is no result. At first that is taken for a family on its way to the archive.
    var isOnItsWay: Bool {
        if case .active(let status) = state { status.standing.isOver } else { false }
    }

    /// Once the archive has no result either: over as its status says, unless that is so new that the result may still come.
    func withoutResult(now: Timestamp = Clock.now()) -> JobView {
        guard case .active(let status) = state, status.standing.isOver,
            // Clocks are set back, and differ from host to host.
            abs(now.milliseconds - status.updatedAt.milliseconds) > Self.patience
        else { return self }
        var view = JobView(
            name: name, state: .over(JobResult(status: status)), request: request, cancelRequested: cancelRequested,
            statusDocument: statusDocument, resultDocument: nil)
        view.resultIsMissing = true
        return view
    }

    /// A daemon runs the job again, for it has no result.
    var runsForLackOfResult: Bool { resultIsMissing && request != nil }

    /// What became of a result that is missing, and what follows from that; nil for all other jobs.
    package var missingResultHint: String? {
        guard resultIsMissing else { return nil }
        return request == nil
            ? "removed, as was the request: nothing runs"
            : "removed: a daemon runs the job again, at its start or when it next looks at the whole spool"
    }
}
