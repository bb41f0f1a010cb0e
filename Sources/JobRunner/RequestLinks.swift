/// What is told of a file with several names, which is nobody's where others may have made them (`Directory.mayBeForeign`).
import JSONText
import SpoolProtocol
import SpoolStorage

extension Runner {
    static func linkedError(_ stat: FileStat, _ code: JobError.Code = .invalidRequest) -> JobError {
        JobError(
            code,
            "the file has \(stat.links) names (hard links): in a directory where others may write, somebody else than its owner, \(Users.name(of: stat.owner)), may have dropped it; drop a copy (cp), or remove the other names and touch it",
            details: ["links": JSON(Int64(stat.links))])
    }
}
