/// The command. Its first decision is by the name under which it was started: the supervisor of an attempt is this very
/// program, and comes before any parsing. Client commands run without any concurrency: they start in milliseconds.
import ArgumentParser
import Glibc

@main
struct JobSpoolMain {
    static func main() {
        let arguments = CommandLine.arguments
        if let program = arguments.first?.split(separator: "/").last, program == "jobspool-attempt" {
            exit(runAttemptSupervisor(arguments))
        }
        do {
            var command = try JobSpoolCommand.parseAsRoot(Array(arguments.dropFirst()))
            try command.run()
        } catch {
            JobSpoolCommand.exit(withError: error)
        }
    }
}

/// Every command's configuration says its name: to have it made of the type's takes a third of the time of a short command.
struct JobSpoolCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobspool",
        abstract: "A job queue that is a directory.",
        discussion: """
            A request is a JSON file in the spool directory; status, log and result appear beside it. Every command but \
            `serve` works by these files alone, so that it also works from another container or host.

            \(ExitStatus.help)
            """,
        subcommands: [
            Serve.self,
            Submit.self, Status.self, List.self, Logs.self, ShowResult.self, Cancel.self, Wait.self, Retry.self,
            PauseSpool.self, ResumeSpool.self, Schedules.self, Prune.self,
            Types.self, Check.self, Doctor.self,
        ])
}
