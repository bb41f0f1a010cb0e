/// Checks of the schedules: what the daemon, or their own content, says is wrong with them.
import SpoolProtocol

extension ScheduleView {
    /// nil when all is well.
    /// - Parameter serve: what starts a daemon
    func finding(daemonIsRunning: Bool, path: String, serve: String) -> Finding? {
        let file = SpoolFile.schedule(name).fileName!
        if let problem {
            return .problem(
                .schedules, "the schedule \(name) drops nothing: \(problem.message)", remedy: "correct \(path)/\(file)")
        }
        if !isSeen {
            return .warning(
                .schedules, "the schedule \(name) has not been taken up as it is now",
                remedy: daemonIsRunning
                    ? "wait a moment; if it stays so, look into the daemon's log"
                    : "start a daemon: \(serve)")
        }
        if let run = status?.lastRun, run.standing == .failed || run.standing == .rejected {
            return .warning(
                .schedules, "the last job of the schedule \(name), \(run.name), is \(run.standingText)",
                remedy: "jobspool doctor --spool \(shellQuoted(path: path)) \(shellQuoted(last: run.name.string))")
        }
        return nil
    }

    /// Of a name that is no job's.
    var explanation: Explanation {
        let last = status?.lastRun.map { "; its last job is \($0.name), \($0.standingText)" } ?? ""
        if let problem {
            return Explanation(
                .schedule, "\(name) is a schedule that drops nothing: \(problem.message)\(last)",
                next: "correct \(SpoolFile.schedule(name).fileName!)", .problem)
        }
        let next = status?.nextRunAt.map { "it drops the next request at \($0)" } ?? "it drops nothing as things are"
        return Explanation(
            .schedule, "\(name) is a schedule (\(stateText))\(last)",
            next: isSeen ? next : "a daemon has to see it first",
            isSeen ? .ok : .warning)
    }
}

extension SpoolDirectory {
    package func scheduleFindings(daemonIsRunning: Bool) throws(SpoolClientError) -> [Finding] {
        let schedules = try schedules()
        let serve = DaemonPresence.serveCommand(path, as: try spoolStatus()?.daemon)
        let findings = schedules.compactMap { $0.finding(daemonIsRunning: daemonIsRunning, path: path, serve: serve) }
        if findings.count == schedules.count { return findings }
        return findings + [.ok(.schedules, "\(counted(schedules.count - findings.count, "schedule")) in order")]
    }
}
