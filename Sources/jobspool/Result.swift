/// `jobspool result`: how a job ended.
import ArgumentParser
import SpoolClient
import SpoolProtocol

struct ShowResult: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "result", abstract: "Show the result of a job that is over, and exit by its outcome.")

    @OptionGroup var options: SpoolOptions
    @Argument(help: "The job's name, or its job_id.") var name: String

    func execute() throws -> ExitStatus {
        let spool = try options.open()
        let view = try spool.result(of: try spool.find(name))
        return show(view, in: spool)
    }
}

extension ClientCommand {
    /// Prints the result of a job that is over.
    func show(_ view: JobView, in spool: SpoolDirectory) -> ExitStatus {
        guard case .over(let result) = view.state else { return .jobNotCompleted }
        noteMissingResult(of: view)
        if options.json {
            Stream.output.json(view.resultJSON ?? result.json)
        } else {
            writeResult(view, result, in: spool, to: .output)
        }
        return ExitStatus(result)
    }

    /// Says so when there is nothing but a status to tell how a job went.
    func noteMissingResult(of view: JobView) {
        guard view.resultIsMissing else { return }
        Stream.diagnostics.note("the result of \(safe(view.name.string)) was removed: its status tells how it ended")
    }
}
