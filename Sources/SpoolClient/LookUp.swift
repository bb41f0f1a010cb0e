/// Looks a job up: by name, by what a user typed, by the identifier of its run; in the spool, and then in the archive.
import Glibc
import JSONText
public import SpoolProtocol
import SpoolStorage

/// Where a job is that somebody means: in the spool, or one of its runs in the archive.
public struct JobLocation: Sendable {
    public let name: JobName
    /// nil for a job in the spool.
    let family: ArchivedFamily?
    /// Of the run that is meant, when it is one.
    var jobID: String?

    public var isArchived: Bool { family != nil }
}

extension SpoolDirectory {
    /// How a job stands now; of one that is not in the spool the last run that is in the archive.
    /// - Throws: `SpoolClientError`: `jobNotFound`, `damaged`, `notPermitted`, `system`.
    public func status(of name: JobName) throws(SpoolClientError) -> JobView {
        let files = try storage { () throws(SpoolError) in try JobFiles(root) }
        let found = try whileFamiliesMove(isSure: { $0.archived == nil && !$0.isOnItsWay }) {
            () throws(SpoolClientError) -> JobView? in
            let present = try view(of: name, files)
            if let present, !present.isOnItsWay { return present }
            let archived = try newestArchivedView(of: name)
            return present == nil || archived?.jobID == present?.jobID ? archived : present
        }
        guard let found else { throw .jobNotFound(name.string) }
        return found.withoutResult()
    }

    /// How a job stands, or has ended.
    /// - Throws: what `status(of: JobName)` throws.
    public func status(of location: JobLocation) throws(SpoolClientError) -> JobView {
        guard let family = location.family else { return try status(of: location.name) }
        guard let view = try view(of: family) else { throw .jobNotFound(location.name.string) }
        return view
    }

    /// The result of a job that is over.
    /// - Throws: `SpoolClientError`: `jobNotCompleted`, and what `status(of:)` throws.
    public func result(of name: JobName) throws(SpoolClientError) -> JobView {
        try result(of: JobLocation(name: name, family: nil))
    }

    /// The result of a job that is over.
    /// - Throws: `SpoolClientError`: `jobNotCompleted`, and what `status(of:)` throws.
    public func result(of location: JobLocation) throws(SpoolClientError) -> JobView {
        let view = try status(of: location)
        switch view.state {
        case .over: return view
        case .dropped, .active: throw .jobNotCompleted(view.name, state: view.summary)
        }
    }

    /// The job that somebody means: a name, a request's file name, or the `job_id` of a run. What the spool has comes before
    /// what the archive has.
    /// - Throws: `SpoolClientError`: `jobNotFound`, `invalidName`, and what reading throws.
    public func find(_ reference: String) throws(SpoolClientError) -> JobLocation {
        let id = Self.isIdentifier(reference) ? reference : nil
        let names = Self.names(in: reference)
        // A run has one family; of a name a newer one may just be on its way to the archive.
        let found = try whileFamiliesMove(isSure: { !$0.isArchived || $0.family?.jobID == id }) {
            () throws(SpoolClientError) -> JobLocation? in
            for name in names where try exists(name) { return JobLocation(name: name, family: nil) }
            let archive = try archive()
            if let id {
                if let family = try storage({ () throws(SpoolError) in try archive.family(jobID: id) }) {
                    return JobLocation(name: family.name, family: family)
                }
                if let name = try job(withID: id) { return JobLocation(name: name, family: nil, jobID: id) }
            }
            for name in names {
                if let family = try storage({ () throws(SpoolError) in try archive.newest(of: name) }) {
                    return JobLocation(name: name, family: family)
                }
            }
            return nil
        }
        if let found { return found }
        do throws(JobName.Problem) {
            _ = try JobName(reference)
        } catch {
            throw .invalidName(error.description)
        }
        throw .jobNotFound("\(FileName(reference))")
    }

    /// The name of the job that somebody means, as `find` finds it.
    public func name(for reference: String) throws(SpoolClientError) -> JobName { try find(reference).name }

    private static func names(in reference: String) -> [JobName] {
        var names: [JobName] = []
        do throws(JobName.Problem) {
            names.append(try JobName(reference))
        } catch {
            // It may be a file's name all the same.
        }
        switch SpoolFile(FileName(reference)) {
        case .request(let name), .status(let name), .result(let name), .log(let name), .errors(let name),
            .cancel(let name):
            names.append(name)
        case .schedule, .scheduleStatus, .pause, .spoolStatus, .events, .badName, .ignored: break
        }
        return names
    }

    private static func isIdentifier(_ text: String) -> Bool {
        text.utf8.count == 36 && text.utf8.count { $0 == UInt8(ascii: "-") } == 4
    }

    private func exists(_ name: JobName) throws(SpoolClientError) -> Bool {
        for file in [SpoolFile.request(name), .status(name), .result(name)] {
            let there = try storage { () throws(SpoolError) in try root.stat(file.fileName!) }
            if there != nil { return true }
        }
        return false
    }

    private func job(withID id: String) throws(SpoolClientError) -> JobName? {
        try list().jobs.first { $0.version(ofRun: id) != nil }?.name
    }

    // MARK: Reading one job

    /// nil when no file says anything about such a job.
    func view(of name: JobName, _ files: JobFiles) throws(SpoolClientError) -> JobView? {
        // In this order a job that ends between two reads is over, and never neither running nor over.
        let status = try files.readStatus(name)
        let result = try files.readResult(name)
        let request = try storage { () throws(SpoolError) in try files.requestStat(name)?.fingerprint }
        let cancel = try storage { () throws(SpoolError) in try root.stat(SpoolFile.cancel(name).fileName!) }
        func view(_ state: JobView.State) -> JobView {
            JobView(
                name: name, state: state, request: request, cancelRequested: cancel != nil, statusDocument: status?.1,
                resultDocument: result?.1)
        }
        let state = fileState(
            request: request, status: status.map { ($0.0.request, $0.0.standing.isOver) },
            result: result?.0.status.request)
        switch (state, status, result) {
        case (.over, _, let result?): return view(.over(result.0))
        case (.active, let status?, _): return view(.active(status.0))
        case (.dropped(let again), _, _):
            guard let request else { return nil }
            return view(.dropped(draft(name, request), previous: again ? result?.0 : nil))
        case (.absent, _, _), (.over, _, nil), (.active, nil, _): return nil
        }
    }

    private func draft(_ name: JobName, _ fingerprint: Fingerprint) -> JobView.Draft {
        var draft = JobView.Draft(type: "", description: "", fingerprint: fingerprint)
        do {
            let bytes = try root.read(SpoolFile.request(name).fileName!, limit: Request.maximumBytes + 1) ?? []
            let request = try Request(checking: bytes)
            draft.type = request.type.string
            draft.description = request.description ?? ""
        } catch let error as JobError {
            draft.problem = error
        } catch {
            // A request that this process may not read: the daemon may.
        }
        return draft
    }
}
