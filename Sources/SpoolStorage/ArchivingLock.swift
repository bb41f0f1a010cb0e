/// Only one process at a time moves families to the archive or out of it: an flock(2) on `.jobspool/archiving`, held while
/// one family is moved, by the daemon and by `jobspool prune`. What stands in that directory while nobody holds the lock was
/// left by one that died.
import Glibc

struct ArchivingLock: ~Copyable {
    /// `.jobspool/archiving`
    let directory: Directory

    static let directoryName = "archiving"

    /// Waits for another process for as long as moving a family takes, and then some.
    /// - Throws: `SpoolError`, with EWOULDBLOCK when that process holds on to it.
    init(_ home: Directory) throws(SpoolError) { directory = try Self.acquire(home) }

    private static func acquire(_ home: Directory) throws(SpoolError) -> Directory {
        let directory = try home.makeDirectory(directoryName, mode: 0o700)
        var triesLeft = 200
        while true {
            do throws(SpoolError) {
                try directory.system.perform(.lock, directory.path) { flock(directory.raw, LOCK_EX | LOCK_NB) }
                return directory
            } catch {
                triesLeft -= 1
                guard error.code == EWOULDBLOCK, triesLeft > 0 else { throw error }
            }
            usleep(5000)
        }
    }

    // Without waiting for the last copy of the descriptor, which a process that is just being started may have.
    deinit { _ = flock(directory.raw, LOCK_UN) }
}
