/// The next job of a lane, ready to start: the follower that sees the attempt before it end starts it at once, for the runner would have
/// to be woken first. The runner leaves a job here only while it waits for news; while it does anything, it has the job back, so
/// that what it decides about a job that waits is never overtaken.
import SpoolProtocol
import SpoolStorage
import Synchronization

/// A job that can start at once, and what was looked at for that.
struct ArmedJob: Sendable {
    let job: PendingJob
    let request: KnownRequest
    let policy: AttemptPolicy
    let jobDirectory: Directory
    let attempt: ReadyAttempt
    /// So long what was looked at counts, CLOCK_MONOTONIC in seconds. Nobody can tell a definition that changes in this time from one that
    /// changes just after the job's start.
    let validUntil: Double
}

final class HandOver: Sendable {
    enum Content: Sendable {
        case nothing
        case armed(ArmedJob)
        case begun(ArmedJob, AttemptProcess, at: Timestamp)
    }

    private let content = Mutex(Content.nothing)

    /// A job is left here.
    var isLent: Bool { content.withLock { if case .armed = $0 { true } else { false } } }

    /// Leaves a job to be started. The runner's.
    func lend(_ job: ArmedJob) { content.withLock { $0 = .armed(job) } }

    /// Takes back what was left, or what became of it. The runner's.
    func takeBack() -> Content {
        content.withLock { content in
            defer { content = .nothing }
            return content
        }
    }

    /// Starts the job that is there, if nothing has changed. A follower's, when no process of the attempt before it is left and that one has
    /// succeeded.
    /// - Returns: true when it has been started.
    /// - Throws: `SpoolError`: it has not, and is the runner's to start.
    func begin(in spool: Spool, _ launcher: any AttemptLauncher) throws(SpoolError) -> Bool {
        try content.withLock { (content) throws(SpoolError) in
            guard case .armed(let armed) = content, Clock.monotonic() < armed.validUntil else { return false }
            guard try armed.request.isUnchanged(in: spool.root) else { return false }
            let process = try AttemptProcess.start(armed.attempt, launcher)
            content = .begun(armed, process, at: Clock.now())
            return true
        }
    }
}
