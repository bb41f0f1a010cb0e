/// The states of a job: every state with every step.
import JSONText
import SpoolProtocol
import Testing

@Suite("A job's state")
struct JobStateTests {
    static let timeout = StopReason.timeout(seconds: 60)
    static let stall = StopReason.stall(seconds: 2.5)
    static let cancel = StopReason.cancel(by: "anna")
    static let failure = JobError(code: "E_DISK", message: "no disk")

    static func report(
        _ end: AttemptEnd, failure: JobError? = nil, retryable: Bool = false, itemsFailed: Bool = false,
        attempts: Int = 1, interruptions: Int = 0, max: Int = 1, onInterrupted: OnInterrupted = .resume
    ) -> AttemptReport {
        AttemptReport(
            end: end, failure: failure, failureIsRetryable: retryable, itemsFailed: itemsFailed, attempts: attempts,
            interruptionsWithoutProgress: interruptions, retry: RetryPolicy(maxAttempts: max, backoffSeconds: 1),
            onInterrupted: onInterrupted)
    }

    static func finish(_ ending: JobState.Ending) -> (JobState, JobMove) { (.over(ending), .finish(ending)) }

    static func fail(_ error: JobError) -> (JobState, JobMove) { finish(.failed(error)) }

    struct Row: Sendable, CustomTestStringConvertible {
        let state: JobState
        let step: JobStep
        let next: JobState
        let move: JobMove

        init(_ state: JobState, _ step: JobStep, _ after: (JobState, JobMove)) {
            self.state = state
            self.step = step
            (next, move) = after
        }

        var testDescription: String { "\(state) + \(step)" }
    }

    @Test("follows from the state and the step", arguments: rows)
    func transition(_ row: Row) {
        let (state, move) = row.state.after(row.step)
        #expect(state == row.next)
        #expect(move == row.move)
    }

    static let rows: [Row] = steps + pendingRows + runningRows + stoppingRows + endings

    /// What changes nothing.
    static let steps: [Row] = {
        let ended = JobStep.attemptEnded(report(.exited(0)))
        let overs: [JobState] = [
            .over(.completed(.success)), .over(.failed(failure)), .over(.cancelled(by: "anna")),
        ]
        let asked = [cancel, timeout, stall, .shutdown].map { JobStep.askedToStop($0) }
        let over = overs.flatMap { state in ([.started, ended] + asked).map { (state, $0) } }
        let pending = ([ended] + asked.dropFirst()).map { (JobState.pending, $0) }
        let running = [cancel, timeout, stall, .shutdown].map { (JobState.stopping($0), JobStep.started) }
        let firstReasonStays = [timeout, stall, .shutdown, cancel].flatMap { reason in
            [timeout, stall, .shutdown].map { (JobState.stopping(reason), JobStep.askedToStop($0)) }
        }
        let cancelledAgain = [(JobState.stopping(cancel), JobStep.askedToStop(.cancel(by: "root")))]
        let all: [(JobState, JobStep)] =
            over + pending + [(.running, .started)] + running + firstReasonStays + cancelledAgain
        return all.map { Row($0, $1, ($0, .nothing)) }
    }()

    static let pendingRows: [Row] = [
        Row(.pending, .started, (.running, .run)),
        Row(.pending, .askedToStop(cancel), finish(.cancelled(by: "anna"))),
    ]

    static let runningRows: [Row] = [cancel, timeout, stall, .shutdown].map {
        Row(.running, .askedToStop($0), (.stopping($0), .stop))
    }

    /// A cancel outranks every other reason.
    static let stoppingRows: [Row] = [timeout, stall, .shutdown].map {
        Row(.stopping($0), .askedToStop(cancel), (.stopping(cancel), .stop))
    }

    static let handlerFailed = JobError(
        .handlerFailed, "the handler failed with exit status 1", details: ["exit_status": 1])
    static let passing = JobError(
        .handlerFailed, "the handler failed for a passing reason (exit 75)", details: ["exit_status": 75])
    static let crashed = JobError(.handlerFailed, "signal 11 ended the handler", details: ["signal": 11])
    static let refused = JobError(.invalidParams, "the handler refused its parameters (its log says why)")
    static let vanished = JobError(.interrupted, "interrupted: its supervisor or the machine died")
    static let killed = JobError(.interrupted, "interrupted: signal 9 from outside ended the handler")
    static let stopped = JobError(.interrupted, "interrupted: the handler was asked to stop from outside")
    static let crashLoop = JobError(
        .crashLoop, "given up: interrupted 3 times without progress", details: ["interruptions": 3])
    static let timedOut = JobError(.timeout, "stopped after 60 s: `timeout_seconds` is over")
    static let stalled = JobError(.stalled, "stopped: no output for 2.5 s (`stall_seconds`)")
    static let denied = JobError(.handlerFailed, "no execute permission", details: ["errno": 13])
    static let notFound = JobError(.handlerNotFound, "no such program")

