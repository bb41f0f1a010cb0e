/// What is said of a job that was just dropped: that it is there, who it is, where to look; or its result, once it is over.
import ArgumentParser
import Glibc
import JSONText
import SpoolClient
import SpoolProtocol

extension ClientCommand {
    /// - Returns: the document for `--json`, which is yet to be printed; in words it has been told.
    func announcement(
        of submission: Submission, in spool: SpoolDirectory
    ) throws -> (document: JSON, status: ExitStatus) {
        let daemon = try spool.daemon()
        let view = try firstSight(of: submission, in: spool, daemon)
        let status = view?.status?.request == submission.fingerprint ? view?.status : nil
        let standing = status?.standing.rawValue ?? "dropped"
        let document: JSON = [
            "status": .string(standing), "name": .string(submission.name.string),
            "job_id": JSON(status?.identity.jobID), "type": JSON(view?.type),
            "description": JSON(description(view)), "message": JSON(status?.message),
            "waiting_for": status?.waitingFor?.json ?? .null,
            "error": status?.error?.json ?? .null, "request": submission.fingerprint.json,
            "daemon_state": .string(daemon.word),
            "files": [
                "request": .string(submission.path), "status": .string(spool.path(of: .status(submission.name))),
                "log": .string(spool.path(of: .log(submission.name))),
                "result": .string(spool.path(of: .result(submission.name))),
            ],
        ]
        if !options.json {
            var fields = Fields()
            fields.add("name", submission.name.string, .bold)
            fields.add(
                "status", status == nil ? "dropped; no daemon has seen it yet" : standing,
                Style(standing: status?.standing, outcome: status?.outcome))
            if status == nil, case .stopped = daemon { fields.add("daemon", daemon.summary, .yellow) }
            fields.add("job_id", status?.identity.jobID)
            fields.add("type", view?.type)
            fields.add("description", description(view))
            fields.add("waits", status?.waitingFor?.message, .yellow)
            fields.add("error", status?.error.map { "\($0.code): \($0.message)" }, .red)
            fields.add("look", options.commandLine("status", submission.name))
            fields.add("files", spool.path(of: .status(submission.name)))
            fields.write(to: .output)
        }
        return (document, status?.standing == .rejected ? .rejected : .success)
    }

    private func description(_ view: JobView?) -> String? {
        switch view?.state {
        case .dropped(let draft, _): draft.description
        case .active(let status): status.identity.description
        case .over(let result): result.status.identity.description
        case nil: nil
        }
    }

    /// Gives a daemon a second to take the request up; none is waited for that is not there.
    private func firstSight(
        of submission: Submission, in spool: SpoolDirectory, _ daemon: DaemonPresence
    ) throws -> JobView? {
        if case .stopped = daemon { return try spool.status(of: submission.name) }
        var watch = try spool.watch(submission)
        let deadline = Deadline(seconds: 1)
        while true {
            let seen: JobView
            switch try watch.look() {
            case .over(let view, _): return view
            case .underWay(let view): seen = view
            }
            if seen.status?.request == submission.fingerprint || deadline.secondsLeft == 0 { return seen }
            usleep(10_000)
        }
    }
}
