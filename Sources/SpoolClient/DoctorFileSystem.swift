/// Checks of the spool's file system: whether what a daemon relies on works there.
import Glibc
import SpoolProtocol
import SpoolStorage

extension SpoolDirectory {
    /// Tries it, in the daemon's own directory or, for those who may not go there, hidden beside the requests.
    /// - Throws: `SpoolClientError`: `system`.
    package func fileSystemTrial() throws(SpoolClientError) -> Finding {
        do throws(SpoolError) {
            let trial = try FileSystemTrial(in: try privateScratch() ?? root)
            if trial.failures.isEmpty {
                return .ok(.fileSystem, "locks, renaming, FIFOs and waiting for the disk work in the spool")
            }
            let failures = trial.failures.map { "\($0.what): \($0.why)" }.joined(separator: "; ")
            return .problem(
                .fileSystem, "what a daemon relies on does not work here: \(failures)",
                remedy: "put the spool on a local file system (ext4, XFS, Btrfs, tmpfs)")
        } catch {
            switch error.code {
            case EACCES, EPERM:
                return .unchecked(
                    .fileSystem,
                    "whether locks, renaming and FIFOs work cannot be tried: you may not write to the spool",
                    remedy: "ask as the daemon's user or root")
            case EROFS:
                return .problem(.fileSystem, "the spool's file system is read-only", remedy: "mount it for writing")
            case ENOSPC, EDQUOT:
                return .problem(
                    .fileSystem, "nothing can be written: \(error)", remedy: "make room, or raise the quota")
            default: throw SpoolClientError(error)
            }
        }
    }

    /// nil where this process may not go, or no daemon has been yet.
    private func privateScratch() throws(SpoolError) -> Directory? {
        do {
            let scratch = try root.directory(SpoolFile.privateDirectory).directory(Spool.temporaryDirectory)
            return FileAccess(try scratch.stat()).allows(.write, to: .current) ? scratch : nil
        } catch  where [ENOENT, EACCES, ENOTDIR, ELOOP].contains(error.code) {
            return nil
        }
    }
}
