/// A spool whose daemon's disk has a fault: clients and handlers do what they do, the daemon is started again when it ends, and what has to come
/// is waited for. A fault that lasts is lifted when nothing goes on any more.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage

@testable import JobRunner

final class FaultWorld {
    let clocks: VirtualClocks
    let files: SpoolFiles
    let machine: FakeMachine
    let disturbance: Disturbance
    private let system: SystemCalls
    let log = DaemonLog()
    private(set) var daemon: Daemon?
    private(set) var feed = FeedReader()
    private(set) var daemons = 0
    /// Daemons that ended by themselves.
    private(set) var deaths = 0
    // Of the next daemon
    var retention = Retention(archiveAfter: .never, deleteArchivedAfter: .never)
    var rotateEventsAt = Int64.max
    private var changes: Int64 = 0
    /// Attempts by their job's name, in the order of their starts.
    private(set) var attempts: [JobName: [FakeAttempt]] = [:]
    private var successes: Set<String> = []

    /// A fault that lasts is lifted when nothing has happened for this time.
    private static let faultPatience = Duration.milliseconds(25)
    /// On a busy machine it takes the daemon a while to say it.
    private static let tellingPatience = Duration.seconds(3)
    private static let patience = Duration.seconds(8)
    private static let leastTurns = 300
    /// The names of its jobs; those of a schedule's begin with `s`.
    static let names: [JobName] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"]

    /// - Parameter recorder: sees what is written, instead of a fault.
    init(_ plan: FaultPlan?, recorder: DiskRecorder? = nil) throws {
        let clocks = VirtualClocks(now: Timestamp(milliseconds: Self.realTime))
        self.clocks = clocks
        files = try SpoolFiles(names: Self.names) { path in
            try recorder?.begin(path, clocks)
            return recorder?.system ?? .real
        }
        machine = FakeMachine(files, system: recorder?.system ?? .real)
        disturbance = Disturbance(plan)
        system = recorder?.system ?? disturbance.system
    }

