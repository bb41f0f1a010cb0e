/// Looks a job up: by name, by what a user typed, by the identifier of its run.
import Glibc
import JSONText
public import SpoolProtocol
import SpoolStorage

extension SpoolDirectory {
    /// How a job stands now.
    /// - Throws: `SpoolClientError`: `jobNotFound`, `damaged`, `notPermitted`, `system`.
    public func status(of name: JobName) throws(SpoolClientError) -> JobView {
        let files = try storage { () throws(SpoolError) in try JobFiles(root) }
        guard let view = try view(of: name, files) else { throw .jobNotFound(name.string) }
        return view
    }

    /// The result of a job that is over.
    /// - Throws: `SpoolClientError`: `jobNotCompleted`, and what `status(of:)` throws.
    public func result(of name: JobName) throws(SpoolClientError) -> JobView {
        let view = try status(of: name)
        switch view.state {
        case .over: return view
        case .dropped, .active: throw .jobNotCompleted(name, state: view.summary)
        }
    }

    /// The name of the job that somebody means: a name, a request's file name, or the `job_id` of a run that is still
    /// in the spool.
    /// - Throws: `SpoolClientError`: `jobNotFound`, `invalidName`, and what reading throws.
    public func name(for reference: String) throws(SpoolClientError) -> JobName {
        let problem: JobName.Problem
        do {
            let name = try JobName(reference)
            if try exists(name) { return name }
            if let name = try requestFile(reference) ?? job(withID: reference) { return name }
            throw SpoolClientError.jobNotFound("\(FileName(reference))")
        } catch let error as JobName.Problem {
            problem = error
        } catch let error as SpoolClientError {
            throw error
        } catch {
            preconditionFailure("no other error is thrown: \(error)")
        }
        if let name = try requestFile(reference) { return name }
        throw .invalidName(problem.description)
    }

    private func requestFile(_ reference: String) throws(SpoolClientError) -> JobName? {
        switch SpoolFile(FileName(reference)) {
        case .request(let name), .status(let name), .result(let name), .log(let name), .errors(let name),
            .cancel(let name):
            try exists(name) ? name : nil
        case .schedule, .scheduleStatus, .pause, .spoolStatus, .events, .badName, .ignored: nil
        }
    }

    private func exists(_ name: JobName) throws(SpoolClientError) -> Bool {
        for file in [SpoolFile.request(name), .status(name), .result(name)] {
            let there = try storage { () throws(SpoolError) in try root.stat(file.fileName!) }
            if there != nil { return true }
        }
        return false
    }

    private func job(withID id: String) throws(SpoolClientError) -> JobName? {
        guard id.utf8.count == 36, id.utf8.count(where: { $0 == UInt8(ascii: "-") }) == 4 else { return nil }
        return try list().jobs.first { $0.jobID?.lowercased() == id.lowercased() }?.name
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
