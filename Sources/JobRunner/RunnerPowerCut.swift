/// After a power cut files may lack what had not been synced. What is promised has been; what is not is not taken for more than it
/// is: a last status that cannot be read is written anew from its result, and an attempt's end counts only with all that was said
/// before it.
import Glibc
import JSONText
import Logging
import SpoolProtocol
import SpoolStorage

extension Runner {
    /// An attempt's outputs and its record are not synced. When the record tells of its end, and the outputs are not as they were then,
    /// the attempt counts as interrupted: its result would be wrong. So does one that was shown to run and has no record.
    /// - Parameter hasBegun: the job's status shows it.
    func mendRecord(of attempt: String, in directory: Directory, hasBegun: Bool) throws(SpoolError) {
        let state = AttemptRecordState(try directory.read(AttemptFile.record) ?? [], of: attempt)
        if hasBegun, state == .notStarted {
            let line = AttemptRecordState.startedLine(of: attempt, at: Clock.now())
            try directory.open(AttemptFile.record, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600).write(line)
        }
        guard case .ended(let record) = state else { return }
        let hasOutput = try isWhole(AttemptFile.standardOutput, record.outputSize, directory)
        let hasErrors = try isWhole(AttemptFile.standardError, record.errorSize, directory)
        if hasOutput, hasErrors { return }
        logger.warning("\(attempt) has ended, but a power cut took away what it had said: it counts as interrupted")
        let line = AttemptRecordState.startedLine(of: attempt, at: record.finishedAt)
        try directory.open(AttemptFile.record, O_WRONLY | O_TRUNC).write(line)
    }

    /// Whether an output has its size, and no zeros, which a file system may put where contents are missing.
    private func isWhole(_ file: FileName, _ size: Int64?, _ directory: Directory) throws(SpoolError) -> Bool {
        let opened = try directory.open(file, O_RDONLY)
        if let size, try opened.stat().size != size { return false }
        var offset: Int64 = 0
        while true {
            let bytes = try opened.read(from: offset, limit: 1 << 20)
            if bytes.contains(0) { return false }
            if bytes.isEmpty { return true }
            offset += Int64(bytes.count)
        }
    }

    /// The request of a job that waits is the version that was accepted, and no request: its contents had not been synced when the power was
    /// cut, and nobody will write them any more. One that cannot be read just now is waited for.
    func endUnreadable(_ job: PendingJob, _ refusal: RequestFile.Refusal) throws(SpoolError) {
        guard refusal.isRead, hasSettled(job.name, refusal.stat) else { return }
        settling[job.name] = nil
        let message = "the request was accepted, and its contents are gone: drop it again (\(refusal.error.message))"
        let error = JobError(.invalidRequest, message, details: refusal.error.details)
        let standing = job.attempts == 0 ? Standing.rejected : .failed
        try finishPending(job, standing, standing == .rejected ? "Rejected: \(message)" : message, error: error)
    }

    /// A status that cannot be read, of a job that has no result: what is left of the job is taken in anew, or nothing is.
    func setAsideIfTorn(_ name: JobName) throws(SpoolError) {
        guard mayLackContents, let status = SpoolFile.status(name).fileName, try spool.isOwn(status),
            try spool.readOwn(.status(name)) == nil
        else { return }
        try spool.moveAside(status, because: "a power cut has damaged \(status), which counts for nothing")
    }

    /// The last status is not synced: after a power cut it may be an earlier one, or none that can be read.
    func saysThatItIsOver(_ name: JobName) throws(SpoolError) -> Bool {
        try spool.readOwn(.status(name))?["status"]?.string.flatMap(Standing.init(rawValue:))?.isOver ?? false
    }

    /// From here on what is there is whole.
    func markBoot() {
        guard mayLackContents else { return }
        do throws(SpoolError) {
            try spool.markBoot(configuration.bootID)
            mayLackContents = false
        } catch {
            // The next start looks as closely.
            tell(error)
        }
    }
}
