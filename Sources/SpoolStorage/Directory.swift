/// A directory by its descriptor: every name is resolved in this very directory, wherever it has been moved to and
/// whatever has been put in its place. Symbolic links at the end of a name are never followed.
import CLinux
package import SpoolProtocol
import Glibc

package final class Directory: Sendable {
    package let raw: Int32
    package let system: SystemCalls
    private let openPath: OpenPath

    package var path: String { openPath.string }

    private init(adopting raw: Int32, path: OpenPath, system: SystemCalls) {
        self.raw = raw
        openPath = path
        self.system = system
    }

    deinit { _ = close(raw) }

    /// Opens a directory that people name: links on the way are followed.
    package static func open(_ path: String, system: SystemCalls = .real) throws(SpoolError) -> Directory {
        let raw = try system.perform(.open, path) { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        return Directory(adopting: raw, path: .whole(path), system: system)
    }

    /// Opens a directory inside this one, which may not be a link.
    package func directory(_ name: String) throws(SpoolError) -> Directory { try directory(FileName(name)) }

    package func directory(_ name: FileName) throws(SpoolError) -> Directory {
        let raw = try system.perform(.open, path(name)) {
            name.withCString { openat(self.raw, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
        }
        return Directory(adopting: raw, path: .entry(name, of: openPath), system: system)
    }

    /// Opens a directory inside this one, made first where there is none, with this mode whatever the umask.
    package func makeDirectory(_ name: String, mode: UInt32) throws(SpoolError) -> Directory {
        do {
            try system.perform(.makeDirectory, path(FileName(name))) { mkdirat(raw, name, mode) }
        } catch  where error.code == EEXIST {
            return try directory(name)
        }
        let made = try directory(name)
        if ProcessUmask.bits & mode != 0 {
            try system.perform(.changeMode, made.path) { fchmod(made.raw, mode) }
        }
        return made
    }

    /// What stat(2) says of the directory itself, whatever its name stands for by now.
    package func stat() throws(SpoolError) -> FileStat {
        var buffer = Glibc.stat()
        try system.perform(.stat, path) { fstat(raw, &buffer) }
        return FileStat(buffer)
    }

    // MARK: Files

    /// openat(2) with O_NOFOLLOW, O_NONBLOCK and O_CLOEXEC: it neither follows a link nor waits for a FIFO's other end.
    package func open(_ name: FileName, _ flags: Int32, mode: UInt32 = 0o644) throws(SpoolError) -> Descriptor {
        let raw = try system.perform(.open, path(name)) {
            name.withCString { openat(self.raw, $0, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode) }
        }
        return Descriptor(adopting: raw, path: .entry(name, of: openPath), system: system)
    }

    /// nil when there is nothing of this name.
    package func stat(_ name: FileName) throws(SpoolError) -> FileStat? {
        var buffer = Glibc.stat()
        do {
            try system.perform(.stat, path(name)) {
                name.withCString { fstatat(raw, $0, &buffer, AT_SYMLINK_NOFOLLOW) }
            }
        } catch  where error.code == ENOENT {
            return nil
        }
        return FileStat(buffer)
    }

    /// Whether somebody else than its owner may have put a file of this directory there: link(2) needs no right to the file where the kernel
    /// does not forbid it (`fs.protected_hardlinks` of proc(5)), and no more than the right to write it where it does.
    package func mayBeForeign(_ stat: FileStat) throws(SpoolError) -> Bool {
        // Of a directory it is the number of those in it.
        if stat.links < 2 || stat.kind == .directory { return false }
        return try self.stat().mode & 0o022 != 0
    }

    /// Whether it is this name alone that stat(2) fails for: the directory is well. A file system that somebody has mounted there may answer nobody
    /// else (mount.fuse(8)).
    package func failsAlone(_ name: FileName) -> Bool {
        func fails(_ name: FileName) -> Bool {
            do {
                _ = try stat(name)
                return false
            } catch {
                return true
            }
        }
        return fails(name) && !fails(FileName("."))
    }

    /// nil also for a name that nobody but its owner can look at (`failsAlone`).
    package func visibleStat(_ name: FileName) throws(SpoolError) -> FileStat? {
        do throws(SpoolError) {
            return try stat(name)
        } catch {
            if failsAlone(name) { return nil }
            throw error
        }
    }

    /// The content of a regular file; nil when there is nothing of this name.
    /// - Throws: `SpoolError`; for what is no regular file with EISDIR, ENXIO (a socket), ELOOP (a link), or ENOTSUP.
    package func read(_ name: FileName, limit: Int = .max) throws(SpoolError) -> [UInt8]? {
        do throws(SpoolError) {
            let file = try open(name, O_RDONLY)
            switch try file.stat().kind {
            case .file: return try file.read(limit: limit)
            case .directory: throw SpoolError(.read, path(name), code: EISDIR)
            // A device may never end.
            case .link, .fifo, .socket, .device: throw SpoolError(.read, path(name), code: ENOTSUP)
            }
        } catch  where error.code == ENOENT {
            return nil
        }
    }

    /// rename(2): replaces what has the new name.
    package func rename(_ name: FileName, to target: Directory, _ newName: FileName) throws(SpoolError) {
        try system.perform(.rename, "\(path(name)) to \(target.path(newName))") {
            name.withCString { old in newName.withCString { new in renameat(raw, old, target.raw, new) } }
        }
    }

    /// Removes a file; false when there was none.
    @discardableResult
    package func remove(_ name: FileName) throws(SpoolError) -> Bool {
        do {
            try system.perform(.unlink, path(name)) { name.withCString { unlinkat(raw, $0, 0) } }
            return true
        } catch  where error.code == ENOENT {
            return false
        }
    }

    /// Removes a directory and all below it; links are removed, not followed.
    package func removeTree(_ name: FileName) throws(SpoolError) {
        guard let stat = try stat(name) else { return }
        guard stat.kind == .directory else {
            try remove(name)
            return
        }
        let inner = try directory(name)
        for entry in try inner.entries() { try inner.removeTree(entry) }
        try system.perform(.removeDirectory, path(name)) { name.withCString { unlinkat(raw, $0, AT_REMOVEDIR) } }
    }

    package func makeFIFO(_ name: FileName) throws(SpoolError) {
        try system.perform(.makeFIFO, path(name)) { name.withCString { mkfifoat(raw, $0, 0o600) } }
    }

    /// Waits until the directory's entries are on the disk: fsync(2).
    package func sync() throws(SpoolError) {
        try system.perform(.sync, path, descriptor: raw) { fsync(raw) }
    }

    /// Waits until everything on the directory's file system is on the disk: syncfs(2). For many files at once.
    package func syncFileSystem() throws(SpoolError) {
        try system.perform(.syncFileSystem, path, descriptor: raw) { linux_syncfs(raw) }
    }

    // MARK: Listing

    /// All names but `.` and `..`, in no order.
    package func entries() throws(SpoolError) -> [FileName] {
        var names: [FileName] = []
        try forEachEntry { names.append($0) }
        return names
    }

    /// The same one by one, for a directory of which nobody knows how much is in it.
    package func forEachEntry(_ body: (FileName) throws(SpoolError) -> Void) throws(SpoolError) {
        let listing = try DirectoryListing(of: self)
        while let name = try listing.next() { try body(name) }
    }

    /// The path of a name in here, for messages.
    package func path(_ name: FileName) -> String { "\(path)/\(name)" }
}

extension FileName {
    package func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        (bytes + [0]).withUnsafeBytes { body($0.baseAddress!.assumingMemoryBound(to: CChar.self)) }
    }
}
