/// Stopping: no new job, and running ones are asked to stop, or left. What the disk does not take is left to the next daemon.
import Logging
import SpoolProtocol
import SpoolStorage

extension Runner {
    /// No new job; running attempts stop or are left, as configured; then `run` returns.
    package nonisolated func stop() { mailbox.put(.stop(configuration.onStop)) }

    /// Nothing is left to wait for.
    var hasStopped: Bool {
        stopping != nil && running.isEmpty && finishing.keys.allSatisfy(isLeftToTheNext)
            && (unsynced.isEmpty || !unsynced.failed.isEmpty)
    }

    func beginStopping(_ how: RunnerConfiguration.OnStop) {
        guard stopping == nil else { return }
        stopping = how
        logger.info("stopping", metadata: ["running": "\(running.count)", "on_stop": "\(how.rawValue)"])
        showSpool(as: .stopping)
        for lane in laneNames { hearPostponed(of: lane) }
        for job in running.values {
            switch how {
            case .stop:
                job.link.leaveToTheNext()
                // Before it is asked, for the daemon may be killed in between. One that is being stopped for another reason ends as that says.
                if job.state == .running { noteShutdown(of: job) }
                askToStop(job.pending.name, job.pending.jobID, .shutdown)
            case .leave: job.link.detach()
            }
        }
    }

    /// An attempt's end may be left to the next daemon, which has to know why it ended, and asks it once more if it has not.
    private func noteShutdown(of job: RunningJob) {
        do throws(SpoolError) {
            try job.link.process.noteShutdown(at: Clock.now())
        } catch {
            tell(error)
        }
    }

    /// A daemon that stops does not wait for what the disk does not take: the next one finds it again.
    func isLeftToTheNext(_ name: JobName) -> Bool {
        finishing[name]?.isLeftToTheNext ?? true || unsynced.failed.contains(name)
    }
}