    static let retried: @Sendable (JobError) -> (JobState, JobMove) = { (.pending, .again(.retry($0))) }
    static let resumed: (JobState, JobMove) = (.pending, .again(.interrupted(keepsCheckpoint: true)))
    static let restarted: (JobState, JobMove) = (.pending, .again(.interrupted(keepsCheckpoint: false)))
    static let later: (JobState, JobMove) = (.pending, .again(.shutdown))

    static func ended(_ report: AttemptReport, _ after: (JobState, JobMove), stop: StopReason? = nil) -> Row {
        Row(stop.map { .stopping($0) } ?? .running, .attemptEnded(report), after)
    }

    static let endings: [Row] =
        [
            // By itself
            ended(report(.exited(0)), finish(.completed(.success))),
            ended(report(.exited(0), itemsFailed: true), finish(.completed(.partial))),
            ended(report(.exited(0), failure: failure), finish(.completed(.success))),
            ended(report(.exited(1)), fail(handlerFailed)),
            ended(report(.exited(1), failure: failure), fail(failure)),
            ended(report(.exited(1), itemsFailed: true), fail(handlerFailed)),
            ended(report(.exited(64)), fail(refused)), ended(report(.exited(78)), fail(refused)),
            ended(report(.exited(64), failure: failure, retryable: true, max: 9), fail(failure)),
            ended(report(.notStarted(notFound), max: 9), fail(notFound)),
            ended(report(.notStarted(denied), max: 9), fail(denied)),
            ended(report(.signalled(11)), fail(crashed)),
            ended(report(.signalled(11), failure: failure), fail(failure)),
            // Retries, up to the attempts in all
            ended(report(.exited(75)), fail(passing)),
            ended(report(.exited(75), attempts: 1, max: 3), retried(passing)),
            ended(report(.exited(75), attempts: 2, max: 3), retried(passing)),
            ended(report(.exited(75), attempts: 3, max: 3), fail(passing)),
            ended(report(.exited(75), attempts: 4, max: 3), fail(passing)),
            ended(report(.exited(75), failure: failure, max: 3), retried(failure)),
            ended(report(.exited(1), attempts: 1, max: 3), fail(handlerFailed)),
            ended(report(.exited(1), failure: failure, retryable: true, max: 3), retried(failure)),
            ended(report(.exited(1), failure: failure, retryable: true, attempts: 3, max: 3), fail(failure)),
            ended(report(.signalled(11), failure: failure, retryable: true, max: 2), retried(failure)),
            // Interrupted
            ended(report(.vanished), resumed),
            ended(report(.vanished, onInterrupted: .restart), restarted),
            ended(report(.vanished, onInterrupted: .fail), fail(vanished)),
            ended(report(.vanished, interruptions: 2), resumed),
            ended(report(.vanished, interruptions: 3), fail(crashLoop)),
            ended(report(.vanished, interruptions: 3, onInterrupted: .restart), fail(crashLoop)),
            ended(report(.vanished, interruptions: 3, onInterrupted: .fail), fail(vanished)),
            ended(report(.signalled(9), onInterrupted: .fail), fail(killed)),
            // TERM came from outside, and the handler ended as it is asked to.
            ended(report(.exited(143)), resumed),
            ended(report(.exited(143), interruptions: 3), fail(crashLoop)),
            ended(report(.exited(143), onInterrupted: .fail), fail(stopped)),
            ended(report(.exited(143), failure: failure), fail(failure)),
            // However often it ran before: what is not its fault uses up no retry.
            ended(report(.vanished, attempts: 9, max: 1), resumed),
            // Asked to stop by the daemon's end
            ended(report(.exited(0)), finish(.completed(.success)), stop: .shutdown),
            ended(report(.exited(0), itemsFailed: true), finish(.completed(.partial)), stop: .shutdown),
            ended(report(.exited(1), failure: failure), later, stop: .shutdown),
            ended(report(.exited(75)), later, stop: .shutdown),
            ended(report(.signalled(15)), later, stop: .shutdown),
            ended(report(.signalled(9), interruptions: 3), later, stop: .shutdown),
            ended(report(.vanished, onInterrupted: .fail), later, stop: .shutdown),
            ended(report(.notStarted(notFound)), later, stop: .shutdown),
        ]
        // What the machine lacks just now: it was no attempt.
        + [11, 12, 23, 24, 26].map { errno in
            let short = JobError(.handlerFailed, "cannot start it", details: ["errno": JSON(errno)])
            return ended(report(.notStarted(short), onInterrupted: .fail), (.pending, .again(.notStarted(short))))
        }
        + [1, 2, 9, 15].map { ended(report(.signalled($0)), resumed) }
        // A job that is stopped ends as the reason says, whatever its exit status.
        + [
            report(.exited(0)), report(.exited(75), max: 9),
            report(.exited(1), failure: failure, retryable: true, max: 9),
            report(.signalled(15)), report(.signalled(9)), report(.vanished), report(.notStarted(notFound)),
            report(.exited(64)), report(.exited(0), itemsFailed: true),
        ].flatMap { report in
            [
                ended(report, finish(.cancelled(by: "anna")), stop: cancel),
                ended(report, fail(timedOut), stop: timeout), ended(report, fail(stalled), stop: stall),
            ]
        }
}
