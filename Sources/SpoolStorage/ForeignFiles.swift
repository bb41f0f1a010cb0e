/// What others put into the spool and what stands in the daemon's way there: it is moved aside, never deleted; and what is removed is
/// what was looked at.
import Glibc
package import SpoolProtocol

extension Spool {
    /// Moves what stands in the place of an output and does not belong to the daemon's user to `.jobspool/aside`. It is
    /// never deleted, and told by `takeNotices`.
    /// - Throws: `SpoolError`; one that `isForbidden` when it belongs to another user in a sticky directory that is not the
    ///   daemon's: it stays where it is.
    package func moveAsideUnlessOwn(_ name: FileName) throws(SpoolError) {
        guard try root.stat(name) != nil, try !isOwn(name) else { return }
        try moveAside(name)
    }

    /// Removes a file that somebody may replace at any moment: another one that has got its name by then stays.
    /// - Returns: true when it has been removed.
    package func remove(_ name: FileName, ifStill known: FileStat) throws(SpoolError) -> Bool {
        let scratch = newTemporaryName()
        do {
            try root.rename(name, to: temporary, scratch)
        } catch  where error.code == ENOENT {
            return false
        }
        do throws(SpoolError) {
            // To be renamed changes a file's time of change.
            let moved = try temporary.stat(scratch)
            if moved.map({ $0.isSameFile(as: known) && $0.fingerprint == known.fingerprint }) ?? true {
                return try temporary.remove(scratch)
            }
        } catch {
            try putBack(scratch, as: name)
            throw error
        }
        try putBack(scratch, as: name)
        return false
    }

    /// Gives a file that was moved away its name back, unless a newer one has taken that.
    private func putBack(_ scratch: FileName, as name: FileName) throws(SpoolError) {
        do {
            try temporary.moveToFreeName(scratch, to: root, name)
        } catch  where error.code == EEXIST {
            try temporary.remove(scratch)
        }
    }

    /// In `.jobspool`.
    package static let asideDirectory = "aside"

    /// The name that a file had which is in there: it has got a UUID.
    package static func originalName(_ moved: String) -> String {
        guard let mark = moved.lastIndex(of: "~") else { return moved }
        return String(moved[..<mark])
    }

    /// Moves a file of the spool aside, whosoever it is; returns where it is now, nil when it has gone meanwhile: whoever put it there may take
    /// it away at any moment.
    @discardableResult
    package func moveAside(_ name: FileName) throws(SpoolError) -> String? {
        let owner = try root.stat(name).map { Users.name(of: $0.owner) } ?? "somebody"
        return try moveAside(
            name, from: root, because: "\(name) is not the daemon's own but \(owner)'s: it counts for nothing")
    }

    /// The same for a file that is the daemon's own, and why.
    package func moveAside(_ name: FileName, because reason: String) throws(SpoolError) {
        _ = try moveAside(name, from: root, because: reason)
    }

    @discardableResult
    func moveAside(_ name: FileName, from directory: Directory, because reason: String) throws(SpoolError) -> String? {
        let aside = try home.makeDirectory(Self.asideDirectory, mode: 0o700)
        let newName = FileName(bytes: Array(name.bytes.prefix(200)) + Array("~\(makeUUID())".utf8))
        let place: String
        do {
            do {
                try directory.rename(name, to: aside, newName)
                place = aside.path(newName)
            } catch  where error.code == EACCES {
                // Another user's directory stays in the one that it is in (rename(2): its `..` cannot be written). Hidden, it
                // is as good as gone.
                let hidden = FileName(bytes: [UInt8(ascii: ".")] + newName.bytes)
                try directory.rename(name, to: directory, hidden)
                place = directory.path(hidden)
            }
        } catch  where error.code == ENOENT {
            return nil
        }
        tell("\(reason) and is now \(place)")
        return place
    }
}
