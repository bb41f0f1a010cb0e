/// Why a pending job does not run.
import SpoolProtocol

extension JobSituation {
    func explainPending(_ status: JobStatus) -> Explanation {
        if let cancel, cancel.counts {
            return Explanation(
                .beingCancelled, "\(name) is pending; \(cancel.by) asked at \(cancel.at) for it to be cancelled",
                next: isServed ? "it ends cancelled within moments" : "\(serve): it then ends cancelled",
                isServed ? .ok : .warning)
        }
        if !isServed {
            return Explanation(
                .noDaemon,
                "\(name) is pending \(span(since: status.identity.createdAt)), and no daemon serves the spool",
                next: serve, .problem)
        }
        if view.request == nil {
            return Explanation(
                .requestGone, "\(name) is pending, and its request was deleted",
                next: "it ends cancelled within moments; drop the request again if it is to run", .warning)
        }
        if view.runsAgain {
            return Explanation(
                .requestChanged, "\(name) is pending, and its request has changed since it was accepted",
                next: "the new version takes its place as soon as it is complete")
        }
        if let waiting = status.waitingFor { return explain(waiting, status) }
        return explainTurn(status)
    }

    /// "; besides, the spool is paused"
    private var besides: String { pause == nil ? "" : "; besides, the spool is paused" }

    private func explain(_ waiting: Waiting, _ status: JobStatus) -> Explanation {
        switch waiting {
        case .time(let time):
            return Explanation(
                .notBefore, "\(name) waits until \(time), as its request says (`not_before`)\(besides)",
                next: time > now
                    ? "it joins its lane's queue in \(roughly(seconds: time.seconds(since: now)))"
                    : "it joins its lane's queue now")
        case .retry(let time):
            let what =
                status.message.hasPrefix(JobStatus.waitingToBeStarted)
                ? "could not be started just now" : "failed for a passing reason"
            return Explanation(
                .retry, "\(name) \(what), and waits until \(time) to be tried again\(besides)",
                next: time > now
                    ? "the next attempt may start in \(roughly(seconds: time.seconds(since: now)))"
                    : "the next attempt may start now")
        case .jobs(let names, let unknown): return explainAfter(names, unknown)
        case .join(let target):
            let standing = others[target.name].map { ", which is \($0)" } ?? ""
            return Explanation(
                .join,
                "\(name) waits for the result of \(target.name)\(standing), which does the same (`on_busy`: join)\(besides)",
                next: "it ends with that result; if that one is cancelled, it runs itself")
        }
    }

    private func explainAfter(_ names: [JobName], _ unknown: [JobName]) -> Explanation {
        let shown = names.map { other in
            unknown.contains(other)
                ? "\(other) (not dropped yet)" : others[other].map { "\(other) (\($0))" } ?? "\(other)"
        }
        let message = "\(name) waits for \(listed(shown, limit: 5)) to complete (`after`)\(besides)"
        if unknown.isEmpty {
            return Explanation(.after, message, next: "it goes on when they have completed, and fails if one does not")
        }
        return Explanation(
            .after, message,
            next: "drop \(listed(unknown.map(\.string))), or take the name out of `after` if it will not come", .warning
        )
    }

    // MARK: Its turn

    private func explainTurn(_ status: JobStatus) -> Explanation {
        if let pause {
            let reason = pause.reason.map { ": \($0)" } ?? ""
            return Explanation(
                .paused, "\(name) is pending because \(pause.by) paused the spool \(span(since: pause.since))\(reason)",
                next: "jobspool resume --spool \(shellQuoted(path: path))", .warning)
        }
        if let shortage = overview?.shortage {
            return Explanation(
                .paused, "\(name) is pending because \(shortage.reason ?? "the disk is full")",
                next: "make room; it then starts by itself", .problem)
        }
        if overview?.daemonState == "stopping" {
            return Explanation(
                .stopping, "\(name) is pending, and the daemon is stopping: it starts no more jobs",
                next: "it starts with the next daemon: \(serveCommand)", .warning)
        }
        let laneName = status.identity.lane
        let ahead = lane.ahead.isEmpty ? "" : ", and \(before) it"
        if let running = lane.running {
            let since = running.startedAt.map { ", which runs \(span(since: $0))" } ?? ""
            return Explanation(
                .laneBusy, "\(name) is pending because lane \(laneName) is busy with \(running.name)\(since)\(ahead)",
                next: lane.ahead.isEmpty
                    ? "it starts when \(running.name) is over"
                    : "it starts when those are over (higher `priority` goes first)")
        }
        if let most = overview?.maxLanes, lane.atWork.count >= most {
            return Explanation(
                .maxLanes,
                "\(name) is pending because \(counted(lane.atWork.count, "lane")) \(lane.atWork.count == 1 ? "is" : "are") at work, and no more may be (--max-lanes \(most)): \(listed(lane.atWork.sorted()))\(ahead)",
                next: "it starts when one of them is idle")
        }
        if !lane.ahead.isEmpty {
            return Explanation(
                .queued, "\(name) is pending in lane \(laneName), \(before) it",
                next: "it starts when those are over (higher `priority` goes first)")
        }
        return explainNext(status)
    }

    /// "3 jobs are before"
    private var before: String { "\(counted(lane.ahead.count, "job")) \(lane.ahead.count == 1 ? "is" : "are") before" }

    /// Nothing keeps it.
    private func explainNext(_ status: JobStatus) -> Explanation {
        if let trouble = overview?.trouble, let at = overview?.troubleAt, now.seconds(since: at) < 60 {
            return Explanation(
                .nextInLine,
                "\(name) is next in lane \(status.identity.lane), but the daemon cannot do what it has to: \(trouble)",
                next: "see to the disk and the permissions there; the daemon tries again by itself", .problem)
        }
        if now.seconds(since: status.updatedAt) < 10 {
            return Explanation(.nextInLine, "\(name) is next in lane \(status.identity.lane)", next: "it starts now")
        }
        return Explanation(
            .nextInLine, "\(name) is next in lane \(status.identity.lane), and has not been started",
            next: "perhaps its request is being written, or the daemon hangs: look into the daemon's log", .warning)
    }
}
