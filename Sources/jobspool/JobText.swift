/// Jobs in words: one line of a list, the whole of a status, the summary of a result.
import JSONText
import SpoolClient
import SpoolProtocol

/// "2026-01-07 13:33:12Z"
func shown(_ time: Timestamp?) -> String? {
    time.map { String($0.description.prefix(19)).replacing("T", with: " ") + "Z" }
}

/// "0.5 s", "42 s", "3:07", "2:03:07"
func shown(seconds: Double?) -> String? {
    guard let seconds, seconds.isFinite, seconds >= 0, seconds < 1e9 else { return nil }
    if seconds < 10 { return "\(JSON((seconds * 10).rounded() / 10).text) s" }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let (hours, minutes) = (whole / 3600, whole / 60 % 60)
    return hours > 0 ? "\(hours):\(two(minutes)):\(two(whole % 60))" : "\(minutes):\(two(whole % 60))"
}

extension Progress {
    /// "226 of 500 (45.2 %)"
    var amount: String? {
        let percent = percent.map { "\($0) %" }
        guard let processed else { return percent }
        let amount = total.map { "\(processed) of \($0)" } ?? "\(processed)"
        return amount + (percent.map { " (\($0))" } ?? "")
    }

    /// "copy: 226 of 500 (45.2 %), 12.3 a second, 22 s left"
    var text: String {
        let parts = [
            amount, ratePerSecond.map { "\($0) a second" }, shown(seconds: etaSeconds).map { "\($0) left" },
        ].compactMap(\.self).joined(separator: ", ")
        guard let phase, !phase.isEmpty else { return parts }
        return parts.isEmpty ? phase : "\(phase): \(parts)"
    }
}

extension Counts {
    /// "created 3, updated 220, failed 3"; what is 0 is left out. nil when nothing was counted.
    var text: String? {
        let counted = (json.object?.members ?? []).filter { $0.value.int64 != 0 }
        return counted.isEmpty ? nil : counted.map { "\($0.key) \($0.value.text)" }.joined(separator: ", ")
    }
}

extension Outcome {
    fileprivate var shortText: String {
        switch self {
        case .success: "completed"
        case .partial: "partial"
        }
    }
}

extension JobView {
    var standingWithOutcome: String {
        status?.outcome == .partial && standing == .completed ? "completed (partial)" : standingText
    }

    /// "partial" for what is completed with items failed.
    var shortStanding: String { standing == .completed ? status?.outcome?.shortText ?? "completed" : standingText }

    var style: Style { Style(standing: standing, outcome: status?.outcome) }
}

/// `jobspool status NAME`
func writeStatus(
    _ view: JobView, daemon: DaemonPresence, turn: String?, in spool: SpoolDirectory, to stream: Stream
) {
    var fields = Fields()
    fields.add("name", view.name.string, .bold)
    fields.add("type", view.type)
    switch view.state {
    case .dropped(let draft, _):
        fields.add("description", draft.description)
        fields.add("status", view.summary, view.style)
        fields.add("dropped", shown(draft.fingerprint.modifiedAt))
        fields.add("problem", draft.problem.map { "it will be rejected: \($0.message)" }, .red)
        addDaemonHint(to: &fields, daemon)
    case .active(let status):
        fields.add("description", status.identity.description)
        fields.add("status", view.standingText + (status.attempt > 1 ? ", attempt \(status.attempt)" : ""), view.style)
        addDaemonHint(to: &fields, daemon)
        fields.add("turn", turn, .yellow)
        addRun(to: &fields, status)
    case .over(let result):
        let status = view.status ?? result.status
        fields.add("description", status.identity.description)
        let duration = shown(seconds: status.durationSeconds).map { " in \($0)" } ?? ""
        fields.add("status", view.standingWithOutcome + duration, view.style)
        fields.add("result", view.missingResultHint, .yellow)
        addRun(to: &fields, status)
    }
    if view.cancelRequested { fields.add("cancel", "asked for, not complete", .yellow) }
    if view.runsAgain, view.standing != nil { fields.add("again", "the request was dropped again: it runs once more") }
    if let archived = view.archivedPath {
        fields.add("archived", archived)
    } else {
        fields.add("files", spool.path(of: .status(view.name)))
    }
    fields.write(to: stream)
    for entry in view.status?.recentLogs ?? [] { stream.line("  " + logText(entry, stream)) }
}

