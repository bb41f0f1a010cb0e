/// Checks of who serves the spool, what the daemon says of itself, and whether jobs are kept from starting.
import Glibc
import JSONText
package import SpoolProtocol
import SpoolStorage

package struct DaemonFacts: Sendable {
    /// For remedies.
    package var path: String
    package var presence: DaemonPresence
    package var overview: SpoolOverview?
    package var pause: PauseFacts?
    package var now: Timestamp

    package enum PauseFacts: Sendable, Equatable {
        case counts(Pause)
        /// A file whose owner may not pause the spool, or, of one who may, a link that others may have made.
        case countsForNothing(owner: String, isLink: Bool)
    }

    package init(
        path: String, presence: DaemonPresence, overview: SpoolOverview?, pause: PauseFacts?, now: Timestamp
    ) {
        self.path = path
        self.presence = presence
        self.overview = overview
        self.pause = pause
        self.now = now
    }
}

extension DaemonFacts {
    package var findings: [Finding] {
        [presenceFinding] + [stateFinding, troubleFinding, pauseFinding].compactMap(\.self)
    }

    private var serveCommand: String { DaemonPresence.serveCommand(path, as: overview?.daemon) }

    private var presenceFinding: Finding {
        let age =
            overview?.updatedAt.map { ", which it last wrote \(roughly(seconds: now.seconds(since: $0))) ago" } ?? ""
        let remedy = serveCommand
        switch presence {
        case .running:
            return .ok(.daemon, "\(presence.summary)\(age.isEmpty ? "" : "; spool.status.json says so\(age)")")
        case .stopped(last: nil): return .problem(.daemon, "no daemon has ever served the spool", remedy: remedy)
        case .stopped(let last?):
            let how =
                overview?.daemonState == "stopped"
                ? "the last one has stopped"
                : "the last one ended without saying so: it was killed, or the machine went down"
            return .problem(
                .daemon, "no daemon serves the spool; \(how) (process \(last.pid) of \(last.user) on \(last.host))",
                remedy: remedy)
        case .unknown(let last, let updatedAt):
            let heard = updatedAt.map { "; it was last heard of \(roughly(seconds: now.seconds(since: $0))) ago" } ?? ""
            let whose = last.map { " (process \($0.pid) of \($0.user) on \($0.host))" } ?? ""
            return .unchecked(
                .daemon, "whether a daemon serves the spool cannot be told from here\(whose)\(heard)",
                remedy: "ask on the daemon's host, as its user or root")
        }
    }

    private var stateFinding: Finding? {
        guard case .running = presence, overview?.daemonState == "stopping" else { return nil }
        return .warning(
            .daemon, "the daemon is stopping: it waits for running jobs to end, and starts no others",
            remedy: "start it again when it has ended: \(serveCommand)")
    }

    /// The daemon keeps its last trouble in sight; what is old has passed.
    private var troubleFinding: Finding? {
        guard case .running = presence, let trouble = overview?.trouble else { return nil }
        let age = overview?.troubleAt.map { now.seconds(since: $0) } ?? 0
        let message = "the daemon could not do what it had to \(roughly(seconds: age)) ago: \(trouble)"
        let remedy = "see to the disk and the permissions there; the daemon tries again by itself"
        if age < 60 { return .problem(.daemon, message, remedy: remedy) }
        return age < 86_400 ? .warning(.daemon, message, remedy: remedy) : nil
    }

    private var pauseFinding: Finding? {
        switch pause {
        case nil: return nil
        case .counts(let pause):
            let reason = pause.reason.map { ": \($0)" } ?? ""
            return .warning(
                .pause, "paused since \(pause.since) by \(pause.by)\(reason): no job starts",
                remedy: "jobspool resume --spool \(shellQuoted(path: path))")
        case .countsForNothing(let owner, let isLink):
            return .warning(
                .pause,
                isLink
                    ? "spool.pause.json, a file of \(owner), has several names (hard links), in a directory where others may write: it counts for nothing"
                    : "spool.pause.json belongs to \(owner), who may not pause the spool: it counts for nothing",
                remedy: "remove it, or pause as the owner of the spool's directory, the daemon's user or root")
        }
    }
}

extension SpoolOverview {
    package var trouble: String? { json["trouble"]?.string }
    package var troubleAt: Timestamp? { json["trouble_at"]?.string.flatMap(Timestamp.init) }
    package var maxLanes: Int? { json["max_lanes"]?.int }
}

extension SpoolDirectory {
    /// - Throws: `SpoolClientError`: `damaged`, `notPermitted`, `system`.
    package func daemonFacts() throws(SpoolClientError) -> DaemonFacts {
        DaemonFacts(
            path: path, presence: try daemon(), overview: try spoolStatus(), pause: try pauseFacts(), now: Clock.now())
    }

    private func pauseFacts() throws(SpoolClientError) -> DaemonFacts.PauseFacts? {
        if let pause = try pause() { return .counts(pause) }
        return try storage { () throws(SpoolError) -> DaemonFacts.PauseFacts? in
            guard let stat = try root.visibleStat(SpoolFile.pause.fileName!) else { return nil }
            return .countsForNothing(owner: Users.name(of: stat.owner), isLink: try mayPause(stat.owner))
        }
    }
}
