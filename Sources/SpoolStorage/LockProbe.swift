/// Whether a daemon holds a spool's lock, asked from outside: by a shared flock(2) that is given back at once. A daemon
/// that starts in that moment tries again (`SpoolLock`).
package import SpoolProtocol
import Glibc
import JSONText

package enum LockProbe: Sendable, Equatable {
    /// nil when the holder has not yet written who it is.
    case held(DaemonIdentity?)
    case free
    /// The lock belongs to another user: this process may not look at it.
    case hidden

    /// - Throws: `SpoolError`.
    package init(_ root: Directory) throws(SpoolError) {
        do throws(SpoolError) {
            let file = try root.directory(SpoolFile.privateDirectory).open(SpoolLock.fileName, O_RDONLY)
            if try file.tryLockShared() {
                self = .free
            } else {
                self = .held(SpoolLock.holder(try file.read(limit: 1 << 16)))
            }
        } catch {
            switch error.code {
            case ENOENT: self = .free
            case EACCES, EPERM: self = .hidden
            default: throw error
            }
        }
    }
}
