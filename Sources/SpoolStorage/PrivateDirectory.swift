/// `.jobspool` keeps its name. In a directory that others may write to and that is not sticky they can rename it and put another file or
/// a link in its place; out of the spool they cannot move it, for it is not theirs (rename(2): `..` in it would change).
import SpoolProtocol
import Glibc

extension Spool {
    private static let privateName = FileName(SpoolFile.privateDirectory)

    /// Gives the private directory, which is open, its name back. Handlers are told paths that lead through it.
    /// - Throws: `SpoolError`; ENOENT when it is nowhere in the spool.
    package func keepHome() throws(SpoolError) {
        let own = try home.stat()
        if let there = try root.stat(Self.privateName) {
            if there.isSameFile(as: own) { return }
            try moveAside(Self.privateName)
        }
        for entry in try root.entries() where try root.stat(entry)?.isSameFile(as: own) == true {
            try root.rename(entry, to: root, Self.privateName)
            tell("somebody had renamed \(SpoolFile.privateDirectory) to \(entry): it has its name back")
            return
        }
        throw SpoolError(.open, root.path(Self.privateName), code: ENOENT)
    }

    /// The same before it is opened: one that is the daemon's user's is looked for when something else has its name.
    /// - Returns: what is to be told.
    static func findHome(in root: Directory) throws(SpoolError) -> String? {
        let impostor = try root.stat(privateName)
        if let impostor, impostor.kind == .directory, impostor.owner == geteuid() { return nil }
        for entry in try root.entries() {
            do throws(SpoolError) {
                guard try isHome(entry, in: root) else { continue }
            } catch {
                if root.failsAlone(entry) { continue }
                throw error
            }
            if impostor != nil {
                // There is no place to move it to yet. Hidden, it is as good as gone.
                try root.rename(privateName, to: root, FileName("\(SpoolFile.privateDirectory)~\(makeUUID())"))
            }
            try root.rename(entry, to: root, privateName)
            return "somebody had renamed \(SpoolFile.privateDirectory) to \(entry): it has its name back"
        }
        return nil
    }

    /// Nobody else can make a directory that belongs to this user.
    private static func isHome(_ entry: FileName, in root: Directory) throws(SpoolError) -> Bool {
        guard let stat = try root.stat(entry), stat.kind == .directory, stat.owner == geteuid(), stat.mode & 0o077 == 0,
            let directory = try root.existingDirectory(entry)
        else { return false }
        for part in ["attempts", "work", temporaryDirectory] {
            guard try directory.stat(FileName(part))?.kind == .directory else { return false }
        }
        return true
    }

    // MARK: The feed

    /// Moves aside what somebody has put in the place of the feed.
    /// - Throws: `Unfit` when it cannot be moved: without its feed a spool is not served.
    package func clearFeed() throws {
        guard let name = SpoolFile.events.fileName else { return }
        do throws(SpoolError) {
            try moveAsideUnlessOwn(name)
        } catch {
            guard error.isForbidden else { throw error }
            let owner = try root.stat(name).map { Users.name(of: $0.owner) } ?? "somebody"
            let user = Users.name(of: geteuid())
            throw Unfit(
                description:
                    "\(root.path(name)) belongs to \(owner), and \(user) may not move it out of this sticky directory, which is another user's: have it removed (rm \(shellQuoted(root.path(name)))), and chown \(user) \(shellQuoted(root.path)), so that it does not happen again"
            )
        }
    }
}
