/// What people do between two of the daemon's looks at a file, and what the disk refuses while it comes back: each hurts one job at the most.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Synchronization
import Testing

@testable import JobRunner

@Suite("Between two looks", .timeLimit(.minutes(2)))
struct RaceTests {
    /// A file that does not count, and that is taken away before it can be moved aside, again and again.
    @Test(
        "a file that comes and goes keeps nobody waiting",
        .enabled(if: geteuid() == 0, "only root can be another user"),
        arguments: [SpoolFile.pause, .cancel("a")])
    func comesAndGoes(file: SpoolFile) async throws {
        let name = file.modelName
        let gone = Atomic(0)
        try await withBareDaemon(
            names: ["a", "b"],
            fault: { operation, called in
                guard operation == .rename, called.hasPrefix("\(name) to ") else { return nil }
                gone.add(1, ordering: .relaxed)
                return ENOENT
            }
        ) { stage in
            chmod(stage.files.path, 0o1777)
            try stage.drop("a")
            try await eventually("a to run") { !stage.machine.alive.isEmpty }
            try stage.put("", as: file, hint: false)
            chown("\(stage.files.path)/\(name)", 65534, 65534)
            stage.daemon.hint(.file(name))
            try await eventually("it to be looked at") { gone.load(ordering: .relaxed) > 0 }
            // No time passes.
            try stage.drop("b")
            try #require(stage.machine.alive.first).end(.exit(0))
            try await eventually("b to run; the log says \(stage.log.lines)") {
                stage.machine.alive.first?.name == "b"
            }
            #expect(!stage.log.lines.contains { $0.hasPrefix("rename") })
        }
    }

    /// With a daemon whose committer puts no result into its place before the gate is open.
    private func withHeldResults(_ body: (BareDaemon, Gate) async throws -> Void) async throws {
        let gate = Gate()
        try await withBareDaemon(
            names: ["b"],
            fault: { operation, called in
                if operation == .rename, called.hasSuffix(".result.json") { gate.pass() }
                return nil
            }
        ) { stage in
            defer { gate.open() }
            try await stage.rest()
            try await body(stage, gate)
        }
    }

