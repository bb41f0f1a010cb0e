/// `spool.pause.json`: while it exists no job starts; those that run go on. It counts from the spool directory's owner, the
/// daemon's user or root.
import Glibc
import Logging
import SpoolProtocol
import SpoolStorage

extension Runner {
    func lookAtPause() throws(SpoolError) {
        let found: Pause?
        do {
            found = try readPause()
        } catch {
            guard let file = SpoolFile.pause.fileName, isOfOneFile(error, file) else { throw error }
            // Whose it is nobody can say: it does not count.
            found = nil
        }
        if found == paused { return }
        switch (paused, found) {
        case (_, let pause?): announce("paused by \(pause.by)\(pause.reason.map { ": \($0)" } ?? "")")
        case (_?, nil): announce("resumed")
        case (nil, nil): break
        }
        paused = found
        lookAtSchedules()
        show.isDirty = true
    }

    private func announce(_ message: String) {
        logger.notice("\(message)")
        feed.notice(message)
    }

    private func readPause() throws(SpoolError) -> Pause? {
        guard let file = SpoolFile.pause.fileName, let stat = try spool.root.stat(file) else {
            ignoredPause = nil
            linkedPause = nil
            pausedInode = nil
            return nil
        }
        guard [try spool.root.stat().owner, geteuid(), 0].contains(stat.owner) else {
            try refusePause(
                file, stat,
                "\(Users.name(of: stat.owner)) may not pause the spool: only its directory's owner, the daemon's user and root may"
            )
            return nil
        }
        // One that counts already goes on counting: a link can only be made of it.
        if pausedInode != stat.inode, try mayBeForeign(stat) {
            // A client that links a temporary file into place is about to remove the other name.
            if hasLinkSettled(stat) {
                try refusePause(file, stat, "\(file) does not pause the spool: \(Self.linkedError(stat).message)")
            }
            return nil
        }
        linkedPause = nil
        pausedInode = stat.inode
        var content: [UInt8] = []
        do throws(SpoolError) {
            if stat.kind == .file { content = try spool.root.read(file, limit: Pause.maximumBytes) ?? [] }
        } catch {
            // What it says cannot be read; that it is there counts.
            logger.warning("\(error)")
        }
        return Pause(since: stat.fingerprint.modifiedAt, by: Users.name(of: stat.owner), content: content)
    }

    private func hasLinkSettled(_ stat: FileStat) -> Bool {
        let now = Clock.monotonic()
        if let known = linkedPause, known.stat == stat { return now - known.since >= configuration.settleSeconds }
        linkedPause = (stat, now)
        wake(at: now + configuration.settleSeconds)
        return false
    }

    func lookAtLinkedPause() {
        guard let known = linkedPause else { return }
        let time = known.since + configuration.settleSeconds
        if Clock.monotonic() < time { return wake(at: time) }
        guard ignoredPause != known.stat.inode, let file = SpoolFile.pause.fileName else { return }
        look(at: file)
    }

    private func refusePause(_ file: FileName, _ stat: FileStat, _ message: String) throws(SpoolError) {
        guard ignoredPause != stat.inode else { return }
        ignoredPause = stat.inode
        announce(message)
        do throws(SpoolError) {
            try spool.moveAside(file)
        } catch  where error.code == EPERM || error.code == EACCES {
            // In a sticky directory of another owner only its own user can remove it; it counts for nothing all the same.
            logger.warning("\(error)")
        }
    }
}
