/// What an attempt's end says of its job, whatever the clocks do and whatever the handler has said before.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Synchronization
import Testing

@testable import JobRunner

@Suite("An attempt's end", .timeLimit(.minutes(2)))
struct AttemptEndTests {
    private let limited = #"{"type": "again", "timeout_seconds": 60}"#

    @Test("is what the handler says, also when somebody has set the clock, or the machine has slept") func clock()
        async throws
    {
        try await withDaemon { stage in
            try stage.put(limited, as: .request("a1"))
            try await stage.await("a1")
            stage.clocks.setClock(by: 600)
            try await stage.end("a1", .exit(75))
            try await eventually("a1 to be judged") {
                let status = try stage.files.status(of: "a1")
                return status?.waitingFor != nil || status?.standing.isOver ?? false
            }
            let status = try #require(try stage.files.status(of: "a1"))
            #expect(status.standing == .pending)
            guard case .retry? = status.waitingFor else {
                Issue.record("it waits for \(String(describing: status.waitingFor))")
                return
            }
        }
    }

    @Test("is a timeout when a daemon that returns finds that it took too long") func returned() async throws {
        try await withDaemon { stage in
            try stage.put(limited, as: .request("a1"))
            try await stage.await("a1")
            try await stage.die()
            stage.clocks.pass(61)
            try await stage.end("a1", .exit(75))
            try await stage.dieAndReturn()
            try await stage.rest()
            #expect(try stage.files.result(of: "a1")?.status.error?.code == "TIMEOUT")
        }
    }

    @Test("before its handler was started, since the machine has no more processes, is no attempt, and is told")
    func noStart()
        async throws
    {
        try await withDaemon { stage in
            try await stage.begin("a1")
            try stage.endUnstarted("a1", Self.shortage)
            try await eventually("a1 to wait") { try stage.files.status(of: "a1")?.waitingFor != nil }
            let status = try #require(try stage.files.status(of: "a1"))
            #expect(status.message == "Waiting to be started: cannot start it")
            #expect(status.attempt == 0)
            #expect(status.startedAt == nil)
            stage.clocks.pass(2)
            stage.tick()
            try await eventually("the trouble to be told") {
                try stage.files.json(.spoolStatus)?["trouble"] != .null
            }
            try await stage.rest()
            stage.clocks.pass(6)
            stage.tick()
            try await stage.await("a1")
            try await stage.end("a1", .exit(0))
            try await stage.rest()
            #expect(try stage.files.result(of: "a1")?.attempts.map(\.attempt) == [1])
            #expect(stage.machine.takeLaunches().map(\.attempt.number) == [1, 1, 1])
        }
    }

    private static let shortage = JobError(.handlerFailed, "cannot start it", details: ["errno": JSON(EAGAIN)])

    @Test("before its handler was started leaves nothing in the result of a job that is cancelled then") func noTrace()
        async throws
    {
        try await withDaemon { stage in
            try await stage.begin("a1")
            try stage.endUnstarted("a1", Self.shortage)
            try await eventually("a1 to wait") { try stage.files.status(of: "a1")?.waitingFor != nil }
            try stage.put("", as: .cancel("a1"))
            // The trouble that was told is over.
            stage.clocks.pass(2)
            stage.tick()
            try await eventually("a1 to be cancelled") { try stage.files.result(of: "a1") != nil }
            let result = try #require(try stage.files.result(of: "a1"))
            #expect(result.attempts.isEmpty)
            #expect(result.status.attempt == 0)
            #expect(result.status.startedAt == nil)
        }
    }

