/// Files by which people tell the daemon something, and whose owners count: they may not just be there.
import Glibc
import SpoolProtocol
import SpoolStorage

extension SpoolDirectory {
    /// Puts a file in the place of one that counts for nothing, or where there is none.
    /// - Parameters:
    ///   - refusal: says why one's own would count for nothing
    ///   - counts: whether a file of this name does what is wanted
    /// - Returns: false when one that does is there.
    /// - Throws: `SpoolClientError`: `notPermitted` when one's own would not, and when what is there may not be replaced; `system`.
    func place(
        _ content: [UInt8], as target: FileName, orElse refusal: String,
        unless counts: (FileStat) throws(SpoolError) -> Bool
    ) throws(SpoolClientError) -> Bool {
        let scratch = FileName(".spool.\(getpid())-\(UInt64.random(in: .min ... .max)).tmp")
        do throws(SpoolClientError) {
            // A file server may have given it to somebody else (NFS with root_squash, exports(5)).
            let own = try storage { () throws(SpoolError) in
                let file = try root.open(scratch, O_WRONLY | O_CREAT | O_EXCL)
                try file.write(content)
                try file.sync()
                return try file.stat()
            }
            guard try storage({ () throws(SpoolError) in try counts(own) }) else { throw .notPermitted(refusal) }
            if try move(scratch, to: target, unless: counts) {
                try storage { () throws(SpoolError) in try root.sync() }
                return true
            }
        } catch {
            discard(scratch)
            throw error
        }
        discard(scratch)
        return false
    }

    private func move(
        _ scratch: FileName, to target: FileName, unless counts: (FileStat) throws(SpoolError) -> Bool
    ) throws(SpoolClientError) -> Bool {
        do throws(SpoolError) {
            try root.moveToFreeName(scratch, target)
            return true
        } catch {
            if error.code != EEXIST { throw SpoolClientError(error) }
        }
        let stat = try storage { () throws(SpoolError) in try root.stat(target) }
        if let stat, try storage({ () throws(SpoolError) in try counts(stat) }) { return false }
        do throws(SpoolError) {
            try root.rename(scratch, to: root, target)
            return true
        } catch {
            guard let stat, [EACCES, EPERM, EISDIR].contains(error.code) else { throw SpoolClientError(error) }
            let owner = Users.name(of: stat.owner)
            throw .notPermitted(
                "\(target) is \(stat.kind.rawValue) of \(owner), which counts for nothing, and cannot be replaced from here: have \(owner), the owner of the spool's directory or root remove it, then try again"
            )
        }
    }

    /// What cannot be removed stays: it is hidden.
    private func discard(_ scratch: FileName) { do { try root.remove(scratch) } catch {} }
}
