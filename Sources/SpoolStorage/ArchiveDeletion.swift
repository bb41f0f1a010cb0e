/// Deletes archived families and feeds. A family leaves the archive as one, by a rename into `.jobspool/trash`, and is removed
/// there: whoever looks sees it whole or not at all. Only what is named like a family or a feed is ever deleted, and of
/// directories only empty ones.
package import SpoolProtocol
import Glibc

extension Spool {
    private static let trashDirectory = "trash"

    /// Deletes an archived family; false when it is no longer there.
    /// - Throws: `SpoolError`; `false` was not returned and the family has left the archive when only removing it failed.
    @discardableResult
    package func delete(_ family: ArchivedFamily) throws(SpoolError) -> Bool {
        let trash = try home.makeDirectory(Self.trashDirectory, mode: 0o700)
        let scratch = FileName(makeUUID())
        guard try move(family, to: trash, scratch) else { return false }
        try trash.removeTree(scratch)
        return true
    }

    private func move(_ family: ArchivedFamily, to trash: Directory, _ scratch: FileName) throws(SpoolError) -> Bool {
        let lock = try ArchivingLock(home)
        defer { withExtendedLifetime(lock) {} }
        let name = family.archivedName.fileName
        // A link of that name is somebody else's, whatever it leads to.
        let archive = try root.existingDirectory(FileName(SpoolFile.archiveDirectory))
        guard let archive, try archive.stat().owner == geteuid(), let day = try archive.existing(family.day),
            try day.stat(name)?.kind == .directory
        else { return false }
        try day.rename(name, to: trash, scratch)
        return true
    }

    /// Deletes an archived feed; false when it is no longer there.
    @discardableResult
    package func delete(_ feed: ArchivedFeed) throws(SpoolError) -> Bool {
        try openArchive().remove(feed.fileName)
    }

    /// Removes the directory of a day, and those of its month and year, where they are empty.
    package func removeIfEmpty(_ day: ArchiveDay) throws(SpoolError) {
        // Nobody is to put a family into a directory that is just being removed.
        let lock = try ArchivingLock(home)
        defer { withExtendedLifetime(lock) {} }
        var path = [try openArchive()]
        for part in day.components.dropLast() {
            guard let inner = try path[path.count - 1].existingDirectory(FileName(part)) else { return }
            path.append(inner)
        }
        for (directory, part) in zip(path, day.components).reversed() {
            guard try directory.removeEmptyDirectory(FileName(part)) else { return }
        }
    }

    /// Removes what somebody who died had left to be removed.
    /// - Returns: why something stays: a directory in which somebody else has one that only he may empty; nil when nothing does.
    @discardableResult
    package func clearTrash() throws(SpoolError) -> SpoolError? {
        guard let trash = try home.existingDirectory(FileName(Self.trashDirectory)) else { return nil }
        var left: SpoolError?
        for entry in try trash.entries() {
            do {
                try trash.removeTree(entry)
            } catch  where error.isForbidden {
                left = error
            }
        }
        return left
    }
}
