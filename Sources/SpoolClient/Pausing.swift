/// Pauses a spool and lets it go on, by `spool.pause.json`.
import Glibc
import JSONText
public import SpoolProtocol
import SpoolStorage

extension SpoolDirectory {
    /// While the spool is paused no job starts; running ones go on. nil when it is not. A file whose owner may not pause
    /// counts for nothing.
    /// - Throws: `SpoolClientError`: `notPermitted`, `system`.
    public func pause() throws(SpoolClientError) -> Pause? {
        try storage { () throws(SpoolError) -> Pause? in
            let file = SpoolFile.pause.fileName!
            guard let stat = try root.stat(file), try mayPause(stat.owner) else { return nil }
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
        let scratch = FileName(".spool.pause.\(getpid()).tmp")
        let target = SpoolFile.pause.fileName!
        do throws(SpoolClientError) {
            try storage { () throws(SpoolError) in
                try root.remove(scratch)
                try root.open(scratch, O_WRONLY | O_CREAT | O_EXCL).write(content.line)
            }
            if try place(scratch, as: target) { return true }
        } catch {
            discard(scratch)
            throw error
        }
        discard(scratch)
        return false
    }

    /// What cannot be removed stays: it is hidden.
    private func discard(_ scratch: FileName) { do { try root.remove(scratch) } catch {} }

    /// False when a file that counts is there already.
    private func place(_ scratch: FileName, as target: FileName) throws(SpoolClientError) -> Bool {
        do throws(SpoolError) {
            try root.moveToFreeName(scratch, target)
            return true
        } catch {
            if error.code != EEXIST { throw SpoolClientError(error) }
        }
        let stat = try storage { () throws(SpoolError) in try root.stat(target) }
        if let stat, try storage({ () throws(SpoolError) in try mayPause(stat.owner) }) { return false }
        do throws(SpoolError) {
            try root.rename(scratch, to: root, target)
            return true
        } catch {
            guard let stat, [EACCES, EPERM, EISDIR].contains(error.code) else { throw SpoolClientError(error) }
            throw .notPermitted(
                "\(target) is \(stat.kind.rawValue) of \(Users.name(of: stat.owner)), who may not pause the spool, and cannot be replaced from here: have \(Users.name(of: stat.owner)), the owner of the spool's directory or root remove it, then pause again"
            )
        }
    }

    /// Lets jobs start again; false when the spool was not paused.
    /// - Throws: `SpoolClientError`: `notPermitted`, `system`.
    @discardableResult
    public func resume() throws(SpoolClientError) -> Bool {
        try storage { () throws(SpoolError) in try root.remove(SpoolFile.pause.fileName!) }
    }

    private func mayPause(_ user: UInt32) throws(SpoolError) -> Bool {
        if user == 0 { return true }
        if try root.stat().owner == user { return true }
        return try JobFiles(root).daemonUser == user
    }
}
