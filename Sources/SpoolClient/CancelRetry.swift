/// Asks for a job to be cancelled, and for one that is over to run again.
import Glibc
public import SpoolProtocol
import SpoolStorage

extension SpoolDirectory {
    /// Asks for a job to be cancelled by creating its cancel file; it is over once it has a result. Asking twice is
    /// asking once.
    /// - Throws: `SpoolClientError`: `jobNotFound`, `jobAlreadyOver`, `notPermitted`, `system`.
    @discardableResult
    public func cancel(_ name: JobName) throws(SpoolClientError) -> JobView {
        let view = try status(of: name)
        switch view.state {
        case .over(let result): throw .jobAlreadyOver(name, result.status.standing)
        case .dropped, .active: break
        }
        guard let file = SpoolFile.cancel(name).fileName else { preconditionFailure("a job has a cancel file") }
        do throws(SpoolError) {
            _ = try root.open(file, O_WRONLY | O_CREAT | O_EXCL)
        } catch {
            if error.code != EEXIST { throw SpoolClientError(error) }
        }
        return view
    }

    /// Runs a job that is over again, as `touch NAME.json` does.
    /// - Throws: `SpoolClientError`: `jobNotFound`, `jobNotCompleted`, `requestGone`, `notPermitted`, `system`.
    public func retry(_ name: JobName) throws(SpoolClientError) -> Submission {
        let view = try result(of: name)
        guard let file = SpoolFile.request(name).fileName, view.request != nil else { throw .requestGone(name) }
        do throws(SpoolError) {
            let known = try knownVersions(name)
            while true {
                try root.touch(file)
                guard let stat = try root.stat(file) else { break }
                if !known.contains(stat.fingerprint) {
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
}
