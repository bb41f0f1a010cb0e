/// What a client does to a spool: a file put in under a name that must be free, and a file whose time is set to now.
package import SpoolProtocol
import CLinux
import Glibc

extension Directory {
    /// Moves a file to a name that must be free: renameat2(2) with RENAME_NOREPLACE; link(2) where the file system
    /// cannot do that; and where it cannot link either, the name is taken with O_EXCL and renamed over.
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