private func addDaemonHint(to fields: inout Fields, _ daemon: DaemonPresence) {
    switch daemon {
    case .running: break
    case .stopped: fields.add("daemon", "\(daemon.summary): nothing happens until one is", .yellow)
    case .unknown: fields.add("daemon", daemon.summary, .yellow)
    }
}

private func addRun(to fields: inout Fields, _ status: JobStatus) {
    fields.add("dry run", status.identity.dryRun ? "yes: nothing is changed" : nil, .yellow)
    fields.add("progress", status.progress.text)
    fields.add("current", status.standing.isOver ? nil : status.progress.current)
    fields.add("counts", status.counts.text)
    fields.add("message", status.message)
    fields.add("error", status.error.map { "\($0.code): \($0.message)" }, .red)
    fields.add("retried at", shown(status.retryAt))
    fields.add("joined", joinedText(status))
    fields.add("job_id", status.identity.jobID)
    fields.add("lane", status.identity.lane)
    fields.add("submitted by", status.identity.submittedBy)
    fields.add("scheduled", status.identity.slot.flatMap { slot in shown(slot.at).map { "\($0) by \(slot.schedule)" } })
    fields.add("created", shown(status.identity.createdAt))
    fields.add("started", shown(status.startedAt))
    fields.add(status.standing.isOver ? "finished" : "updated", shown(status.finishedAt ?? status.updatedAt))
    let labels = status.identity.labels.members.map { "\($0.key)=\($0.value.string ?? "")" }
    fields.add("labels", labels.joined(separator: ", "))
}

private func joinedText(_ status: JobStatus) -> String? {
    status.joined.map { "the result is that of \($0.name), job_id \($0.jobID)" }
}

/// `jobspool result NAME`
func writeResult(_ view: JobView, _ result: JobResult, in spool: SpoolDirectory, to stream: Stream) {
    let status = result.status
    var fields = Fields()
    fields.add("name", view.name.string, .bold)
    let duration = shown(seconds: status.durationSeconds).map { " in \($0)" } ?? ""
    fields.add("status", view.standingWithOutcome + duration, view.style)
    fields.add("dry run", status.identity.dryRun ? "yes: nothing was changed" : nil, .yellow)
    fields.add("counts", status.counts.text)
    fields.add("message", status.message)
    fields.add("error", status.error.map { "\($0.code): \($0.message)" }, .red)
    fields.add("attempts", result.attempts.count > 1 ? "\(result.attempts.count)" : nil)
    fields.add("joined", joinedText(status))
    fields.add("job_id", status.identity.jobID)
    fields.add("finished", shown(status.finishedAt))
    fields.add("archived", view.archivedPath)
    fields.write(to: stream)
    writeItemErrors(result, errors: spool.path(of: .errors(view.name), view), to: stream)
    if !result.result.isNull {
        for line in String(decoding: result.result.indented, as: UTF8.self).split(separator: "\n") {
            stream.line(safe(String(line)))
        }
    }
}

private func writeItemErrors(_ result: JobResult, errors file: String, to stream: Stream) {
    let shownErrors = 10
    for error in result.errors.prefix(shownErrors) { stream.line("  " + errorText(error, stream)) }
    if result.errorsTotal > Int64(min(shownErrors, result.errors.count)) {
        stream.line(safe("  … \(result.errorsTotal) items failed: all of them are in \(file)"))
    }
}
