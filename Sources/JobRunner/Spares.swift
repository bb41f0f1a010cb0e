/// Directories of attempts that are over, kept to be used again: making and deleting eight files for each job is dear,
/// and on ext4 the dearer the more were deleted in the last minutes.
import Glibc
import SpoolProtocol
import SpoolStorage
import Synchronization

/// A few are prepared, so that the next jobs start sooner. Taken by the runner, and kept on another thread.
final class Spares: Sendable {
    private let spool: Spool
    private let mostPrepared: Int
    private let kept: Mutex<Kept>

    private struct Kept {
        var names: [FileName] = []
        var prepared: [(name: FileName, files: PreparedAttempt)] = []
        var number = 0

        var count: Int { names.count + prepared.count }
    }

    /// More are not kept: as many lanes are seldom at work at once.
    private static let limit = 16
    private static let attempt = FileName("1")

    /// A job's directory, with that of its first attempt and the files in there.
    struct Spare {
        let job: Directory
        let attempt: Directory
        let files: PreparedAttempt
    }

    /// Takes over what an earlier daemon kept.
    /// - Parameter prepared: so many are prepared.
    init(_ spool: Spool, prepared: Int) throws(SpoolError) {
        self.spool = spool
        mostPrepared = prepared
        var kept = Kept()
        for name in try spool.spare.entries() {
            if let number = name.string.flatMap({ Int($0) }), kept.count < Self.limit {
                kept.number = max(kept.number, number)
                kept.names.append(name)
            } else {
                try spool.spare.removeTree(name)
            }
        }
        self.kept = Mutex(kept)
    }

    /// Makes a spare directory the job's, if there is one. nil: there is none.
    func take(for jobID: String) throws(SpoolError) -> Spare? {
        let (ready, other) = kept.withLock { kept in
            let ready = kept.prepared.popLast()
            return (ready, ready == nil ? kept.names.popLast() : nil)
        }
        guard let name = ready?.name ?? other else { return nil }
        do {
            try spool.spare.rename(name, to: spool.attempts, FileName(jobID))
            let job = try spool.attempts.directory(jobID)
            let attempt = try job.directory(Self.attempt)
            let files = if let ready { ready.files } else { try PreparedAttempt(in: attempt) }
            return Spare(job: job, attempt: attempt, files: files)
        } catch {
            try spool.spare.removeTree(name)
            return nil
        }
    }

    /// Keeps the directory of a job that has had one attempt, which ended as it should: no process has its files open.
    func keep(_ jobID: String) throws(SpoolError) {
        let directory = try spool.attempts.directory(jobID)
        try directory.remove(AttemptFile.policy)
        let isPlain = try directory.entries() == [Self.attempt]
        guard isPlain, kept.withLock({ $0.count < Self.limit }) else {
            try spool.attempts.removeTree(FileName(jobID))
            return
        }
        let attempt = try directory.directory(Self.attempt)
        if let stat = try attempt.stat(AttemptFile.request), stat.size > 0 {
            try attempt.open(AttemptFile.request, O_WRONLY).truncate(to: 0)
        }
        // What the handler has said goes with this, also where the files are not kept open.
        let files = try PreparedAttempt(in: attempt)
        let name = kept.withLock { kept in
            kept.number += 1
            return FileName(String(kept.number))
        }
        try spool.attempts.rename(FileName(jobID), to: spool.spare, name)
        kept.withLock { kept in
            if kept.prepared.count < mostPrepared {
                kept.prepared.append((name, files))
            } else {
                kept.names.append(name)
            }
        }
    }
}
