/// `jobspool submit`: drops a request.
import ArgumentParser
import JSONText
import SpoolClient
import SpoolProtocol

struct Submit: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Drop a request: a file, or one made from options.",
        discussion: """
            jobspool submit request.json
            jobspool submit --type documents.sync --param path=Projects/219 --param limit:=100 --wait

            A file's job has the file's name; one from standard input (-) or from options gets a new name, unless \
            --name gives it one.
            """)

    @OptionGroup var options: SpoolOptions
    @Argument(help: "The request file; - is standard input.") var file: String?
    @OptionGroup(title: "A request from options") var fields: RequestOptions

    @Option(help: "The job's name.") var name: String?
    @Flag(help: "Replace a request of the same name: the job runs again.") var replace = false
    @Flag(help: "Drop the file as it is, without looking whether it is right.") var noCheck = false
    @Flag(help: "Wait until the job is over, print its result, and exit by its outcome.") var wait = false

    func validate() throws {
        switch (file, fields.type) {
        case (nil, nil): throw ValidationError("name a request file, or a type with --type")
        case (.some, .some): throw ValidationError("give a request file or --type, not both")
        case (.some, nil):
            if let option = fields.firstGiven {
                throw ValidationError("--\(option) goes with --type: a request file says it itself")
            }
        case (nil, .some): _ = try fields.request()
        }
    }

    func execute() throws -> ExitStatus {
        let spool = try options.open()
        let submission =
            if let file {
                try submit(file, to: spool)
            } else {
                try spool.submit(try fields.request(), name: try jobName(), replace: replace)
            }
        if wait { return show(try waitForEnd(try spool.watch(submission), in: spool, timeout: nil), in: spool) }
        return .first(try forEach([submission]) { try announcement(of: $0, in: spool) })
    }

    private func submit(_ file: String, to spool: SpoolDirectory) throws -> Submission {
        let bytes = try readInput(file)
        let name = try jobName() ?? Self.name(ofFile: file)
        if noCheck { return try spool.submit(unchecked: bytes, name: name, replace: replace) }
        do {
            return try spool.submit(json: bytes, name: name, replace: replace)
        } catch .invalidRequest(let error) {
            if !options.json { writeProblem(error, bytes, file: file, to: .diagnostics) }
            throw options.json ? SpoolClientError.invalidRequest(error) : ExitCode(ExitStatus.badRequest.rawValue)
        }
    }

    /// - Throws: `SpoolClientError` `invalidName`.
    private func jobName() throws -> JobName? {
        do {
            return try name.map { name throws(JobName.Problem) in try JobName(name) }
        } catch {
            throw SpoolClientError.invalidName("\(error)")
        }
    }

    /// The name that the file has, without `.json`; nil for standard input.
    private static func name(ofFile path: String) throws -> JobName? {
        guard path != "-", let last = path.split(separator: "/").last else { return nil }
        do {
            return try JobName(last.hasSuffix(".json") ? String(last.dropLast(5)) : String(last))
        } catch {
            throw SpoolClientError.invalidName("\(error), or give one with --name")
        }
    }
}
