/// Looking at the whole directory, in steps between which other news is heard: there may be a million files in it.
import CLinux
import Glibc
import Logging
import SpoolProtocol
import SpoolStorage

/// A look at the whole directory that is under way.
struct Rescan {
    let reason: WakeUp.Reason
    let listing: DirectoryListing
    /// Which requests have something new, and when they were written.
    var requests: [(name: FileName, at: Fingerprint)] = []
    var others: [FileName] = []
    var scheduled: Set<JobName> = []
    /// Names that jobs wait for and that have not been seen.
    var expected: Set<JobName>
    /// How many pending jobs have been seen.
    var found = 0
    /// `PendingJobs.changes` at the beginning.
    let changes: Int
    /// The pending jobs that are still to be looked for; nil as long as it is not known whether that is necessary.
    var unsure: [JobName]?
    /// Jobs that wait, or are waited for, and whose requests are not there.
    var missing: Set<JobName> = []
    /// Another one is to follow: what has come meanwhile this one may have missed.
    var again = false

    var isFirst: Bool { reason == .start }

    init(_ reason: WakeUp.Reason, of root: Directory, _ pending: PendingJobs) throws(SpoolError) {
        self.reason = reason
        listing = try DirectoryListing(of: root)
        expected = Set(pending.expected)
        changes = pending.changes
    }
}

extension Runner {
    /// So long a step may take, in seconds.
    private static let stepSeconds = 0.02

    func rescan(_ reason: WakeUp.Reason) {
        if reason != .timer { logger.debug("looking at the whole spool", metadata: ["reason": "\(reason.rawValue)"]) }
        do throws(SpoolError) {
            if reason == .replaced, try !isStillInPlace() {
                isReplaced = true
                beginStopping(.leave)
                return
            }
            guard scan == nil else {
                scan?.again = true
                return
            }
            try spool.keepHome()
            try lookAtPause()
            lookAtTypes()
            forgetWhatIsGone()
            scan = try Rescan(reason, of: spool.root, pending)
        } catch {
            tell(error)
            rescanAgain = true
        }
        scanOn()
    }

    /// The next step.
    func scanOn() {
        guard var step = scan, stopping == nil else {
            scan = nil
            return
        }
        // No second owner, or every step would copy what has been found.
        scan = nil
        do throws(SpoolError) {
            if try take(&step) {
                try end(step)
            } else {
                scan = step
                mailbox.put(.scanOn)
            }
        } catch {
            tell(error)
            rescanAgain = true
            // Hints that had to wait are heard now.
            mailbox.put(.wakeUps)
        }
    }

    /// True when that was all.
    private func take(_ scan: inout Rescan) throws(SpoolError) -> Bool {
        let deadline = Clock.monotonic() + Self.stepSeconds
        for _ in 0..<configuration.rescanStep {
            if let name = scan.unsure?.popLast() {
                if pending[name] != nil, try isMissing(name) { scan.missing.insert(name) }
            } else if scan.unsure != nil {
                return true
            } else if let entry = try scan.listing.next() {
                do throws(SpoolError) {
                    try take(entry, &scan)
                } catch {
                    guard isOfOneFile(error, around: entry) else { throw error }
                }
            } else {
                // Every one that waits has been seen, or some are to be looked for.
                let isSure = scan.found == pending.count && scan.changes == pending.changes
                scan.unsure = isSure ? [] : Array(pending.names)
            }
            if Clock.monotonic() >= deadline { break }
        }
        return false
    }

    private func isMissing(_ name: JobName) throws(SpoolError) -> Bool {
        guard let file = SpoolFile.request(name).fileName else { return true }
        do {
            return try spool.root.stat(file) == nil
        } catch {
            if isOfOneFile(error, file) { return false }
            throw error
        }
    }

    private func take(_ entry: FileName, _ scan: inout Rescan) throws(SpoolError) {
        switch SpoolFile(entry) {
        case .request(let job):
            if pending[job] != nil { scan.found += 1 }
            scan.expected.remove(job)
            guard let stat = try spool.root.stat(entry), !heldBack.contains(job, of: stat.owner), try isNews(job, stat)
            else { return }
            scan.requests.append((entry, stat.fingerprint))
        case .cancel, .badName: scan.others.append(entry)
        case .schedule(let name), .scheduleStatus(let name): scan.scheduled.insert(name)
        case .status, .log, .errors, .result, .pause, .spoolStatus, .events, .ignored:
            break
        }
    }

    /// Everything has been seen: what has something new is looked at, requests by modification time, and then the cancel files.
    private func end(_ scan: Rescan) throws(SpoolError) {
        var scan = scan
        scan.requests.sort { a, b in
            (a.at.seconds, a.at.nanoseconds, a.name) < (b.at.seconds, b.at.nanoseconds, b.name)
        }
        let gone = scan.missing.union(scan.expected).sorted().compactMap { SpoolFile.request($0).fileName }
        for name in scan.requests.map(\.name) + gone + scan.others + (try newsOfSchedules(scan.scheduled)) {
            look(at: name)
        }
        // Somebody may have set the clock.
        wakeWaiting()
        wakeSchedules(all: true)
        // What a burst has taken goes back now and then.
        if scan.reason == .timer { linux_trim_memory() }
        if scan.isFirst { mailbox.put(.wakeUps) }
        if scan.again { rescan(.timer) }
    }

    /// What was told of files that are no longer there.
    private func forgetWhatIsGone() {
        let root = spool.root
        func isGone(_ file: FileName) -> Bool {
            do { return try root.stat(file) == nil } catch { return false }
        }
        badNames = badNames.filter { !isGone($0.key) }
        obstructions.forget(where: isGone)
        spentCancels.forget(where: isGone)
        forgetLookable()
    }

    /// Whether the spool's path still leads to the directory that is served.
    private func isStillInPlace() throws(SpoolError) -> Bool {
        guard let there = try FileStat(following: spool.root.path) else { return true }
        return there.isSameFile(as: try spool.root.stat())
    }

    /// Whether a request is to be looked at. Of a finished job's the times tell without a look into its result: a file that has not changed
    /// (which nobody can hide) since its result was written is the one that ran. Unless somebody has set the clock back, and the
    /// result is of a time to come. When the result's inode was changed, by chmod(1) for example, says nothing.
    private func isNews(_ job: JobName, _ stat: FileStat) throws(SpoolError) -> Bool {
        if let known = pending[job] { return !isStill(known, stat) || parked.contains(job) || !known.turn.isKnown }
        if running[job] != nil || finishing[job] != nil { return false }
        guard let name = SpoolFile.result(job).fileName, let result = try spool.root.stat(name) else { return true }
        if result.mode & Spool.overtakenMode & ~Spool.mode != 0 { return true }
        let margin: Int64 = 2_000_000_000
        let now = Clock.now().milliseconds * 1_000_000
        // What is left over is looked at a few at a time: a rescan must hold nobody up.
        return !(stat.changed + margin < result.modified && result.modified <= now)
    }
}
