/// What a follower makes of outputs that are emptied at bad moments, and again and again.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Synchronization
import Testing

@testable import JobRunner

@Suite("A follower", .timeLimit(.minutes(2)))
struct AttemptFollowerTests {
    private func empty(_ attempt: FakeAttempt, _ stage: Stage) throws {
        try stage.directory(of: attempt).open(AttemptFile.standardOutput, O_WRONLY).truncate(to: 0)
    }

    private func log(_ message: String) -> JSON { ["type": "log", "message": .string(message)] }

    /// However often another status comes before.
    private func showing(_ message: String, _ stage: Stage) async throws {
        try await eventually("\(message) to be shown") {
            stage.clocks.pass(0.3)
            return try stage.files.status(of: "a1")?.message == message
        }
    }

    @Test("shows what comes when an output is emptied before it was read") func unread() async throws {
        try await withDaemon(rhythm: FollowerRhythm(firstTick: 300, tick: 2, retry: 2)) { stage in
            try await stage.begin("a1")
            let attempt = try #require(stage.machine.alive.first)
            attempt.say(log("a long line, which the next daemon takes for shown"))
            // It asks how long the output is when it has opened both, and reads it 300 ms later.
            let steps = Mutex((hasOpened: false, hasBegun: false))
            let watched = SystemCalls(fault: { operation, path in
                steps.withLock { steps in
                    if operation == .open, path.hasSuffix("/stderr") { steps.hasOpened = true }
                    if operation == .stat, path.hasSuffix("/stdout"), steps.hasOpened { steps.hasBegun = true }
                }
                return nil
            })
            try await stage.dieAndReturn(system: watched)
            try await eventually("it to be followed") { steps.withLock(\.hasBegun) }
            try empty(attempt, stage)
            attempt.say(log("short"))
            try await showing("short", stage)
            try await stage.end("a1", .exit(0))
            try await stage.rest()
        }
    }

    // MARK: Time

    /// What a follower that is watched has asked for and complained of.
    private final class Watched: Sendable {
        let clocks = VirtualClocks()
        let asked = Mutex<[StopReason]>([])
        let complaints = Mutex(0)
        private let running = Mutex<FakeAttempt?>(nil)

        var attempt: FakeAttempt? {
            get { running.withLock(\.self) }
            set { running.withLock { $0 = newValue } }
        }
    }

    /// Follows one attempt, whose time is limited, until it has ended.
    private func follow(
        _ watched: Watched, _ system: SystemCalls, limits: StopReason..., body: () async throws -> Void
    ) async throws -> FollowReport {
        signal(SIGIO, SIG_IGN)
        return try await Clock.$replacement.withValue(watched.clocks) {
            let files = try SpoolFiles()
            let spool = try Spool.open(files.path, system: system)
            let machine = FakeMachine(files)
            var status = try JobStatus.sample("a1")
            status.attempt = 1
            let jobDirectory = try spool.attempts.makeDirectory(status.identity.jobID, mode: 0o700)
            let input: JSON = ["name": "a1", "job_id": .string(status.identity.jobID), "attempt": 1]
            let plan = AttemptPlan(
                jobID: status.identity.jobID, attempt: 1, command: ["/bin/true"], environment: [],
                workingDirectory: ".", graceSeconds: 1, request: input.line)
            let process = try AttemptProcess.start(
                AttemptProcess.prepare(plan, in: jobDirectory, nil),
                FakeLauncher(machine: machine, faults: Faults(), daemon: 1))
            var limited = FollowPlan(status: status, attemptStartedAt: Clock.now(), graceSeconds: 1, isNewJob: true)
            for limit in limits {
                switch limit {
                case .timeout(let seconds): limited.timeoutSeconds = seconds
                case .stall(let seconds): limited.stallSeconds = seconds
                case .cancel, .shutdown: Issue.record("no limit: \(limit)")
                }
            }
            let follower = AttemptFollower(
                spool: spool, link: AttemptLink(process), plan: limited, jobDirectory: jobDirectory,
                askToStop: { reason in watched.asked.withLock { $0.append(reason) } },
                complain: { _ in watched.complaints.withLock { $0 += 1 } }, warn: { _ in }, beginNext: {},
                rhythm: FollowerRhythm(firstTick: 1, tick: 1, retry: 1))
            watched.attempt = machine.alive.first
            let threads = ThreadPool(name: "follower")
            defer { threads.end() }
            async let report = follower.follow(on: threads)
            try await body()
            return await report
        }
    }

