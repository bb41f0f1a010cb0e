/// A result is there for others before the runner hears of it: what they do by then is about the next run, and what waited for
/// this one knows how it ended.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Synchronization
import Testing

@testable import JobRunner

@Suite("Whoever sees a result first", .timeLimit(.minutes(2)))
struct SeenFirstTests {
    /// With a daemon that is held up at calls on a file.
    private func withGate(
        at operation: SystemOperation, _ isHeld: @escaping @Sendable (SpoolFiles, Substring) -> Bool,
        _ body: (BareDaemon, Gate) async throws -> Void
    ) async throws {
        let gate = Gate()
        let files = Mutex<SpoolFiles?>(nil)
        try await withBareDaemon(
            names: ["a", "b", "c"], before: { spool in files.withLock { $0 = spool } },
            fault: { called, file in
                if called == operation, let spool = files.withLock(\.self), isHeld(spool, file) { gate.pass() }
                return nil
            }
        ) { stage in
            defer {
                gate.open()
                files.withLock { $0 = nil }
            }
            try await stage.rest()
            try await body(stage, gate)
        }
    }

    /// Held up when the result of `a` is in its place, and its status is about to be.
    private func withSeenResult(_ body: (BareDaemon, Gate) async throws -> Void) async throws {
        try await withGate(
            at: .rename,
            { files, called in
                called.hasSuffix("/a.status.json") && access("\(files.path)/a.result.json", F_OK) == 0
            }, body)
    }

    /// Held up when the result of `a` is about to be put into its place.
    private func withUnseenResult(_ body: (BareDaemon, Gate) async throws -> Void) async throws {
        try await withGate(at: .rename, { _, called in called.hasSuffix("/a.result.json") }, body)
    }

    private func start(_ name: JobName, _ stage: BareDaemon) async throws -> FakeAttempt {
        try stage.drop(name)
        return try await attempt(of: name, stage)
    }

    private func attempt(of name: JobName, _ stage: BareDaemon) async throws -> FakeAttempt {
        try await eventually("\(name) to run; the log says \(stage.log.lines)") {
            stage.machine.alive.contains { $0.name == name }
        }
        return try #require(stage.machine.alive.first { $0.name == name })
    }

    private func resultIsSeen(_ stage: BareDaemon) async throws {
        try await eventually("a's result") { try stage.files.root.stat(FileName("a.result.json")) != nil }
    }

    private func removeAll(of name: JobName, _ files: SpoolFiles) throws {
        for file in try files.root.entries() where file.string?.hasPrefix("\(name).") ?? false {
            try files.root.remove(file)
        }
    }

    // MARK: on_busy

