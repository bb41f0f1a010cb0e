/// What a client does to a spool, and the daemon for a schedule: a file put in under a name that must be free, and a file
/// whose time is set to now.
package import SpoolProtocol
import CLinux
import Glibc

extension Directory {
    /// Moves a file to a name that must be free: renameat2(2) with RENAME_NOREPLACE; link(2) where the file system
    /// cannot do that; and where it cannot link either, the name is taken with O_EXCL and renamed over.
    /// - Parameter target: the directory of the new name; nil: this one.
    /// - Throws: `SpoolError`, with EEXIST when the name is taken; the file is then where it was.
    package func moveToFreeName(
        _ name: FileName, to target: Directory? = nil, _ newName: FileName
    ) throws(SpoolError) {
        let target = target ?? self
        do {
            try system.perform(.rename, "\(path(name)) to \(target.path(newName))") {
                name.withCString { old in
                    newName.withCString { new in linux_rename_noreplace(raw, old, target.raw, new) }
                }
            }
            return
        } catch  where [EINVAL, ENOSYS].contains(error.code) {}
        do {
            try link(name, to: target, newName)
            try remove(name)
            return
        } catch  where [EPERM, ENOSYS, EOPNOTSUPP, EMLINK].contains(error.code) {}
        _ = try target.open(newName, O_WRONLY | O_CREAT | O_EXCL)
        try rename(name, to: target, newName)
    }

    /// Gives a file a second name, which must be free: link(2).
    func link(_ name: FileName, to target: Directory, _ newName: FileName) throws(SpoolError) {
        try system.perform(.link, "\(path(name)) to \(target.path(newName))") {
            name.withCString { old in newName.withCString { new in linkat(raw, old, target.raw, new, 0) } }
        }
    }

    /// Sets a file's modification time to now, as touch(1) does: opened for writing where that is allowed, so that
    /// whoever watches the directory sees a close after writing.
    package func touch(_ name: FileName) throws(SpoolError) {
        do {
            let file = try open(name, O_WRONLY)
            try file.touch()
        } catch  where error.operation == .open && [EACCES, EPERM].contains(error.code) {
            try system.perform(.touch, path(name)) {
                name.withCString { utimensat(raw, $0, nil, AT_SYMLINK_NOFOLLOW) }
            }
        }
    }
}

extension Descriptor {
    /// Sets the modification time to now: futimens(3).
    package func touch() throws(SpoolError) {
        try perform(.touch) { futimens($0, nil) }
    }

    /// Waits until content and metadata are on the disk: fsync(2).
    package func sync() throws(SpoolError) {
        try perform(.sync) { fsync($0) }
    }
}

// MARK: - By the daemon

/// A request that is complete and on the disk, but not yet in the spool.
package struct PreparedDrop: Sendable {
    fileprivate let scratch: FileName
    /// What the request will have.
    package let fingerprint: Fingerprint
}

extension Spool {
    package func prepareDrop(_ bytes: [UInt8]) throws(SpoolError) -> PreparedDrop {
        let scratch = newTemporaryName()
        do throws(SpoolError) {
            let file = try temporary.open(scratch, O_WRONLY | O_CREAT | O_EXCL)
            try file.write(bytes)
            try file.syncData()
            return PreparedDrop(scratch: scratch, fingerprint: try file.stat().fingerprint)
        } catch {
            discard(scratch)
            throw error
        }
    }

    /// Puts the request into the spool. The caller syncs the directory.
    /// - Returns: whether the name was free; if not, nothing has happened.
    package func drop(_ prepared: PreparedDrop, as name: FileName) throws(SpoolError) -> Bool {
        do throws(SpoolError) {
            try temporary.moveToFreeName(prepared.scratch, to: root, name)
            return true
        } catch  where error.code == EEXIST {
            return false
        }
    }

    /// Removes what is left of a request that was not dropped.
    package func discard(_ prepared: PreparedDrop) { discard(prepared.scratch) }

    private func discard(_ scratch: FileName) {
        // What could not be removed now is removed at the next start.
        do { try temporary.remove(scratch) } catch {}
    }
}
