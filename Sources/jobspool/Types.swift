/// `jobspool types`: the job types that a daemon with this types directory would know, and what is wrong with definitions.
import ArgumentParser
import Glibc
import JSONText
import JobRunner
import SpoolProtocol
import SpoolStorage

struct Types: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "types",
        abstract: "List the job types of a types directory, and what is wrong with it.",
        discussion: "Exits with 65 when a definition is not valid.")

    @Option(help: ArgumentHelp("A directory of type definitions, TYPE.json each.", valueName: "dir"))
    var types: String?
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let found: [(type: JobType, definition: Result<Definition, JobError>)]
        do throws(SpoolError) {
            var directory: Directory?
            if let types { directory = try Directory.open(types) }
            var catalog = TypeCatalog(builtIn: BuiltInTypes.all, directory: directory)
            found = try catalog.all()
        } catch {
            Stream.diagnostics.note("\(error)")
            throw ExitCode((error.code == ENOENT ? ExitStatus.noSpool : .inputOutput).rawValue)
        }
        if json {
            Stream.output.json(.array(found.map(Self.json)))
        } else {
            show(found)
        }
        if found.contains(where: { if case .failure = $0.definition { true } else { false } }) {
            throw ExitCode(ExitStatus.badRequest.rawValue)
        }
    }

    private static func json(_ type: JobType, _ definition: Result<Definition, JobError>) -> JSON {
        switch definition {
        case .success(let definition): definition.json
        case .failure(let error): ["type": .string(type.string), "error": error.json]
        }
    }

    private func show(_ found: [(type: JobType, definition: Result<Definition, JobError>)]) {
        var table = Table([
            Table.Column(title: "TYPE"), Table.Column(title: "LANE"), Table.Column(title: "DRY RUN"),
            Table.Column(title: "DESCRIPTION", minimum: 20),
        ])
        for (type, definition) in found {
            if case .success(let definition) = definition {
                table.rows.append([
                    Table.Cell(type.string), Table.Cell(definition.lane), Table.Cell(definition.dryRun ? "yes" : "no"),
                    Table.Cell(definition.description ?? ""),
                ])
            }
        }
        table.write(to: .output)
        for case (_, .failure(let error)) in found { Stream.diagnostics.note(error.message) }
    }
}
