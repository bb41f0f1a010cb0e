/// Finds what became of jobs that are over, in the spool or in the archive.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage

extension Runner {
    /// Who touches the request of an archived job makes an empty file.
    func explainEmpty(_ name: JobName, _ refusal: RequestFile.Refusal) throws(SpoolError) -> JobError {
        guard refusal.stat.kind == .file, refusal.stat.size == 0, let file = SpoolFile.request(name).fileName,
            let family = try spool.archivedFamilies().newest(of: name)
        else { return refusal.error }
        return JobError(
            .invalidRequest,
            "\(file) is empty, and the request that ran is in the archive: cp \(family.path)/\(file) here to run it again",
            details: ["archived": .string(family.path)])
    }

    /// How a run ended, wherever its family is by now; nil when it is nowhere.
    func findResult(of name: JobName, jobID: String?) throws(SpoolError) -> JobResult? {
        guard let jobID else { return nil }
        if let result = try readResult(of: name), result.status.identity.jobID == jobID { return result }
        return try spool.whileNothingIsMoved { () throws(SpoolError) in
            if let result = try readResult(of: name), result.status.identity.jobID == jobID { return result }
            return try readResult(spool.archivedFamilies().family(jobID: jobID))
        }
    }

    /// How the last runs of jobs ended, as far as there are any; with one look at the archive, for somebody may name a thousand.
    func findLastResults(of names: Set<JobName>) throws(SpoolError) -> [JobName: JobResult] {
        var results: [JobName: JobResult] = [:]
        for name in names { results[name] = try readResult(of: name) }
        if results.count == names.count { return results }
        return try spool.whileNothingIsMoved { () throws(SpoolError) in
            let missing = names.filter { results[$0] == nil }
            for name in missing { results[name] = try readResult(of: name) }
            for (name, family) in try spool.archivedFamilies().newest(of: missing) where results[name] == nil {
                results[name] = try readResult(family)
            }
            return results
        }
    }

    private func readResult(of name: JobName) throws(SpoolError) -> JobResult? {
        try spool.readOwn(.result(name)).flatMap(JobResult.init(json:))
    }

    private func readResult(_ family: ArchivedFamily?) throws(SpoolError) -> JobResult? {
        guard let family else { return nil }
        return try family.open()?.readJSON(.result(family.name), of: geteuid()).flatMap(JobResult.init(json:))
    }
}
