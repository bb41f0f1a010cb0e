/// `jobspool list`: the jobs of the spool, newest first.
import ArgumentParser
import JSONText
import SpoolClient
import SpoolProtocol

struct List: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the jobs in the spool, newest first.",
        discussion: "A request that no daemon has seen yet has the status \"dropped\".")

    @OptionGroup var options: SpoolOptions
    @Flag(help: "The jobs in the archive, by their ends, instead.") var archived = false
    @Option(name: .shortAndLong, help: "How many at most.") var limit: Int?
    @Option(name: .shortAndLong, help: "Only jobs of this type.") var type: String?
    @Option(help: "Only jobs of this status: \(Self.statuses.joined(separator: ", ")). May be repeated.")
    var status: [String] = []

    private static let statuses = ["dropped"] + Standing.allCases.map(\.rawValue)

    func validate() throws {
        if let limit, limit < 0 { throw ValidationError("--limit must not be below 0") }
        try validateStatuses(status, among: Self.statuses)
    }

    func execute() throws -> ExitStatus {
        let spool = try options.open()
        let listing = try spool.list(ListFilter(limit: limit, type: type, standings: Set(status), archived: archived))
        for (name, error) in listing.problems { Stream.diagnostics.note(safe("\(name): \(error)")) }
        if options.json {
            Stream.output.json(.array(listing.jobs.map(\.json)))
        } else if listing.jobs.isEmpty {
            Stream.diagnostics.note("no jobs")
        } else {
            Self.table(of: listing.jobs).write(to: .output)
        }
        return listing.problems.first.map { ExitStatus($0.error) } ?? .success
    }

    private static func table(of jobs: [JobView]) -> Table {
        var table = Table([
            .init(title: "NAME", minimum: 12), .init(title: "TYPE", minimum: 8, isDispensable: true),
            .init(title: "STATUS"),
            .init(title: "PROGRESS", isRight: true, isDispensable: true), .init(title: "CREATED", isDispensable: true),
            .init(title: "DURATION", isRight: true, isDispensable: true),
            .init(title: "DESCRIPTION", minimum: 11, isDispensable: true),
        ])
        table.rows = jobs.map { view in
            let status = view.status
            let started = status?.startedAt == nil ? nil : status?.durationSeconds
            return [
                .init(view.name.string, .bold), .init(view.type), .init(view.shortStanding, view.style),
                .init(status?.progress.percent.map { "\($0) %" } ?? "–"),
                .init(shown(status?.identity.createdAt ?? view.request?.modifiedAt) ?? "–"),
                .init(shown(seconds: started) ?? "–"),
                .init(description(of: view)),
            ]
        }
        return table
    }

    private static func description(of view: JobView) -> String {
        switch view.state {
        case .dropped(let draft, _): draft.problem?.message ?? draft.description
        case .active(let status): status.identity.description
        case .over(let result):
            result.status.error.map { "\($0.code): \($0.message)" } ?? result.status.identity.description
        }
    }
}

/// - Throws: `ValidationError` that names the nearest word.
func validateStatuses(_ given: [String], among statuses: [String]) throws {
    for status in given where !statuses.contains(status) {
        let nearest = nearestWord(to: status, among: statuses).map { "; did you mean \"\($0)\"?" } ?? ""
        throw ValidationError("--status: \"\(safe(status))\" is none of \(statuses.joined(separator: ", "))\(nearest)")
    }
}
