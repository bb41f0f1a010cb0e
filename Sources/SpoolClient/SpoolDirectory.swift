/// A spool as a client has it: a directory of files. Nothing here talks to the daemon, so that a client may be in
/// another container or on another host, and needs no more than to read the directory where it only looks.
public import SpoolProtocol
import Glibc
package import SpoolStorage

/// An open spool. All methods block for as long as the disk takes, and `wait` for as long as it is told to.
public struct SpoolDirectory: Sendable {
    /// As it was given.
    public let path: String
    let root: Directory

    /// Opens the directory for reading.
    /// - Throws: `SpoolClientError`: `spoolNotFound`, `notPermitted`, `system`.
    public init(path: String) throws(SpoolClientError) { try self.init(path: path, system: .real) }

    package init(path: String, system: SystemCalls) throws(SpoolClientError) {
        self.path = path
        do {
            root = try Directory.open(path, system: system)
        } catch  where [ENOENT, ENOTDIR].contains(error.code) {
            throw .spoolNotFound(path: path)
        } catch {
            throw SpoolClientError(error)
        }
    }

    /// Where a file of a job is, in the spool or in the archive.
    public func path(of file: SpoolFile, _ view: JobView) -> String {
        guard let archived = view.archivedPath, let name = file.fileName else { return path(of: file) }
        return "\(archived)/\(name)"
    }

    /// Where a file of the spool is: for people, and for programs that read it themselves.
    public func path(of file: SpoolFile) -> String {
        file.fileName.map { root.path($0) } ?? path
    }
}