    @Test("finds its lane free: `reject` lets the next job in") func reject() async throws {
        try await withSeenResult { stage, _ in
            try await start("a", stage).end(.exit(0))
            try await resultIsSeen(stage)
            try stage.drop("b", #", "on_busy": "reject""#)
            _ = try await attempt(of: "b", stage)
        }
    }

    @Test("and who does not see it yet finds the job at work: an equal one joins it") func join() async throws {
        try await withUnseenResult { stage, gate in
            try await start("a", stage).end(.exit(0))
            try await eventually("a to be over") { stage.machine.alive.isEmpty }
            try await stage.rest()
            try stage.drop("b", #", "on_busy": "join""#)
            try await eventually("b to wait for a's result") {
                if case .join(let job)? = try stage.files.status(of: "b")?.waitingFor { job.name == "a" } else { false }
            }
            gate.open()
            try await eventually("b's result") { try stage.files.result(of: "b")?.status.joined?.name == "a" }
            #expect(stage.machine.takeLaunches().count == 1)
        }
    }

    @Test("A job that `replace` has cancelled while it waits stays so when the daemon dies before that is on the disk")
    func replace() async throws {
        try await withGate(at: .rename, { _, called in called.hasSuffix("/b.result.json") }) { stage, _ in
            _ = try await start("a", stage)
            try stage.drop("b")
            try await eventually("b to wait") { try stage.files.status(of: "b") != nil }
            try await stage.rest()
            try stage.drop("c", #", "on_busy": "replace""#)
            try await eventually("c to be accepted") { try stage.files.status(of: "c") != nil }
            // What the next daemon finds.
            #expect(try stage.files.isCancelled("b"))
            #expect(try stage.files.status(of: "b")?.standing == .pending)
        }
    }

    // MARK: Those that wait

    @Test("and takes the job's files away leaves those that waited for it what it came to", arguments: [false, true])
    func takesAway(dropsAnew: Bool) async throws {
        try await withSeenResult { stage, gate in
            let attempt = try await start("a", stage)
            try stage.drop("b", #", "after": ["a"]"#)
            try stage.drop("c", #", "on_busy": "join""#)
            try await eventually("both to wait") {
                try stage.files.status(of: "b")?.waitingFor != nil && stage.files.status(of: "c")?.waitingFor != nil
            }
            try await stage.rest()
            try attempt.end(.exit(0))
            try await resultIsSeen(stage)
            if dropsAnew {
                try stage.drop("a", #", "description": "again""#)
            } else {
                try removeAll(of: "a", stage.files)
            }
            gate.open()
            try await eventually("c's result; the log says \(stage.log.lines)") {
                try stage.files.result(of: "c")?.status.joined?.name == "a"
            }
            try await self.attempt(of: "b", stage).end(.exit(0))
            try await eventually("b's result") { try stage.files.result(of: "b")?.status.standing == .completed }
            if dropsAnew { try await self.attempt(of: "a", stage).end(.exit(1)) }
        }
    }

    // MARK: Cancels

    @Test("of a cancelled run, and cancels the next one, cancels that") func cancelsNext() async throws {
        try await withSeenResult { stage, gate in
            let attempt = try await start("a", stage)
            try stage.put("", as: .cancel("a"))
            try await eventually("a to be asked to stop") { attempt.hasOrder }
            try attempt.end(.exit(143))
            try await resultIsSeen(stage)
            #expect(try stage.files.result(of: "a")?.status.standing == .cancelled)
            try stage.drop("a", #", "description": "again""#)
            try stage.put("", as: .cancel("a"))
            gate.open()
            try await eventually("the next run to be cancelled; the log says \(stage.log.lines)") {
                let result = try stage.files.result(of: "a")
                return result?.status.identity.description == "again" && result?.status.standing == .cancelled
            }
            try await eventually("the cancel to go") { try !stage.files.isCancelled("a") }
            #expect(stage.machine.takeLaunches().count == 1)
        }
    }

    @Test("A cancel that came before anybody could see that the job is over is not for the next run") func late()
        async throws
    {
        let isSeen = Atomic(false)
        let gates = (result: Gate(), status: Gate())
        try await withBareDaemon(
            names: ["a"],
            fault: { operation, called in
                guard operation == .rename else { return nil }
                if called.hasSuffix("/a.result.json"), !isSeen.exchange(true, ordering: .relaxed) {
                    gates.result.pass()
                }
                if called.hasSuffix("/a.status.json"), isSeen.load(ordering: .relaxed) { gates.status.pass() }
                return nil
            }
        ) { stage in
            defer {
                gates.result.open()
                gates.status.open()
            }
            try await start("a", stage).end(.exit(0))
            try await eventually("its result to be on its way") { isSeen.load(ordering: .relaxed) }
            try stage.put("", as: .cancel("a"))
            try await eventually("the cancel to be heard") {
                try await stage.daemon.ask(1) { $0.heardCancels["a"] != nil }.first == true
            }
            gates.result.open()
            try await resultIsSeen(stage)
            try stage.drop("a", #", "description": "again""#)
            gates.status.open()
            try await attempt(of: "a", stage).end(.exit(0))
            try await eventually("the result of the next run") {
                let result = try stage.files.result(of: "a")
                return result?.status.identity.description == "again" && result?.status.standing == .completed
            }
            #expect(try !stage.files.isCancelled("a"))
        }
    }

    @Test("A cancel is about the newest request, which may not have been looked at yet", arguments: [false, true])
    func newest(isServed: Bool) async throws {
        try await withDaemon(maxLanes: 1) { stage in
            try await stage.begin("a")
            try await stage.drop("b")
            if !isServed { try await stage.die() }
            stage.clocks.pass(0.001)
            try stage.files.put(
                #"{"type": "plain", "description": "again"}"#, as: .request("b"), time: stage.clocks.now())
            if isServed {
                // It is heard of first.
                try stage.put("", as: .cancel("b"))
            } else {
                try stage.files.put("", as: .cancel("b"), time: stage.clocks.now())
                try await stage.comeBack(maxLanes: 1)
                stage.rescan()
            }
            try await eventually("b to be cancelled; the log says \(stage.log.lines)") {
                let result = try stage.files.result(of: "b")
                return result?.status.identity.description == "again" && result?.status.standing == .cancelled
            }
            try await eventually("the cancel to go") { try !stage.files.isCancelled("b") }
            #expect(!stage.machine.takeLaunches().contains { $0.input["name"]?.string == "b" })
        }
    }

    // MARK: The next daemon

    @Test("A job that is over, and whose result somebody has taken away, is not taken up by the next daemon")
    func resultIsGone() async throws {
        try await withDaemon(maxLanes: 1) { stage in
            let jobID = try stage.files.status(of: "first")?.identity.jobID
            try await stage.die()
            try stage.files.root.remove(FileName("first.result.json"))
            try stage.files.root.remove(FileName("first.json"))
            _ = stage.machine.takeLaunches()
            try await stage.comeBack(maxLanes: 1)
            stage.rescan()
            stage.clocks.pass(10)
            stage.tick()
            try await stage.rest()
            #expect(try stage.files.result(of: "first") == nil)
            #expect(try stage.files.status(of: "first")?.standing == .completed)
            #expect(try stage.files.status(of: "first")?.identity.jobID == jobID)
            // Whose request is there is a new job, which is looked at as any other.
            try stage.put(#"{"type": "nothing"}"#, as: .request("second"))
            try await eventually("it to be rejected") { try stage.files.result(of: "second") != nil }
            try await stage.rest()
            try await stage.die()
            try stage.files.root.remove(FileName("second.result.json"))
            try await stage.comeBack(maxLanes: 1)
            stage.rescan()
            try await eventually("it to be rejected again") {
                try stage.files.result(of: "second")?.status.standing == .rejected
            }
            try await stage.rest()
            #expect(stage.machine.takeLaunches().isEmpty)
        }
    }

    @Test("A request that is away when the daemon comes keeps its time and its place") func away() async throws {
        try await withDaemon(maxLanes: 1) { stage in
            try await stage.begin("a")
            try await stage.drop("late", #"{"type": "plain", "after": ["a"], "not_before": "2999-01-01T00:00:00Z"}"#)
            try await stage.drop("b")
            try await stage.drop("last", #"{"type": "plain", "priority": -50}"#)
            try await stage.drop("c")
            try await stage.die()
            for name in ["late", "last"] {
                try #require(rename("\(stage.files.path)/\(name).json", "\(stage.files.path)/.\(name)") == 0)
            }
            try await stage.comeBack(maxLanes: 1)
            stage.rescan()
            try await stage.rest(isQuiet: false)
            for name in ["late", "last"] as [JobName] {
                try #require(
                    rename("\(stage.files.path)/.\(name)", "\(stage.files.path)/\(name).json") == 0)
                stage.hint(.request(name))
            }
            try await stage.rest(isQuiet: false)
            for name in ["a", "b", "c", "last"] as [JobName] {
                try await stage.await(name)
                try await stage.end(name, .exit(0))
            }
            try await eventually("it to wait for its time") {
                if case .time? = try stage.files.status(of: "late")?.waitingFor { true } else { false }
            }
        }
    }

    @Test("An attempt that never began tells nobody of its job before that is on the disk") func unsynced() async throws
    {
        try await withGate(
            at: .sync, { files, called in called == "a.json" && access("\(files.path)/a.status.json", F_OK) == 0 }
        ) { stage, gate in
            try stage.drop("a")
            let attempt = try await attempt(of: "a", stage)
            try attempt.directory.open(AttemptFile.record, O_WRONLY).truncate(to: 0)
            attempt.close()
            try await eventually("its end to be heard") {
                try await stage.daemon.ask(1) { runner in
                    runner.pending["a"] != nil || runner.lanes.values.contains { !$0.postponed.isEmpty }
                }.first == true
            }
            _ = try await stage.daemon.ask(10) { _ in true }
            #expect(try stage.files.lines(.events) == [])
            gate.open()
            try await stage.reach("it to be tried again") { !stage.machine.alive.isEmpty }
            #expect(try stage.files.lines(.events).first?["event"] == "accepted")
        }
    }

    @Test("finds what the feed tells: results of one lane come in the order in which its jobs ran") func order()
        async throws
    {
        let results = Mutex<[Substring]>([])
        let gate = Gate()
        let isHeld = Atomic(false)
        try await withBareDaemon(
            names: ["a", "b", "c"],
            fault: { operation, called in
                if operation == .rename, called.hasSuffix(".result.json"), let name = called.split(separator: "/").last
                {
                    results.withLock { $0.append(name) }
                }
                let isAccepted = [SystemOperation.sync, .syncData].contains(operation) && called == "b.json"
                if isAccepted, isHeld.load(ordering: .relaxed) { gate.pass() }
                return nil
            }
        ) { stage in
            defer { gate.open() }
            let first = try await start("a", stage)
            try stage.drop("c")
            try await eventually("c to wait") { try stage.files.status(of: "c") != nil }
            try await stage.rest()
            isHeld.store(true, ordering: .relaxed)
            try stage.drop("b", #", "priority": 10"#)
            try await eventually("b to be accepted") { try stage.files.status(of: "b") != nil }
            try first.end(.exit(0))
            for name in ["b", "c"] as [JobName] { try await attempt(of: name, stage).end(.exit(0)) }
            try await eventually("all to be over") {
                try await stage.daemon.ask(1) { $0.finishing.count }.first == 3
            }
            gate.open()
            try await eventually("all results") { results.withLock { $0.count } == 3 }
            #expect(results.withLock(\.self) == ["a.result.json", "b.result.json", "c.result.json"])
        }
    }
}
