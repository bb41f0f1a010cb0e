/// Names of the spool that nobody can look at, as those on which a user has mounted a file system (mount.fuse(8)): stat(2) fails there, and nowhere else.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Synchronization
import Testing

@testable import JobRunner

@Suite("A name that nobody can look at", .timeLimit(.minutes(2)))
struct UnlookableTests {
    /// With a daemon that cannot look at some files, once it is there or from its start; `.` is the directory.
    private func withDaemon(
        blind: [String], fromTheStart: Bool = false, before: (SpoolFiles) throws -> Void = { _ in },
        _ body: (BareDaemon, _ blind: @escaping @Sendable () -> Void, _ see: @escaping @Sendable () -> Void)
            async throws
            -> Void
    ) async throws {
        let isBlind = Mutex(fromTheStart)
        try await withBareDaemon(
            names: ["y", "b", "c", "d"], before: before,
            fault: { operation, file in
                isBlind.withLock(\.self) && blind.contains(String(file)) && [.stat, .open, .read].contains(operation)
                    ? EACCES : nil
            }
        ) { stage in
            try await body(stage, { isBlind.withLock { $0 = true } }, { isBlind.withLock { $0 = false } })
        }
    }

    @Test("keeps nobody else's request from being taken in, and no job from starting", arguments: [true, false])
    func request(isShared: Bool) async throws {
        try await withDaemon(blind: ["x.json"]) { stage, blind, _ in
            // Then it is asked whose files are.
            chmod(stage.files.path, isShared ? 0o1777 : 0o755)
            blind()
            try stage.drop("x")
            try stage.drop("b")
            try await stage.reach("b to run") { stage.machine.alive.contains { $0.name == "b" } }
            for reason in [WakeUp.Reason.timer, .overflow] {
                stage.daemon.hint(.rescan(reason))
                let name: JobName = reason == .timer ? "c" : "d"
                try stage.drop(name)
                try await stage.reach("\(name) to wait") { try stage.files.status(of: name) != nil }
            }
            try #require(stage.machine.alive.first).end(.exit(0))
            try await stage.reach("c to run") { stage.machine.alive.contains { $0.name == "c" } }
            #expect(stage.log.lines.count { $0.contains("x.json cannot be looked at") } == 1)
            #expect(!stage.log.lines.contains { $0.hasPrefix("stat ") })
        }
    }

    @Test("cancels nothing, and keeps the request that it is about from nothing") func cancel() async throws {
        try await withDaemon(blind: ["x.cancel.json"]) { stage, blind, _ in
            blind()
            try stage.drop("x")
            try await stage.reach("x to run") { stage.machine.alive.contains { $0.name == "x" } }
        }
    }

    @Test("keeps nobody from being taken in when it is none that a job can have, either") func badName() async throws {
        try await withDaemon(blind: ["x\t.json"]) { stage, blind, _ in
            try await stage.rest()
            blind()
            stage.daemon.hint(.file(FileName("x\t.json")))
            try stage.drop("b")
            // No time passes.
            try await eventually("b to run; the log says \(stage.log.lines)") { !stage.machine.alive.isEmpty }
            #expect(!stage.log.lines.contains { $0.hasPrefix("stat ") })
        }
    }

