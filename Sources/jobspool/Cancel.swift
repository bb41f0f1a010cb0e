/// `jobspool cancel`: asks for a job to be cancelled.
import ArgumentParser
import JSONText
import SpoolClient
import SpoolProtocol

struct Cancel: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Cancel jobs that are pending or running.",
        discussion: "Exits with 0 once that is asked for; with --wait, once all of them are cancelled.")

    @OptionGroup var options: SpoolOptions
    @Flag(help: "Wait until the jobs are over.") var wait = false
    @Option(help: "Why, for those who read the jobs' messages.") var reason: String?
    @Argument(help: "Names of jobs, or job_ids.") var names: [String]

    func execute() throws -> ExitStatus {
        let spool = try options.open()
        if wait { return try cancelAndWait(spool) }
        let daemon = try spool.daemon()
        let statuses = try forEach(names) { reference in
            let view = try cancel(reference, in: spool)
            let name = view.name.string
            if !options.json {
                Stream.output.line("asked for \(safe(name)) to be cancelled (it is \(view.summary))")
            }
            let document: JSON = [
                "name": .string(name), "job_id": JSON(view.jobID), "status": .string(view.standingText),
                "cancel": "requested", "daemon_state": .string(daemon.word),
            ]
            return (document, .success)
        }
        if !options.json, case .stopped = daemon, statuses.contains(.success) {
            let what = names.count == 1 ? "the job is" : "they are"
            Stream.diagnostics.note("no daemon is running: \(what) cancelled when one is")
        }
        return .first(statuses)
    }

    private func cancel(_ reference: String, in spool: SpoolDirectory) throws -> JobView {
        try spool.cancel(try spool.find(reference), reason: reason)
    }

    /// All are asked for before any of them is waited for.
    private func cancelAndWait(_ spool: SpoolDirectory) throws -> ExitStatus {
        let asked = try attempt(names) { try cancel($0, in: spool) }
        let statuses = try waitForEach(asked, in: spool) { try waitUntilCancelled(try $0.get(), in: spool) }
        let answers: [ExitStatus] = statuses.map { status in
            switch status {
            case .cancelled: .success
            case .success, .partial, .failed, .rejected: .jobAlreadyOver
            default: status
            }
        }
        return .first(answers)
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
