/// `jobspool retry`: runs a job that is over again.
import ArgumentParser
import SpoolClient

struct Retry: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Run a job that is over again, with the request as it is.",
        discussion: "The request of an archived job is dropped anew, as the user's own.")

    @OptionGroup var options: SpoolOptions
    @Flag(help: "Wait until the job is over, print its result, and exit by its outcome.") var wait = false
    @Argument(help: "The job's name, or its job_id.") var name: String

    func execute() throws -> ExitStatus {
        let spool = try options.open()
        let submission = try spool.retry(try spool.find(name))
        return try announce(submission, in: spool, wait: wait)
    }
}
