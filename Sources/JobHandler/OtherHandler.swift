/// Another handler that does a part of a job: started as the daemon starts one, listened to, and asked to stop when this job
/// is. Its log lines and item errors become this job's.
import Glibc
package import JSONText

package struct OtherHandler: Sendable {
    /// The absolute path of the executable.
    package let program: String

    /// - Returns: nil when there is no such executable beside this one.
    package init?(besideThis name: String) {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let own = buffer.prefix(max(0, count))
        guard let slash = own.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        self.init(program: String(decoding: own[...slash], as: UTF8.self) + name)
        guard access(program, X_OK) == 0 else { return nil }
    }

    package init(program: String) { self.program = program }

    /// Runs one job type of it to its end.
    /// - Parameters:
    ///   - attachment: bytes that it finds in the file `OtherHandler.attachment`.
    ///   - progress: its progress lines; they are no progress of this job by themselves.
    ///   - failed: an item that failed. What it throws stops the other handler.
    /// - Returns: its result value; nil for none.
    /// - Throws: `JobFailure`, the other handler's own if it has one; `JobStopped` when this job is asked to stop.
    package func run(
        _ type: String, params: JSONObject, attachment: [UInt8] = [], in job: Job,
        progress: (JSON) -> Void, failed: (ItemError) throws -> Void
    ) throws -> JSON? {
        let request: JSON = [
            "v": JSON(JobRequest.version), "job_id": .string(job.request.jobID), "name": .string(job.request.name),
            "type": .string(type), "params": .object(params), "dry_run": .bool(job.isDryRun),
            "attempt": JSON(job.request.attempt),
        ]
        let process = try OtherProcess(
            [program, type], input: OtherProcess.file(request.bytes), attachment: OtherProcess.file(attachment))
        var result: JSON?
        var failure: JobFailure?
        do {
            try process.readLines(isStopping: { job.isStopping }) { line in
                let json: JSON
                do {
                    json = try JSON(parsing: line)
                } catch {
                    return job.log(String(decoding: line, as: UTF8.self))
                }
                switch json["type"]?.string {
                case "progress": progress(json)
                case "log":
                    let level = json["level"]?.string.flatMap(Job.LogLevel.init(rawValue:)) ?? .info
                    job.log(json["message"]?.string ?? "", level: level)
                case "error": try failed(ItemError(line: json))
                case "result": result = json["value"]
                case "failure": failure = JobFailure(line: json)
                default: break
                }
            }
        } catch {
            process.stop()
            _ = try process.wait()
            throw error
        }
        let status = try process.wait()
        if let failure { throw failure.with(exit: HandlerExit(rawValue: status) ?? .failed) }
        if status == HandlerExit.completed.rawValue { return result }
        if job.isStopping { throw JobStopped() }
        throw JobFailure(
            "HANDLER_FAILED", "\(program) \(type) ended with \(status) and did not say why",
            exit: status == HandlerExit.temporary.rawValue ? .temporary : .failed)
    }

    /// Where the other handler finds its attachment.
    package static let attachment = "/dev/fd/3"
}

extension ItemError {
    fileprivate init(line: JSON) {
        self.init(
            item: line["item"]?.string ?? "", code: line["code"]?.string ?? "FAILED",
            message: line["message"]?.string ?? "", retryable: line["retryable"]?.bool ?? false)
    }
}

extension JobFailure {
    fileprivate init(line: JSON) {
        self.init(
            line["code"]?.string ?? "HANDLER_FAILED", line["message"]?.string ?? "",
            details: line["details"]?.object ?? [:])
    }

    fileprivate func with(exit: HandlerExit) -> JobFailure {
        JobFailure(code, message, details: details, exit: exit == .completed || exit == .stopped ? .failed : exit)
    }
}
