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
        guard let file = SpoolFile.pause.fileName else { return nil }
        let since = unsettled[file]
        unsettled[file] = nil
        guard let stat = try spool.root.stat(file) else {
            ignoredPause = nil
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
        if pausedInode != stat.inode, try spool.root.mayBeForeign(stat) {
            // A client that links a temporary file into place is about to remove the other name.
            unsettled[file] = since
            if hasSettled(file, stat, in: &unsettled) {
                unsettled[file] = nil
                try refusePause(file, stat, "\(file) does not pause the spool: \(Self.linkedError(stat).message)")
            }
            return nil
        }
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

    private func refusePause(_ file: FileName, _ stat: FileStat, _ message: String) throws(SpoolError) {
        guard ignoredPause != stat.inode else { return }
        ignoredPause = stat.inode
        notice(message)
        do throws(SpoolError) {
            try spool.moveAside(file)
        } catch  where error.isForbidden {
            // In a sticky directory of another owner only its own user can remove it; it counts for nothing all the same.
            logger.warning("\(error)")
        }
    }
}
