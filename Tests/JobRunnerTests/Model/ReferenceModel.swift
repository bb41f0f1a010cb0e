/// What must hold of a spool, told from what was done to it alone. The model knows what clients and handlers have done and when the
/// daemon must have noticed; where the daemon's death makes several outcomes right, it allows each of them.
///
/// `LaunchRules` judge the starts of attempts, `LookRules` what is seen when nothing moves, `TurnRules` whose turn it is.
import JSONText
import SpoolProtocol
import SpoolStorage

@testable import JobRunner

/// A control file, and whether the daemon must have seen it as it is.
enum ControlFile {
    case none, unnoticed, noticed
}

/// What clients have done under a name.
struct NameState {
    var file: Version?
    var deleted: Version?
    /// Every version there has been.
    var versions: [Fingerprint: Version] = [:]
    /// The daemon must have seen the request file as it is, or that there is none.
    var isNoticed = true
    /// When the daemon that serves now saw it first without a job at work in its way: then it counts as settled a while later.
    var settlesFrom: Double?
    var cancel = ControlFile.none
    /// The latest time of day since the request file is as it is.
    var latest = Timestamp.earliest
    /// The daemon must have seen the cancel file before it can start anything.
    var cancelBinds = false

    // Since everything was last looked at
    var hasChanged = false
    var wasGone = false
    var wasCancelled = false

    /// The job whose files are there.
    var current: String?
}

struct ReferenceModel {
    static let settleSeconds = 2.0

    let maxLanes: Int
    var names: [JobName: NameState]
    var jobs: [String: ModelJob] = [:]
    var pause = ControlFile.none
    /// The pause file has come or gone unnoticed.
    var pauseIsUncertain = false
    /// The highest number of acceptance that has been seen.
    var lastSequence: Int64 = 0
    /// Whether a daemon serves.
    var isServed = false
    /// The jobs that waited for nothing but their turn, or for a time, when everything was last looked at.
    var queued: [Queued] = []
    /// Jobs that had an attempt since then.
    var started: Set<String> = []
    /// Dying daemons lose what they had not written.
    var hasDied = false
    /// The latest time of day there has been.
    var latest = Timestamp.earliest
    /// The time of day.
    private var time = Timestamp.earliest

    struct Queued {
        var id: String
        var name: JobName
        var lane: String
        var priority: Int
        var sequence: Int64
        var readyAt: Timestamp?
    }

    init(maxLanes: Int) {
        self.maxLanes = maxLanes
        names = Dictionary(uniqueKeysWithValues: ScenarioGenerator.names.map { ($0, NameState()) })
    }

    // MARK: What clients do

    mutating func put(_ name: JobName, _ version: Version, hint: Bool) {
        change(name, hint: hint) { state in
            state.file = version
            state.versions[version.fingerprint] = version
        }
        for job in openJobs(of: name) where job.version.fingerprint != version.fingerprint {
            jobs[job.id]?.isOutdated = true
        }
    }

    mutating func delete(_ name: JobName, at time: Double, hint: Bool) {
        change(name, hint: hint) { state in
            state.deleted = state.file
            state.file = nil
            state.wasGone = true
        }
        for job in openJobs(of: name) where job.goneSince == nil { jobs[job.id]?.goneSince = time }
    }

    private func openJobs(of name: JobName) -> [ModelJob] { jobs.values.filter { $0.name == name && $0.isOpen } }

    private mutating func change(_ name: JobName, hint: Bool, _ body: (inout NameState) -> Void) {
        guard var state = names[name] else { return }
        body(&state)
        state.latest = time
        state.hasChanged = true
        state.isNoticed = hint && isServed
        state.settlesFrom = nil
        names[name] = state
    }

    mutating func cancel(_ name: JobName, hint: Bool) {
        names[name]?.cancel = hint && isServed ? .noticed : .unnoticed
        names[name]?.wasCancelled = true
        for job in openJobs(of: name) {
            jobs[job.id]?.mayBeCancelled = true
            // An attempt that has ended without the daemon's having seen it.
            if let story = job.attempts.last, story.ending != nil, !story.isConcluded, story.cancel == .no {
                jobs[job.id]?.attempts[job.attempts.count - 1].cancel = .possible
            }
        }
    }

    mutating func setPause(_ isThere: Bool, hint: Bool) {
        if isThere {
            pause = hint && isServed ? .noticed : .unnoticed
        } else {
            pause = .none
        }
        pauseIsUncertain = !(hint && isServed)
    }

    /// The daemon looks at the whole directory.
    mutating func noticeAll() {
        for name in names.keys {
            names[name]?.isNoticed = true
            if names[name]?.cancel == .unnoticed { names[name]?.cancel = .noticed }
        }
        if pause == .unnoticed { pause = .noticed }
        pauseIsUncertain = false
    }

    // MARK: What handlers do

