/// Looking at the directory: hints name entries, a rescan (`RunnerRescan`) lists them all, and every name is then judged by what is there.
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
        names.append(name)
        lookSoon()
    }

    /// Has `lookOn` called when other news has been heard: once, however many ask for it.
    func lookSoon() {
        if isToLookOn { return }
        isToLookOn = true
        mailbox.put(.lookOn)
    }

    /// What there is by now is looked at together, and at once unless other names have been waiting.
    func takeAll(_ wakeUps: some WakeUpSource) {
        let isFirst = names.isEmpty
        // What was dropped before the daemon came is accepted before what comes now.
        while scan?.isFirst != true, let wakeUp = wakeUps.take() {
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
        // Those that are being told of are heard of first: `committed` goes on.
        if hasEndsEnough { return }
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
                // The next look at the whole directory comes to it again.
                if isOfOneFile(error, around: name) { continue }
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
        if held.isEmpty, !names.isEmpty { lookSoon() }
        if !held.isEmpty { wake(at: troubleUntil) }
    }

    /// Whoever drops what is rejected, as fast as he can, is as slow as the disk.
    var hasEndsEnough: Bool {
        finishing.count >= Self.mostEnds && finishing.values.count { !$0.isObstructed } >= Self.mostEnds
    }

    private static let mostEnds = 512

    /// Where only the daemon's user can drop there is one line.
    private func sortNames() {
        let user = geteuid()
        do throws(SpoolError) {
            let isShared = try spool.root.stat().mode & 0o022 != 0
            try names.sort(upTo: Self.sorted) { name throws(SpoolError) in
                isShared ? try owner(of: name) ?? .max : user
            }
        } catch {
            tell(error)
        }
    }

    /// nil when there is no such file. Those that nobody can look at have a line of their own, and so have those.
    private func owner(of name: FileName) throws(SpoolError) -> UInt32? {
        do {
            return try spool.root.stat(name)?.owner
        } catch {
            if isOfOneFile(error, name) { return .max }
            throw error
        }
    }

    /// True when it is a request that has been accepted.
    private func judge(_ name: FileName) throws(SpoolError) -> Bool {
        switch SpoolFile(name) {
        case .request(let job):
            if unrestored.contains(job) { return false }
            let isAccepted = try examine(job)
            lookAtWaitingCancel(of: job)
            return isAccepted
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
            if !isOfOneFile(error, name) { tell(error) }
        }
    }
}
