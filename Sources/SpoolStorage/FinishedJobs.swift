/// Which jobs are over and may leave the spool, found by their files alone, without changing anything.
package import JSONText
package import SpoolProtocol
import Glibc

/// A job that is over, as its result says.
package struct FinishedRun: Sendable {
    package let name: JobName
    package let jobID: String
    package let type: String
    /// nil when the result does not say how the job ended.
    package let standing: Standing?
    package let endedAt: Timestamp
    /// The version of the request that ran.
    let request: Fingerprint?
    /// The identifier is the result's own; otherwise it has none that a path may hold, and was made up.
    let hasIdentifier: Bool

    package init(_ name: JobName, _ result: JSON) {
        self.name = name
        let known = result["job_id"]?.string.flatMap { ArchivedName(name, jobID: $0)?.jobID }
        jobID = known ?? makeUUID()
        hasIdentifier = known != nil
        type = result["type"]?.string ?? ""
        standing = result["status"]?.string.flatMap(Standing.init(rawValue:))
        endedAt =
            [result["finished_at"], result["updated_at"]].lazy.compactMap { $0?.string.flatMap(Timestamp.init) }.first
            ?? Clock.now()
        request = Fingerprint(json: result["request"])
    }

    package var archivedName: ArchivedName {
        guard let archived = ArchivedName(name, jobID: jobID) else { preconditionFailure("a UUID may be in a path") }
        return archived
    }

    /// Where its family is in the archive, or will be.
    package var day: ArchiveDay { ArchiveDay(of: endedAt) }
}

/// The finished jobs of a spool.
package struct FinishedJobs: Sendable {
    private let root: Directory
    /// The daemon's user.
    private let owner: UInt32

    package init(_ root: Directory, owner: UInt32) {
        self.root = root
        self.owner = owner
    }

    package enum Finding: Sendable {
        /// Over for long enough, with nothing new about the name.
        case due(FinishedRun)
        /// Not over, not for long enough, or not any more.
        case notDue
        /// Over, but a new request, a cancel file or a newer status says that the daemon still has to do with the name.
        case inUse
        /// The request cannot be moved, and so nothing of the family can: its result alone would be one without request.
        case immovable(FinishedRun, why: String)
    }

    /// What may be archived of a job whose result was written at `cutoff` or earlier.
    package enum Care: Sendable {
        /// By the daemon, which knows that it has nothing to do with the name.
        case daemon
        /// By anybody else: the daemon has finished with a job when the status says so too.
        case bystander
    }

    /// The names of the jobs that have a result, in no order.
    package func names() throws(SpoolError) -> [JobName] {
        var names: [JobName] = []
        try root.forEachEntry { entry in
            if case .result(let name) = SpoolFile(entry) { names.append(name) }
        }
        return names
    }

    /// Whether a job has a result that was written at `cutoff` or earlier.
    func isOldEnough(_ name: JobName, cutoff: Timestamp) throws(SpoolError) -> Bool {
        guard let stat = try root.stat(Spool.file(.result(name))), stat.isFile(of: owner) else { return false }
        return stat.fingerprint.modifiedAt <= cutoff
    }

    /// Judges by the age of the result file before anything is read.
    package func look(at name: JobName, cutoff: Timestamp, _ care: Care) throws(SpoolError) -> Finding {
        guard try isOldEnough(name, cutoff: cutoff), let result = try root.readJSON(.result(name), of: owner) else {
            return .notDue
        }
        let run = FinishedRun(name, result)
        guard run.standing?.isOver == true, run.hasIdentifier else { return .notDue }
        if let cancel = SpoolFile.cancel(name).fileName, try root.stat(cancel) != nil { return .inUse }
        guard try statusAgrees(with: run, care) else { return .inUse }
        guard let request = SpoolFile.request(name).fileName, let there = try root.stat(request) else {
            return .due(run)
        }
        guard there.fingerprint == run.request else { return .inUse }
        if try root.forbids(geteuid(), toMove: there) {
            return .immovable(
                run,
                why:
                    "\(request) belongs to \(Users.name(of: there.owner)) and \(root.path) is sticky (chown the directory to the daemon's user)"
            )
        }
        return .due(run)
    }

    private func statusAgrees(with run: FinishedRun, _ care: Care) throws(SpoolError) -> Bool {
        let status = try root.readJSON(.status(run.name), of: owner)
        switch care {
        case .daemon: return status == nil || status?["job_id"]?.string == run.jobID
        case .bystander:
            return status?["job_id"]?.string == run.jobID && status?["status"]?.string == run.standing?.rawValue
        }
    }
}