    mutating func say(_ attempt: FakeAttempt, _ saying: Saying, _ text: String) {
        guard var job = jobs[attempt.jobID], let index = job.attempts.indices.last else { return }
        switch saying {
        case .log: job.logged.append(text)
        case .itemError: job.itemErrors.append(text)
        case .checkpoint:
            job.attempts[index].lastCheckpoint = .string(text)
            job.attempts[index].madeProgress = true
        case .sameCheckpoint:
            job.attempts[index].lastCheckpoint = job.attempts[index].startingCheckpoint
        }
        jobs[attempt.jobID] = job
    }

    mutating func end(_ attempt: FakeAttempt, _ ending: Ending, at time: Timestamp, inShutdown: Bool) {
        guard var job = jobs[attempt.jobID], var story = job.attempts.last, let name = names[job.name] else { return }
        story.ending = ending
        story.endedAt = time...time
        if inShutdown { story.shutdown = .possible }
        switch name.cancel {
        case .none: break
        case .noticed: story.cancel = .certain
        // A daemon that returns looks at cancels before it draws conclusions.
        case .unnoticed: story.cancel = isServed ? .possible : .certain
        }
        job.attempts[job.attempts.count - 1] = story
        jobs[attempt.jobID] = job
        if ending == .exit(0) {
            // A daemon that is about to die may have time for those that wait for it, before it is dropped anew.
            for other in jobs.values where other.asked.after.contains(job.name) {
                jobs[other.id]?.mayBeMet.insert(job.name)
            }
        }
    }

    /// A daemon that was about to stop has asked it to, and has died.
    mutating func mayStop(_ attempt: FakeAttempt) {
        guard let index = jobs[attempt.jobID]?.attempts.indices.last else { return }
        jobs[attempt.jobID]?.attempts[index].shutdown = .possible
    }

    // MARK: What happens to the daemon

    mutating func daemonStarts() {
        isServed = true
        noticeAll()
        for job in jobs.values where job.isOpen && names[job.name]?.file?.fingerprint != job.version.fingerprint {
            jobs[job.id]?.workIsForgotten = true
        }
        for name in names.keys {
            names[name]?.settlesFrom = nil
            let binds = names[name]?.cancel == .noticed
            names[name]?.cancelBinds = binds
        }
    }

    /// A daemon that died may have left cancel files of its own.
    mutating func find(cancelOf name: JobName) {
        guard names[name]?.cancel == ControlFile.none else { return }
        names[name]?.cancel = .unnoticed
        names[name]?.wasCancelled = true
    }

    /// - Parameter stopped: the attempts that ended because the daemon asked them to when it was stopped.
    mutating func daemonEnds(died: Bool, stopped: [FakeAttempt] = []) {
        isServed = false
        if died { hasDied = true }
        for name in names.keys {
            names[name]?.settlesFrom = nil
            names[name]?.isNoticed = false
        }
        if died { return }
        for attempt in stopped {
            guard let index = jobs[attempt.jobID]?.attempts.indices.last else { continue }
            jobs[attempt.jobID]?.attempts[index].shutdown = .certain
        }
    }

    /// The time of day is another one.
    mutating func timeIs(_ now: Timestamp) {
        time = now
        latest = max(latest, now)
        for (name, state) in names { names[name]?.latest = max(state.latest, now) }
        for id in jobs.keys {
            guard let index = jobs[id]?.attempts.indices.last, let story = jobs[id]?.attempts[index],
                !story.isConcluded, let range = story.endedAt
            else { continue }
            jobs[id]?.attempts[index].endedAt = min(range.lowerBound, now)...max(range.upperBound, now)
        }
    }

    /// The job, made known when it is new.
    /// - Throws: `Violation` when there must be no such job.
    mutating func meet(_ status: JobStatus) throws(Violation) -> ModelJob {
        let identity = status.identity
        if let known = jobs[identity.jobID] {
            guard known.sequence == identity.sequence, known.version.fingerprint == status.request,
                known.name == identity.name
            else { throw Violation("\(identity.name) has changed its identity: \(status.json.text)") }
            return known
        }
        guard let name = names[identity.name], let version = name.versions[status.request] else {
            throw Violation("\(identity.name) is for a request that nobody has dropped: \(status.json.text)")
        }
        if let same = jobs.values.first(where: { $0.name == identity.name && $0.version.fingerprint == status.request }
        ), !(same.attempts.isEmpty && same.isOpen && hasDied) {
            throw Violation("\(identity.name): job \(identity.jobID) is for the same request as \(same.id)")
        }
        if jobs.values.contains(where: { $0.sequence == identity.sequence }) {
            throw Violation("\(identity.name) has number \(identity.sequence), which another job has")
        }
        guard identity.sequence > lastSequence else {
            throw Violation("\(identity.name) has number \(identity.sequence), after \(lastSequence)")
        }
        var job = ModelJob(id: identity.jobID, name: identity.name, version: version, sequence: identity.sequence)
        job.mayBeCancelled = name.wasCancelled || name.cancel != .none
        job.isOutdated = name.file?.fingerprint != status.request
        if name.wasGone || name.file == nil { job.goneSince = version.putAt }
        jobs[job.id] = job
        return job
    }
}
