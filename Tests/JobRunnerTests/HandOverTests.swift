/// The next job of a lane, made ready while another one runs, and started by whoever sees that one end: as if the runner had
/// started it, and never when it would not have.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Synchronization
import Testing

@testable import JobRunner

@Suite("A job that is made ready behind another", .timeLimit(.minutes(2)))
struct HandOverTests {
    @Test("starts when that one has succeeded, on the thread that saw it end") func follower() async throws {
        try await withDaemon { stage in
            try await stage.begin("a1")
            try await stage.dropBehind("b1")
            try await stage.end("a1", .exit(0))
            try await stage.await("b1")
            let launches = stage.machine.takeLaunches()
            #expect(launches.map(\.attempt.name) == ["first", "a1", "b1"])
            #expect(launches.map(\.thread) == ["hand-over", "hand-over", "spool-worker"])
            try await stage.end("b1", .exit(0))
            try await stage.rest()
            let told = try stage.files.lines(.events).map { "\($0["event"]?.string ?? "") \($0["name"]?.string ?? "")" }
            #expect(told.suffix(4) == ["accepted b1", "completed a1", "started b1", "completed b1"])
        }
    }

    @Test("ends after that one, however long the last lines of that one's log take to get to the disk")
    func order() async throws {
        let isHeld = Mutex(true)
        let slow = SystemCalls(fault: { operation, path in
            while operation == .syncData, path.hasSuffix("/a1.log.jsonl"), isHeld.withLock(\.self) {
                _ = poll(nil, 0, 1)
            }
            return nil
        })
        try await withDaemon(slow) { stage in
            try await stage.begin("a1")
            try await stage.dropBehind("b1")
            stage.machine.alive.first?.say(["type": "log", "message": "one more thing"])
            try await stage.end("a1", .exit(0))
            try await stage.await("b1")
            try await stage.end("b1", .exit(0))
            // Its end has been heard when something that was said later has been: its follower is at work no more.
            try await eventually("the end of b1 to be put off") { try await stage.look()?.putOff == ["b1"] }
            #expect(try stage.files.result(of: "b1") == nil)
            isHeld.withLock { $0 = false }
            try await stage.rest()
            let told = try stage.files.lines(.events).map { "\($0["event"]?.string ?? "") \($0["name"]?.string ?? "")" }
            #expect(told.suffix(4) == ["accepted b1", "completed a1", "started b1", "completed b1"])
        }
    }

    @Test(
        "is started by the runner when that one has not succeeded, or has taken its time",
        arguments: [(Ending.exit(1), 0.0), (.exit(0), 1.0)])
    func runner(_ ending: Ending, _ seconds: Double) async throws {
        try await withDaemon { stage in
            try await stage.begin("a1")
            try await stage.dropBehind("b1")
            stage.clocks.pass(seconds)
            try await stage.end("a1", ending)
            try await stage.await("b1")
            let launches = stage.machine.takeLaunches()
            #expect(launches.map(\.attempt.name) == ["first", "a1", "b1"])
            #expect(launches.allSatisfy { $0.thread == "hand-over" })
            // It was made ready, and then made ready once more.
            #expect(try stage.input(of: "b1")["name"] == "b1")
        }
    }

    @Test("is started by the runner when its request cannot be looked at for a moment, and that is told") func fault()
        async throws
    {
        let fails = Mutex(false)
        let faulty = SystemCalls(fault: { operation, path in
            guard operation == .stat, path.hasSuffix("/b1.json") else { return nil }
            return fails.withLock { fails in
                defer { fails = false }
                return fails ? EMFILE : nil
            }
        })
        try await withDaemon(faulty) { stage in
            try await stage.begin("a1")
            try await stage.dropBehind("b1")
            fails.withLock { $0 = true }
            try await stage.end("a1", .exit(0))
            try await stage.await("b1")
            #expect(stage.machine.takeLaunches().allSatisfy { $0.thread == "hand-over" })
            #expect(stage.log.lines.contains { $0.contains("ahead of its turn") && $0.contains("b1.json") })
        }
    }

