/// `jobspool cancel`: asks for a job to be cancelled.
import ArgumentParser
import JSONText
import SpoolClient
import SpoolProtocol

struct Cancel: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Cancel a job that is pending or running.",
        discussion: "Exits with 0 once that is asked for; with --wait, once the job is cancelled.")

    @OptionGroup var options: SpoolOptions
    @Flag(help: "Wait until the job is over.") var wait = false
    @Option(help: "Why, for those who read the job's message.") var reason: String?
    @Argument(help: "The job's name, or its job_id.") var name: String

    func execute() throws -> ExitStatus {
        let spool = try options.open()
        let location = try spool.find(name)
        let name = location.name
        let view = try spool.cancel(location, reason: reason)
        if wait {
            let status = show(try waitUntilCancelled(view, in: spool), in: spool)
            return status == .cancelled ? .success : .jobAlreadyOver
        }
        let daemon = try spool.daemon()
        if options.json {
            Stream.output.json([
                "name": .string(name.string), "job_id": JSON(view.jobID), "status": .string(view.standingText),
                "cancel": "requested", "daemon_state": .string(daemon.word),
            ])
        } else {
            Stream.output.line("asked for \(safe(name.string)) to be cancelled (it is \(view.summary))")
            if case .stopped = daemon {
                Stream.diagnostics.note("no daemon is running: the job is cancelled when one is")
            }
        }
        return .success
    }

    /// The run that was cancelled; a pending one whose request has changed may have been replaced by then, and its successor is cancelled.
    private func waitUntilCancelled(_ view: JobView, in spool: SpoolDirectory) throws -> JobView {
        do {
            return try waitForEnd(try spool.watch(view), in: spool, timeout: nil)
        } catch SpoolClientError.superseded(let name) {
            return try waitForEnd(try spool.watch(name), in: spool, timeout: nil)
        }
    }
}
