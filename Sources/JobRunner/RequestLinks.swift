/// Whose a request or a schedule is: its file's owner's, when nobody else can have dropped that file.
import JSONText
import SpoolProtocol
import SpoolStorage

extension Runner {
    /// Whether somebody else than its owner may have dropped it: link(2) needs no right to the file where the kernel does not
    /// forbid it (`fs.protected_hardlinks` of proc(5)), and no more than the right to write it where it does.
    func mayBeForeign(_ stat: FileStat) throws(SpoolError) -> Bool {
        if stat.links < 2 || stat.kind != .file { return false }
        return try spool.root.stat().mode & 0o022 != 0
    }

    static func linkedError(_ stat: FileStat, _ code: JobError.Code = .invalidRequest) -> JobError {
        JobError(
            code,
            "the file has \(stat.links) names (hard links): in a directory where others may write, somebody else than its owner, \(Users.name(of: stat.owner)), may have dropped it; drop a copy (cp), or remove the other names and touch it",
            details: ["links": JSON(Int64(stat.links))])
    }
}
