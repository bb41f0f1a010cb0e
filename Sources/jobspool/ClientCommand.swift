/// What all commands that use a spool by its files have in common: where the spool is, whether to print JSON, and how
/// an error is told.
import ArgumentParser
import Glibc
import JSONText
import SpoolClient
import SpoolProtocol
import SpoolStorage

struct SpoolOptions: ParsableArguments {
    @Option(
        name: [.customShort("s"), .long],
        help: ArgumentHelp(
            "The spool directory. (default: $JOBSPOOL_DIR, else ./spool)", valueName: "directory"))
    var spool: String?

    @Flag(help: "Print JSON, errors too.") var json = false

    /// - Throws: `SpoolClientError`.
    func open() throws -> SpoolDirectory { try SpoolDirectory(path: location()) }

    private func location() -> String {
        if let spool { return spool }
        if let directory = environment("JOBSPOOL_DIR"), !directory.isEmpty { return directory }
        return "spool"
    }

    /// A command line that does something with a job, for people to copy.
    func commandLine(_ verb: String, _ name: JobName) -> String {
        "\(commandLine(verb)) \(safe(shellQuoted(last: name.string)))"
    }

    /// A command line about the spool.
    func commandLine(_ verb: String) -> String {
        "jobspool \(verb)" + (spool.map { " --spool \(safe(shellQuoted(path: $0)))" } ?? "")
    }
}

protocol ClientCommand: ParsableCommand {
    var options: SpoolOptions { get }
    func execute() throws -> ExitStatus
}

extension ClientCommand {
    mutating func run() throws {
        let status: ExitStatus
        do {
            status = try execute()
        } catch let error as SpoolClientError {
            tell(error)
            status = ExitStatus(error)
        } catch let error as InputError {
            if options.json {
                Stream.output.json(errorJSON("INPUT_UNREADABLE", error.message))
            } else {
                Stream.diagnostics.note(safe(error.message))
            }
            status = error.exitStatus
        }
        if status != .success { throw ExitCode(status.rawValue) }
    }

    /// In words to standard error, or as JSON to standard output.
    func tell(_ error: SpoolClientError) {
        if options.json {
            Stream.output.json(error.json)
        } else {
            Stream.diagnostics.note("\(error.code): \(safe(error.message))\(remedy(error))")
        }
    }

    private func remedy(_ error: SpoolClientError) -> String {
        switch error {
        case .spoolNotFound: " with --spool or JOBSPOOL_DIR"
        case .jobExists(let name, archived: nil):
            " with --replace; `\(options.commandLine("retry", name))` runs it again as it is"
        case .jobExists(_, let archived?):
            ": `\(options.commandLine("submit")) --name NAME \(safe(shellQuoted(path: archived)))` runs it under another name"
        case .jobNotCompleted(let name, _): "; `\(options.commandLine("wait", name))` waits for it"
        default: ""
        }
    }
}

extension SpoolClientError {
    var json: JSON {
        if case .invalidRequest(let error) = self { return errorJSON(code, message, details: error.details) }
        return errorJSON(code, message)
    }
}

/// An error as `--json` prints it.
func errorJSON(_ code: String, _ message: String, details: JSONObject = [:]) -> JSON {
    var error: JSONObject = ["code": .string(code), "message": .string(message), "at": .string("\(Clock.now())")]
    if !details.isEmpty { error["details"] = .object(details) }
    return ["error": .object(error)]
}
