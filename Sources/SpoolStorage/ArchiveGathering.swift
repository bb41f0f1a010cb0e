/// Gathers the files of one finished job for the archive, and gives back what turns out to be new or in use.
import Glibc
import SpoolProtocol

extension Spool {
    /// Moves the files of a run that is over, the request first and the result last.
    func gather(
        _ run: FinishedRun, takesRequest: Bool, _ lock: borrowing ArchivingLock
    ) throws(SpoolError) -> ArchiveOutcome {
        let family = run.archivedName
        let place = try lock.directory.makeDirectory(family.string, mode: 0o755)
        if takesRequest {
            switch try takeRequest(of: run, to: place) {
            case .isTaken, .isNone: break
            case .isBeingWritten:
                try giveBack(run, place, lock)
                return .inUse
            case .isImmovable(let error):
                try giveBack(run, place, lock)
                return .immovable(run, why: "\(error)")
            }
        }
        for file in [SpoolFile.status(run.name), .log(run.name), .errors(run.name), .result(run.name)] {
            let name = Self.file(file)
            if try isOwn(name) { try root.rename(name, to: place, name) }
        }
        // Once more: somebody may have opened the file just before it was moved, and changed it only now.
        var requestIsNew = try putBackIfNew(run, place)
        if try root.stat(Self.file(.request(run.name))) != nil { requestIsNew = true }
        try deliver(family, to: run.day, lock)
        return .archived(run, requestIsNew: requestIsNew)
    }

    private enum Taking {
        /// It is the version that ran.
        case isTaken
        /// There is none, or a new one, which stays.
        case isNone
        case isBeingWritten
        case isImmovable(SpoolError)
    }

    /// A look does not keep anybody from changing the file before it is moved, so the moved file is looked at, too.
    private func takeRequest(of run: FinishedRun, to place: Directory) throws(SpoolError) -> Taking {
        let file = Self.file(.request(run.name))
        if try place.stat(file) == nil {
            guard let stat = try root.stat(file), stat.fingerprint == run.request else { return .isNone }
            do throws(SpoolError) {
                try root.rename(file, to: place, file)
            } catch {
                switch error.code {
                case ENOENT: return .isNone
                case EPERM, EACCES, EBUSY, EXDEV: return .isImmovable(error)
                default: throw error
                }
            }
        }
        if try putBackIfNew(run, place) { return .isNone }
        return try isBeingWritten(file, place) ? .isBeingWritten : .isTaken
    }

    private func isBeingWritten(_ file: FileName, _ place: Directory) throws(SpoolError) -> Bool {
        guard try place.stat(file)?.kind == .file else { return false }
        do throws(SpoolError) {
            return try place.open(file, O_RDONLY).isBeingWritten()
        } catch  where [EACCES, EPERM].contains(error.code) {
            return false
        } catch  where error.code == EWOULDBLOCK {
            // By a lease that somebody has on it (fcntl(2)).
            return true
        }
    }

    /// A request that was moved, but is not the version that ran, goes back to where it was dropped.
    func putBackIfNew(_ run: FinishedRun, _ place: Directory) throws(SpoolError) -> Bool {
        let file = Self.file(.request(run.name))
        guard let stat = try place.stat(file), stat.fingerprint != run.request else { return false }
        try putBack(file, stat, place)
        return true
    }

    private func putBack(_ file: FileName, _ stat: FileStat, _ place: Directory) throws(SpoolError) {
        do {
            try place.moveToFreeName(file, to: root, file)
        } catch  where error.code == EEXIST {
            if try root.stat(file)?.isSameFile(as: stat) == true {
                // The second name of a file that was being moved where names cannot be exchanged.
                try place.remove(file)
            } else {
                try moveAside(
                    file, from: place,
                    because:
                        "\(file) was dropped twice while the family before was archived: the earlier version does not run"
                )
            }
        }
    }

    /// Undoes a gathering whose result is still in the spool.
    private func giveBack(
        _ run: FinishedRun, _ place: Directory, _ lock: borrowing ArchivingLock
    ) throws(SpoolError) {
        for file in try place.entries() {
            if let stat = try place.stat(file) { try putBack(file, stat, place) }
        }
        try lock.directory.removeEmptyDirectory(run.archivedName.fileName)
    }
}
