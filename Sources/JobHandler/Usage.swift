/// What a handler says to somebody who starts it by hand and not quite right.
import JSONText

struct Usage {
    let program: String
    let types: [String]

    /// The program's name without its directory.
    var name: String { program.split(separator: "/").last.map(String.init) ?? program }

    var text: String {
        let type = types.first ?? "TYPE"
        return """
            usage: \(name) [TYPE] < request.json
            Runs one job. Types: \(types.joined(separator: ", ")).
            The request is one JSON object on standard input, such as {"type": "\(type)", "params": {}};
            progress, log, errors and the result come out as one JSON object a line.
            """
    }

    func failure(_ message: String) -> JobFailure {
        JobFailure("INVALID_REQUEST", "\(message)\n\(text)", exit: .invalidParams)
    }

    /// - Throws: `JobFailure` UNKNOWN_TYPE that names the types there are, and the nearest one.
    func type(_ wanted: String, in known: [String: any JobType.Type]) throws(JobFailure) -> any JobType.Type {
        if let type = known[wanted] { return type }
        guard !wanted.isEmpty else { throw failure("the request has no `type`, and no type was given as an argument") }
        let nearest = nearestWord(to: wanted, among: types).map { "; did you mean \($0)?" } ?? "."
        throw JobFailure(
            "UNKNOWN_TYPE",
            "there is no job type \"\(wanted)\" in \(name)\(nearest) It has \(types.joined(separator: ", ")).",
            details: ["type": .string(wanted), "known": .array(types.map { .string($0) })], exit: .invalidParams)
    }
}
