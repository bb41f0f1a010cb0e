/// Pauses a spool and lets it go on, by `spool.pause.json`.
import Glibc
import JSONText
public import SpoolProtocol
import SpoolStorage

extension SpoolDirectory {
    /// While the spool is paused no job starts; running ones go on. nil when it is not. A file whose owner may not pause
    /// counts for nothing, and so does one that may be another user's link to it.
    /// - Throws: `SpoolClientError`: `notPermitted`, `system`.
    public func pause() throws(SpoolClientError) -> Pause? {
        try storage { () throws(SpoolError) -> Pause? in
            let file = SpoolFile.pause.fileName!
            guard let stat = try root.stat(file), try counts(stat) else { return nil }
            return Pause(
                since: stat.fingerprint.modifiedAt, by: Users.name(of: stat.owner), content: try content(file, stat))
        }
    }

    /// What cannot be read says nothing; that the file is there counts.
    private func content(_ file: FileName, _ stat: FileStat) throws(SpoolError) -> [UInt8] {
        guard stat.kind == .file else { return [] }
        do throws(SpoolError) {
            return try root.read(file, limit: Pause.maximumBytes) ?? []
        } catch  where error.code == EACCES {
            return []
        }
    }

    /// Pauses the spool; false when it was paused already. A file that counts for nothing makes way.
    /// - Throws: `SpoolClientError`: `notPermitted` for those whose file would count for nothing, and where a file that counts for nothing
    ///   may not be replaced; `system`.
    @discardableResult
    public func pause(reason: String?) throws(SpoolClientError) -> Bool {
        guard try storage({ () throws(SpoolError) in try mayPause(geteuid()) }) else {
            throw .notPermitted(
                "only the owner of the spool's directory, the daemon's user and root may pause it: ask one of them")
        }
        let content: JSON = reason.map { ["reason": .string($0)] } ?? [:]
        return try place(content.line, as: SpoolFile.pause.fileName!, unless: counts)
    }

    /// Lets jobs start again; false when the spool was not paused.
    /// - Throws: `SpoolClientError`: `notPermitted`, `system`.
    @discardableResult
    public func resume() throws(SpoolClientError) -> Bool {
        try storage { () throws(SpoolError) in try root.remove(SpoolFile.pause.fileName!) }
    }

    private func counts(_ stat: FileStat) throws(SpoolError) -> Bool {
        if try root.mayBeForeign(stat) { return false }
        return try mayPause(stat.owner)
    }

    func mayPause(_ user: UInt32) throws(SpoolError) -> Bool {
        if user == 0 { return true }
        if try root.stat().owner == user { return true }
        return try JobFiles(root).daemonUser == user
    }
}
