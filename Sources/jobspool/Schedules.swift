/// `jobspool schedules`: what is dropped when, what became of it, and what is wrong with schedules.
import ArgumentParser
import JSONText
import SpoolClient
import SpoolProtocol

struct Schedules: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedules",
        abstract: "List the spool's schedules: next and last runs, and problems.",
        discussion: "A schedule that no daemon has seen as it is now is \"unseen\".")

    @OptionGroup var options: SpoolOptions

    func execute() throws -> ExitStatus {
        let spool = try options.open()
        let schedules = try spool.schedules()
        if options.json {
            Stream.output.json(.array(schedules.map(\.json)))
        } else if schedules.isEmpty {
            Stream.diagnostics.note("no schedules")
        } else {
            Self.table(of: schedules).write(to: .output)
            if case .stopped = try spool.daemon() {
                Stream.diagnostics.note("no daemon serves the spool: nothing is dropped")
            }
        }
        return .success
    }

    private static func table(of schedules: [ScheduleView]) -> Table {
        var table = Table([
            .init(title: "NAME", minimum: 12), .init(title: "NEXT RUN"), .init(title: "LAST RUN", isDispensable: true),
            .init(title: "LAST STATUS", isDispensable: true), .init(title: "PROBLEM", minimum: 20),
        ])
        table.rows = schedules.map { view in
            let run = view.status?.lastRun
            return [
                .init(view.name.string, .bold), nextRun(of: view), .init(shown(view.status?.lastScheduledAt) ?? "–"),
                .init(
                    run.map { $0.outcome == .partial ? "partial" : $0.standingText } ?? "–",
                    run.map { Style(standing: $0.standing, outcome: $0.outcome) } ?? .plain),
                .init(view.problem.map { "\($0.code): \($0.message)" } ?? "", .red),
            ]
        }
        return table
    }

    /// When, or why not.
    private static func nextRun(of view: ScheduleView) -> Table.Cell {
        if view.isSeen, let next = view.status?.nextRunAt { return .init(shown(next) ?? "–") }
        return .init(view.stateText, view.problem == nil ? .dim : .red)
    }
}
