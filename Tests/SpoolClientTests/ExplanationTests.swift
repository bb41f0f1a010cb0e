import JSONText
import SpoolProtocol
import SpoolStorage
import Testing

@testable import SpoolClient

@Suite("Why a job is where it is")
struct ExplanationTests {
    private static let now = Timestamp(milliseconds: 1_767_792_792_000)
    private static let version = Fingerprint(size: 10, seconds: 1_767_792_692, nanoseconds: 0)
    private static let daemon = DaemonIdentity(pid: 7, host: "h", user: "jobs", startedAt: now, version: "1")
    private static let pause = Pause(since: now.adding(seconds: -60), by: "anna", content: Array("disk swap".utf8))

    private static func name(_ text: String) -> JobName {
        do { return try JobName(text) } catch { preconditionFailure("\(error)") }
    }

    private static func status(
        _ standing: Standing, waiting: Waiting? = nil, _ change: (inout JobStatus) -> Void = { _ in }
    ) -> JobStatus {
        let identity = JobIdentity(
            name: name("219"), jobID: TestSpool.jobID(1), type: "x", description: "", lane: "default", sequence: 5,
            dryRun: false, submittedBy: "anna", createdAt: now.adding(seconds: -100), labels: [:])
        var status = JobStatus(
            identity: identity, standing: standing, updatedAt: now.adding(seconds: -90), message: "", request: version)
        status.waitingFor = waiting
        if standing != .pending, standing != .rejected { status.startedAt = now.adding(seconds: -95) }
        change(&status)
        return status
    }

    private static func situation(
        _ state: JobView.State, request: Fingerprint? = version, overview: JSONObject = [:],
        _ change: (inout JobSituation) -> Void = { _ in }
    ) -> JobSituation {
        var document: JSONObject = ["daemon": ["state": "running"], "intake": ["mode": "inotify"], "max_lanes": 2]
        for (key, value) in overview.members { document[key] = value }
        var situation = JobSituation(
            view: JobView(
                name: name("219"), state: state, request: request, cancelRequested: false, statusDocument: nil,
                resultDocument: nil),
            daemon: .running(daemon), overview: SpoolOverview(.object(document)), pause: nil, path: "/s", now: now)
        change(&situation)
        return situation
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let situation: JobSituation
        let reason: Explanation.Reason
        let severity: Explanation.Severity
        /// Parts of the sentence and of what comes next.
        let parts: [String]

        init(
            _ description: String, _ situation: JobSituation, _ reason: Explanation.Reason,
            _ severity: Explanation.Severity, _ parts: String...
        ) {
            testDescription = description
            self.situation = situation
            self.reason = reason
            self.severity = severity
            self.parts = parts
        }
    }

    private func check(_ row: Case) {
        let explanation = row.situation.explanation
        #expect(explanation.reason == row.reason)
        #expect(explanation.severity == row.severity)
        #expect(!explanation.next.isEmpty)
        #expect(!explanation.message.contains("\n"))
        for part in row.parts {
            #expect("\(explanation.message); next: \(explanation.next)".contains(part), "\(explanation)")
        }
    }

    // MARK: Dropped

    private static func dropped(age: Double = 100, problem: JobError? = nil) -> JobView.State {
        let at = now.adding(seconds: -age)
        let fingerprint = Fingerprint(size: 10, seconds: at.milliseconds / 1000, nanoseconds: 0)
        return .dropped(
            JobView.Draft(type: "x", description: "", fingerprint: fingerprint, problem: problem), previous: nil)
    }

    private static let wrong = JobError(.invalidRequest, "line 1, column 1: wrong")

