/// Moves the files of a finished job out of the spool, whole families at a time: they are gathered in
/// `.jobspool/archiving/NAME~JOB_ID/` and renamed as one into `archive/YYYY/MM/DD/`. Whoever dies in between leaves a
/// gathered part, and the next one completes it (`completeArchiving`).
///
/// The order is the promise. The request goes first and the result last, so that at every moment the spool has either the
/// result, and the job is over, or not the request, and nothing runs again. (For a new run the request stays: it is new.)
/// The moves are not synced one by one: ext4, XFS and Btrfs commit changes of names in the order in which they were made, so
/// that a power cut leaves a beginning of them; `syncArchive` says from when on none is lost.
import Glibc
import JSONText
package import SpoolProtocol

package enum ArchiveOutcome: Sendable {
    /// `requestIsNew`: a new version of the request came while its family was moved. It is in its place.
    case archived(FinishedRun, requestIsNew: Bool)
    /// See `FinishedJobs.Finding`.
    case notDue, inUse
    case immovable(FinishedRun, why: String)
}

extension Spool {
    /// Moves the family of a job that is over, if there is one, to make way for a new run. The request stays.
    package func archiveFamily(of name: JobName) throws(SpoolError) {
        guard try isOwn(Self.file(.result(name))) else { return }
        let lock = try ArchivingLock(home)
        // Whoever had the lock may have moved it.
        guard let result = try readOwn(.result(name)) else { return }
        _ = try gather(FinishedRun(name, result), takesRequest: false, lock)
    }

    /// Moves the family of a job with its request when its result was written at `cutoff` or earlier, there is nothing new
    /// about the name, and it is wanted.
    package func archive(
        _ name: JobName, cutoff: Timestamp, _ care: FinishedJobs.Care,
        where isWanted: (FinishedRun) -> Bool = { _ in true }
    ) throws(SpoolError) -> ArchiveOutcome {
        let lock = try ArchivingLock(home)
        switch try finishedJobs.look(at: name, cutoff: cutoff, care) {
        case .notDue: return .notDue
        case .inUse: return .inUse
        case .immovable(let run, let why): return isWanted(run) ? .immovable(run, why: why) : .notDue
        case .due(let run): return isWanted(run) ? try gather(run, takesRequest: true, lock) : .notDue
        }
    }

    package var finishedJobs: FinishedJobs { FinishedJobs(root, owner: geteuid()) }