    @Test("takes no handler for silent because the disk does not take what it says") func unwritten() async throws {
        let fails = Atomic(true)
        let refusing = SystemCalls(fault: { operation, path in
            fails.load(ordering: .relaxed) && operation == .write && path.hasSuffix("a1.log.jsonl") ? EIO : nil
        })
        let watched = Watched()
        let report = try await follow(watched, refusing, limits: .stall(seconds: 100)) {
            let attempt = try #require(watched.attempt)
            for round in 1...5 {
                attempt.say(log("\(round)"))
                // Told once in ten seconds.
                try await eventually("trouble to be told") { watched.complaints.withLock(\.self) >= round }
                watched.clocks.pass(30)
            }
            #expect(watched.asked.withLock(\.self).isEmpty)
            fails.store(false, ordering: .relaxed)
            try attempt.end(.exit(0))
        }
        guard case .ended = report.ending else {
            Issue.record("not ended")
            return
        }
    }

    @Test(
        "stops no handler for a limit that it kept while the disk made the daemon wait",
        arguments: [StopReason.timeout(seconds: 100), .stall(seconds: 100)])
    func slowDisk(limit: StopReason) async throws {
        let watched = Watched()
        let isSlow = Atomic(false)
        // A status that shows a checkpoint waits until that is on the disk: here for longer than the limit, and meanwhile the handler ends, or speaks.
        let slow = SystemCalls(fault: { operation, _ in
            guard operation == .syncData, isSlow.exchange(false, ordering: .relaxed), let attempt = watched.attempt
            else { return nil }
            do {
                if case .timeout = limit {
                    try attempt.end(.exit(0))
                } else {
                    attempt.say(["type": "checkpoint", "value": 2])
                }
            } catch {
                Issue.record(error)
            }
            watched.clocks.pass(1000)
            return nil
        })
        let report = try await follow(watched, slow, limits: limit) {
            let attempt = try #require(watched.attempt)
            isSlow.store(true, ordering: .relaxed)
            attempt.say(["type": "checkpoint", "value": 1])
            try await eventually("the disk to be slow") { !isSlow.load(ordering: .relaxed) }
            if case .stall = limit { try attempt.end(.exit(0)) }
        }
        guard case .ended(let record) = report.ending else {
            Issue.record("not ended")
            return
        }
        #expect(record.end == .exited(0))
        #expect(watched.asked.withLock(\.self).isEmpty)
    }

    @Test("shows that a job has begun which is over, and whose log the disk does not take") func shownMeanwhile()
        async throws
    {
        let fails = Mutex(true)
        let refusing = SystemCalls(fault: { operation, path in
            operation == .write && path.hasSuffix("/a1.log.jsonl") && fails.withLock(\.self) ? EFBIG : nil
        })
        // It is over before anything is looked at.
        try await withDaemon(refusing, rhythm: FollowerRhythm(firstTick: 60_000, tick: 2, retry: 2)) { stage in
            try await stage.begin("a1")
            try #require(stage.machine.alive.first).say(log("more than fits"))
            try await stage.end("a1", .exit(0))
            try await showing("more than fits", stage)
            #expect(try stage.files.status(of: "a1")?.standing == .running)
            fails.withLock { $0 = false }
            try await stage.rest()
            #expect(try stage.files.status(of: "a1")?.standing == .completed)
        }
    }

    @Test("is not driven by a handler that empties its output again and again") func loop() async throws {
        let saved = Mutex(0)
        let counting = SystemCalls(fault: { operation, path in
            if operation == .rename, path.hasSuffix("/\(AttemptFile.emptied)") { saved.withLock { $0 += 1 } }
            return nil
        })
        try await withDaemon(counting, rhythm: FollowerRhythm(firstTick: 1, tick: 100, retry: 2)) { stage in
            try await stage.begin("a1")
            let attempt = try #require(stage.machine.alive.first)
            let output = try stage.directory(of: attempt).open(AttemptFile.standardOutput, O_WRONLY)
            let begin = ContinuousClock.now
            var count = 0
            while ContinuousClock.now - begin < .seconds(1) {
                try output.truncate(to: 0)
                // It is hardly ever seen empty: then nothing would be new.
                for _ in 1...20 {
                    count += 1
                    attempt.say(log("\(count)"))
                }
            }
            try await showing("\(count)", stage)
            let most = (ContinuousClock.now - begin) / Duration.milliseconds(100) + 2
            #expect((1...most).contains(Double(saved.withLock(\.self))))
            try await stage.end("a1", .exit(0))
            try await stage.rest()
        }
    }
}
