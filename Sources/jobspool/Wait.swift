/// `jobspool wait`: until jobs are over.
import ArgumentParser
import JSONText
import SpoolClient
import SpoolProtocol

struct Wait: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait",
        abstract: "Wait until jobs are over, and exit by their outcome.",
        discussion: "Of several jobs the one that went worst says the exit status.")

    @OptionGroup var options: SpoolOptions
    @Option(parsing: .unconditional, help: "Give up after this many seconds (exit 124); the jobs go on.") var timeout:
        Double?
    @Argument(help: "Names of jobs, or job_ids.") var names: [String]

    func validate() throws {
        if let timeout, !(timeout >= 0) { throw ValidationError("--timeout must not be below 0") }
    }

    func execute() throws -> ExitStatus {
        let spool = try options.open()
        let watches = try names.map { try spool.watch(try spool.find($0)) }
        let deadline = Deadline(seconds: timeout)
        if watches.count == 1 { return show(try waitForEnd(watches[0], in: spool, timeout: timeout), in: spool) }
        var statuses: [ExitStatus] = []
        var documents: [JSON] = []
        for watch in watches {
            do {
                let view = try waitForEnd(watch, in: spool, timeout: deadline.secondsLeft)
                noteMissingResult(of: view)
                if options.json {
                    documents.append(view.resultJSON ?? view.json)
                } else {
                    Stream.output.line("\(safe(view.name.string)): \(view.summary)")
                }
                if case .over(let result) = view.state { statuses.append(ExitStatus(result)) }
            } catch let error as SpoolClientError {
                documents.append(error.json)
                if !options.json { tell(error) }
                statuses.append(ExitStatus(error))
            }
        }
        if options.json { Stream.output.json(.array(documents)) }
        return ExitStatus.worst(statuses)
    }
}