    static let unseen: [Case] = [
        Case(
            "no daemon", situation(dropped()) { $0.daemon = .stopped(last: nil) }, .noDaemon, .problem,
            "no daemon serves",
            "jobspool serve /s"),
        Case(
            "no daemon, and the last one had types",
            situation(
                dropped(),
                overview: [
                    "daemon": [
                        "pid": 7, "host": "h", "started_at": .string(now.description),
                        "types_directory": "/etc/my types",
                    ]
                ]
            ) { $0.daemon = .stopped(last: nil) }, .noDaemon, .problem,
            "jobspool serve /s --types '/etc/my types'"),
        Case(
            "a daemon elsewhere", situation(dropped()) { $0.daemon = .unknown(last: nil, updatedAt: nil) }, .notSeen,
            .warning, "cannot be told from here"),
        Case("just now", situation(dropped(age: 1)), .notSeen, .ok, "within moments"),
        Case("for long", situation(dropped()), .notSeen, .warning, "100 s ago", "intake: inotify", "--rescan"),
        Case(
            "a daemon in trouble",
            situation(
                dropped(),
                overview: ["trouble": "write: No space left", "trouble_at": .string(now.description)]), .notSeen,
            .problem,
            "No space left"),
        Case("wrong", situation(dropped(problem: wrong)), .willBeRejected, .problem, "line 1, column 1", "219.json"),
        Case(
            "unreadable for the daemon",
            situation(dropped()) {
                $0.unseen = UnseenRequest(name: name("219"), owner: 0, problem: JobError(.invalidRequest, "chmod a+r"))
            }, .willBeRejected, .problem, "chmod a+r"),
        Case(
            "still being written",
            situation(dropped(problem: wrong)) {
                var unseen = UnseenRequest(name: name("219"), owner: 0, problem: wrong)
                unseen.isBeingWritten = true
                $0.unseen = unseen
            }, .beingWritten, .ok, "still writing"),
    ]

    @Test("is told of one that nobody has seen", arguments: unseen) func explainUnseen(row: Case) { check(row) }

    // MARK: Pending

    private static func pending(_ waiting: Waiting? = nil, updatedAgo: Double = 90) -> JobView.State {
        .active(status(.pending, waiting: waiting) { $0.updatedAt = now.adding(seconds: -updatedAgo) })
    }

    private static let busy = JobReference(
        name: name("218"), jobID: TestSpool.jobID(2), startedAt: now.adding(seconds: -300))
    private static let later = now.adding(seconds: 600)

    static let waiting: [Case] = [
        Case(
            "no daemon", situation(pending()) { $0.daemon = .stopped(last: daemon) }, .noDaemon, .problem,
            "jobspool serve"),
        Case("its request is gone", situation(pending(), request: nil), .requestGone, .warning, "deleted", "cancelled"),
        Case(
            "its request has changed", situation(pending(), request: Fingerprint(size: 1, seconds: 1, nanoseconds: 1)),
            .requestChanged, .ok, "changed", "takes its place"),
        Case(
            "cancelled",
            situation(pending()) { $0.cancel = .init(by: "anna", at: now, counts: true) }, .beingCancelled, .ok,
            "anna asked"),
        Case(
            "somebody else's cancel file",
            situation(pending(.time(later))) { $0.cancel = .init(by: "bob", at: now, counts: false) }, .notBefore, .ok,
            "2026-01-07T13:43:12.000Z"),
        Case("a time", situation(pending(.time(later))), .notBefore, .ok, "`not_before`", "in 10 min"),
        Case("a time that has come", situation(pending(.time(now))), .notBefore, .ok, "now"),
        Case("a retry", situation(pending(.retry(later))), .retry, .ok, "passing reason", "in 10 min"),
        Case(
            "a start",
            situation(
                .active(status(.pending, waiting: .retry(later)) { $0.message = "Waiting to be started: no memory" })),
            .retry, .ok, "could not be started", "in 10 min"),
        Case(
            "jobs",
            situation(pending(.jobs([name("a"), name("b")], unknown: []))) { $0.others = [name("a"): "running"] },
            .after, .ok, "a (running), b to complete (`after`)"),
        Case(
            "jobs that nobody has dropped", situation(pending(.jobs([name("a"), name("b")], unknown: [name("b")]))),
            .after,
            .warning, "b (not dropped yet)", "drop b"),
        Case(
            "an equal job", situation(pending(.join(busy))) { $0.others = [name("218"): "running"] }, .join, .ok,
            "the result of 218, which is running", "runs itself"),
        Case(
            "a time, in a paused spool", situation(pending(.time(later))) { $0.pause = pause }, .notBefore, .ok,
            "besides, the spool is paused"),
        Case(
            "paused", situation(pending()) { $0.pause = pause }, .paused, .warning, "anna paused the spool since",
            "disk swap",
            "jobspool resume --spool /s"),
        Case(
            "a daemon that is stopping", situation(pending(), overview: ["daemon": ["state": "stopping"]]), .stopping,
            .warning, "is stopping"),
        Case(
            "a busy lane", situation(pending()) { $0.lane = .init(running: busy, ahead: [], atWork: ["default"]) },
            .laneBusy,
            .ok, "lane default is busy with 218, which runs since 2026-01-07T13:28:12.000Z (5 min)", "when 218 is over"),
        Case(
            "a busy lane, and jobs before it",
            situation(pending()) {
                $0.lane = .init(running: busy, ahead: [name("a"), name("b")], atWork: ["default"])
            },
            .laneBusy, .ok, "and 2 jobs are before it"),
        Case(
            "jobs before it in an idle lane", situation(pending()) { $0.lane = .init(ahead: [name("a")]) }, .queued,
            .ok,
            "1 job is before it"),
        Case(
            "too many lanes at work", situation(pending()) { $0.lane = .init(atWork: ["x", "y"]) }, .maxLanes, .ok,
            "2 lanes are at work", "--max-lanes 2", "x, y"),
        Case("nothing", situation(pending(updatedAgo: 1)), .nextInLine, .ok, "starts now"),
        Case("nothing, for long", situation(pending()), .nextInLine, .warning, "log"),
        Case(
            "a daemon in trouble",
            situation(pending(), overview: ["trouble": "EIO", "trouble_at": .string(now.description)]), .nextInLine,
            .problem,
            "EIO"),
    ]

