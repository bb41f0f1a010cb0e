/// Checks of the schedules: what the daemon, or their own content, says is wrong with them.
import SpoolProtocol

extension ScheduleView {
    /// nil when all is well.
    func finding(daemonIsRunning: Bool, path: String) -> Finding? {
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
                    : "start a daemon: jobspool serve \(path)")
        }
        if let run = status?.lastRun, run.standing == .failed || run.standing == .rejected {
            return .warning(
                .schedules, "the last job of the schedule \(name), \(run.name), is \(run.standingText)",
                remedy: "jobspool doctor --spool \(path) \(run.name)")
        }
        return nil
    }
}

extension SpoolDirectory {
    package func scheduleFindings(daemonIsRunning: Bool) throws(SpoolClientError) -> [Finding] {
        let schedules = try schedules()
        let findings = schedules.compactMap { $0.finding(daemonIsRunning: daemonIsRunning, path: path) }
        if findings.count == schedules.count { return findings }
        return findings + [.ok(.schedules, "\(counted(schedules.count - findings.count, "schedule")) in order")]
    }
}
