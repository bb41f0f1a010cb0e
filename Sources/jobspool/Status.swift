/// `jobspool status`: how jobs stand, or how the spool stands.
import ArgumentParser
import JSONText
import SpoolClient
import SpoolProtocol

struct Status: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how jobs stand; without a name, how the spool stands.")

    @OptionGroup var options: SpoolOptions
    @Argument(help: "Names of jobs, or job_ids.") var names: [String] = []

    func execute() throws -> ExitStatus {
        let spool = try options.open()
        return names.isEmpty ? try showSpool(spool) : try showJobs(spool)
    }

    private func showJobs(_ spool: SpoolDirectory) throws -> ExitStatus {
        let daemon = try spool.daemon()
        var isFirst = true
        let statuses = try forEach(names) { reference in
            let view = try spool.status(of: try spool.find(reference))
            if !options.json {
                if !isFirst { Stream.output.line("") }
                writeStatus(view, daemon: daemon, turn: try turnText(view, in: spool), in: spool, to: .output)
            }
            isFirst = false
            return (view.json(daemon: daemon), .success)
        }
        return .first(statuses)
    }

    /// What keeps a job from its turn, as far as the spool's own status tells it; `doctor` tells it all.
    private func turnText(_ view: JobView, in spool: SpoolDirectory) throws(SpoolClientError) -> String? {
        guard case .active(let status) = view.state, status.standing == .pending, status.waitingFor == nil else {
            return nil
        }
        if let pause = try spool.pause() { return "the spool is paused \(shown(pause))" }
        let overview = try spool.spoolStatus()
        if let shortage = overview?.shortage { return "the spool is paused \(shown(shortage))" }
        guard let lane = overview?.lanes.first(where: { $0.name == status.identity.lane }) else {
            return nil
        }
        let running = lane.running.map { "\($0) runs in lane \(lane.name)" } ?? "nothing runs in lane \(lane.name)"
        return "\(running), \(lane.queued) queued"
    }

    private func showSpool(_ spool: SpoolDirectory) throws -> ExitStatus {
        let status = try spool.spoolStatus()
        let daemon = try spool.daemon()
        if options.json {
            var document = status?.json.object ?? ["v": 1]
            document["daemon_state"] = .string(daemon.word)
            document["paused"] = try (spool.pause() ?? status?.shortage)?.json ?? .null
            Stream.output.json(.object(document))
        } else {
            writeSpool(spool, status, daemon, try spool.pause())
        }
        switch daemon {
        case .running, .unknown: return .success
        case .stopped: return .noDaemon
        }
    }

    private func writeSpool(
        _ spool: SpoolDirectory, _ status: SpoolOverview?, _ daemon: DaemonPresence, _ pause: Pause?
    ) {
        var fields = Fields()
        fields.add("spool", spool.path, .bold)
        let isRunning = daemon.word == "running"
        fields.add("daemon", daemon.summary, isRunning ? .green : .yellow)
        if let pause {
            fields.add("paused", "\(shown(pause)); `\(options.commandLine("resume"))` lets jobs start", .yellow)
        }
        if let shortage = status?.shortage, isRunning { fields.add("paused", shown(shortage), .yellow) }
        if let status {
            let intake = [status.intake.mode, status.intake.reason].filter { !$0.isEmpty }
            fields.add("intake", intake.joined(separator: ": "))
            fields.add("jobs", "\(status.running) running, \(status.pending) pending")
            for lane in status.lanes {
                fields.add(
                    "lane \(safe(lane.name))",
                    "\(lane.running ?? "idle"), \(lane.queued) queued"
                        + (lane.waiting > 0 ? ", \(lane.waiting) waiting" : ""))
            }
            for held in status.heldBack {
                let count = "\(held.requests)\(held.isMore ? " or more" : "")"
                fields.add(
                    "held back",
                    "\(count) requests of \(safe(held.user)), who has \(held.pending) pending jobs of \(held.limit)",
                    .yellow)
            }
            fields.add("updated", shown(status.updatedAt))
        }
        fields.write(to: .output)
        guard let types = status?.types, !types.isEmpty else { return }
        Stream.output.line("")
        Self.table(of: types).write(to: .output)
    }

    private static func table(of types: JSONObject) -> Table {
        var table = Table([
            .init(title: "TYPE"), .init(title: "LAST STATUS"), .init(title: "LAST RUN"),
            .init(title: "DURATION", isRight: true), .init(title: "LAST JOB", minimum: 12),
            .init(title: "LAST ERROR", minimum: 10),
        ])
        for (type, summary) in types.members {
            let isRunning = summary["running"]?.bool ?? false
            let standing = summary["last_status"]?.string ?? ""
            let outcome = summary["last_outcome"]?.string.flatMap(Outcome.init(rawValue:))
            table.rows.append([
                .init(type),
                isRunning
                    ? .init("running", .cyan)
                    : .init(
                        standing + (outcome == .partial ? " (partial)" : ""),
                        Style(standing: Standing(rawValue: standing), outcome: outcome)),
                .init(shown(summary["last_run"]?.string.flatMap(Timestamp.init)) ?? "–"),
                .init(shown(seconds: summary["last_duration_seconds"]?.double) ?? "–"),
                .init(summary["last_job"]?.string ?? "–"),
                .init(JobError(json: summary["last_error"]).map { "\($0.code): \($0.message)" } ?? "–"),
            ])
        }
        return table
    }
}

extension JobView {
    /// The job's document, and whether anybody serves it.
    func json(daemon: DaemonPresence) -> JSON {
        guard var document = json.object else { return json }
        document["daemon_state"] = .string(daemon.word)
        return .object(document)
    }
}
