/// Whose files are whose: outputs count only when they belong to the daemon's user, and in a sticky directory (as /tmp is
/// one) nobody but a file's owner, the directory's owner and root can move it.
package import JSONText
package import SpoolProtocol
import Glibc

extension FileStat {
    package func isFile(of user: UInt32) -> Bool { kind == .file && owner == user }
}

extension Directory {
    /// A JSON file of a user; nil when there is none, it is another's or no regular file, or it is no JSON.
    package func readJSON(_ file: SpoolFile, of user: UInt32) throws(SpoolError) -> JSON? {
        guard let name = file.fileName, try stat(name)?.isFile(of: user) == true else { return nil }
        let bytes: [UInt8]
        do throws(SpoolError) {
            let opened = try open(name, O_RDONLY)
            // What counts is the one that is open: another file may have got the name since.
            guard try opened.stat().isFile(of: user) else { return nil }
            bytes = try opened.read(limit: .max)
        } catch  where error.code == ENOENT {
            return nil
        }
        do {
            return try JSON(parsing: bytes)
        } catch {
            return nil
        }
    }

    /// Whether the directory's sticky bit keeps a user from moving a file out of it.
    package func forbids(_ user: UInt32, toMove file: FileStat) throws(SpoolError) -> Bool {
        if user == 0 || file.owner == user { return false }
        let directory = try stat()
        return directory.mode & 0o1000 != 0 && directory.owner != user
    }

    /// Removes an empty directory; false when there is something in it, or no directory of this name.
    @discardableResult
    func removeEmptyDirectory(_ name: FileName) throws(SpoolError) -> Bool {
        do {
            try system.perform(.removeDirectory, path(name)) {
                name.withCString { unlinkat(raw, $0, AT_REMOVEDIR) }
            }
            return true
        } catch  where [ENOTEMPTY, EEXIST, ENOENT, ENOTDIR].contains(error.code) {
            return false
        }
    }
}
