/// Files that have their names, sizes and times and not their contents, as file systems leave them when the power fails before these
/// are synced.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Synchronization
import Testing

@testable import JobRunner

@Suite("After a power cut", .timeLimit(.minutes(5)))
struct DamageTests {
    private static let name: JobName = "a1"

    /// One life of a daemon, on a machine that has been started anew.
    private func live(
        _ files: SpoolFiles, boot: String, maxLanes: Int = 0, system: SystemCalls? = nil, log: DaemonLog = DaemonLog(),
        until isDone: (Daemon) async throws -> Bool
    ) async throws {
        let faults = Faults()
        let daemon = try Daemon(
            files.path, number: 1, machine: FakeMachine(files), faults: faults, maxLanes: maxLanes, system: system,
            log: log
        ) { $0.bootID = boot }
        daemon.hint(.rescan(.start))
        try await eventually("what it is to do; the log says \(log.lines)") { try await isDone(daemon) }
        faults.die()
        try await daemon.leave()
    }

    /// With a spool in which a job waits.
    private func withWaitingJob(_ body: (SpoolFiles, VirtualClocks) async throws -> Void) async throws {
        signal(SIGIO, SIG_IGN)
        let clocks = VirtualClocks()
        try await Clock.$replacement.withValue(clocks) {
            let files = try SpoolFiles()
            try files.put(#"{"type": "plain"}"#, as: .request(Self.name), time: clocks.now())
            try await live(files, boot: "one") { daemon in
                let look = try await daemon.look()
                return try look?.isIdle ?? false && files.status(of: Self.name) != nil
            }
            try await body(files, clocks)
        }
    }

    @Test(
        "the feed goes on behind all numbers that may have been told and lost; after a stop with the next one",
        arguments: [true, false])
    func feed(hasStopped: Bool) async throws {
        try await withWaitingJob { files, clocks in
            func sequences() throws -> [Int] {
                var start = 0
                return try files.lines(.events, from: &start).compactMap { $0["sequence"]?.int }
            }
            if hasStopped {
                let home = try files.root.directory(SpoolFile.privateDirectory)
                try await live(files, boot: "one") { daemon in
                    daemon.stop(.stop)
                    return try home.stat(FileName("feed-end")) != nil
                }
            }
            let before = try sequences()
            #expect(before == Array(1...before.count))
            try files.put(#"{"type": "plain"}"#, as: .request("b1"), time: clocks.now())
            try await live(files, boot: "two") { _ in try sequences().count > before.count }
            let next = try #require(try sequences().dropFirst(before.count).first)
            #expect(next == before.count + 1 + (hasStopped ? 0 : Int(FeedRecord.mostLost)))
        }
    }

    /// Writes zeros over a file; its size and its time stay.
    private func zero(_ file: SpoolFile, in files: SpoolFiles) throws {
        let stat = try #require(try files.root.stat(file.modelName))
        try files.root.open(file.modelName, O_WRONLY).write([UInt8](repeating: 0, count: Int(stat.size)))
        let time = timespec(tv_sec: Int(stat.fingerprint.seconds), tv_nsec: Int(stat.fingerprint.nanoseconds))
        #expect(utimensat(files.root.raw, file.modelName.string ?? "", [time, time], 0) == 0)
        #expect(try files.root.stat(file.modelName)?.fingerprint == stat.fingerprint)
    }

    /// A job whose attempt is under way when the power fails, and what the next attempt is given.
    /// - Parameters:
    ///   - type: of the job
    ///   - say: what the attempt says
    ///   - isSeen: whether that has got as far as it is to get
    ///   - damage: what the power cut does
    private func interrupted(
        type: String = "plain", say: [JSON], isSeen: (JobStatus) -> Bool, damage: (Directory) throws -> Void,
        then body: (SpoolFiles, FakeMachine, Daemon) async throws -> Void
    ) async throws {
        signal(SIGIO, SIG_IGN)
        let clocks = VirtualClocks()
        try await Clock.$replacement.withValue(clocks) {
            let files = try SpoolFiles()
            try files.put(#"{"type": "\#(type)"}"#, as: .request(Self.name), time: clocks.now())
            let machine = FakeMachine(files)
            let faults = Faults()
            func serve(_ number: Int, boot: String) throws -> Daemon {
                let daemon = try Daemon(
                    files.path, number: number, machine: machine, faults: faults, maxLanes: 1
                ) { $0.bootID = boot }
                daemon.hint(.rescan(.start))
                return daemon
            }
            let first = try serve(1, boot: "one")
            try await eventually("it to run") { !machine.alive.isEmpty }
            let attempt = try #require(machine.alive.first)
            for line in say { attempt.say(line) }
            try await eventually("that to be shown") {
                clocks.pass(0.3)
                return try files.status(of: Self.name).map(isSeen) ?? false
            }
            first.stop(.leave)
            try await first.leave()
            attempt.close()
            try damage(Directory.open("\(files.path)/.jobspool/attempts/\(attempt.identifier)"))
            _ = machine.takeLaunches()
            let second = try serve(2, boot: "two")
            try await body(files, machine, second)
            machine.closeAll()
            second.stop(.leave)
            try await second.leave()
        }
    }

    @Test("the checkpoint that was shown last is what the next attempt gets, though the output lacks it")
    func checkpoint() async throws {
        try await interrupted(
            say: (1...3).map { ["type": "checkpoint", "value": JSON($0)] }, isSeen: { $0.checkpoint == 3 },
            damage: { attempt in
                let output = try attempt.open(AttemptFile.standardOutput, O_WRONLY)
                let length = JSON.object(["type": "checkpoint", "value": 1]).bytes.count + 1
                try output.truncate(to: Int64(length))
            }
        ) { files, machine, _ in
            try await eventually("it to run again") { !machine.alive.isEmpty }
            let launch = try #require(machine.takeLaunches().last)
            #expect(launch.input["attempt"] == 2)
            #expect(launch.input["checkpoint"] == 3)
        }
    }

    @Test("an attempt that was shown to run counts as interrupted, though its record lacks that")
    func record() async throws {
        try await interrupted(
            type: "fragile", say: [["type": "log", "message": "here"]], isSeen: { $0.message == "here" },
            damage: { try $0.open(AttemptFile.record, O_WRONLY).truncate(to: 0) }
        ) { files, machine, daemon in
            try await eventually("it to end") { try files.result(of: Self.name) != nil || !machine.alive.isEmpty }
            #expect(machine.alive.isEmpty)
            #expect(try files.result(of: Self.name)?.status.error?.code == "INTERRUPTED")
        }
    }

    @Test("a job that waits, and whose request is empty, ends with an error that says so")
    func emptyRequest() async throws {
        try await withWaitingJob { files, clocks in
            let accepted = try #require(try files.status(of: Self.name))
            try zero(.request(Self.name), in: files)
            try await live(files, boot: "two", maxLanes: 1) { daemon in
                clocks.pass(5)
                daemon.tick()
                daemon.hint(.rescan(.timer))
                return try files.result(of: Self.name) != nil
            }
            let result = try #require(try files.result(of: Self.name))
            #expect(result.status.identity.jobID == accepted.identity.jobID)
            #expect(result.status.standing == .rejected)
            #expect(result.status.error?.code == JobError.Code.invalidRequest.rawValue)
            #expect(result.status.error?.message.contains("drop it again") ?? false)
        }
    }

    @Test(
        "a status that is empty, of a job that has no result, is set aside, and its request taken in anew",
        arguments: [true, false])
    func emptyStatus(hasRequest: Bool) async throws {
        try await withWaitingJob { files, _ in
            try zero(.status(Self.name), in: files)
            if !hasRequest { try files.remove(.request(Self.name)) }
            let log = DaemonLog()
            try await live(files, boot: "two", log: log) { daemon in
                let look = try await daemon.look()
                return look?.isIdle ?? false
            }
            #expect(log.lines.contains { $0.contains("a power cut has damaged a1.status.json") })
            #expect(try files.status(of: Self.name)?.standing == (hasRequest ? .pending : nil))
            #expect(try files.privateNames("aside").count == 1)
        }
    }

    @Test(
        "a status that cannot be written anew keeps no daemon from starting, and is written when it can be",
        arguments: [EPERM, ENOSPC, EIO])
    func forbiddenStatus(code: Int32) async throws {
        try await withWaitingJob { files, clocks in
            try files.put(#"{"type": "nothing"}"#, as: .request(Self.name), time: clocks.now())
            try await live(files, boot: "one") { _ in try files.status(of: Self.name)?.standing == .rejected }
            try zero(.status(Self.name), in: files)
            let fails = Atomic(true)
            let failures = Atomic(0)
            let system = SystemCalls(fault: { operation, called in
                guard fails.load(ordering: .relaxed), operation == .rename, called.hasSuffix("/a1.status.json") else {
                    return nil
                }
                failures.add(1, ordering: .relaxed)
                return code
            })
            try files.put(#"{"type": "plain"}"#, as: .request("a2"), time: clocks.now())
            try await live(files, boot: "two", system: system) { daemon in
                if failures.load(ordering: .relaxed) == 0 { return false }
                fails.store(false, ordering: .relaxed)
                if code == EPERM { return try files.status(of: "a2") != nil }
                clocks.pass(1)
                daemon.tick()
                let bytes = try files.root.read(SpoolFile.status(Self.name).modelName) ?? []
                return String(decoding: bytes, as: UTF8.self).contains("rejected")
            }
        }
    }

    @Test(
        "the log of a job of whose attempt nothing is left ends with a whole line, also when that is cancelled then",
        arguments: [true, false])
    func tornLog(hasOutputs: Bool) async throws {
        try await withWaitingJob { files, clocks in
            let jobID = try #require(try files.status(of: Self.name)).identity.jobID
            let attempt = try files.root.directory(".jobspool").directory("attempts")
                .makeDirectory(jobID, mode: 0o700).makeDirectory("1", mode: 0o700)
            let zeros = [UInt8](repeating: 0, count: 100)
            for name in [AttemptFile.request, AttemptFile.record] {
                try attempt.open(name, O_WRONLY | O_CREAT).write(zeros)
            }
            if hasOutputs {
                for name in [AttemptFile.standardOutput, AttemptFile.standardError] {
                    _ = try attempt.open(name, O_WRONLY | O_CREAT)
                }
            }
            let log = SpoolFile.log(Self.name).modelName
            try files.root.open(log, O_WRONLY | O_CREAT).write(Array("{}\n".utf8) + zeros)
            try files.put("", as: .cancel(Self.name), time: clocks.now())
            try await live(files, boot: "two") { _ in try files.result(of: Self.name) != nil }
            #expect(try files.result(of: Self.name)?.status.standing == .cancelled)
            #expect(try files.root.read(log) == Array("{}\n".utf8))
        }
    }
}
