/// `jobspool types`: the job types that a directory defines.
import ArgumentParser

struct Types: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the job types of a types directory, and what is wrong with it.")

    @Option(help: "The directory of the job types' definitions.") var types: String?
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        Stream.diagnostics.note("not built yet")
        throw ExitCode(70)
    }
}
