/// The spool on disk, opened for serving: its directory, the private one in it, and the one function that publishes a
/// file. Nothing that somebody else planted in the spool is opened for writing or written through: outputs are made
/// in `.jobspool/tmp` and renamed into place.
package import SpoolProtocol
package import JSONText
import Glibc
import Synchronization

package final class Spool: Sendable {
    package let root: Directory
    /// `.jobspool`, 0700.
    package let home: Directory
    package let attempts: Directory
    /// Directories of attempts that are over, to be used again.
    package let spare: Directory
    /// Work directories of types.
    package let work: Directory
    /// Notes about requests that schedules have dropped.
    package let scheduled: Directory
    let temporary: Directory
    private let temporaryNumber = Mutex<UInt64>(0)
    /// In the names of temporary files: after a crash another daemon may have the process number of the one whose files are still there, as
    /// in a container, where it is always the same.
    private let token = String(UInt32.random(in: .min ... .max), radix: 36)
    private let notices = Mutex<[String]>([])

    /// In `.jobspool`.
    package static let temporaryDirectory = "tmp"

    package var system: SystemCalls { root.system }

    /// What makes a directory unfit to be served.
    package struct Unfit: Error, CustomStringConvertible {
        package let description: String
    }

    /// Opens a spool and makes what it lacks inside of `.jobspool`.
    /// - Throws: `SpoolError`; `Unfit` when `.jobspool` or what is in it belongs to somebody else.
    package static func open(_ path: String, system: SystemCalls = .real) throws -> Spool {
        try Spool(root: try Directory.open(path, system: system))
    }

    /// Opens a spool that is open as a directory already.
    package init(root: Directory) throws {
        self.root = root
        if let notice = try Self.findHome(in: root) { notices.withLock { $0.append(notice) } }
        home = try Self.makePrivate(SpoolFile.privateDirectory, in: root)
        attempts = try Self.makePrivate("attempts", in: home)
        spare = try home.makeDirectory("spare", mode: 0o700)
        work = try Self.makePrivate("work", in: home)
        scheduled = try Self.makePrivate("scheduled", in: home)
        temporary = try Self.makePrivate(Self.temporaryDirectory, in: home)
    }

    /// What is checked is the open directory: its name may stand for another one a moment later.
    private static func makePrivate(_ name: String, in parent: Directory) throws -> Directory {
        let directory = try parent.makeDirectory(name, mode: 0o700)
        let stat = try directory.stat()
        guard stat.owner == geteuid() else {
            throw Unfit(
                description:
                    "\(directory.path) belongs to another user: serve the spool as that user, or remove the directory")
        }
        if stat.mode & 0o077 != 0 {
            try parent.system.perform(.changeMode, directory.path) { fchmod(directory.raw, 0o700) }
        }
        return directory
    }

    /// Removes what an earlier daemon left half-written; only the holder of the lock may.
    package func clearTemporary() throws(SpoolError) {
        for name in try temporary.entries() { try temporary.removeTree(name) }
    }

    // MARK: Publishing

    /// How much a file has to survive.
    package enum Durability: Sendable {
        /// The death of the daemon.
        case process
        /// A power cut takes the file back to the version before at worst, whole: the content is on the disk before it gets its name.
        case whole
        /// A power cut, when `publish` has returned: file and directory are synced.
        case power
        /// A power cut, once the caller has synced the directory too: for several files at once.
        case powerAfterDirectorySync
    }

    /// Puts a file into the spool: readers see the old one or the new one, whole.
    package func publish(
        _ bytes: [UInt8], as name: FileName, in directory: Directory? = nil, _ durability: Durability,
        mode: UInt32 = Spool.mode
    ) throws(SpoolError) {
        let directory = directory ?? root
        let scratch = newTemporaryName()
        do throws(SpoolError) {
            let file = try openForAll(scratch, in: temporary, O_WRONLY, mode)
            try file.write(bytes)
            switch durability {
            case .process: break
            case .whole, .power, .powerAfterDirectorySync: try file.syncData()
            }
            try place(scratch, in: directory, name)
            switch durability {
            case .process, .whole, .powerAfterDirectorySync: break
            case .power: try directory.sync()
            }
        } catch {
            // What could not be removed now is removed at the next start.
            do { try temporary.remove(scratch) } catch {}
            throw error
        }
    }

    package func publish(
        _ json: JSON, as file: SpoolFile, _ durability: Durability, mode: UInt32 = Spool.mode
    ) throws(SpoolError) {
        guard let name = file.fileName else { preconditionFailure("no file to publish: \(file)") }
        try publish(json.indented, as: name, durability, mode: mode)
    }

    /// Of outputs: everybody may read them who may read the spool.
    package static let mode: UInt32 = 0o644
    /// Of a result whose request had been changed before it was written. Whoever looks at the whole directory sees by this, without reading it,
    /// that there is something to do: the request is older than the result.
    package static let overtakenMode: UInt32 = 0o744

    /// Makes an empty file in the spool that only the daemon writes, and opens it for appending. What has the name already is replaced.
    package func createLog(_ name: FileName) throws(SpoolError) -> Descriptor {
        do {
            // Made anew or not at all: nothing that is there is opened.
            return try openForAll(name, in: root, O_RDWR | O_APPEND)
        } catch  where error.code == EEXIST {}
        let scratch = newTemporaryName()
        let file = try openForAll(scratch, in: temporary, O_RDWR | O_APPEND)
        do throws(SpoolError) {
            try place(scratch, in: root, name)
        } catch {
            do { try temporary.remove(scratch) } catch {}
            throw error
        }
        return file
    }

    /// Makes a file that everybody may read who may read the spool, whatever the daemon's umask.
    func openForAll(
        _ name: FileName, in directory: Directory, _ flags: Int32, _ mode: UInt32 = Spool.mode
    ) throws(SpoolError) -> Descriptor {
        let file = try directory.open(name, flags | O_CREAT | O_EXCL, mode: mode)
        if ProcessUmask.bits & mode != 0 { try file.perform(.changeMode) { fchmod($0, mode) } }
        return file
    }

    /// Renames a finished file into place. A directory that somebody put there is moved aside.
    func place(_ scratch: FileName, in directory: Directory, _ name: FileName) throws(SpoolError) {
        do {
            try temporary.rename(scratch, to: directory, name)
        } catch  where error.code == EISDIR && directory === root {
            try moveAside(name)
            try temporary.rename(scratch, to: directory, name)
        }
    }

    /// Opens a file in the spool for appending when it is a regular one of the daemon's user with no other name: one
    /// that this daemon or an earlier one has made. nil when there is none or it is another's.
    package func reopenLog(_ name: FileName) throws(SpoolError) -> Descriptor? {
        guard try isOwn(name) else { return nil }
        let file = try root.open(name, O_RDWR | O_APPEND)
        // Another file may have got the name meanwhile: what counts is the one that is open. One with a second name
        // might be somebody else's too.
        let stat = try file.stat()
        guard stat.isFile(of: geteuid()), stat.links == 1 else { return nil }
        return file
    }

    /// Whether an output of the daemon is there and its own: a regular file that belongs to its user. What nobody can look at is not.
    package func isOwn(_ name: FileName) throws(SpoolError) -> Bool {
        do {
            return try root.stat(name)?.isFile(of: geteuid()) ?? false
        } catch {
            if root.failsAlone(name) { return false }
            throw error
        }
    }

    /// Reads an output of the daemon; nil when there is none, or it is not its own, or no JSON.
    package func readOwn(_ file: SpoolFile) throws(SpoolError) -> JSON? { try root.readJSON(file, of: geteuid()) }

    // MARK: Notices

    func tell(_ notice: String) { notices.withLock { $0.append(notice) } }

    /// What has been moved aside since the last call, to be told.
    package func takeNotices() -> [String] {
        notices.withLock { notices in
            defer { notices = [] }
            return notices
        }
    }

    /// The archive, made where there is none. A link or another user's directory of that name is moved aside.
    package func openArchive() throws(SpoolError) -> Directory {
        let name = FileName(SpoolFile.archiveDirectory)
        for _ in 0..<100 {
            if let stat = try root.stat(name), stat.kind != .directory || stat.owner != geteuid() {
                try moveAside(name)
            }
            let archive: Directory
            do throws(SpoolError) {
                archive = try root.makeDirectory(SpoolFile.archiveDirectory, mode: 0o755)
            } catch {
                // Somebody was quicker: a link, a file, or nothing is there now.
                if [ELOOP, ENOTDIR, ENOENT].contains(error.code) { continue }
                throw error
            }
            // What counts is the directory that is open: another may have got the name meanwhile.
            if try archive.stat().owner == geteuid() { return archive }
        }
        throw SpoolError(.open, root.path(name), code: EBUSY)
    }

    func newTemporaryName() -> FileName {
        let number = temporaryNumber.withLock { number in
            number += 1
            return number
        }
        return FileName("\(getpid())-\(token)-\(number)")
    }
}

/// A random UUID (version 4, RFC 9562) in lower case.
package func makeUUID() -> String { JobID.random().string }