    @Test("is told of one that waits", arguments: waiting) func explainPending(row: Case) { check(row) }

    // MARK: Running

    private static func running(
        silentFor seconds: Double = 3, attempt: Int = 1, warnedFor warning: Double? = nil
    ) -> JobView.State {
        .active(
            status(.running) {
                $0.attempt = attempt
                $0.startedAt = now.adding(seconds: -max(95, seconds))
                $0.updatedAt = now.adding(seconds: -seconds)
                $0.progress.percent = 45.2
                $0.progress.etaSeconds = 30
                if let warning {
                    let message = "does not end before 7 (x) of root"
                    $0.recentLogs = [
                        LogEntry(
                            at: now.adding(seconds: -warning), level: .warning, source: .daemon, attempt: attempt,
                            message: message)
                    ]
                }
            })
    }

    static let running: [Case] = [
        Case(
            "at work", situation(running()), .running, .ok, "219 is running since", "last output came 3 s ago",
            "45.2 %",
            "in 30 s"),
        Case("a second attempt", situation(running(attempt: 2)), .running, .ok, "attempt 2"),
        Case(
            "its log is newer than its status",
            situation(running(silentFor: 50)) { $0.lastOutput = now.adding(seconds: -2) }, .running, .ok, "2 s ago"),
        Case("warned of just now", situation(running(warnedFor: 50)), .running, .ok, "by itself"),
        Case("warned of", situation(running(warnedFor: 70)), .running, .warning, "7 (x) of root", "its lane waits"),
        Case(
            "cancelled, and does not end",
            situation(running(warnedFor: 70)) { $0.cancel = .init(by: "anna", at: now, counts: true) }, .cancelling,
            .warning, "anna asked", "7 (x) of root"),
        Case("silent for long", situation(running(silentFor: 4000)), .running, .warning, "66 min ago", "stall_seconds"),
        Case(
            "cancelled", situation(running()) { $0.cancel = .init(by: "anna", at: now, counts: true) }, .cancelling,
            .ok,
            "anna asked at 2026-01-07T13:33:12.000Z", "grace_seconds"),
        Case(
            "cancelled by somebody who may not",
            situation(running()) { $0.cancel = .init(by: "bob", at: now, counts: false) }, .running, .ok,
            "bob, who may not cancel it"),
        Case(
            "no daemon", situation(running()) { $0.daemon = .stopped(last: daemon) }, .orphaned, .problem,
            "when the daemon ended", "recovers"),
        Case(
            "dropped again", situation(running(), request: Fingerprint(size: 1, seconds: 1, nanoseconds: 1)), .running,
            .ok,
            "runs once more"),
    ]

    @Test("is told of one that runs", arguments: running) func explainRunning(row: Case) { check(row) }

    // MARK: Over

    private static func over(
        _ standing: Standing, _ error: JobError? = nil, _ change: (inout JobResult) -> Void = { _ in }
    ) -> JobView.State {
        var result = JobResult(
            status: status(standing) {
                $0.error = error; $0.finishedAt = now
            })
        change(&result)
        return .over(result)
    }

