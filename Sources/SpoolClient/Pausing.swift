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
        let file = SpoolFile.pause.fileName!
        guard let stat = try storage({ () throws(SpoolError) in try root.visibleStat(file) }) else { return nil }
        // Nearly always the file alone tells.
        let isLinked = try storage { () throws(SpoolError) in try root.mayBeForeign(stat) }
        let isPaused = try isLinked ? daemonIsPaused() : false
        return try storage { () throws(SpoolError) -> Pause? in
            guard try counts(stat, isPaused) else { return nil }
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
        let content: JSON = reason.map { ["reason": .string($0)] } ?? [:]
        let isPaused = try daemonIsPaused()
        return try place(
            content.line, as: SpoolFile.pause.fileName!,
            orElse: "only the owner of the spool's directory, the daemon's user and root may pause it: ask one of them"
        ) { stat throws(SpoolError) in try counts(stat, isPaused) }
    }

    /// Lets jobs start again; false when the spool was not paused.
    /// - Throws: `SpoolClientError`: `notPermitted`, `system`.
    @discardableResult
    public func resume() throws(SpoolClientError) -> Bool {
        try storage { () throws(SpoolError) in try root.remove(SpoolFile.pause.fileName!) }
    }

    /// - Parameter isPaused: by the daemon's word: a file that counts goes on counting when a link is made of it
    private func counts(_ stat: FileStat, _ isPaused: Bool) throws(SpoolError) -> Bool {
        if !isPaused, try root.mayBeForeign(stat) { return false }
        return try mayPause(stat.owner)
    }

    /// Whether a daemon serves the spool and says that somebody has paused it.
    private func daemonIsPaused() throws(SpoolClientError) -> Bool {
        do throws(SpoolClientError) {
            guard let status = try spoolStatus(), status.isPaused, case .running = try daemon() else { return false }
            return true
        } catch .damaged {
            // A power cut can leave it so.
            return false
        }
    }

    func mayPause(_ user: UInt32) throws(SpoolError) -> Bool {
        if user == 0 { return true }
        if try root.stat().owner == user { return true }
        return try JobFiles(root).daemonUser == user
    }
}
