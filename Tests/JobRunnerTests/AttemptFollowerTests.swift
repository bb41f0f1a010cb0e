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
