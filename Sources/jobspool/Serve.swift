/// `jobspool serve`: the daemon.
import ArgumentParser

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serve a spool: take requests in and run them.")

    @Argument(help: "The spool directory.") var spool: String
    @Option(help: "The directory of the job types' definitions.") var types: String?

    func run() async throws {
        Stream.diagnostics.note("not built yet")
        throw ExitCode(70)
    }
}