    static let over: [Case] = [
        Case("completed", situation(over(.completed)), .completed, .ok, "after 95 s", "touch /s/219.json"),
        Case(
            "completed but for some items",
            situation(
                over(.completed) {
                    $0.status.outcome = .partial
                    $0.errorsTotal = 2
                    $0.errors = [
                        ItemError(at: now, item: "row 7", code: "X", message: "bad", retryable: false, attempt: 1)
                    ]
                }), .partial, .warning, "2 items failed, the first row 7: bad",
            "logs --errors --spool /s \(TestSpool.jobID(1))"),
        Case("cancelled", situation(over(.cancelled)), .cancelled, .ok, "was cancelled at"),
        Case(
            "failed", situation(over(.failed, JobError(.handlerFailed, "exit 1"))), .failed, .problem,
            "HANDLER_FAILED: exit 1",
            "see its log"),
        Case(
            "failed with the handler's own code", situation(over(.failed, JobError(code: "NO_DISK", message: "m"))),
            .failed,
            .problem, "NO_DISK: m", "own code"),
        Case(
            "rejected", situation(over(.rejected, JobError(.notAllowed, "bob may not"))), .rejected, .problem,
            "bob may not",
            "`allow`"),
        Case(
            "dropped again", situation(over(.completed), request: Fingerprint(size: 1, seconds: 1, nanoseconds: 1)),
            .completed,
            .ok, "runs again"),
        Case(
            "its request gone", situation(over(.completed), request: nil), .completed, .ok,
            "its request is gone", "drop the request again"),
        Case(
            "failed, its request gone", situation(over(.failed), request: nil), .failed, .problem,
            "see its log; then drop the request again"),
        Case(
            "in a spool whose path has a blank", situation(over(.completed)) { $0.path = "/my spool" }, .completed, .ok,
            "touch '/my spool/219.json'"),
    ]

    @Test("names commands that take a name that begins with a dash for no option") func dashes() throws {
        let spool = try TestSpool()
        var status = try spool.makeStatus("-x", .completed, for: try spool.drop("-x"))
        status.outcome = .partial
        try spool.end(status)
        try spool.write("", "-x.errors.jsonl")
        let next = try CommandRunner.run("jobspool doctor --json -- -x", in: spool.path).output
        let wanted = "jobspool logs --errors --spool \(spool.path) \(TestSpool.jobID(1))"
        let command = try #require(next.firstRange(of: wanted), "\(next)")
        let ended = try CommandRunner.run(String(next[command]), in: spool.path)
        #expect(ended.status == 0, "\(ended.diagnostics)")
        #expect(shellQuoted(path: "-my spool") == "'./-my spool'")
        #expect(shellQuoted(path: "/-x") == "/-x")
        // As a character a quote, or a dash, with a combining mark behind it is another one.
        let word = "x'\u{301}; echo PWNED; 'y"
        let shown = try CommandRunner.run("printf '%s' \(shellQuoted(word))", in: spool.path)
        #expect(shown.output.utf8.elementsEqual(word.utf8))
        #expect(shellQuoted(path: "-\u{301}x").utf8.starts(with: "'./-".utf8))
        // The commands that the command itself suggests.
        let submit = "echo '{\"type\": \"a.b\"}' | jobspool submit --name=-x -"
        let error = try CommandRunner.run(submit, in: spool.path).diagnostics
        #expect(error.contains("jobspool retry -- -x"), "\(error)")
    }

    @Test("is told of one that is over", arguments: over) func explainOver(row: Case) { check(row) }

    @Test("has a remedy for every code of the spool's", arguments: JobError.Code.allCases)
    func remedies(code: JobError.Code) {
        #expect(!Explanation.remedy(JobError(code, ""), "touch x", "jobspool logs --errors x").isEmpty)
    }

    @Test("never names a command that makes an empty request") func noTouch() {
        for standing in [Standing.completed, .failed, .cancelled, .rejected] {
            let explanation = Self.situation(Self.over(standing), request: nil).explanation
            #expect(!explanation.next.contains("touch"), "\(explanation.next)")
        }
    }

    // MARK: The queue

    @Test(
        "counts the jobs before it: higher priority, then the order of acceptance",
        arguments: [("a", []), ("b", ["a"]), ("c", ["a", "b", "d"]), ("d", ["a", "b"]), ("nobody", [])])
    func ahead(job: String, names: [String]) {
        let queue = [("c", 0, 3), ("b", 5, 2), ("d", 0, 1), ("a", 5, 1)].map {
            QueuePlace(name: Self.name($0.0), priority: $0.1, sequence: Int64($0.2))
        }
        #expect(QueuePlace.ahead(of: Self.name(job), in: queue).map(\.string) == names)
    }
}
