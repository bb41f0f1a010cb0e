/// Plays a scenario: does to a spool, its handlers and its daemon what the operations say, waits after each until nothing moves, and has the
/// reference model judge what is seen. At the end all obstacles are taken away, and everything must come to its end.
import JSONText
import SpoolProtocol
import SpoolStorage

@testable import JobRunner

struct Driver: ~Copyable {
    private let scenario: Scenario
    private let files: SpoolFiles
    private let machine: FakeMachine
    private let clocks: VirtualClocks
    private var model: ReferenceModel
    private var feed = FeedReader()
    private var daemon: Daemon?
    private var daemons = 0
    /// For how many more operations no daemon serves.
    private var away = 0
    /// The next daemon dies with this change.
    private var deathOfNext: Int?
    private var counter = 0
    private var trace: [String] = []

    /// What went wrong when the scenario is played; nil: nothing did.
    static func play(_ scenario: Scenario) async -> Violation? {
        let clocks = VirtualClocks()
        return await Clock.$replacement.withValue(clocks) {
            do {
                var driver = try Driver(scenario, clocks)
                let violation = await driver.playAll()
                await driver.cleanUp()
                return violation
            } catch {
                return Violation("\(error)")
            }
        }
    }

    private init(_ scenario: Scenario, _ clocks: VirtualClocks) throws {
        self.scenario = scenario
        self.clocks = clocks
        files = try SpoolFiles()
        machine = FakeMachine(files)
        model = ReferenceModel(maxLanes: scenario.maxLanes)
        model.timeIs(clocks.now())
    }

    private mutating func playAll() async -> Violation? {
        var step = "at the beginning"
        do {
            for (index, operation) in scenario.operations.enumerated() {
                step = "at \(index + 1), \(operation)"
                trace.append(step)
                try await beServed()
                try await perform(operation)
                try await settle()
            }
            step = "at the end"
            trace.append(step)
            try await takeObstaclesAway()
            return nil
        } catch {
            var violation = Violation("\(step): \(error)")
            violation.trace = trace
            return violation
        }
    }

    /// Nothing of a scenario may be left when the next one begins.
    private mutating func cleanUp() async {
        machine.closeAll()
        guard let daemon else { return }
        daemon.faults.die()
        do {
            try await daemon.leave()
        } catch {
            print("a daemon is left: \(error)")
        }
    }

    // MARK: Operations

    private mutating func perform(_ operation: Operation) async throws {
        switch operation {
        case .drop(let name, let asked, let hint): try drop(name, asked, hint)
        case .touch(let name, let hint):
            guard let file = model.names[name]?.file else { return }
            let time = nextFileTime()
            try files.setTime(of: SpoolFile.request(name).modelName, in: files.root, time)
            try put(name, file, hint)
        case .delete(let name, let hint):
            guard try files.remove(.request(name)) else { return }
            model.delete(name, at: clocks.monotonic(), hint: hint)
            self.hint(.request(name), hint)
        case .restore(let name, let hint):
            guard let state = model.names[name], state.file == nil, let version = state.deleted else { return }
            try files.put(text(version), as: .request(name), time: version.fingerprint.modifiedAt)
            try put(name, version, hint)
        case .cancel(let name, let hint):
            try files.put("", as: .cancel(name), time: nextFileTime())
            model.cancel(name, hint: hint)
            self.hint(.cancel(name), hint)
        case .pause(let hint):
            try files.put("", as: .pause, time: nextFileTime())
            model.setPause(true, hint: hint)
            self.hint(.pause, hint)
        case .resume(let hint):
            try files.remove(.pause)
            model.setPause(false, hint: hint)
            self.hint(.pause, hint)
        case .say(let number, let saying): try say(number, saying)
        case .end(let number, let ending):
            guard let attempt = living(number) else { return }
            try end(attempt, ending)
        case .pass(let seconds):
            clocks.pass(seconds)
            timeIsAnother()
        case .setClock(let seconds):
            clocks.setClock(by: seconds)
            timeIsAnother()
        case .rescan(let reason):
            guard let daemon else { return }
            model.noticeAll()
            daemon.hint(.rescan(reason))
        case .kill(let changes, let away):
            self.away = away
            if let daemon { daemon.faults.die(after: changes) } else { deathOfNext = changes }
        case .stop(let how, let ending, let away): try await stop(how, ending, away: away)
        }
    }

