/// Why a job is where it is, in one sentence, and what happens next or what to do about it: a pure function of what its
/// files and the spool's say. `ExplainWaiting` has the pending jobs, `ExplainEnd` those that are over.
package import JSONText
package import SpoolProtocol
import SpoolStorage

package struct Explanation: Sendable, Equatable {
    package var reason: Reason
    /// One sentence.
    package var message: String
    /// What happens by itself, or what somebody has to do.
    package var next: String
    package var severity: Severity

    package enum Severity: String, Sendable, Comparable, CaseIterable {
        case ok
        /// It goes on only when somebody sees to it, or did not go as it might.
        case warning
        case problem

        package static func < (a: Severity, b: Severity) -> Bool {
            allCases.firstIndex(of: a)! < allCases.firstIndex(of: b)!
        }
    }

    package enum Reason: String, Sendable, CaseIterable {
        // Not seen
        case ignored
        case schedule
        case willBeRejected = "will_be_rejected"
        case beingWritten = "being_written"
        case noDaemon = "no_daemon"
        case notSeen = "not_seen"
        case heldBack = "held_back"
        // Pending
        case beingCancelled = "being_cancelled"
        case requestGone = "request_gone"
        case requestChanged = "request_changed"
        case notBefore = "not_before"
        case retry
        case after
        case join
        case paused
        case stopping
        case laneBusy = "lane_busy"
        case queued
        case maxLanes = "max_lanes"
        case nextInLine = "next"
        // Running
        case running
        case cancelling
        case orphaned
        // Over
        case completed
        case partial
        case failed
        case cancelled
        case rejected
    }

    package init(_ reason: Reason, _ message: String, next: String, _ severity: Severity = .ok) {
        self.reason = reason
        self.message = message
        self.next = next
        self.severity = severity
    }

    package var json: JSON {
        [
            "reason": .string(reason.rawValue), "severity": .string(severity.rawValue), "message": .string(message),
            "next": .string(next),
        ]
    }
}

/// What there is to know about a job and its surroundings.
package struct JobSituation: Sendable {
    package var view: JobView
    package var daemon: DaemonPresence
    package var overview: SpoolOverview?
    package var pause: Pause?
    /// For remedies: the spool's path.
    package var path: String
    package var now: Timestamp
    /// What its request says, of a job that nobody has seen.
    package var unseen: UnseenRequest?
    package var cancel: CancelFile?
    /// Of a pending job.
    package var lane = LaneSituation()
    /// How the jobs stand that it waits for; those that there are not are left out.
    package var others: [JobName: String] = [:]
    /// When its log was last written.
    package var lastOutput: Timestamp?
    /// Of an archived job.
    package var archivedRequestIsGone = false

    package struct CancelFile: Sendable, Equatable {
        package var by: String
        package var at: Timestamp
        /// Its owner may cancel the job.
        package var counts: Bool

        package init(by: String, at: Timestamp, counts: Bool) {
            self.by = by
            self.at = at
            self.counts = counts
        }
    }

    package struct LaneSituation: Sendable, Equatable {
        /// What runs in it, and since when.
        package var running: JobReference?
        /// The jobs that have their turn before, the next one first.
        package var ahead: [JobName] = []
        /// The lanes that are at work.
        package var atWork: Set<String> = []

        package init(running: JobReference? = nil, ahead: [JobName] = [], atWork: Set<String> = []) {
            self.running = running
            self.ahead = ahead
            self.atWork = atWork
        }
    }

    package init(
        view: JobView, daemon: DaemonPresence, overview: SpoolOverview?, pause: Pause?, path: String, now: Timestamp
    ) {
        self.view = view
        self.daemon = daemon
        self.overview = overview
        self.pause = pause
        self.path = path
        self.now = now
    }
}

extension JobSituation {
    package var explanation: Explanation {
        switch view.state {
        case .dropped(let draft, _): explainDropped(draft)
        case .active(let status):
            switch status.standing {
            case .pending: explainPending(status)
            case .running: explainRunning(status)
            // Its result is about to be seen.
            case .completed, .failed, .cancelled, .rejected: explainEnd(JobResult(status: status))
            }
        case .over(let result): explainEnd(result)
        }
    }

    var name: JobName { view.name }
    var isServed: Bool { if case .stopped = daemon { false } else { true } }
    var serve: String { "start one: \(serveCommand)" }
    var serveCommand: String { DaemonPresence.serveCommand(path, as: overview?.daemon) }

    func ago(_ time: Timestamp) -> String { "\(roughly(seconds: now.seconds(since: time))) ago" }
    func span(since time: Timestamp) -> String { "since \(time) (\(roughly(seconds: now.seconds(since: time))))" }

    // MARK: Dropped