    private static var realTime: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000
    }

    // MARK: The daemon

    private func beServed() async throws {
        if let daemon {
            if !daemon.hasEnded { return }
            if let note = daemon.faults.notes.first { throw Violation(note) }
            deaths += 1
            self.daemon = nil
            try judgeFiles()
        }
        if deaths > 3 { disturbance.lift() }
        daemons += 1
        do {
            let started = try Daemon(
                files.path, number: daemons, machine: machine, faults: Faults(), maxLanes: 2, system: system,
                log: log
            ) {
                $0.retention = retention
                $0.rotateEventsAt = rotateEventsAt
                $0.followerRhythm = FollowerRhythm(firstTick: 1, tick: 5, retry: 2)
            }
            daemon = started
            started.hint(.rescan(.start))
        } catch {
            log.add("\(error)")
            deaths += 1
        }
    }

    /// Stops the daemon as SIGTERM does; the next one comes when something is waited for.
    func stop(_ how: RunnerConfiguration.OnStop, ending: Ending? = nil) async throws {
        guard let stopped = daemon else { return }
        stopped.stop(how)
        try await reach("the daemon to stop", isServed: false) {
            if let ending { for attempt in machine.alive where attempt.hasOrder { try attempt.end(ending) } }
            return stopped.hasEnded
        }
        daemon = nil
    }

    func cleanUp() async {
        machine.closeAll()
        guard let daemon else { return }
        disturbance.lift()
        daemon.faults.die()
        daemon.stop(.leave)
        do {
            try await daemon.leave()
        } catch {
            print("a daemon is left: \(error)")
        }
    }

    // MARK: Waiting

    /// Waits until it is so. Time passes meanwhile.
    func reach(_ what: String, isServed: Bool = true, _ condition: () throws -> Bool) async throws {
        let start = ContinuousClock.now
        var turns = 0
        while true {
            if isServed { try await beServed() }
            try takeLaunches()
            try feed.read(files)
            if try condition() { return }
            if disturbance.isOn, try pauseShown().map(Self.isOfFullDisk) ?? false { disturbance.isTold() }
            let waited = ContinuousClock.now - start
            // Beside others it may be that it has hardly waited.
            if waited > Self.patience, turns > Self.leastTurns {
                throw Violation(
                    "waited in vain for \(what), \(turns) turns; the log says \(log.lines.suffix(5)), the spool has \(try listing())"
                )
            }
            if disturbance.isOn, waited > Self.faultPatience, turns > 8,
                try faultProblem() == nil || waited > Self.tellingPatience
            {
                if let problem = try faultProblem() { throw problem }
                disturbance.lift()
            }
            turns += 1
            if turns > 4 {
                clocks.pass(1)
                daemon?.tick()
                if turns % 10 == 0 { daemon?.hint(.rescan(.timer)) }
            }
            try await Task.sleep(for: .milliseconds(turns < 20 ? 1 : 4))
        }
    }

    private func listing() throws -> String {
        try files.root.entries().map { "\($0)" }.sorted().joined(separator: " ")
    }

    /// Waits until the daemon has nothing more to do.
    func rest() async throws {
        var isIdle = false
        let deadline = ContinuousClock.now + Self.patience
        var turns = 0
        while !isIdle {
            if ContinuousClock.now > deadline, turns > Self.leastTurns {
                throw Violation(
                    "it does not come to rest; the log says \(log.lines.suffix(5)), the spool has \(try listing())")
            }
            turns += 1
            try await reach("a daemon") { daemon.map { !$0.hasEnded } ?? false }
            daemon?.tick()
            guard let look = try await daemon?.look() else { continue }
            isIdle = look.isIdle && look.running == Set(machine.alive.map(\.identifier))
            if !isIdle { clocks.pass(1) }
            if disturbance.isOn, ContinuousClock.now > deadline - Self.patience + Self.faultPatience {
                disturbance.lift()
            }
        }
    }

    // MARK: Clients and handlers

    func put(_ text: String, as file: SpoolFile) throws {
        changes += 1
        try files.put(text, as: file, time: Timestamp(milliseconds: Self.realTime - 1_000_000 + changes))
        daemon?.hint(.file(file.modelName))
    }

    func drop(_ name: JobName, type: ModelType = .plain, _ more: String = "") throws {
        try put(#"{"type": "\#(type.rawValue)"\#(more)}"#, as: .request(name))
    }

    func remove(_ file: SpoolFile) throws {
        try files.remove(file)
        daemon?.hint(.file(file.modelName))
    }

    /// The living attempt of a name, once there is one.
    func attempt(_ name: JobName) async throws -> FakeAttempt {
        try await reach("an attempt of \(name)") { try living(name) != nil }
        guard let attempt = try living(name) else { throw Violation("the attempt of \(name) has gone") }
        return attempt
    }

    /// The living attempt of any of these names, once there is one.
    func attempt(ofOneOf names: [JobName]) async throws -> FakeAttempt {
        var found: FakeAttempt?
        try await reach("an attempt of one of \(names)") {
            found = try names.lazy.compactMap { try living($0) }.first
            return found != nil
        }
        guard let found else { throw Violation("the attempt of one of \(names) has gone") }
        return found
    }

    private func living(_ name: JobName) throws -> FakeAttempt? {
        try takeLaunches()
        return attempts[name]?.last { $0.isAlive }
    }

    func end(_ attempt: FakeAttempt, _ ending: Ending) throws {
        if ending == .exit(0) { successes.insert(attempt.jobID) }
        try attempt.end(ending)
    }

    /// The result of a name, once it is there; of another job than `old`.
    @discardableResult
    func result(_ name: JobName, _ expected: Over, after old: String? = nil) async throws -> JobResult {
        var found: JobResult?
        try await reach("the result of \(name)") {
            found = try files.result(of: name)
            return found.map { $0.status.identity.jobID != old } ?? false
        }
        guard let found else { throw Violation("\(name) has no result") }
        if Over(found) != expected { throw Violation("\(name) is \(Over(found)), not \(expected)") }
        return found
    }

    // MARK: Judging

    private func takeLaunches() throws {
        for launch in machine.takeLaunches() {
            let attempt = launch.attempt
            let what = "\(attempt.name), attempt \(attempt.number),"
            if successes.contains(attempt.jobID) { throw Violation("\(what) was started after one had succeeded") }
            let lane = Self.lane(attempt.name)
            if let other = launch.beside.first(where: { Self.lane($0.name) == lane }) {
                throw Violation("\(what) was started beside one of \(other.name), of its lane")
            }
            if let result = launch.results[attempt.name], result.status.identity.jobID == attempt.jobID {
                throw Violation("\(what) was started although its job is over")
            }
            if launch.isPaused { throw Violation("\(what) was started in a pause") }
            attempts[attempt.name, default: []].append(attempt)
        }
    }

    static func lane(_ name: JobName) -> String { name == "b" ? ModelType.other.lane : ModelType.plain.lane }

    /// Whatever has happened, no file is torn, and none says what the others contradict.
    func judgeFiles() throws {
        for name in Self.names { _ = try Family(files, name) }
        try feed.read(files)
        _ = try files.json(.spoolStatus)
    }

    /// When all that has begun is at its end the files of each job say the same.
    func judgeFamilies() async throws {
        try await rest()
        try judgeFiles()
        for name in Self.names {
            try Family(files, name).check(name, isAlive: machine.alive.contains { $0.name == name })
        }
    }

    /// How things stand while the disk has a fault, and nothing goes on.
    private func faultProblem() throws -> Violation? {
        guard let plan = disturbance.plan, plan.fault.isFullDisk else { return nil }
        // One may have been on its way: that the disk is full is found out on another thread.
        if disturbance.spawnsWhenTold > 0 || disturbance.spawnsUnderFault > 1 {
            return Violation("a job was started on a full disk")
        }
        guard daemons > deaths, let pause = try pauseShown() else { return nil }
        return Self.isOfFullDisk(pause)
            ? nil : Violation("spool.status.json does not say that the disk is full: \(pause.text)")
    }

    /// `paused` in `spool.status.json`; nil when there is no such file.
    private func pauseShown() throws -> JSON? { try files.json(.spoolStatus).map { $0["paused"] ?? .null } }

    private static func isOfFullDisk(_ pause: JSON) -> Bool {
        let reason = pause["reason"]?.string ?? ""
        return reason.contains("the disk is full") || reason.contains("the disk quota")
    }

    /// At the end: what the fault has left over goes with the next daemon, which has a disk without faults.
    func judgeEnd() async throws {
        try await stop(.leave)
        disturbance.lift()
        try await judgeFamilies()
        for name in Self.names where try files.isCancelled(name) {
            throw Violation("a cancel file of \(name) is left")
        }
        for directory in ["attempts", "tmp", "archiving", "aside", "scheduled"] {
            let left = try files.privateNames(directory)
            if !left.isEmpty { throw Violation("\(directory) still has \(left)") }
        }
        for (name, told) in feed.told where !told.standing.isOver {
            throw Violation("the feed's last word on \(name) is \(told.standing.rawValue)")
        }
        if deaths == 0, let (id, count) = feed.ends.first(where: { $0.value > 1 }) {
            throw Violation("the feed says \(count) times that \(id) is over")
        }
        let status = try files.json(.spoolStatus)
        if status?["paused"]?.isNull == false { throw Violation("it is still paused: \(status?.text ?? "")") }
    }
}
