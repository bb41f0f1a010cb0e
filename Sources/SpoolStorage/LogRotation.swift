/// Begins a log anew while others read it by its name: at every moment the name stands for the whole old file or for the new
/// one, and nothing is written to the old one any more once the name stands for the new one.
package import SpoolProtocol
import Glibc

extension Spool {
    /// Gives the log of this name a name in another directory, and begins an empty one in its place. When that fails the
    /// log is still the one to append to, and it can be tried again.
    package func rotateLog(
        _ name: FileName, to directory: Directory, _ newName: FileName
    ) throws(SpoolError) -> Descriptor {
        let isLinked = try link(log: name, to: directory, newName)
        do throws(SpoolError) {
            return try createLog(name)
        } catch {
            // What is appended to it until the next try does not belong under this name.
            if isLinked { do { try directory.remove(newName) } catch {} }
            throw error
        }
    }

    /// False when the log did not get a second name, but another one or none: there, or before.
    private func link(
        log name: FileName, to directory: Directory, _ newName: FileName
    ) throws(SpoolError) -> Bool {
        do throws(SpoolError) {
            try root.link(name, to: directory, newName)
            return true
        } catch {
            switch error.code {
            case EPERM, ENOSYS, EOPNOTSUPP, EMLINK:
                // Where there are no second names the log's own stands for nothing for a moment.
                try root.rename(name, to: directory, newName)
                return false
            case EEXIST, ENOENT:
                // It was done before, and then the new log could not be made.
                guard let there = try directory.stat(newName) else { throw error }
                if let stat = try root.stat(name), !there.isSameFile(as: stat) { throw error }
                return false
            default: throw error
            }
        }
    }

    /// Moves a log that has another name, too, out of the way: it is not to be written to.
    package func setLogAside(
        _ name: FileName, to directory: Directory, _ newName: FileName
    ) throws(SpoolError) {
        guard let stat = try root.stat(name) else { return }
        if try directory.stat(newName)?.isSameFile(as: stat) == true { return }
        do {
            try root.moveToFreeName(name, to: directory, newName)
        } catch  where error.code == EEXIST {
            try moveAside(
                name, from: root, because: "\(name) has a name that is taken in the archive: it is begun anew")
        }
    }
}