    private mutating func drop(_ name: JobName, _ asked: Asked, _ hint: Bool) throws {
        let notBefore = asked.delay.map { clocks.now().adding(seconds: $0) }
        let version = Version(
            asked: asked, fingerprint: Fingerprint(size: 0, seconds: 0, nanoseconds: 0), notBefore: notBefore,
            putAt: clocks.monotonic())
        try files.put(text(version), as: .request(name), time: nextFileTime())
        try put(name, version, hint)
    }

    /// The model hears of the request file as it is now.
    private mutating func put(_ name: JobName, _ version: Version, _ hint: Bool) throws {
        guard let fingerprint = try files.fingerprint(of: name) else { throw Violation("\(name) is not there") }
        var version = version
        version.fingerprint = fingerprint
        version.putAt = clocks.monotonic()
        model.put(name, model.names[name]?.versions[fingerprint] ?? version, hint: hint)
        self.hint(.request(name), hint)
    }

    private func text(_ version: Version) -> String {
        let asked = version.asked
        guard asked.form != .torn else { return #"{"type": "plain", "params": {"# }
        var request = Request(type: asked.type.jobType)
        request.params = ["work": JSON(asked.work)]
        request.priority = asked.priority
        request.onBusy = asked.onBusy
        request.after = asked.after
        request.notBefore = version.notBefore
        request.retry = asked.maxAttempts.map { _ in asked.retry }
        var object = request.json.object ?? [:]
        switch asked.form {
        case .whole, .torn: break
        case .unknownField: object["priorty"] = 1
        case .unknownType: object["type"] = "unheard.of"
        }
        return JSON.object(object).text
    }

    /// Each is another one; some go back.
    private mutating func nextFileTime() -> Timestamp {
        counter += 1
        return Timestamp(milliseconds: 1_767_700_000_000 + Int64(counter))
    }

    private func hint(_ file: SpoolFile, _ isGiven: Bool) {
        if isGiven { daemon?.hint(.file(file.modelName)) }
    }

    private mutating func timeIsAnother() {
        model.timeIs(clocks.now())
        daemon?.tick()
    }

    // MARK: Handlers

    private func living(_ number: Int) -> FakeAttempt? {
        let alive = machine.alive
        return alive.isEmpty ? nil : alive[number % alive.count]
    }

    private mutating func say(_ number: Int, _ saying: Saying) throws {
        try takeLaunches()
        guard let attempt = living(number) else { return }
        counter += 1
        let text = "\(counter)"
        switch saying {
        case .log: attempt.say(["type": "log", "level": "info", "message": .string(text)])
        case .itemError:
            attempt.say(["type": "error", "item": .string(text), "code": "BAD", "message": "", "retryable": false])
        case .checkpoint: attempt.say(["type": "checkpoint", "value": .string(text)])
        case .sameCheckpoint:
            let value = model.jobs[attempt.jobID]?.attempts.last?.startingCheckpoint ?? .null
            attempt.say(["type": "checkpoint", "value": value])
        }
        model.say(attempt, saying, text)
    }

    private mutating func end(_ attempt: FakeAttempt, _ ending: Ending, inShutdown: Bool = false) throws {
        try takeLaunches()
        model.end(attempt, ending, at: clocks.now(), inShutdown: inShutdown)
        try attempt.end(ending)
    }

    private mutating func takeLaunches() throws {
        for launch in machine.takeLaunches() {
            trace.append("  \(launch.attempt.name), attempt \(launch.attempt.number), is started")
            try model.take(launch)
        }
    }

    // MARK: The daemon

    private mutating func beServed() async throws {
        if daemon != nil { return }
        if away > 0 {
            away -= 1
            return
        }
        try await start()
    }

    private mutating func start() async throws {
        daemons += 1
        trace.append("  daemon \(daemons) starts")
        let faults = Faults()
        if let death = deathOfNext { faults.die(after: death) }
        deathOfNext = nil
        model.daemonStarts()
        do {
            let daemon = try Daemon(
                files.path, number: daemons, machine: machine, faults: faults, maxLanes: scenario.maxLanes)
            self.daemon = daemon
            daemon.hint(.rescan(.start))
        } catch {
            guard faults.isDead else { throw error }
            model.daemonEnds(died: true)
        }
        try await settle()
    }

    private mutating func stop(_ how: RunnerConfiguration.OnStop, _ ending: Ending, away: Int) async throws {
        guard let daemon else { return }
        self.away = away
        daemon.stop(how)
        var stopped: [FakeAttempt] = []
        // Looked at again and again, for an attempt is asked when the daemon comes to it.
        let machine = machine
        while true {
            try await eventually("the daemon to stop") {
                daemon.hasEnded || daemon.faults.isDead || machine.alive.contains(where: \.hasOrder)
            }
            if daemon.hasEnded || daemon.faults.isDead { break }
            for attempt in machine.alive where attempt.hasOrder {
                try end(attempt, ending, inShutdown: true)
                stopped.append(attempt)
            }
        }
        try await daemon.leave()
        if daemon.faults.isDead {
            // It writes down why before it asks.
            for attempt in machine.alive where try attempt.isNotedToStop { model.mayStop(attempt) }
            return try await bury()
        }
        self.daemon = nil
        try takeLaunches()
        model.daemonEnds(died: false, stopped: stopped)
        try checkLegal()
    }

    /// Waits until nothing moves, or the daemon is dead.
    private mutating func settle() async throws {
        guard let daemon else { return }
        let machine = machine
        let files = files
        var isQuiet = false
        let deadline = ContinuousClock.now + Daemon.patience
        var turns = 0
        while !isQuiet, !daemon.faults.isDead {
            guard let look = try await daemon.look() else { break }
            let alive = machine.alive
            isQuiet =
                try look.isIdle && look.running == Set(alive.map(\.identifier))
                && alive.allSatisfy { attempt in
                    let status = try files.status(of: attempt.name)
                    return status?.standing == .running && status?.attempt == attempt.number
                }
            if isQuiet { break }
            // Beside others it may be that it has hardly waited.
            if ContinuousClock.now > deadline, turns > 300 {
                throw Violation("it does not come to rest: runs \(look.running), alive \(alive.map(\.identifier))")
            }
            turns += 1
            try await Task.sleep(for: .microseconds(500))
        }
        if let note = daemon.faults.notes.first { throw Violation(note) }
        if daemon.faults.isDead { return try await bury() }
        if daemon.hasEnded { throw Violation("the daemon has ended") }
        try takeLaunches()
        try feed.read(files)
        let seen = try Seen(files, machine, feed)
        trace.append("  seen: \(seen)")
        try model.look(seen)
    }

    private mutating func bury() async throws {
        guard let dead = daemon else { return }
        try await dead.leave()
        daemon = nil
        if let note = dead.faults.notes.first { throw Violation(note) }
        try takeLaunches()
        model.daemonEnds(died: true)
        for name in ScenarioGenerator.names where try files.isCancelled(name) { model.find(cancelOf: name) }
        trace.append("  daemon \(daemons) is dead")
        try checkLegal()
    }

    /// The files are legal however the daemon ended.
    private mutating func checkLegal() throws {
        for name in ScenarioGenerator.names { _ = try Family(files, name) }
        try feed.read(files)
    }

    // MARK: The end

    private mutating func takeObstaclesAway() async throws {
        try files.remove(.pause)
        model.setPause(false, hint: false)
        for _ in 0..<100 {
            if daemon == nil { try await start() }
            if daemon == nil { continue }
            for operation in [Operation.rescan(.timer), .pass(200)] {
                try await perform(operation)
                try await settle()
            }
            if daemon == nil { continue }
            for job in model.jobs.values where job.isOpen {
                guard case .jobs(_, let unknown)? = job.waiting else { continue }
                for name in unknown where model.names[name]?.file == nil { try drop(name, Asked(), true) }
                try await settle()
            }
            if daemon == nil { continue }
            if let attempt = machine.alive.first {
                try end(attempt, .exit(0))
                try await settle()
            } else if !model.jobs.values.contains(where: \.isOpen) {
                return try checkEnd()
            }
        }
        throw Violation("it does not come to an end: \(model.jobs.values.filter(\.isOpen).map(\.name))")
    }

    private mutating func checkEnd() throws {
        for (name, state) in model.names {
            let result = try files.result(of: name)
            if let file = state.file, result?.status.request != file.fingerprint {
                throw Violation("\(name) never ran as it is")
            }
            if try files.isCancelled(name) { throw Violation("a cancel file of \(name) is left") }
        }
        for (id, count) in feed.ends where count > 1 && !model.hasDied {
            throw Violation("the feed says \(count) times that \(id) is over")
        }
        for directory in ["attempts", "tmp", "archiving", "aside"] {
            let left = try files.privateNames(directory)
            if !left.isEmpty { throw Violation("\(directory) still has \(left)") }
        }
    }
}
