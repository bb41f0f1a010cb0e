/// Making the next job of a lane ready while another one runs, and leaving it to that one's follower: see `HandOver`.
import Logging
import JSONText
import SpoolProtocol
import SpoolStorage

extension Runner {
    /// Jobs are made ready in the first moments of the one before them, and started by its follower if that is short: so long in seconds.
    /// After a longer one there is no hurry.
    private static let shortJob = 0.2

    /// Before anything is done: what was left to followers is the runner's again. What they have started runs.
    func takeBackArmed() {
        for lane in laneNames where lanes[lane]?.armed != nil {
            guard case .begun(let armed, let process, let time)? = lanes[lane]?.handOver.takeBack() else { continue }
            lanes[lane]?.armed = nil
            let before = lanes[lane]?.running.first.flatMap { running[$0] }?.reference
            began(
                armed.job, armed.request.request, armed.policy, process, at: time, JobHistory(), attempt: 1, .null,
                in: armed.jobDirectory)
            running[armed.job.name]?.before = before
        }
    }

    /// When everything is done.
    func lendArmed() {
        for lane in laneNames {
            guard let armed = lanes[lane]?.armed else { continue }
            let next = nextInQueue(of: lane).flatMap { pending[$0] }
            if armed.job.id != next?.id { disarm(lane, armed) }
        }
        // Where another lane waits for a place the runner says whose turn it is; and after a restart more may be at work than are allowed.
        guard mayStart, laneToServe() == nil, busyLanes <= configuration.maxLanes else { return }
        let now = Clock.monotonic()
        for lane in laneNames where lanes[lane]?.running.count == 1 {
            guard let next = nextInQueue(of: lane).flatMap({ pending[$0] }), unsynced[next.name]?.isShown != false,
                let name = lanes[lane]?.running.first,
                let before = running[name], before.state == .running, now < before.beganAt + Self.shortJob
            else { continue }
            if lanes[lane]?.armed == nil {
                guard before.triedToArm != next.id else { continue }
                running[name]?.triedToArm = next.id
                lanes[lane]?.armed = arm(next, until: before.beganAt + Self.shortJob)
            }
            if let armed = lanes[lane]?.armed { lanes[lane]?.handOver.lend(armed) }
        }
    }

    /// What hinders it is told when the job's turn has come.
    private func arm(_ job: PendingJob, until end: Double) -> ArmedJob? {
        guard job.attempts == 0, unwritten[job.jobID] == nil else { return nil }
        do {
            guard case .valid(let request, let stat, _) = try RequestFile.look(at: job.name, in: spool.root),
                isStill(job, stat), job.asksFor(request)
            else { return nil }
            let definition = try catalog.lookUp(job.type).get()
            let plan = try makePlan(job, request, definition, attempt: 1, checkpoint: .null)
            let spare = try spares.take(for: job.jobID)
            let jobDirectory =
                if let spare { spare.job } else { try spool.attempts.makeDirectory(job.jobID, mode: 0o700) }
            let policy = AttemptPolicy(definition, request)
            try write(policy, definition, attempt: 1, in: jobDirectory)
            return ArmedJob(
                job: job, request: KnownRequest(name: job.name, request: request, stat: stat),
                policy: policy, jobDirectory: jobDirectory,
                attempt: try AttemptProcess.prepare(plan, in: jobDirectory, spare), validUntil: end)
        } catch let error as SpoolError {
            logger.warning("\(job.name) cannot be made ready: \(error)")
            return nil
        } catch {
            return nil
        }
    }

    /// Another job comes first, or this one has gone, and its directory with it.
    private func disarm(_ lane: String, _ armed: ArmedJob) {
        lanes[lane]?.armed = nil
        guard pending[armed.job.name]?.id == armed.job.id else { return }
        do throws(SpoolError) {
            try spool.attempts.removeTree(FileName(armed.job.jobID))
        } catch {
            tell(error)
        }
    }

    /// For the follower of a job in this lane.
    func beginNext(in lane: String) -> @Sendable () -> Void {
        let handOver = lanes[lane, default: Lane()].handOver
        let (spool, launcher, mailbox, logger) = (spool, configuration.launcher, mailbox, logger)
        return {
            do throws(SpoolError) {
                if try handOver.begin(in: spool, launcher) { mailbox.put(.begun) }
            } catch {
                logger.warning("the next job cannot be started ahead of its turn: \(error)")
            }
        }
    }
}
