/// `jobspool retry`: runs a job that is over again.
import ArgumentParser
import SpoolClient

struct Retry: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Run jobs that are over again, with their requests as they are.",
        discussion: "The request of an archived job is dropped anew, as the user's own.")

    @OptionGroup var options: SpoolOptions
    @Flag(help: "Wait until the jobs are over, print their results, and exit by their outcome.") var wait = false
    @Argument(help: "Names of jobs, or job_ids.") var names: [String]

    func execute() throws -> ExitStatus {
        let spool = try options.open()
        if wait {
            let dropped = try attempt(names) { try spool.watch(try retry($0, in: spool)) }
            return .worst(
                try waitForEach(dropped, in: spool) { try waitForEnd(try $0.get(), in: spool, timeout: nil) })
        }
        return .first(try forEach(names) { try announcement(of: try retry($0, in: spool), in: spool) })
    }

    private func retry(_ reference: String, in spool: SpoolDirectory) throws -> Submission {
        try spool.retry(try spool.find(reference))
    }
}
