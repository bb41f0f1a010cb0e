/// Reads what a client wrote as JSON, with errors that say where it is wrong: line, column, field and remedy.
import JSONText

enum ClientDocument {
    /// - Parameters:
    ///   - code: of the errors. Their details hold `line`, `column`, `field` and, for a text that ends too early, `truncated`.
    ///   - example: what an object of this kind is, for somebody who wrote another value.
    static func read<Content>(
        _ bytes: [UInt8], _ code: JobError.Code, example: String,
        decode: (JSONObject) throws(JSONFieldError) -> Content
    ) throws(JobError) -> Content {
        let json: JSON
        do {
            json = try JSON(parsing: bytes)
        } catch {
            var details: JSONObject = ["line": JSON(error.line), "column": JSON(error.column)]
            if error.isTruncated { details["truncated"] = true }
            throw JobError(code, "line \(error.line), column \(error.column): \(error.reason)", details: details)
        }
        guard let object = json.object else {
            throw JobError(
                code, "line 1, column 1: \(example), not \(json.kind)", details: ["line": 1, "column": 1])
        }
        do {
            return try decode(object)
        } catch {
            throw located(error, code, in: bytes)
        }
    }

    private static func located(_ error: JSONFieldError, _ code: JobError.Code, in bytes: [UInt8]) -> JobError {
        var details: JSONObject = ["field": .string(error.path.joined(separator: "."))]
        guard let (line, column) = JSON.position(of: error.path, in: bytes) else {
            return JobError(code, error.description, details: details)
        }
        details["line"] = JSON(line)
        details["column"] = JSON(column)
        return JobError(code, "line \(line), column \(column): \(error)", details: details)
    }
}
