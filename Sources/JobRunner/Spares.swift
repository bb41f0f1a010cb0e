/// Directories of attempts that are over, kept to be used again: making and deleting eight files for each job is dear,
/// and on ext4 the dearer the more were deleted in the last minutes.
import Glibc
import SpoolProtocol
import SpoolStorage

struct Spares {
    private let spool: Spool
    private var names: [FileName] = []
    private var number = 0

    /// More are not kept: as many lanes are seldom at work at once.
    private static let limit = 16

    /// Takes over what an earlier daemon kept.
    init(_ spool: Spool) throws(SpoolError) {
        self.spool = spool
        for name in try spool.spare.entries() {
            if let number = name.string.flatMap({ Int($0) }), names.count < Self.limit {
                self.number = max(self.number, number)
                names.append(name)
            } else {
                try spool.spare.removeTree(name)
            }
        }
    }

    /// Makes a spare directory the job's, if there is one: with the files of a first attempt, all empty since `keep`. nil: there is none.
    mutating func take(for jobID: String) throws(SpoolError) -> Directory? {
        guard let name = names.popLast() else { return nil }
        do {
            try spool.spare.rename(name, to: spool.attempts, FileName(jobID))
            return try spool.attempts.directory(jobID)
        } catch {
            try spool.spare.removeTree(name)
            return nil
        }
    }

    /// Keeps the directory of a job that has had one attempt, which ended as it should: no process has its files open.
    mutating func keep(_ jobID: String) throws(SpoolError) {
        let directory = try spool.attempts.directory(jobID)
        let isPlain = try directory.entries() == [FileName("1")]
        guard names.count < Self.limit, isPlain else {
            try spool.attempts.removeTree(FileName(jobID))
            return
        }
        try Self.clear(try directory.directory("1"))
        number += 1
        let name = FileName(String(number))
        try spool.attempts.rename(FileName(jobID), to: spool.spare, name)
        names.append(name)
    }

    private static func clear(_ attempt: Directory) throws(SpoolError) {
        for file in [AttemptFile.record, AttemptFile.standardOutput, AttemptFile.standardError, AttemptFile.request] {
            if let stat = try attempt.stat(file), stat.size > 0 { _ = try attempt.open(file, O_WRONLY | O_TRUNC) }
        }
    }
}
