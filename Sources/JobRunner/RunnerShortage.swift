/// A full disk, or a quota that is used up: nothing is started and no request taken in until there is room again, `spool.status.json`
/// says so, and then all goes on by itself. What has happened already (results, cancels, the ends of attempts) is kept in memory and tried
/// again all the while, for it may fit.
import Glibc
import JSONText
import Logging
import SpoolProtocol
import SpoolStorage

struct Shortage {
    var since: Timestamp
    var error: SpoolError
    /// The log and the feed tell of it.
    var isTold: Bool
}

extension Runner {
    /// In seconds.
    private static let patience = 1.0
    /// What comes and goes is told no more often, in seconds.
    private static let silence = 60.0

    func beginShortage(_ error: SpoolError) {
        guard shortage == nil else { return }
        let now = Clock.monotonic()
        let isTold = now >= shortageToldAt + Self.silence
        shortage = Shortage(since: Clock.now(), error: error, isTold: isTold)
        if isTold {
            shortageToldAt = now
            announceShortage(shortageReason ?? "")
        }
        show.isDirty = true
        wake(at: now + Self.patience)
    }

    /// Whether there is room again is found out by taking some.
    func lookForRoom() {
        guard let known = shortage else { return }
        let now = Clock.monotonic()
        guard now >= troubleUntil else {
            wake(at: troubleUntil)
            return
        }
        do throws(SpoolError) {
            try spool.proveRoom()
        } catch {
            if !error.isOutOfSpace { tell(error) }
            troubleUntil = now + Self.patience
            wake(at: troubleUntil)
            return
        }
        shortage = nil
        if known.isTold { announceShortage("there is room on the disk again: all goes on") }
        show.isDirty = true
    }

    /// Keeps some room back for the day when there is none.
    func keepReserve() {
        do throws(SpoolError) {
            try spool.proveRoom()
        } catch {
            tell(error)
        }
    }

    private func announceShortage(_ message: String) {
        logger.warning("\(message)")
        feed.notice(message)
    }

    /// Whether a name has to wait for room: to take in what it stands for takes some.
    func waitsForRoom(_ name: FileName) -> Bool {
        guard shortage != nil else { return false }
        return switch SpoolFile(name) {
        case .request, .schedule: true
        case .cancel, .pause, .scheduleStatus, .status, .log, .errors, .result, .spoolStatus, .events, .badName,
            .ignored:
            false
        }
    }

    private var shortageReason: String? {
        guard let error = shortage?.error else { return nil }
        let what =
            error.code == EDQUOT ? "the disk quota of \(Users.name(of: geteuid())) is used up" : "the disk is full"
        let remedy = "no job starts until there is room on the file system of \(spool.root.path)"
        return "\(what) (\(error)): \(remedy); then all goes on by itself"
    }

    /// What `spool.status.json` says of why no job starts.
    var shownPause: Pause? {
        guard let shortage, let reason = shortageReason else { return paused }
        var pause = Pause(since: shortage.since, by: "jobspool", content: [])
        pause.reason = paused.map { "\(reason). Besides, \($0.by) has paused the spool" } ?? reason
        return pause
    }
}