    private func explainDropped(_ draft: JobView.Draft) -> Explanation {
        let dropped = "\(name) was dropped \(ago(draft.fingerprint.modifiedAt))"
        if unseen?.isBeingWritten ?? false {
            return Explanation(
                .beingWritten, "\(dropped), and somebody is still writing it",
                next: "it is taken in when it is complete")
        }
        if let problem = unseen?.problem ?? draft.problem {
            return Explanation(
                .willBeRejected, "\(dropped), and will be rejected: \(problem.message)",
                next: "correct \(SpoolFile.request(name).fileName!): a new version is a new request", .problem)
        }
        switch daemon {
        case .stopped:
            return Explanation(.noDaemon, "\(dropped), and no daemon serves the spool", next: serve, .problem)
        case .unknown:
            return Explanation(
                .notSeen,
                "\(dropped), no daemon has seen it, and whether one serves the spool cannot be told from here",
                next: "ask on the daemon's host: jobspool doctor", .warning)
        case .running:
            return explainUnseen(dropped, age: now.seconds(since: draft.fingerprint.modifiedAt))
        }
    }

    /// There is a daemon, which has not taken it in.
    private func explainUnseen(_ dropped: String, age: Double) -> Explanation {
        if let trouble = overview?.trouble, let at = overview?.troubleAt, now.seconds(since: at) < 60 {
            return Explanation(
                .notSeen, "\(dropped); the daemon has not taken it in, for it cannot do what it has to: \(trouble)",
                next: "see to the disk and the permissions there; the daemon tries again by itself", .problem)
        }
        if let held = overview?.heldBack.first(where: { $0.user == unseen.map { Users.name(of: $0.owner) } }) {
            return Explanation(
                .heldBack,
                "\(dropped), and waits to be taken in: \(held.user) has \(held.pending) pending jobs, and \(held.limit) is the most (serve --max-pending-per-user)",
                next: "it is taken in when others of \(held.user)'s jobs are over; to withdraw it, delete the file")
        }
        if age < 10 {
            return Explanation(.notSeen, "\(dropped), just now", next: "the daemon looks at it within moments")
        }
        let mode = overview?.intake.mode ?? ""
        return Explanation(
            .notSeen,
            "\(dropped), and the daemon has not seen it yet\(mode.isEmpty ? "" : ", although it listens (intake: \(mode))")",
            next:
                "the daemon reads the whole directory now and then (--rescan); `jobspool doctor` tries whether it sees files",
            .warning)
    }

    // MARK: Running

    /// What the daemon has warned of, and nothing has come of since; nil for a while, which may be all that it takes.
    private func lastWord(_ status: JobStatus) -> String? {
        guard let last = status.recentLogs.last, last.source == .daemon, last.level == .warning,
            now.seconds(since: last.at) > 60
        else { return nil }
        return "the daemon's last word, at \(last.at): \(last.message)"
    }

    private func explainRunning(_ status: JobStatus) -> Explanation {
        let since = status.startedAt ?? status.updatedAt
        let attempt = status.attempt > 1 ? ", attempt \(status.attempt)," : ""
        if case .stopped = daemon {
            return Explanation(
                .orphaned,
                "\(name) was running\(attempt) \(span(since: since)) when the daemon ended, and no other serves the spool",
                next: "\(serve): it takes up an attempt that lives, and recovers one that died", .problem)
        }
        let warning = lastWord(status)
        if let cancel, cancel.counts {
            let message = "\(name) is being stopped: \(cancel.by) asked at \(cancel.at) for it to be cancelled"
            return Explanation(
                .cancelling, message + (warning.map { "; \($0)" } ?? ""),
                next: "its processes get TERM, and KILL after its type's grace_seconds; then it ends cancelled",
                warning == nil ? .ok : .warning)
        }
        var parts = ["\(name) is running\(attempt) \(span(since: since))"]
        let silence = now.seconds(since: max(lastOutput ?? since, max(since, status.updatedAt)))
        parts.append("the last output came \(roughly(seconds: silence)) ago")
        if let percent = status.progress.percent { parts.append("\(percent) % is done") }
        if let cancel { parts.append("a cancel file of \(cancel.by), who may not cancel it, counts for nothing") }
        if overview?.daemonState == "stopping" { parts.append("the daemon is stopping") }
        if let warning {
            parts.append(warning)
            return Explanation(
                .running, parts.joined(separator: "; "), next: "see to that: its lane waits until it is over", .warning)
        }
        let message = parts.joined(separator: "; ")
        let again = view.runsAgain ? ", and then runs once more, for its request was dropped again" : ""
        if silence > 3600 {
            return Explanation(
                .running, message,
                next:
                    "look whether it hangs; `jobspool cancel` stops it, and `stall_seconds` in its type's definition would",
                .warning)
        }
        let left = status.progress.etaSeconds.map { ", in \(roughly(seconds: $0)) at this rate" } ?? ""
        return Explanation(.running, message, next: "it ends by itself\(left)\(again)")
    }
}