    @Test("waits when another comes first meanwhile") func overtaken() async throws {
        try await withDaemon { stage in
            try await stage.begin("a1")
            try await stage.drop("b1")
            try await stage.drop("c1", #"{"type": "plain", "priority": 5}"#)
            try await stage.end("a1", .exit(0))
            try await stage.await("c1")
            try await stage.end("c1", .exit(0))
            try await stage.await("b1")
            try await stage.end("b1", .exit(0))
            try await stage.rest()
            #expect(stage.machine.takeLaunches().map(\.attempt.name) == ["first", "a1", "c1", "b1"])
            #expect(try stage.files.privateNames("attempts").isEmpty)
        }
    }

    @Test("is not started when it has been cancelled or changed, nor while the spool is paused")
    func changed() async throws {
        try await withDaemon { stage in
            try await stage.begin("a1")
            try await stage.drop("b1")
            try stage.put("", as: .cancel("b1"))
            try await eventually("b1 to be cancelled") {
                try stage.files.result(of: "b1")?.status.standing == .cancelled
            }
            try await stage.drop("b2")
            // Nobody has told the daemon.
            let other = #"{"type": "plain", "description": "new"}"#
            try stage.files.put(other, as: .request("b2"), time: stage.clocks.now().adding(seconds: 5))
            try await stage.end("a1", .exit(0))
            try await stage.await("b2")
            try await stage.drop("b3")
            try stage.put("", as: .pause)
            try await eventually("the pause") {
                try stage.files.lines(.events).last?["message"]?.string?.hasPrefix("paused by") ?? false
            }
            try await stage.end("b2", .exit(0))
            try await eventually("the end of b2") { try stage.files.result(of: "b2") != nil }
            let launches = stage.machine.takeLaunches()
            #expect(launches.map(\.attempt.name) == ["first", "a1", "b2"])
            #expect(try stage.files.status(of: "b2")?.identity.description == "new")
            #expect(try stage.files.status(of: "b3")?.standing == .pending)
        }
    }

    @Test("is let go when it is cancelled, though nothing may start for a while")
    func letGo() async throws {
        try await withDaemon { stage in
            try await stage.begin("a1")
            try await stage.drop("b1")
            #expect(try await stage.look()?.armed == ["b1"])
            try stage.put("", as: .pause)
            try stage.put("", as: .cancel("b1"))
            try await eventually("b1 to be cancelled") { try stage.files.result(of: "b1") != nil }
            try await stage.end("a1", .exit(0))
            try await stage.rest()
            #expect(try await stage.look()?.armed == [])
            #expect(try stage.files.privateNames("attempts").isEmpty)
        }
    }

    @Test("waits for the job of another lane that was accepted first, where only one lane may be at work")
    func lanes() async throws {
        try await withDaemon(maxLanes: 1) { stage in
            try await stage.begin("a1")
            try await stage.drop("z1", #"{"type": "other"}"#)
            try await stage.drop("a2")
            for (name, next) in [("a1", "z1"), ("z1", "a2")] as [(JobName, JobName)] {
                try await stage.end(name, .exit(0))
                try await stage.await(next)
            }
            #expect(stage.machine.takeLaunches().map(\.attempt.name) == ["first", "a1", "z1", "a2"])
        }
    }

    @Test("waits on as it did when the daemon dies before its turn") func death() async throws {
        try await withDaemon { stage in
            try await stage.begin("a1")
            try await stage.drop("b1")
            let jobID = try #require(try stage.files.status(of: "b1")).identity.jobID
            #expect(try stage.files.privateNames("attempts").contains(jobID))
            try await stage.dieAndReturn()
            try await stage.rest(isQuiet: false)
            #expect(try await stage.look()?.running.count == 1)
            #expect(try stage.files.status(of: "b1")?.standing == .pending)
            #expect(try stage.files.status(of: "b1")?.waitingFor == nil)
            try await stage.end("a1", .exit(0))
            try await stage.await("b1")
            #expect(stage.machine.alive.first?.jobID == jobID)
        }
    }

    @Test("waits while more lanes are at work than may be, as after a restart with fewer of them") func tooMany()
        async throws
    {
        try await withDaemon { stage in
            try await stage.begin("a1")
            try await stage.drop("z1", #"{"type": "other"}"#)
            try await stage.await("z1")
            try await stage.drop("b1")
            try await stage.dieAndReturn(maxLanes: 1)
            try await stage.rest(isQuiet: false)
            #expect(try await stage.look()?.running.count == 2)
            try await stage.end("a1", .exit(0))
            try await eventually("the end of a1") { try stage.files.result(of: "a1") != nil }
            try await stage.rest(isQuiet: false)
            #expect(stage.machine.takeLaunches().map(\.attempt.name) == ["first", "a1", "z1"])
            try await stage.end("z1", .exit(0))
            try await stage.await("b1")
        }
    }

    @Test("and then has to wait to be tried again lets others go first, however it was started") func again()
        async throws
    {
        let isHeld = Mutex(true)
        let slow = SystemCalls(fault: { operation, path in
            while operation == .syncData, path.hasSuffix("/a1.log.jsonl"), isHeld.withLock(\.self) {
                _ = poll(nil, 0, 1)
            }
            return nil
        })
        try await withDaemon(slow, maxLanes: 1) { stage in
            try await stage.begin("a1")
            try await stage.dropBehind("b1", #"{"type": "again"}"#)
            stage.machine.alive.first?.say(["type": "log", "message": "one more thing"])
            try await stage.end("a1", .exit(0))
            try await stage.await("b1")
            try await stage.drop("z1", #"{"type": "other"}"#)
            isHeld.withLock { $0 = false }
            try await stage.end("b1", .exit(75))
            try await stage.await("z1")
            #expect(stage.machine.takeLaunches().map(\.attempt.name) == ["first", "a1", "b1", "z1"])
            #expect(try stage.files.status(of: "b1")?.waitingFor != nil)
        }
    }
}
