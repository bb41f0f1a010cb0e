/// Reads the files of one job. A status or result that does not belong to the user who serves the spool counts for
/// nothing (anybody may have planted it), nor does one that is no regular file.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage

struct JobFiles: Sendable {
    let root: Directory
    /// The owner of the spool's private directory, which only a daemon makes; nil when none has served it.
    let daemonUser: UInt32?

    init(_ root: Directory) throws(SpoolError) {
        self.root = root
        daemonUser = try root.stat(FileName(SpoolFile.privateDirectory))?.owner
    }

    /// The files of an archived family.
    init(_ directory: Directory, daemonUser: UInt32?) {
        root = directory
        self.daemonUser = daemonUser
    }

    /// What a file of the daemon is like, nil when there is none that counts.
    func stat(_ file: SpoolFile) throws(SpoolError) -> FileStat? {
        guard let name = file.fileName, let stat = try root.stat(name), counts(stat) else { return nil }
        return stat
    }

    func requestStat(_ name: JobName) throws(SpoolError) -> FileStat? {
        guard let file = SpoolFile.request(name).fileName, let stat = try root.stat(file), stat.kind == .file else {
            return nil
        }
        return stat
    }

    /// - Throws: `SpoolClientError`: `damaged`, `notPermitted`, `system`.
    func read(_ file: SpoolFile) throws(SpoolClientError) -> JSON? {
        guard let bytes = try storage({ () throws(SpoolError) in try bytes(file) }) else { return nil }
        do {
            return try JSON(parsing: bytes)
        } catch {
            throw .damaged(path: path(file), why: "\(error)")
        }
    }

    func readStatus(_ name: JobName) throws(SpoolClientError) -> (JobStatus, JSON)? {
        guard let json = try read(.status(name)) else { return nil }
        guard let status = JobStatus(json: json) else { throw incomplete(.status(name)) }
        return (status, json)
    }

    func readResult(_ name: JobName) throws(SpoolClientError) -> (JobResult, JSON)? {
        guard let json = try read(.result(name)) else { return nil }
        guard let result = JobResult(json: json) else { throw incomplete(.result(name)) }
        return (result, json)
    }

    private func bytes(_ file: SpoolFile) throws(SpoolError) -> [UInt8]? {
        guard let name = file.fileName else { return nil }
        // A file that is replaced on another NFS client while it is read is read again.
        for _ in 0..<3 {
            do throws(SpoolError) {
                let opened = try root.open(name, O_RDONLY)
                guard counts(try opened.stat()) else { return nil }
                return try opened.read(limit: .max)
            } catch {
                switch error.code {
                case ENOENT, ELOOP, ENXIO: return nil
                case ESTALE: continue
                default: throw error
                }
            }
        }
        return nil
    }

    private func counts(_ stat: FileStat) -> Bool {
        stat.kind == .file && (daemonUser == nil || stat.owner == daemonUser)
    }

    private func path(_ file: SpoolFile) -> String { file.fileName.map { root.path($0) } ?? root.path }

    private func incomplete(_ file: SpoolFile) -> SpoolClientError {
        .damaged(path: path(file), why: "it lacks what every such file has")
    }
}
