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

    /// What would come of archiving a job that is wanted.
    package init(_ finding: FinishedJobs.Finding, where isWanted: (FinishedRun) -> Bool) {
        self =
            switch finding {
            case .due(let run): isWanted(run) ? .archived(run, requestIsNew: false) : .notDue
            case .notDue: .notDue
            case .inUse: .inUse
            case .immovable(let run, let why): isWanted(run) ? .immovable(run, why: why) : .notDue
            }
    }
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
        guard try finishedJobs.isOldEnough(name, cutoff: cutoff) else { return .notDue }
        let lock = try ArchivingLock(home)
        let outcome = ArchiveOutcome(try finishedJobs.look(at: name, cutoff: cutoff, care), where: isWanted)
        guard case .archived(let run, _) = outcome else { return outcome }
        if let why = try obstacle(to: run.day) { return .immovable(run, why: why) }
        return try gather(run, takesRequest: true, lock)
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

    /// Does something while no family is on its way between spool and archive.
    package func whileNothingIsMoved<Result>(
        _ body: () throws(SpoolError) -> Result
    ) throws(SpoolError) -> Result {
        let lock = try ArchivingLock(home)
        defer { withExtendedLifetime(lock) {} }
        return try body()
    }

    /// Writes the status of a job that is over, unless its family has left the spool.
    package func publish(finished status: JobStatus) throws(SpoolError) {
        try whileNothingIsMoved { () throws(SpoolError) in
            guard try readOwn(.result(status.identity.name))?["job_id"]?.string == status.identity.jobID else { return }
            try publish(status.json, as: .status(status.identity.name), .process)
        }
    }

    // MARK: The archive

    func deliver(
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

    /// Why nothing can be moved there, whoever tries again; nil when it can. What has left the spool must come into the archive: on the way
    /// nobody finds it.
    private func obstacle(to day: ArchiveDay) throws(SpoolError) -> String? {
        let directory: Directory
        do {
            directory = try openDay(day)
        } catch  where error.isForbidden || error.code == ENOTDIR {
            return "\(error)"
        }
        let (here, there) = (try root.stat(FileName(".")), try directory.stat(FileName(".")))
        if here?.device == there?.device { return nil }
        return "\(directory.path) is on another file system than the spool: put archive/ on the spool's"
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
