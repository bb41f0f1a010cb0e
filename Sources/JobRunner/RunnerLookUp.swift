/// Finds what became of jobs that are over, in the spool or in the archive.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage

extension Runner {
    /// Who touches the request of an archived job makes an empty file.
    func explainEmpty(_ name: JobName, _ refusal: RequestFile.Refusal) throws(SpoolError) -> JobError {
        // It may take a look at all of the archive, and anybody can drop empty files.
        let now = Clock.monotonic()
        guard refusal.stat.kind == .file, refusal.stat.size == 0, let file = SpoolFile.request(name).fileName,
            now >= explainsEmptyFrom
        else { return refusal.error }
        let newest = try spool.archivedFamilies().newest(of: name)
        let end = Clock.monotonic()
        explainsEmptyFrom = end + max(Self.emptyPatience, ArchivedResults.pause(after: end - now))
        guard let family = newest else { return refusal.error }
        return JobError(
            .invalidRequest,
            "\(file) is empty, and the request that ran is in the archive: to run it again, cp \(shellQuoted("\(family.path)/\(file)")) here",
            details: ["archived": .string(family.path)])
    }

    /// So long at the least an empty request is not explained after another one, in seconds.
    private static let emptyPatience = 0.2

    /// How a run ended, wherever its family is by now; nil when it is nowhere.
    func findResult(of name: JobName, jobID: String?) throws(SpoolError) -> JobResult? {
        guard let jobID else { return nil }
        if let result = try readResult(of: name), result.status.identity.jobID == jobID { return result }
        return try spool.whileNothingIsMoved { () throws(SpoolError) in
            if let result = try readResult(of: name), result.status.identity.jobID == jobID { return result }
            return try readResult(spool.archivedFamilies().family(jobID: jobID))
        }
    }

    /// How the last runs of jobs ended, as far as there are any. To look in the archive may take long, and anybody can have jobs wait for what is
    /// nowhere: when that was done a moment ago the answer is owed (`ArchivedResults.isOwed`).
    func findLastResults(of names: Set<JobName>) throws(SpoolError) -> [JobName: Standing] {
        var results: [JobName: Standing] = [:]
        for name in names { results[name] = try readResult(of: name)?.status.standing }
        let missing = names.filter { results[$0] == nil }
        if missing.isEmpty { return results }
        let now = Clock.monotonic()
        archived.forgetIfOld(at: now)
        let unknown = missing.filter { !archived.knows($0) }
        if !unknown.isEmpty {
            if archived.mayLook(at: now) {
                try lookInArchive(for: unknown.union(archived.takeExpected()))
                archived.hasLooked(since: now, until: Clock.monotonic())
            } else {
                archived.isOwed = true
            }
        }
        for name in missing { results[name] = archived.result(of: name) }
        return results
    }

    private func lookInArchive(for names: Set<JobName>) throws(SpoolError) {
        let found = try spool.whileNothingIsMoved { () throws(SpoolError) in
            var results: [JobName: Standing] = [:]
            for name in names { results[name] = try readResult(of: name)?.status.standing }
            for (name, family) in try spool.archivedFamilies().newest(of: names.filter { results[$0] == nil }) {
                results[name] = try readResult(family)?.status.standing
            }
            return results
        }
        for name in names { archived.put(found[name], of: name) }
    }

    /// nil, too, when nobody can look at it.
    func readResult(of name: JobName) throws(SpoolError) -> JobResult? {
        do {
            return try spool.readOwn(.result(name)).flatMap(JobResult.init(json:))
        } catch {
            if isOfOneFile(error, of: [name]) { return nil }
            throw error
        }
    }

    private func readResult(_ family: ArchivedFamily?) throws(SpoolError) -> JobResult? {
        guard let family else { return nil }
        return try family.open()?.readJSON(.result(family.name), of: geteuid()).flatMap(JobResult.init(json:))
    }
}

/// What has been looked for in the archive a moment ago: to look there takes long, and anybody can have thousands of jobs wait for names
/// that are nowhere.
struct ArchivedResults {
    private var results: [JobName: Standing?] = [:]
    /// Names that are likely to be asked for next: they are looked for with the first.
    private var expected: Set<JobName> = []
    /// Somebody has asked, and was not answered.
    var isOwed = false
    // CLOCK_MONOTONIC, seconds
    private var end = -Double.infinity
    private(set) var nextLook = -Double.infinity

    /// How long they are good at the least, in seconds.
    private static let lifetime = 1.0
    /// So many times as long as it has taken to look they are good, and for a part of that nobody looks again.
    private static let patience = 10.0
    private static let pauses = 4.0
    /// How many names are looked for at once.
    private static let most = 2000

    func knows(_ name: JobName) -> Bool { results[name] != nil }
    func result(of name: JobName) -> Standing? { results[name] ?? nil }
    mutating func put(_ result: Standing?, of name: JobName) { results[name] = .some(result) }

    mutating func expect(_ names: some Sequence<JobName>) { expected = Set(names.prefix(Self.most)) }

    mutating func takeExpected() -> Set<JobName> {
        defer { expected = [] }
        return expected
    }

    /// Something has become of a job of this name.
    mutating func forget(_ name: JobName) { results[name] = nil }

    mutating func forgetIfOld(at now: Double) { if now >= end { results = [:] } }

    func mayLook(at now: Double) -> Bool { now >= nextLook }

    mutating func hasLooked(since begin: Double, until now: Double) {
        end = now + max(Self.lifetime, Self.patience * (now - begin))
        nextLook = now + Self.pause(after: now - begin)
    }

    mutating func takeOwed() -> Bool {
        defer { isOwed = false }
        return isOwed
    }

    /// How long nobody looks in the archive after a look that took so many seconds.
    static func pause(after duration: Double) -> Double { pauses * duration }
}