    /// Completes what somebody who died had begun. Called before anything is looked at, and again later: a `prune` can die,
    /// too. What cannot be completed now is as legal as it was.
    package func completeArchiving() throws(SpoolError) {
        var failure: SpoolError?
        for entry in try home.makeDirectory(ArchivingLock.directoryName, mode: 0o700).entries() {
            guard let family = ArchivedName(entry) else { continue }
            do throws(SpoolError) {
                try complete(family)
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    private func complete(_ family: ArchivedName) throws(SpoolError) {
        let lock = try ArchivingLock(home)
        guard try lock.directory.stat(family.fileName)?.kind == .directory else { return }
        let place = try lock.directory.directory(family.fileName)
        if let result = try readOwn(.result(family.name)), result["job_id"]?.string == family.jobID {
            _ = try gather(FinishedRun(family.name, result), takesRequest: true, lock)
        } else if let result = try place.readJSON(.result(family.name), of: geteuid()) {
            let run = FinishedRun(family.name, result)
            _ = try putBackIfNew(run, place)
            try deliver(family, to: run.day, lock)
        } else if try !lock.directory.removeEmptyDirectory(family.fileName) {
            // Somebody has deleted the result. The rest is kept all the same.
            try deliver(family, to: ArchiveDay(of: Clock.now()), lock)
        }
    }

    /// Writes the status of a job that is over, unless its family has left the spool.
    package func publish(finished status: JobStatus) throws(SpoolError) {
        let lock = try ArchivingLock(home)
        defer { withExtendedLifetime(lock) {} }
        guard try readOwn(.result(status.identity.name))?["job_id"]?.string == status.identity.jobID else { return }
        try publish(status.json, as: .status(status.identity.name), .process)
    }

    // MARK: Gathering

    private func gather(
        _ run: FinishedRun, takesRequest: Bool, _ lock: borrowing ArchivingLock
    ) throws(SpoolError) -> ArchiveOutcome {
        let family = run.archivedName
        let place = try lock.directory.makeDirectory(family.string, mode: 0o755)
        if takesRequest {
            switch try takeRequest(of: run, to: place) {
            case .isTaken, .isNone: break
            case .isBeingWritten:
                try giveBack(run, place, lock)
                return .inUse
            case .isImmovable(let error):
                try giveBack(run, place, lock)
                return .immovable(run, why: "\(error)")
            }
        }
        for file in [SpoolFile.status(run.name), .log(run.name), .errors(run.name), .result(run.name)] {
            let name = Self.file(file)
            if try isOwn(name) { try root.rename(name, to: place, name) }
        }
        // Once more: somebody may have opened the file just before it was moved, and changed it only now.
        var requestIsNew = try putBackIfNew(run, place)
        if try root.stat(Self.file(.request(run.name))) != nil { requestIsNew = true }
        try deliver(family, to: run.day, lock)
        return .archived(run, requestIsNew: requestIsNew)
    }

    private enum Taking {
        /// It is the version that ran.
        case isTaken
        /// There is none, or a new one, which stays.
        case isNone
        case isBeingWritten
        case isImmovable(SpoolError)
    }

    /// A look does not keep anybody from changing the file before it is moved, so the moved file is looked at, too.
    private func takeRequest(of run: FinishedRun, to place: Directory) throws(SpoolError) -> Taking {
        let file = Self.file(.request(run.name))
        if try place.stat(file) == nil {
            guard let stat = try root.stat(file), stat.fingerprint == run.request else { return .isNone }
            do throws(SpoolError) {
                try root.rename(file, to: place, file)
            } catch {
                switch error.code {
                case ENOENT: return .isNone
                case EPERM, EACCES, EBUSY, EXDEV: return .isImmovable(error)
                default: throw error
                }
            }
        }
        if try putBackIfNew(run, place) { return .isNone }
        return try isBeingWritten(file, place) ? .isBeingWritten : .isTaken
    }

    private func isBeingWritten(_ file: FileName, _ place: Directory) throws(SpoolError) -> Bool {
        guard try place.stat(file)?.kind == .file else { return false }
        do throws(SpoolError) {
            return try place.open(file, O_RDONLY).isBeingWritten()
        } catch  where [EACCES, EPERM].contains(error.code) {
            return false
        }
    }

    /// A request that was moved, but is not the version that ran, goes back to where it was dropped.
    private func putBackIfNew(_ run: FinishedRun, _ place: Directory) throws(SpoolError) -> Bool {
        let file = Self.file(.request(run.name))
        guard let stat = try place.stat(file), stat.fingerprint != run.request else { return false }
        try putBack(file, stat, place)
        return true
    }

    private func putBack(_ file: FileName, _ stat: FileStat, _ place: Directory) throws(SpoolError) {
        do {
            try place.moveToFreeName(file, to: root, file)
        } catch  where error.code == EEXIST {
            if try root.stat(file)?.isSameFile(as: stat) == true {
                // The second name of a file that was being moved where names cannot be exchanged.
                try place.remove(file)
            } else {
                try moveAside(
                    file, from: place,
                    because:
                        "\(file) was dropped twice while the family before was archived: the earlier version does not run"
                )
            }
        }
    }

    /// Undoes a gathering whose result is still in the spool.
    private func giveBack(
        _ run: FinishedRun, _ place: Directory, _ lock: borrowing ArchivingLock
    ) throws(SpoolError) {
        for file in try place.entries() {
            if let stat = try place.stat(file) { try putBack(file, stat, place) }
        }
        try lock.directory.removeEmptyDirectory(run.archivedName.fileName)
    }

    // MARK: The archive

    private func deliver(
        _ family: ArchivedName, to day: ArchiveDay, _ lock: borrowing ArchivingLock
    ) throws(SpoolError) {
        let directory = try openDay(day)
        do {
            try lock.directory.rename(family.fileName, to: directory, family.fileName)
        } catch  where [ENOTEMPTY, EEXIST].contains(error.code) {
            // Somebody has copied it back into the spool.
            try moveAside(
                family.fileName, from: directory,
                because: "\(family.string) was in the archive already: what was there has made way")
            try lock.directory.rename(family.fileName, to: directory, family.fileName)
        }
    }

    private func openDay(_ day: ArchiveDay) throws(SpoolError) -> Directory {
        var directory = try openArchive()
        for part in day.components { directory = try directory.makeDirectory(part, mode: 0o755) }
        return directory
    }

    /// Waits until what was moved is on the disk, for many families at once: the directories that they came into, then the
    /// one that they left.
    package func syncArchive(_ days: Set<ArchiveDay>) throws(SpoolError) {
        for day in days.sorted() { try openDay(day).sync() }
        try root.sync()
    }

    static func file(_ file: SpoolFile) -> FileName {
        guard let name = file.fileName else { preconditionFailure("not a file of its own: \(file)") }
        return name
    }
}
