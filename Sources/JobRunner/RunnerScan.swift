/// Looking at the directory: hints name entries, a rescan lists them all, and every name is then judged by what is there.
import CLinux
import Glibc
import Logging
import SpoolProtocol
import SpoolStorage

extension Runner {
    /// How many names are looked at before other news is heard: fewer while jobs run, whose ends are waited for.
    private var batch: Int { running.isEmpty ? 64 : 8 }
    /// How long that may take, in seconds: large files take their time.
    private static let batchSeconds = 0.05
    /// How many names are sorted by owner before each batch: far more, so that nobody's are found late.
    private static let sorted = 8192

    func look(at name: FileName) {
        if names.isEmpty { mailbox.put(.lookOn) }
        names.append(name)
    }

    /// What there is by now is looked at together, and at once unless other names have been waiting.
    func takeAll(_ wakeUps: some WakeUpSource) {
        let isFirst = names.isEmpty
        while let wakeUp = wakeUps.take() {
            switch wakeUp {
            case .file(let name): names.append(name)
            case .rescan(let reason): rescan(reason)
            }
        }
        if isFirst, !names.isEmpty { lookOn() }
    }

    /// Takes a batch of names. What they bring is accepted together: the directory is synced once.
    func lookOn() {
        guard stopping == nil else { return }
        if Clock.monotonic() < troubleUntil {
            wake(at: troubleUntil)
            return
        }
        var accepted: [JobName] = []
        var cancels: [JobName] = []
        var held: [FileName] = []
        sortNames()
        let deadline = Clock.monotonic() + Self.batchSeconds
        for _ in 0..<(shortage == nil ? batch : names.count) {
            guard Clock.monotonic() < deadline, let name = names.takeFirst() else { break }
            if waitsForRoom(name) {
                held.append(name)
                continue
            }
            do throws(SpoolError) {
                if case .cancel(let job) = SpoolFile(name) {
                    cancels.append(job)
                } else if try judge(name), case .request(let job) = SpoolFile(name) {
                    accepted.append(job)
                }
            } catch {
                names.append(name)
                tell(error)
                break
            }
        }
        startAccepted(accepted)
        lastAccepted = nil
        // After the requests of the same batch: what they cancel may be among those.
        for job in cancels { cancelOrTell(job) }
        for name in held { names.append(name) }
        if held.isEmpty, !names.isEmpty { mailbox.put(.lookOn) }
        if !held.isEmpty { wake(at: troubleUntil) }
    }

    /// Where only the daemon's user can drop there is one line.
    private func sortNames() {
        let user = geteuid()
        do throws(SpoolError) {
            let isShared = try spool.root.stat().mode & 0o022 != 0
            let root = spool.root
            try names.sort(upTo: Self.sorted) { name throws(SpoolError) in
                isShared ? try root.stat(name)?.owner ?? user : user
            }
        } catch {
            tell(error)
        }
    }

    /// True when it is a request that has been accepted.
    private func judge(_ name: FileName) throws(SpoolError) -> Bool {
        switch SpoolFile(name) {
        case .request(let job): return try examine(job)
        case .badName(let reason): noticeBadName(name, reason)
        case .pause: try lookAtPause()
        case .schedule(let schedule): try examineSchedule(schedule)
        case .cancel, .scheduleStatus, .status, .log, .errors, .result, .spoolStatus, .events, .ignored:
            break
        }
        return false
    }

    /// How many files with impossible names are remembered, and told of.
    private static let badNamesLimit = 1000

    private func noticeBadName(_ name: FileName, _ reason: String) {
        do throws(SpoolError) {
            guard let stat = try spool.root.stat(name) else {
                badNames[name] = nil
                return
            }
            if badNames.count >= Self.badNamesLimit, badNames[name] == nil { return }
            // Once for each file, however often it is written.
            guard badNames.updateValue(stat.inode, forKey: name) != stat.inode else { return }
            let shown = "\(name)".count > 60 ? "\("\(name)".prefix(60))…" : "\(name)"
            notice("not a request: \(shown): \(reason)")
        } catch {
            tell(error)
        }
    }

    // MARK: The whole directory

    func rescan(_ reason: WakeUp.Reason) {
        if reason != .timer { logger.debug("looking at the whole spool", metadata: ["reason": "\(reason.rawValue)"]) }
        do throws(SpoolError) {
            if reason == .replaced, try !isStillInPlace() {
                isReplaced = true
                beginStopping(.leave)
                return
            }
            try spool.keepHome()
            try lookAtPause()
            lookAtTypes()
            forgetWhatIsGone()
            for name in try unseen() { look(at: name) }
            // Somebody may have set the clock.
            wakeWaiting()
            wakeSchedules(all: true)
            // What a burst has taken goes back now and then.
            if reason == .timer { linux_trim_memory() }
        } catch {
            tell(error)
            rescanAgain = true
        }
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
    }

    /// Whether the spool's path still leads to the directory that is served.
    private func isStillInPlace() throws(SpoolError) -> Bool {
        guard let there = try FileStat(following: spool.root.path) else { return true }
        return there.isSameFile(as: try spool.root.stat())
    }

    /// The names that have something new, requests by modification time, and then the cancel files.
    private func unseen() throws(SpoolError) -> [FileName] {
        var requests: [(name: FileName, at: Fingerprint)] = []
        var others: [FileName] = []
        var scheduled: Set<JobName> = []
        var expected = Set(pending.expected)
        var found = 0
        try spool.root.forEachEntry { (entry) throws(SpoolError) in
            switch SpoolFile(entry) {
            case .request(let job):
                if pending[job] != nil { found += 1 } else { expected.remove(job) }
                guard let stat = try spool.root.stat(entry), !heldBack.contains(job, of: stat.owner),
                    try isNews(job, stat)
                else { return }
                requests.append((entry, stat.fingerprint))
            case .cancel, .badName: others.append(entry)
            case .schedule(let name), .scheduleStatus(let name): scheduled.insert(name)
            case .status, .log, .errors, .result, .pause, .spoolStatus, .events, .ignored:
                break
            }
        }
        requests.sort { a, b in
            (a.at.seconds, a.at.nanoseconds, a.name) < (b.at.seconds, b.at.nanoseconds, b.name)
        }
        let missing = (found == pending.count ? [] : try withoutRequest()) + expected
        let gone = Set(missing).sorted().compactMap { SpoolFile.request($0).fileName }
        return requests.map(\.name) + gone + others + (try newsOfSchedules(scheduled))
    }

    /// The pending jobs whose requests are not there.
    private func withoutRequest() throws(SpoolError) -> [JobName] {
        var missing: [JobName] = []
        for name in pending.names {
            if let file = SpoolFile.request(name).fileName, try spool.root.stat(file) == nil { missing.append(name) }
        }
        return missing
    }

    /// Whether a request is to be looked at. Of a finished job's the change times (which nobody can set) tell without a
    /// look into its result: a file that has not changed since its result was written is the one that ran. Unless somebody has set the
    /// clock back, and the result is of a time to come.
    private func isNews(_ job: JobName, _ stat: FileStat) throws(SpoolError) -> Bool {
        if let known = pending[job] { return known.request != stat.fingerprint || parked.contains(job) }
        if running[job] != nil || finishing[job] != nil { return false }
        guard let name = SpoolFile.result(job).fileName, let result = try spool.root.stat(name) else { return true }
        let margin: Int64 = 2_000_000_000
        let now = Clock.now().milliseconds * 1_000_000
        // What is left over is looked at a few at a time: a rescan must hold nobody up.
        return !(stat.changed + margin < result.changed && result.changed <= now)
    }
}
