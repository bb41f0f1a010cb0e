/// One value of each kind, with every field set.
import JSONText
import SpoolProtocol

enum Samples {
    static func time(_ text: String) -> Timestamp {
        guard let time = Timestamp(text) else { preconditionFailure("no time: \(text)") }
        return time
    }

    static func name(_ text: String) -> JobName {
        do { return try JobName(text) } catch { preconditionFailure("\(error)") }
    }

    static var identity: JobIdentity {
        JobIdentity(
            name: name("219"), jobID: "6f1c1a52-3b5e-4d39-9a3e-0d9f4f0c2b11", type: "documents.sync",
            description: "Sync project 219", lane: "disk", sequence: 9_223_372_036_854_775_807, dryRun: true,
            submittedBy: "anna", createdAt: time("2026-01-07T13:33:12.000Z"), labels: ["project": "219"],
            slot: ScheduleSlot(schedule: name("nightly"), at: time("2026-01-07T13:33:12.000Z")))
    }

    static var error: JobError { JobError(.timeout, "stopped after 60 s", details: ["limit": 60]) }

    static var log: LogEntry {
        LogEntry(
            at: time("2026-01-07T13:33:13.250Z"), level: .warning, source: .stderr, attempt: 2, message: "slow \u{7F}\n"
        )
    }

    static var itemError: ItemError {
        ItemError(
            at: time("2026-01-07T13:33:14.000Z"), item: "a.pdf", code: "E_PERM", message: "no", retryable: true,
            attempt: 2)
    }

    static var attempt: AttemptRecord {
        AttemptRecord(
            attempt: 2, startedAt: time("2026-01-07T13:33:12.500Z"), finishedAt: time("2026-01-07T13:34:12.500Z"),
            ending: .failed, exitStatus: 1, signal: nil, error: error)
    }

    static func status(_ standing: Standing) -> JobStatus {
        var status = JobStatus(
            identity: identity, standing: standing, updatedAt: time("2026-01-07T13:34:12.750Z"), message: "stopped",
            request: Fingerprint(size: 120, seconds: 1_767_792_792, nanoseconds: 5))
        status.outcome = standing == .completed ? .partial : nil
        status.attempt = 2
        status.startedAt = time("2026-01-07T13:33:12.500Z")
        status.finishedAt = standing.isOver ? time("2026-01-07T13:34:12.500Z") : nil
        status.progress.phase = "copy"
        status.progress.processed = 1
        status.progress.total = 3
        status.progress.percent = 33.3
        status.progress.current = "a.pdf"
        status.progress.ratePerSecond = 0.5
        status.progress.etaSeconds = 4
        status.progress.bytes = 10
        status.progress.totalBytes = 30
        status.counts["created"] = 1
        status.counts["renamed"] = 2
        status.checkpoint = ["after": "a.pdf"]
        status.recentLogs = [log]
        status.error = error
        status.waitingFor = .retry(time("2026-01-07T13:35:12.000Z"))
        return status
    }
}
