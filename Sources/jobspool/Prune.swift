/// `jobspool prune`: archives finished jobs and deletes archived ones, now.
import ArgumentParser
import Glibc
import JSONText
import SpoolClient
import SpoolProtocol
import SpoolStorage

struct Prune: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Move finished jobs to the archive, and delete archived ones.",
        discussion: """
            For the daemon's user and root, with a daemon running or without. Lengths of time are 7d, 12h, 90m, 30s, 0 or \
            never. Jobs that are not over, and names with a new request, are left alone.
            """)

    @OptionGroup var options: SpoolOptions
    @Option(
        help: ArgumentHelp("Archive jobs that have been over for so long.", valueName: "time"), transform: retentionTime
    )
    var olderThan = Retention.standard.archiveAfter
    @Option(
        help: ArgumentHelp("Delete archived jobs that have been over for so long.", valueName: "time"),
        transform: retentionTime)
    var archivedOlderThan = RetentionTime.never
    @Option(name: .shortAndLong, help: "Only jobs of this type.") var type: String?
    @Option(help: "Only jobs of this status: \(Self.statuses.joined(separator: ", ")). May be repeated.")
    var status: [String] = []
    @Flag(help: "Print what would be moved and deleted, and change nothing.") var dryRun = false

    private static let statuses = Standing.allCases.filter(\.isOver).map(\.rawValue)

    func validate() throws { try validateStatuses(status, among: Self.statuses) }

    func execute() throws -> ExitStatus {
        let spool = try options.open()
        if geteuid() == 0, let user = try spool.daemonUser(), user != 0 { try become(user) }
        let report = try spool.prune(
            PruneOptions(
                olderThan: olderThan, archivedOlderThan: archivedOlderThan, type: type,
                standings: Set(status.compactMap(Standing.init(rawValue:))), dryRun: dryRun))
        if options.json {
            Stream.output.json(json(report))
        } else {
            write(report)
        }
        return report.problems.first.map { ExitStatus($0.error) } ?? .success
    }

    /// So that what root moves and makes is the daemon's.
    private func become(_ user: UInt32) throws {
        let code = Users.become(user)
        guard code == 0 else {
            throw SpoolClientError.notPermitted(
                "cannot go on as \(Users.name(of: user)), whom the daemon runs as: \(String(cString: strerror(code)))")
        }
    }

    private func json(_ report: PruneReport) -> JSON {
        func list(_ jobs: [PruneReport.Job]) -> JSON {
            .array(
                jobs.map { ["name": .string($0.name.string), "job_id": .string($0.jobID), "path": .string($0.path)] })
        }
        return [
            "dry_run": .bool(dryRun), "archived": list(report.archived), "deleted": list(report.deleted),
            "deleted_feeds": .array(report.deletedFeeds.map { .string($0) }),
            "problems": .array(
                report.problems.map { name, error in
                    ["name": .string(name), "code": .string(error.code), "message": .string(error.message)]
                }),
        ]
    }

    private func write(_ report: PruneReport) {
        for job in report.deleted { Stream.output.line("delete   \(safe(job.path))") }
        for feed in report.deletedFeeds { Stream.output.line("delete   \(safe(feed))") }
        for job in report.archived { Stream.output.line("archive  \(safe(job.name.string)) -> \(safe(job.path))") }
        for (name, error) in report.problems { Stream.diagnostics.note(safe("\(name): \(error)")) }
        let (archived, deleted) = (report.archived.count, report.deleted.count)
        Stream.output.line(
            dryRun
                ? "would archive \(archived) jobs and delete \(deleted)"
                : "archived \(archived) jobs, deleted \(deleted)")
    }
}
