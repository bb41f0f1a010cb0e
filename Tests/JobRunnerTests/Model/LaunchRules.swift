/// Whether an attempt may be started: judged by how things stood at that very moment.
import JSONText
import SpoolProtocol

@testable import JobRunner

extension ReferenceModel {
    mutating func take(_ launch: Launch) throws(Violation) {
        let attempt = launch.attempt
        let what = "\(attempt.name), attempt \(attempt.number)"
        guard let status = launch.status, status.identity.jobID == attempt.jobID else {
            throw Violation("\(what) was started without a status that says so: \(launch.status?.json.text ?? "none")")
        }
        let job = try meet(status)
        if job.asked.form != .whole { throw Violation("\(what) was started although its request is none") }
        if let result = launch.results[job.name] {
            throw Violation("\(what) was started although a result was there: \(Over(result))")
        }
        if launch.request != job.version.fingerprint {
            throw Violation("\(what) was started although its request had gone or changed")
        }
        if attempt.number != job.attempts.count + 1 { throw Violation("\(what) came after \(job.attempts.count)") }
        try judgeLane(job, launch, what)
        try judgeObstacles(job, launch, what)
        try judgeOrder(job, launch, what)
        try judgeInput(job, launch, what)
        jobs[job.id]?.attempts.append(
            AttemptStory(
                attempt: attempt, at: launch.at, startingCheckpoint: launch.input["checkpoint"] ?? .null,
                lastCheckpoint: launch.input["checkpoint"] ?? .null))
        started.insert(job.id)
        _ = try jobs[job.id]?.position()
    }

    /// One attempt at a time: of a job, of a name, of a lane; and no more lanes than may be at work.
    private func judgeLane(_ job: ModelJob, _ launch: Launch, _ what: String) throws(Violation) {
        var busy: Set<String> = []
        for other in launch.beside {
            guard let lane = jobs[other.jobID]?.asked.type.lane else { continue }
            busy.insert(lane)
            if lane == job.asked.type.lane {
                throw Violation("\(what) was started beside \(other.name), attempt \(other.number), of its lane")
            }
        }
        if busy.count >= maxLanes { throw Violation("\(what) was started beside \(busy.count) lanes of \(maxLanes)") }
    }

    private func judgeObstacles(_ job: ModelJob, _ launch: Launch, _ what: String) throws(Violation) {
        if launch.isPaused, pause == .noticed, !pauseIsUncertain { throw Violation("\(what) was started in a pause") }
        if launch.isCancelled, names[job.name]?.cancelBinds ?? false {
            throw Violation("\(what) was started although it was cancelled")
        }
        try judgeTurn(job, launch, what)
        if case .retry(let time)? = launch.status?.waitingFor, launch.at < time {
            throw Violation("\(what) was started at \(launch.at), before its time, \(time)")
        }
        guard let last = job.attempts.last, let ended = last.endedAt else { return }
        let waits = try job.position().waits
        if waits.allSatisfy(\.isRetry), let failures = waits.map(\.spent.failures).min(),
            max(latest, launch.at) < ended.lowerBound.adding(seconds: Self.backoff(failures))
        {
            throw Violation("\(what) was started at \(launch.at); the attempt before it failed at \(ended)")
        }
    }

    /// Its time has come, and the jobs that it names have completed: at some time since it was accepted.
    private func judgeTurn(_ job: ModelJob, _ launch: Launch, _ what: String) throws(Violation) {
        if job.isAdmitted || !job.attempts.isEmpty { return }
        if let time = job.version.notBefore, time > names[job.name]?.latest ?? launch.at {
            throw Violation("\(what) was started at \(launch.at), before \(time)")
        }
        for name in job.asked.after where !job.met.contains(name) && names[name]?.hasChanged == false {
            let result = launch.results[name]
            if result?.status.standing == .completed { continue }
            // Else it completed and went to the archive meanwhile.
            if result == nil, names[name]?.isNoticed == false { continue }
            throw Violation("\(what) was started, and \(name) has not completed")
        }
    }

    /// The wait after so many failures, at least.
    static func backoff(_ failures: Int) -> Double {
        (1..<max(1, failures)).reduce(ModelType.backoff) { wait, _ in wait * 2 }
    }

    /// Priority, then acceptance.
    private func judgeOrder(_ job: ModelJob, _ launch: Launch, _ what: String) throws(Violation) {
        for other in queued where other.lane == job.asked.type.lane && other.id != job.id {
            guard names[other.name]?.hasChanged == false, names[other.name]?.wasCancelled == false,
                names[other.name]?.cancel == ControlFile.none, !started.contains(other.id),
                other.readyAt.map({ $0 <= launch.at }) ?? true
            else { continue }
            // Whether it may be over is judged when everything is looked at.
            if launch.results[other.name] != nil || launch.statuses[other.name]?.identity.jobID != other.id { continue }
            // Cancelled as the place was taken; its result is still on its way to the disk.
            if job.asked.onBusy == .replace, jobs[other.id]?.asked.type == job.asked.type { continue }
            // Files of an attempt that a dying daemon could not start make it wait.
            if case .retry(let time)? = launch.statuses[other.name]?.waitingFor, time > launch.at { continue }
            if (-other.priority, other.sequence) < (-job.asked.priority, job.sequence) {
                throw Violation(
                    "\(what) (priority \(job.asked.priority), number \(job.sequence)) was started before \(other.name) (\(other.priority), \(other.sequence))"
                )
            }
        }
    }

    private func judgeInput(_ job: ModelJob, _ launch: Launch, _ what: String) throws(Violation) {
        guard launch.input["type"]?.string == job.asked.type.rawValue,
            launch.input["params"]?["work"]?.int == job.asked.work
        else { throw Violation("\(what) was given \(launch.input.text)") }
        let checkpoint = launch.input["checkpoint"] ?? .null
        let right = try job.checkpoints()
        if !right.contains(checkpoint) {
            throw Violation("\(what) was given the checkpoint \(checkpoint.text), not \(right.map(\.text))")
        }
    }
}