    @Test("keeps no daemon from starting by what a schedule has dropped") func scheduled() async throws {
        let job: JobName = "s-20260107T013000Z"
        try await withDaemon(
            blind: ["\(job).result.json"], fromTheStart: true,
            before: { files in
                let request = SpoolFile.request(job)
                try files.put(#"{"type": "plain"}"#, as: request, time: Clock.now())
                let slot = try #require(Timestamp("2026-01-07T01:30:00.000Z"))
                let note = ScheduleNote(
                    job: job, slot: ScheduleSlot(schedule: "s", at: slot), owner: geteuid(),
                    request: try #require(try files.root.stat(request.modelName)).fingerprint)
                let notes = try files.root.makeDirectory(SpoolFile.privateDirectory, mode: 0o700)
                    .makeDirectory("scheduled", mode: 0o700)
                try notes.open(request.modelName, O_WRONLY | O_CREAT).write(note.json.line)
            }
        ) { stage, _, see in
            try stage.drop("b")
            try await stage.reach("b to run") { stage.machine.alive.first?.name == "b" }
            try #require(stage.machine.alive.first).end(.exit(0))
            see()
            stage.daemon.hint(.rescan(.timer))
            try await stage.reach("it to run") { stage.machine.alive.first?.name == job }
            #expect(stage.machine.takeLaunches().last?.input["scheduled_at"] == "2026-01-07T01:30:00.000Z")
        }
    }

    @Test("keeps those waiting that named it in `after`, and nobody else")
    func dependency() async throws {
        try await withDaemon(blind: ["x.json"]) { stage, blind, _ in
            try stage.drop("y", #", "after": ["x"]"#)
            try await stage.reach("y to wait") { try stage.files.status(of: "y")?.waitingFor != nil }
            blind()
            try stage.drop("x")
            stage.daemon.hint(.rescan(.timer))
            try stage.drop("b", #", "after": ["x"]"#)
            try stage.drop("c")
            try await stage.reach("c to run") { stage.machine.alive.contains { $0.name == "c" } }
            #expect(try stage.files.status(of: "b")?.standing == .pending)
            #expect(try stage.files.status(of: "y")?.standing == .pending)
        }
    }

    @Test(
        "keeps no daemon from starting",
        arguments: ["x.json", "x.status.json", "x.result.json", "x.cancel.json", "spool.pause.json", "x.schedule.json"])
    func start(file: String) async throws {
        try await withDaemon(
            blind: [file], fromTheStart: true,
            before: { files in
                _ = try files.root.open(FileName(file), O_WRONLY | O_CREAT)
                if file != "x.json" { try files.put(#"{"type": "plain"}"#, as: .request("x"), time: Clock.now()) }
            }
        ) { stage, _, _ in
            try stage.drop("b")
            try await stage.reach("an attempt") { !stage.machine.alive.isEmpty }
            if let first = stage.machine.alive.first, first.name != "b" { try first.end(.exit(0)) }
            try await stage.reach("b to run") { stage.machine.alive.contains { $0.name == "b" } }
            #expect(stage.log.lines.contains { $0.contains("\(file) cannot be looked at") } || file == "x.json")
        }
    }

    @Test("keeps no other job from starting when its own was to have its turn, and has it later")
    func pending() async throws {
        try await withDaemon(blind: ["x.json"]) { stage, blind, see in
            try stage.drop("d")
            try await stage.reach("d to run") { !stage.machine.alive.isEmpty }
            // Too late to be made ready.
            stage.clocks.pass(1)
            try stage.drop("x", #", "priority": 100"#)
            try await stage.reach("x to wait") { try stage.files.root.stat(FileName("x.status.json")) != nil }
            blind()
            try stage.drop("b")
            try #require(stage.machine.alive.first).end(.exit(0))
            try await stage.reach("b to run") { stage.machine.alive.contains { $0.name == "b" } }
            try #require(stage.machine.alive.first).end(.exit(0))
            see()
            stage.daemon.hint(.rescan(.timer))
            try await stage.reach("x to run") { stage.machine.alive.contains { $0.name == "x" } }
        }
    }

    @Test(
        "in the place of an output of a job that runs keeps no other job from starting",
        arguments: ["x.result.json", "x.errors.jsonl", "x.log.jsonl", "x.status.json", "x.json"])
    func output(file: String) async throws {
        try await withDaemon(blind: [file]) { stage, blind, _ in
            if file.hasSuffix("jsonl") {
                // Since it waits for its turn.
                try stage.drop("d")
                try await stage.reach("d to run") { !stage.machine.alive.isEmpty }
                stage.clocks.pass(1)
                try stage.drop("x")
                try await stage.reach("x to wait") { try stage.files.root.stat(FileName("x.status.json")) != nil }
                blind()
                try #require(stage.machine.alive.first).end(.exit(0))
            } else {
                try stage.drop("x")
            }
            try await stage.reach("x to run") { stage.machine.alive.contains { $0.name == "x" } }
            blind()
            try #require(stage.machine.alive.first).end(.exit(0))
            for name in ["b", "c"] as [JobName] {
                try stage.drop(name)
                try await stage.reach("\(name) to run") { stage.machine.alive.contains { $0.name == name } }
                try #require(stage.machine.alive.first).end(.exit(0))
                try await stage.reach("the end of \(name)") { try stage.files.result(of: name) != nil }
            }
        }
    }

    @Test(
        "takes no job from a daemon that returns: what runs is followed to its end",
        arguments: ["x.json", "x.status.json"])
    func restart(file: String) async throws {
        try await withDaemon(blind: ["x.json"]) { stage, _, _ in
            try stage.drop("x")
            try await stage.reach("x to run") { stage.machine.alive.contains { $0.name == "x" } }
            try await stage.reach("that to be shown") {
                try stage.files.root.read(FileName("x.status.json")).map {
                    String(decoding: $0, as: UTF8.self).contains("running")
                } ?? false
            }
            stage.daemon.stop(.leave)
            try await stage.daemon.leave()
            let path = stage.files.path
            let isBlind = Atomic(true)
            let blind = SystemCalls(fault: { operation, called in
                isBlind.load(ordering: .relaxed) && called == "\(path)/\(file)"
                    && [.stat, .open, .read].contains(operation) ? EACCES : nil
            })
            let next = try Daemon(
                path, number: 2, machine: stage.machine, faults: Faults(), maxLanes: 1, system: blind, log: stage.log)
            next.hint(.rescan(.start))
            try await eventually("it to rest; the log says \(stage.log.lines)") {
                try await next.look()?.isIdle ?? false
            }
            let attempt = try #require(stage.machine.alive.first)
            #expect(!attempt.hasOrder)
            if file == "x.status.json" {
                // As its job it is known when that can be looked at.
                isBlind.store(false, ordering: .relaxed)
                next.hint(.rescan(.timer))
                try await eventually("it to be followed") { try await next.look()?.running.isEmpty == false }
                #expect(stage.machine.alive.count == 1)
            }
            try attempt.end(.exit(0))
            try await eventually("its result; the log says \(stage.log.lines)") {
                try stage.files.root.stat(FileName("x.result.json")) != nil
            }
            #expect(stage.machine.takeLaunches().count == 1)
            next.stop(.leave)
            try await next.leave()
        }
    }

    @Test("where a result is, which another job needs, keeps that one waiting, and nobody else")
    func neededResult() async throws {
        try await withDaemon(blind: ["x.result.json"]) { stage, blind, _ in
            _ = try stage.files.root.open(FileName("x.result.json"), O_WRONLY | O_CREAT)
            try stage.drop("y", #", "after": ["p", "q"]"#)
            try await stage.reach("y to wait") { try stage.files.status(of: "y")?.waitingFor != nil }
            blind()
            try stage.drop("b", #", "after": ["p", "x"]"#)
            try stage.drop("c")
            try await stage.reach("c to run") { stage.machine.alive.contains { $0.name == "c" } }
            try #require(stage.machine.alive.first).end(.exit(0))
            try stage.drop("p")
            try await stage.reach("p to run") { stage.machine.alive.contains { $0.name == "p" } }
            try #require(stage.machine.alive.first).end(.exit(0))
            try stage.drop("q")
            try await stage.reach("q to run") { stage.machine.alive.contains { $0.name == "q" } }
            try #require(stage.machine.alive.first).end(.exit(0))
            try await stage.reach("y to run") { stage.machine.alive.contains { $0.name == "y" } }
            #expect(try stage.files.status(of: "b")?.standing == .pending)
            #expect(!stage.log.lines.contains { $0.hasPrefix("stat ") })
        }
    }

    @Test("is told from a disk that fails: then all waits until it is well again")
    func disk() async throws {
        try await withDaemon(blind: ["x.json", "."]) { stage, blind, see in
            blind()
            try stage.drop("x")
            try await stage.reach("the trouble to be told") {
                stage.log.lines.contains { $0.hasPrefix("stat ") && $0.contains("x.json: Permission denied") }
            }
            #expect(stage.machine.alive.isEmpty)
            #expect(!stage.log.lines.contains { $0.contains("counts for nothing") })
            see()
            try await stage.reach("x to run") { !stage.machine.alive.isEmpty }
        }
    }
}