    @Test("before its handler was started, after one that failed, leaves that one as the last") func afterOne()
        async throws
    {
        try await withDaemon { stage in
            try stage.put(#"{"type": "again"}"#, as: .request("a1"))
            try await stage.await("a1")
            try await eventually("a1 to be shown") { try stage.files.status(of: "a1")?.startedAt != nil }
            let startedAt = try stage.files.status(of: "a1")?.startedAt
            try await stage.end("a1", .exit(75))
            try await stage.rest()
            stage.clocks.pass(60)
            stage.tick()
            try await stage.await("a1")
            try stage.endUnstarted("a1", Self.shortage)
            try await eventually("a1 to wait to be started") {
                try stage.files.status(of: "a1")?.message.hasPrefix(JobStatus.waitingToBeStarted) ?? false
            }
            #expect(try stage.files.status(of: "a1")?.attempt == 1)
            #expect(try stage.files.status(of: "a1")?.startedAt == startedAt)
        }
    }

    @Test("before its handler was started is no attempt either when the daemon stops meanwhile") func noStartInStop()
        async throws
    {
        try await withDaemon { stage in
            try await stage.begin("a1")
            try await stage.stop { attempt in
                #expect(attempt.name == "a1")
                try stage.endUnstarted("a1", Self.shortage)
            }
            let status = try #require(try stage.files.status(of: "a1"))
            #expect(status.standing == .pending)
            #expect(status.attempt == 0)
            try await stage.comeBack()
            try await stage.await("a1")
            try await stage.end("a1", .exit(0))
            try await stage.rest()
            #expect(try stage.files.result(of: "a1")?.attempts.map(\.attempt) == [1])
        }
    }

    @Test("that an earlier daemon has asked for, since it was stopping, is no failure, and no interruption")
    func stoppedByEarlier() async throws {
        let isAsked = Mutex(false)
        // The daemon is killed as soon as it has asked.
        let dying = SystemCalls(fault: { operation, path in
            if operation == .write, path.hasSuffix("/control") { isAsked.withLock { $0 = true } }
            return operation == .open && path.hasSuffix("/record.jsonl") && isAsked.withLock(\.self) ? EIO : nil
        })
        try await withDaemon(dying) { stage in
            try stage.put(#"{"type": "fragile"}"#, as: .request("a1"))
            try await stage.await("a1")
            stage.beginStopping()
            try await eventually("the order to stop") { stage.machine.alive.first?.hasOrder ?? false }
            try await stage.dieAndReturn()
            try await stage.end("a1", .exit(1))
            try await eventually("a1 to run again") { stage.machine.alive.contains { $0.name == "a1" } }
            try await stage.end("a1", .exit(0))
            try await stage.rest()
            let result = try #require(try stage.files.result(of: "a1"))
            #expect(result.status.standing == .completed)
            #expect(result.attempts.map(\.ending) == [.stopped, .completed])
        }
    }

    @Test("that was being stopped for its time when an earlier daemon stopped is over its time") func overItsTime()
        async throws
    {
        try await withDaemon { stage in
            try stage.put(#"{"type": "plain", "timeout_seconds": 5}"#, as: .request("a1"))
            try await stage.await("a1")
            stage.clocks.pass(6)
            try await eventually("the order to stop") { stage.machine.alive.first?.hasOrder ?? false }
            stage.beginStopping()
            _ = try await stage.look()
            try await stage.dieAndReturn()
            try await stage.end("a1", .signal(15))
            try await stage.rest()
            #expect(try stage.files.result(of: "a1")?.status.error?.code == "TIMEOUT")
        }
    }

    /// So many arrays in each other.
    private func nested(_ depth: Int) -> JSON { (0..<depth).reduce(0) { inner, _ in [inner] } }

    @Test(
        "is told in files that can be read, however deep the details are",
        arguments: [499, 500, 508, 510])
    func deep(depth: Int) async throws {
        try await withDaemon { stage in
            try stage.put(#"{"type": "again"}"#, as: .request("a1"))
            for status in [75, 1] {
                try await stage.await("a1")
                stage.machine.alive.first?.say([
                    "type": "failure", "message": "no", "details": ["deep": nested(depth - 2)],
                ])
                try await stage.end("a1", .exit(status))
                try await stage.rest()
                // The next daemon reads what this one has written.
                try await stage.dieAndReturn()
                try await stage.rest()
                stage.clocks.pass(60)
                stage.tick()
            }
            let result = try #require(try stage.files.result(of: "a1"))
            #expect(result.status.standing == .failed)
            #expect(result.attempts.map(\.exitStatus) == [75, 1])
            #expect(stage.machine.takeLaunches().map(\.attempt.name) == ["first", "a1", "a1"])
        }
    }

    @Test("in a job that is cancelled later has left its failed items, which are counted without reading its log")
    func cancelled()
        async throws
    {
        let reads = Mutex(0)
        let counting = SystemCalls(fault: { operation, path in
            if operation == .read, path.hasSuffix("/a1.log.jsonl") { reads.withLock { $0 += 1 } }
            return nil
        })
        try await withDaemon(counting) { stage in
            try stage.put(#"{"type": "again"}"#, as: .request("a1"))
            try await stage.await("a1")
            for item in 1...3 { stage.machine.alive.first?.say(["type": "error", "item": JSON(item)]) }
            stage.machine.alive.first?.say(["type": "log", "message": "much"])
            try await stage.end("a1", .exit(75))
            try await stage.rest()
            reads.withLock { $0 = 0 }
            try stage.put("", as: .cancel("a1"))
            try await eventually("a1 to be cancelled") { try stage.files.result(of: "a1") != nil }
            let result = try #require(try stage.files.result(of: "a1"))
            #expect(result.errorsTotal == 3)
            #expect(result.errors.map(\.item) == ["1", "2", "3"])
            #expect(reads.withLock(\.self) == 0)
        }
    }
}
