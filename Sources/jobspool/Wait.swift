/// `jobspool wait`: until jobs are over.
import ArgumentParser
import SpoolClient

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
        let statuses = try waitForEach(watches, in: spool) { watch in
            try waitForEnd(watch, in: spool, timeout: deadline.secondsLeft)
        }
        return .worst(statuses)
    }
}
