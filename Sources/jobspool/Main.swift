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
            if let name = JobSpoolCommand.unknownCommand(arguments.dropFirst()) {
                Stream.diagnostics.note("there is no command `\(safe(name))`: see `jobspool --help`")
                exit(ExitStatus.usage.rawValue)
            }
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
        version: JobSpoolVersion.current,
        subcommands: [
            Serve.self,
            Submit.self, Status.self, List.self, Logs.self, ShowResult.self, Cancel.self, Wait.self, Retry.self,
            PauseSpool.self, ResumeSpool.self, Schedules.self, Prune.self,
            Types.self, Check.self, Doctor.self,
        ])

    /// The name of a command that there is not, where there is one: what follows it is no option of another's.
    static func unknownCommand(_ arguments: ArraySlice<String>) -> String? {
        guard let name = arguments.first, !name.hasPrefix("-"), name != "help",
            !configuration.subcommands.contains(where: { $0.configuration.commandName == name })
        else { return nil }
        return name
    }
}
