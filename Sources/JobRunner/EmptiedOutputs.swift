/// How many lines of an attempt stood in its job's files when its outputs were emptied, the last time, and what it had reported by then:
/// `emptied.json` in the attempt's directory. A daemon that returns reads the outputs from their beginning, begins with these reports, and
/// passes over what stands in the files already, but for these lines. As with the record, what names another attempt counts for nothing.
import JSONText
import SpoolProtocol
import SpoolStorage

struct EmptiedOutputs: Equatable {
    /// Of standard output.
    var handlerLines = 0
    var errorLines = 0
    var stderrLines = 0
    /// Of standard output.
    var reports = HandlerReports()

    init() {}

    init(in directory: Directory, of attempt: String) throws(SpoolError) {
        guard let bytes = try directory.read(AttemptFile.emptied) else { return }
        do {
            let json = try JSON(parsing: bytes)
            guard json["of"]?.string == attempt else { return }
            handlerLines = json["handler_lines"]?.int ?? 0
            errorLines = json["error_lines"]?.int ?? 0
            stderrLines = json["stderr_lines"]?.int ?? 0
            reports = HandlerReports(json: json["reports"])
        } catch {
            // A power cut can leave it torn: no attempt has survived that.
        }
    }

    func save(in directory: Directory, of attempt: String, _ spool: Spool) throws(SpoolError) {
        let json: JSON = [
            "of": .string(attempt), "handler_lines": JSON(handlerLines), "error_lines": JSON(errorLines),
            "stderr_lines": JSON(stderrLines), "reports": reports.json,
        ]
        try spool.publish(json.line, as: AttemptFile.emptied, in: directory, .process)
    }
}

/// What an attempt has reported so far that neither its job's files nor its shown status need have.
struct HandlerReports: Equatable {
    /// The handler's result; null until it gives one.
    var result: JSON = .null
    var failure: JobError?
    var failureIsRetryable = false
    /// The last one; nil until there is one.
    var checkpoint: JSON?
    /// A checkpoint differed from the one that the attempt began with.
    var madeProgress = false
    /// Its own count of failed items; nil as long as it gives none, and its errors are counted.
    var failed: Int64?

    init() {}

    /// What is not there, or damaged, was not reported.
    init(json: JSON?) {
        result = json?["result"] ?? .null
        failure = JobError(json: json?["failure"])
        failureIsRetryable = json?["retryable"]?.bool ?? false
        checkpoint = json?["checkpoint"]
        madeProgress = json?["progress"]?.bool ?? false
        failed = json?["failed"]?.int64
    }

    var json: JSON {
        var object: JSONObject = [
            "result": result, "retryable": JSON(failureIsRetryable), "progress": JSON(madeProgress),
        ]
        if let failure { object["failure"] = failure.json }
        if let checkpoint { object["checkpoint"] = checkpoint }
        if let failed { object["failed"] = JSON(failed) }
        return .object(object)
    }
}
