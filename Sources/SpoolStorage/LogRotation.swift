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
        let move = try move(log: name, to: directory, newName)
        do throws(SpoolError) {
            return try createLog(name)
        } catch {
            // What is appended to it until the next try does not belong under the new name.
            do throws(SpoolError) {
                switch move {
                case .linked: try directory.remove(newName)
                case .renamed: try directory.rename(newName, to: root, name)
                case .wasMoved: break
                }
            } catch {}
            throw error
        }
    }

    private enum LogMove {
        case linked
        /// Where there are no second names: the log's own stands for nothing for a moment.
        case renamed
        /// Before, when the new log could not be made.
        case wasMoved
    }

    private func move(
        log name: FileName, to directory: Directory, _ newName: FileName
    ) throws(SpoolError) -> LogMove {
        do throws(SpoolError) {
            try root.link(name, to: directory, newName)
            return .linked
        } catch {
            switch error.code {
            case EPERM, ENOSYS, EOPNOTSUPP, EMLINK:
                try root.rename(name, to: directory, newName)
                return .renamed
            case EEXIST, ENOENT:
                guard let there = try directory.stat(newName) else { throw error }
                if let stat = try root.stat(name), !there.isSameFile(as: stat) { throw error }
                return .wasMoved
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
