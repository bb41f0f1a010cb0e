/// How many lines of an attempt stood in its job's files when its outputs were emptied, the last time: `emptied.json` in the attempt's
/// directory. A daemon that returns reads the outputs from their beginning and passes over what stands in the files already, but for these.
/// As with the record, what names another attempt counts for nothing.
import JSONText
import SpoolProtocol
import SpoolStorage

struct EmptiedOutputs: Equatable {
    /// Of standard output.
    var handlerLines = 0
    var errorLines = 0
    var stderrLines = 0

    init() {}

    init(in directory: Directory, of attempt: String) throws(SpoolError) {
        guard let bytes = try directory.read(AttemptFile.emptied) else { return }
        do {
            let json = try JSON(parsing: bytes)
            guard json["of"]?.string == attempt else { return }
            handlerLines = json["handler_lines"]?.int ?? 0
            errorLines = json["error_lines"]?.int ?? 0
            stderrLines = json["stderr_lines"]?.int ?? 0
        } catch {
            // A power cut can leave it torn: no attempt has survived that.
        }
    }

    func save(in directory: Directory, of attempt: String, _ spool: Spool) throws(SpoolError) {
        let json: JSON = [
            "of": .string(attempt), "handler_lines": JSON(handlerLines), "error_lines": JSON(errorLines),
            "stderr_lines": JSON(stderrLines),
        ]
        try spool.publish(json.line, as: AttemptFile.emptied, in: directory, .process)
    }
}
