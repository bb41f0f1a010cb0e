/// Asks for a job to be cancelled, and for one that is over to run again.
import Glibc
import JSONText
public import SpoolProtocol
import SpoolStorage

extension SpoolDirectory {
    /// Asks for a job to be cancelled by creating its cancel file; it is over once it has a result. Asking twice is
    /// asking once. A file of that name that counts for nothing makes way.
    /// - Parameter reason: what the job's message says of it, besides who has asked
    /// - Throws: `SpoolClientError`: `jobNotFound`, `jobAlreadyOver`, `notPermitted`, `system`.
    @discardableResult
    public func cancel(_ name: JobName, reason: String? = nil) throws(SpoolClientError) -> JobView {
        try cancel(JobLocation(name: name, family: nil), reason: reason)
    }

    /// Asks for a job to be cancelled; a run that is archived, or has another one behind it, is over, whatever its name stands for now.
    /// - Returns: the job as it was then: `watch` of this waits for the run that is cancelled.
    /// - Throws: what `cancel(_: JobName)` throws, and `superseded` for a run that is not there any more.
    @discardableResult
    public func cancel(_ location: JobLocation, reason: String? = nil) throws(SpoolClientError) -> JobView {
        let name = location.name
        let view = try status(of: location)
        if let id = location.jobID, view.jobID?.lowercased() != id.lowercased() {
            // What the name stands for by now is another run.
            guard view.version(ofRun: id) != nil, case .dropped(_, let previous?) = view.state else {
                throw .superseded(name)
            }
            throw .jobAlreadyOver(name, previous.status.standing)
        }
        switch view.state {
        // A daemon runs it again.
        case .over where view.runsForLackOfResult: break
        case .over(let result): throw .jobAlreadyOver(name, result.status.standing)
        case .active(let status) where status.standing.isOver: throw .jobAlreadyOver(name, status.standing)
        case .dropped, .active: break
        }
        guard let file = SpoolFile.cancel(name).fileName else { preconditionFailure("a job has a cancel file") }
        let content: [UInt8] = reason.map { JSON.object(["reason": .string($0)]).line } ?? []
        let isNew = try place(
            content, as: file,
            orElse: "only its submitter, the daemon's user and root may cancel \(name): ask one of them"
        ) { stat throws(SpoolError) in
            // The daemon would take a link, too; it cannot be touched.
            try stat.kind == .file ? cancels(view, stat) : false
        }
        if !isNew { try touchOwn(file) }
        return view
    }

    /// Whether a file in the place of its cancel file cancels a job.
    func cancels(_ view: JobView, _ stat: FileStat) throws(SpoolError) -> Bool {
        guard stat.kind != .directory else { return false }
        if try root.mayBeForeign(stat) { return false }
        return try mayCancel(view, stat.owner)
    }

    /// Its submitter, the daemon's user and root. Names are those of the daemon's host, which another host or container may not have: there the owner of the
    /// request counts.
    private func mayCancel(_ view: JobView, _ user: UInt32) throws(SpoolError) -> Bool {
        let files = try JobFiles(root)
        if user == 0 || user == files.daemonUser { return true }
        if let acceptance = view.acceptance, acceptance.submittedBy == Users.name(of: user) { return true }
        guard let stat = try files.requestStat(view.name), stat.owner == user else { return false }
        // A later one may be somebody else's.
        return view.acceptance == nil || view.status?.request == stat.fingerprint
    }

    /// One that has had its effect and could not be removed has another one when it is touched. Somebody else's stands for itself.
    private func touchOwn(_ file: FileName) throws(SpoolClientError) {
        do throws(SpoolError) {
            try root.touch(file)
        } catch {
            if ![ENOENT, EACCES, EPERM].contains(error.code) { throw SpoolClientError(error) }
        }
    }

    /// Runs a job that is over again, as `touch NAME.json` does, or, of an archived one, as dropping its request again does.
    /// - Throws: `SpoolClientError`: `jobNotFound`, `jobNotCompleted`, `requestGone`, `notPermitted`, `system`; `jobExists` when
    ///   the name of an archived one has a new request.
    public func retry(_ name: JobName) throws(SpoolClientError) -> Submission {
        try retry(JobLocation(name: name, family: nil))
    }

    /// Runs a job in the spool, or an archived one, again.
    /// - Throws: what `retry(_: JobName)` throws.
    public func retry(_ location: JobLocation) throws(SpoolClientError) -> Submission {
        let name = location.name
        let view = try result(of: location)
        if let family = view.archived { return try dropAgain(family) }
        guard let file = SpoolFile.request(name).fileName, view.request != nil else { throw .requestGone(name) }
        do throws(SpoolError) {
            let known = try knownVersions(name)
            while true {
                try root.touch(file)
                guard let stat = try root.stat(file) else { break }
                if !known.contains(stat.fingerprint) {
                    try syncTimes(of: file)
                    return Submission(
                        name: name, path: root.path(file), fingerprint: stat.fingerprint, replaced: true)
                }
                usleep(1000)
            }
        } catch {
            if error.code != ENOENT { throw SpoolClientError(error) }
        }
        throw .requestGone(name)
    }

    /// The time by which it is new is on the disk, where one may read it; otherwise the kernel sees to that within seconds.
    private func syncTimes(of file: FileName) throws(SpoolError) {
        do {
            try root.open(file, O_RDONLY).sync()
        } catch  where error.operation == .open && error.code != ENOENT {}
    }

    /// The bytes that ran, as a request of the user's own.
    private func dropAgain(_ family: ArchivedFamily) throws(SpoolClientError) -> Submission {
        let bytes = try storage { () throws(SpoolError) -> [UInt8]? in
            do throws(SpoolError) {
                return try family.open()?.read(SpoolFile.request(family.name).fileName!)
            } catch  where [ELOOP, ENXIO, EISDIR, ENOTSUP].contains(error.code) {
                return nil
            }
        }
        guard let bytes else { throw .requestGone(family.name) }
        do {
            return try submit(unchecked: bytes, name: family.name)
        } catch .jobExists(let name, _) {
            throw .jobExists(name, archived: "\(family.path)/\(SpoolFile.request(name).fileName!)")
        }
    }
}
