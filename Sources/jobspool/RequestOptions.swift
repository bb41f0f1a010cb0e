/// The options of `submit` that make a request. They pass through the same decoder as a request file.
import ArgumentParser
import JSONText
import SpoolClient
import SpoolProtocol

struct RequestOptions: ParsableArguments {
    @Option(help: "The job type.") var type: String?
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "A parameter: KEY=TEXT is a string, KEY:=JSON any JSON value. May be repeated.", valueName: "key=text"))
    var param: [String] = []
    @Option(help: ArgumentHelp("All parameters as one JSON object.", valueName: "json")) var paramsJson: String?
    @Option(help: "What the job is for.") var description: String?
    @Flag(help: "Count what would be done, and change nothing.") var dryRun = false
    @Option(parsing: .unconditional, help: "-100 to 100, higher first.") var priority: Int?
    @Option(help: "When the lane is busy: queue, reject, join or replace.") var onBusy: String?
    @Option(help: ArgumentHelp("A job that must complete first. May be repeated.", valueName: "name"))
    var after: [String] = []
    @Option(help: ArgumentHelp("Not before this time (RFC 3339).", valueName: "time")) var notBefore: String?
    @Option(help: ArgumentHelp("The longest time that the job may run.", valueName: "seconds"))
    var timeoutSeconds: Double?
    @Option(help: ArgumentHelp("Attempts in all, when one fails for a passing reason.", valueName: "count"))
    var maxAttempts: Int?
    @Option(help: ArgumentHelp("A label: KEY=TEXT. May be repeated.", valueName: "key=text")) var label: [String] = []

    /// The option that makes no sense beside a request file; nil when there is none.
    var firstGiven: String? {
        let given: [(String, Bool)] = [
            ("param", !param.isEmpty), ("params-json", paramsJson != nil), ("description", description != nil),
            ("dry-run", dryRun), ("priority", priority != nil), ("on-busy", onBusy != nil), ("after", !after.isEmpty),
            ("not-before", notBefore != nil), ("timeout-seconds", timeoutSeconds != nil),
            ("max-attempts", maxAttempts != nil), ("label", !label.isEmpty),
        ]
        return given.first { $0.1 }?.0
    }

    /// - Throws: `ValidationError`.
    func request() throws -> Request {
        var object: JSONObject = ["type": JSON(type)]
        let params = try self.params()
        if !params.isEmpty { object["params"] = .object(params) }
        if let description { object["description"] = .string(description) }
        if dryRun { object["dry_run"] = true }
        if let priority { object["priority"] = JSON(priority) }
        if let onBusy { object["on_busy"] = .string(onBusy) }
        if !after.isEmpty {
            // As everywhere, a job may be meant by the name of its request's file.
            object["after"] = .array(after.map { .string($0.hasSuffix(".json") ? String($0.dropLast(5)) : $0) })
        }
        if let notBefore { object["not_before"] = .string(notBefore) }
        if let timeoutSeconds {
            // JSON has no word for these.
            guard timeoutSeconds.isFinite else {
                throw ValidationError("--timeout-seconds must be a number of seconds")
            }
            object["timeout_seconds"] = JSON(timeoutSeconds)
        }
        if let maxAttempts { object["retry"] = ["max_attempts": JSON(maxAttempts)] }
        if !label.isEmpty { object["labels"] = .object(try labels()) }
        do {
            return try Request(decoding: object)
        } catch {
            throw ValidationError("\(error)")
        }
    }

    private func params() throws -> JSONObject {
        var params: JSONObject = [:]
        if let paramsJson {
            guard let object = try parse(paramsJson, "--params-json").object else {
                throw ValidationError("--params-json must be a JSON object")
            }
            params = object
        }
        for text in param {
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
                throw ValidationError("--param \(safe(shellQuoted(text))): write KEY=TEXT or KEY:=JSON")
            }
            let value = String(text[text.index(after: equals)...])
            let isJSON = text[..<equals].hasSuffix(":")
            let key = String(isJSON ? text[..<equals].dropLast() : text[..<equals])
            try add(key, isJSON ? try parse(value, "--param \(key)") : .string(value), "--param", to: &params)
        }
        return params
    }

    private func labels() throws -> JSONObject {
        var labels: JSONObject = [:]
        for text in label {
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
                throw ValidationError("--label \(safe(shellQuoted(text))): write KEY=TEXT")
            }
            let value = String(text[text.index(after: equals)...])
            try add(String(text[..<equals]), .string(value), "--label", to: &labels)
        }
        return labels
    }

    private func add(_ key: String, _ value: JSON, _ option: String, to object: inout JSONObject) throws {
        if object[key] != nil { throw ValidationError("\(option) \(safe(key)) is given twice") }
        object[key] = value
    }

    private func parse(_ text: String, _ option: String) throws -> JSON {
        do {
            return try JSON(parsing: text)
        } catch {
            throw ValidationError("\(safe(option)): \(error)")
        }
    }
}