    private func reject(_ count: Int, _ stage: BareDaemon) throws -> [JobName] {
        let jobs = try (1...count).map { try JobName("r\($0)") }
        for job in jobs { try stage.put(#"{"type": "nothing"}"#, as: .request(job)) }
        return jobs
    }

    @Test("ends that wait for the disk, of requests that never ran, keep no job from starting") func rejected()
        async throws
    {
        try await withHeldResults { stage, _ in
            _ = try reject(100, stage)
            try await eventually("them to be rejected") {
                try await stage.daemon.ask(1) { $0.finishing.count }.first.map { $0 >= 90 } ?? false
            }
            try stage.drop("b")
            try await eventually("b to run") { !stage.machine.alive.isEmpty }
        }
    }

    @Test("so many ends wait for the disk, and no more requests are looked at until they are told") func ends()
        async throws
    {
        try await withHeldResults { stage, gate in
            let jobs = try reject(900, stage)
            let most = try await stage.daemon.ask(200) { $0.finishing.count }.max()
            #expect((512..<600).contains(most ?? 0), "\(most ?? 0)")
            gate.open()
            try await eventually("all to be told") {
                try jobs.allSatisfy { try stage.files.root.stat(SpoolFile.result($0).modelName) != nil }
            }
        }
    }

    @Test("a request that cannot be read in its turn, while it gets to the disk, has its turn when it is there")
    func unreadableAndUnsynced() async throws {
        let gate = Gate()
        let isHeld = Atomic(false)
        let isForbidden = Atomic(false)
        try await withBareDaemon(
            names: ["a", "b"],
            fault: { operation, called in
                guard called == "b.json" else { return nil }
                if operation == .sync {
                    isHeld.store(true, ordering: .relaxed)
                    gate.pass()
                }
                return operation == .open && isForbidden.load(ordering: .relaxed) ? EACCES : nil
            }
        ) { stage in
            defer { gate.open() }
            try stage.drop("a")
            try await eventually("a to run") { !stage.machine.alive.isEmpty }
            try await stage.rest()
            // So that nothing is made ready behind it.
            stage.clocks.pass(1)
            try stage.drop("b")
            try await eventually("b to get to the disk") { isHeld.load(ordering: .relaxed) }
            isForbidden.store(true, ordering: .relaxed)
            try #require(stage.machine.alive.first).end(.exit(0))
            try await eventually("b to be put aside") {
                try await stage.daemon.ask(1) { $0.parked.contains("b") }.first == true
            }
            _ = try await stage.daemon.ask(10) { _ in true }
            isForbidden.store(false, ordering: .relaxed)
            gate.open()
            try await eventually("b to run; the log says \(stage.log.lines)") {
                stage.machine.alive.first?.name == "b"
            }
        }
    }

    @Test("a cancel file that is being written is read when it has been; that may take the settling time at the most")
    func cancelIsWritten() async throws {
        try await withBareDaemon(names: ["a", "b"]) { stage in
            for (job, isClosed) in [("a", true), ("b", false)] as [(JobName, Bool)] {
                try stage.drop(job)
                try await eventually("\(job) to run") { stage.machine.alive.contains { $0.name == job } }
                let attempt = try #require(stage.machine.alive.first { $0.name == job })
                let file = SpoolFile.cancel(job)
                let path = "\(stage.files.path)/\(file.modelName)"
                let cancel = try #require(fopen(path, "we"))
                stage.daemon.hint(.file(file.modelName))
                try await stage.rest()
                #expect(!attempt.hasOrder)
                fputs(#"{"reason": "the wrong one"}"#, cancel)
                if isClosed {
                    fclose(cancel)
                    stage.daemon.hint(.file(file.modelName))
                    try await eventually("\(job) to be asked to stop") { attempt.hasOrder }
                } else {
                    try await stage.reach("\(job) to be asked to stop") { attempt.hasOrder }
                    fclose(cancel)
                }
                try attempt.end(.exit(143))
                try await eventually("the result of \(job)") { try stage.files.result(of: job) != nil }
                let message = try stage.files.result(of: job)?.status.message
                #expect(message?.hasSuffix(isClosed ? ": the wrong one" : Users.name(of: geteuid())) == true)
                try await stage.rest()
            }
        }
    }

    @Test("a cancel of the next run is left for it when the run before ends") func cancelOfNext() async throws {
        let files = Mutex<SpoolFiles?>(nil)
        let hasCome = Atomic(false)
        try await withBareDaemon(
            names: ["a"], before: { spool in files.withLock { $0 = spool } },
            fault: { operation, called in
                // Its result is there, and its end is about to be told.
                guard operation == .rename, called.hasSuffix("/a.status.json"), let spool = files.withLock(\.self),
                    access("\(spool.path)/a.result.json", F_OK) == 0, !hasCome.exchange(true, ordering: .relaxed)
                else { return nil }
                do {
                    let later = Timestamp(milliseconds: 1_767_792_999_000)
                    try spool.put(#"{"type": "plain", "description": "again"}"#, as: .request("a"), time: later)
                    try spool.put("", as: .cancel("a"), time: later)
                } catch {
                    return EIO
                }
                return nil
            }
        ) { stage in
            defer { files.withLock { $0 = nil } }
            try stage.drop("a")
            try await eventually("a to run") { !stage.machine.alive.isEmpty }
            try #require(stage.machine.alive.first).end(.exit(0))
            try await eventually("the next run to be cancelled; the log says \(stage.log.lines)") {
                let result = try stage.files.result(of: "a")
                return result?.status.identity.description == "again" && result?.status.standing == .cancelled
            }
            #expect(stage.machine.takeLaunches().count == 1)
            try await eventually("the cancel to go") { try !stage.files.isCancelled("a") }
        }
    }

    @Test("a request that changes while its result gets to the disk runs, though the daemon dies before it looks")
    func changesLate() async throws {
        let path = Mutex("")
        let hasCome = Atomic(false)
        let system = SystemCalls(fault: { operation, called in
            if hasCome.load(ordering: .relaxed) { return operation == .sync ? EIO : nil }
            guard operation == .rename, called.hasSuffix("/a1.result.json") else { return nil }
            hasCome.store(true, ordering: .relaxed)
            let request = path.withLock(\.self)
            guard let file = fopen(request, "we") else { return EIO }
            fputs(#"{"type": "plain", "description": "changed"}"#, file)
            fclose(file)
            // By the times of change, which nobody can set, the result is far younger.
            return becomesOlder(request, by: 2.1) ? nil : EIO
        })
        try await withDaemon(system) { stage in
            path.withLock { $0 = "\(stage.files.path)/a1.json" }
            try await stage.begin("a1")
            try await stage.end("a1", .exit(0))
            try await eventually("its result") { try stage.files.root.stat(FileName("a1.result.json")) != nil }
            try await stage.dieAndReturn()
            try await stage.await("a1")
            #expect(try stage.files.status(of: "a1")?.identity.description == "changed")
            try await stage.end("a1", .exit(0))
            try await stage.rest()
        }
    }

    /// What a disk does not take while the daemon stops.
    enum Refused: CaseIterable, Sendable {
        case feed, acceptance, result

        func refuses(_ operation: SystemOperation, _ called: Substring) -> Bool {
            switch self {
            case .feed: operation == .write && called.hasSuffix("spool.events.jsonl")
            case .acceptance: operation == .sync && called.hasSuffix("/a.json")
            case .result: operation == .rename && called.hasSuffix(".result.json")
            }
        }
    }

    @Test("a disk that takes nothing any more keeps no daemon from stopping", arguments: Refused.allCases)
    func stopping(refused: Refused) async throws {
        let isOn = Atomic(refused == .acceptance)
        try await withBareDaemon(
            names: ["a", "b"],
            fault: { operation, called in
                isOn.load(ordering: .relaxed) && refused.refuses(operation, "/" + called) ? EIO : nil
            }
        ) { stage in
            try await stage.rest()
            try stage.drop("a")
            try await eventually("a to run") { !stage.machine.alive.isEmpty }
            if refused == .result {
                // It starts behind the one whose result is not taken.
                try stage.drop("b")
                try await eventually("b to be left to a's follower") {
                    try await stage.daemon.look()?.handOvers.contains(where: \.isLent) ?? false
                }
            }
            isOn.store(true, ordering: .relaxed)
            try #require(stage.machine.alive.first).end(.exit(0))
            if refused == .result {
                try await eventually("b to run; the log says \(stage.log.lines)") {
                    stage.machine.alive.first?.name == "b"
                }
            }
            try await eventually("the trouble to be told") { !stage.log.lines.isEmpty }
            stage.daemon.stop(.stop)
            try await eventually("the daemon to stop; the log says \(stage.log.lines)") {
                for attempt in stage.machine.alive where attempt.hasOrder { try attempt.end(.signal(15)) }
                return stage.daemon.hasEnded
            }
        }
    }

    @Test("thousands of requests that wait for what is nowhere leave the daemon time for others") func owed()
        async throws
    {
        let listings = Atomic(0)
        try await withBareDaemon(
            names: ["n7"],
            before: { files in
                var directory = files.root
                for part in ["archive", "2026", "01", "10"] {
                    directory = try directory.makeDirectory(part, mode: 0o755)
                }
            },
            fault: { operation, called in
                if operation == .open, called.hasSuffix("archive/2026/01/10") {
                    listings.add(1, ordering: .relaxed)
                    // It takes long.
                    (Clock.replacement as? VirtualClocks)?.pass(1)
                }
                return nil
            }
        ) { stage in
            try await stage.rest()
            let before = listings.load(ordering: .relaxed)
            for index in 1...100 { try stage.drop(try JobName("w\(index)"), #", "after": ["n\#(index)"]"#) }
            try await stage.rest()
            let between = listings.load(ordering: .relaxed)
            #expect(between - before <= 4, "\(between - before)")
            try await stage.reach("all to be answered") {
                try await stage.daemon.ask(1) { $0.owed.isEmpty }.first == true
            }
            #expect(listings.load(ordering: .relaxed) - between <= 4)
            try stage.drop("n7")
            try await eventually("n7 to run") { stage.machine.alive.first?.name == "n7" }
            try #require(stage.machine.alive.first).end(.exit(0))
            try await eventually("w7 to run") { stage.machine.alive.first?.name == "w7" }
        }
    }

    @Test("a large schedule is read again when it is due") func largeSchedule() async throws {
        try await withBareDaemon { stage in
            try await stage.rest()
            let text = String(repeating: "x", count: 20_000)
            let schedule = #"{"every_seconds": 60, "request": {"type": "plain", "params": {"x": "\#(text)"}}}"#
            try stage.put(schedule, as: .schedule("s"))
            try await stage.rest()
            #expect(try await stage.daemon.ask(1) { $0.schedules.entries["s"].map { $0.content == nil } }.first == true)
            try await stage.reach("its job to run") { !stage.machine.alive.isEmpty }
            #expect(stage.machine.takeLaunches().first?.input["params"]?["x"]?.string == text)
        }
    }
}
