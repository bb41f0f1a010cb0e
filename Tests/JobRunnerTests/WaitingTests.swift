/// Jobs that wait for names that are nowhere: there may be thousands, and an archive in which all of these are looked for.
import Glibc
import SpoolProtocol
import SpoolStorage
import Synchronization
import Testing

@testable import JobRunner

@Suite("Jobs that wait for what is not there", .timeLimit(.minutes(2)))
struct WaitingTests {
    private static func makeDay(_ day: String, in files: SpoolFiles) throws {
        var directory = files.root
        for part in ["archive", "2026", "01", day] { directory = try directory.makeDirectory(part, mode: 0o755) }
    }

    @Test("look for it in the archive once, not each for itself") func once() async throws {
        let listings = Mutex(0)
        try await withBareDaemon(
            before: { files in
                for day in 10...19 { try Self.makeDay("\(day)", in: files) }
            },
            fault: { operation, file in
                if operation == .open, file.hasPrefix("archive") { listings.withLock { $0 += 1 } }
                return nil
            }
        ) { stage in
            try await stage.rest()
            for index in 1...100 {
                try stage.drop(try JobName("w\(index)"), #", "after": ["nowhere", "n\#(index)"]"#)
            }
            try await stage.rest()
            stage.clocks.pass(10)
            let before = listings.withLock(\.self)
            try stage.drop("nowhere")
            try await eventually("it to run") { !stage.machine.alive.isEmpty }
            try stage.put("", as: .cancel("nowhere"))
            try await eventually("the order to stop") { stage.machine.alive.first?.hasOrder ?? false }
            let between = listings.withLock(\.self)
            #expect(between - before < 100)
            try #require(stage.machine.alive.first).end(.signal(15))
            try await eventually("the last of them to end") { try stage.files.result(of: "w100") != nil }
            #expect(try stage.files.result(of: "w100")?.status.error?.code == "DEPENDENCY_FAILED")
            #expect(listings.withLock(\.self) - between < 100)
        }
    }

    @Test("hear of it when it comes, however short ago it was looked for in vain") func news() async throws {
        try await withBareDaemon { stage in
            try await stage.rest()
            try stage.drop("w", #", "after": ["late"]"#)
            try await stage.rest()
            try stage.drop("late")
            try await eventually("it to run") { !stage.machine.alive.isEmpty }
            try #require(stage.machine.alive.first).end(.exit(0))
            try await eventually("the other one to run") { stage.machine.alive.first?.name == "w" }
        }
    }

    @Test("Names that are still to be looked at are gone on with once, however often that is asked for")
    func lookOn() async throws {
        try await withBareDaemon { stage in
            try await stage.rest()
            let jobs = try (1...1000).map { try JobName("j\($0)") }
            for job in jobs { try stage.drop(job, hint: false) }
            let isFirst = Atomic(true)
            let daemon = stage.daemon
            let counts = try await daemon.ask(3) { runner in
                // All at once: it hears nothing meanwhile.
                if isFirst.exchange(false, ordering: .relaxed) {
                    for job in jobs { daemon.hint(.file(SpoolFile.request(job).modelName)) }
                    for _ in 1...50 { daemon.tick() }
                }
                return runner.names.count
            }
            // A batch is looked at when it hears of them, and one after each answer.
            #expect(counts == [0, 1000 - 64, 1000 - 2 * 64])
            try await stage.rest()
        }
    }

    @Test("Whoever is started while its request was away for a moment can be cancelled") func settling() async throws {
        try await withBareDaemon { stage in
            try await stage.rest()
            try stage.drop("a")
            try await eventually("a to run") { !stage.machine.alive.isEmpty }
            try stage.drop("n")
            try await stage.rest()
            let stat = try #require(try stage.files.root.stat(SpoolFile.request("n").modelName))
            try stage.remove(.request("n"))
            try await stage.rest()
            // Back as it was, and nobody says so.
            try stage.files.put(
                #"{"type": "plain"}"#, as: .request("n"), time: stat.fingerprint.modifiedAt)
            try #require(stage.machine.alive.first).end(.exit(0))
            try await eventually("n to run") { stage.machine.alive.first?.name == "n" }
            try stage.put("", as: .cancel("n"))
            try await eventually("the order to stop") { stage.machine.alive.first?.hasOrder ?? false }
        }
    }

    @Test("Whoever waits for a job that could not be read, and was cancelled, hears of its end")
    func unreadable() async throws {
        let isForbidden = Mutex(false)
        try await withBareDaemon(
            fault: { operation, file in
                operation == .open && file == "x.json" && isForbidden.withLock(\.self) ? EACCES : nil
            }
        ) { stage in
            try await stage.rest()
            try stage.drop("a")
            try await eventually("a to run") { !stage.machine.alive.isEmpty }
            try await stage.rest()
            // Too late to be made ready.
            stage.clocks.pass(1)
            try stage.drop("x")
            try stage.drop("w", #", "after": ["x"]"#)
            try await stage.rest()
            isForbidden.withLock { $0 = true }
            try #require(stage.machine.alive.first).end(.exit(0))
            try await eventually("a to end") { try stage.files.result(of: "a") != nil }
            stage.clocks.pass(5)
            stage.daemon.hint(.file(SpoolFile.request("x").modelName))
            stage.daemon.tick()
            try await stage.rest()
            try stage.put("", as: .cancel("x"))
            try await eventually("x to be cancelled") { try stage.files.result(of: "x")?.status.standing == .cancelled }
            for _ in 1...5 {
                stage.clocks.pass(3)
                stage.daemon.tick()
                try await stage.rest()
            }
            try await eventually("w to end") {
                try stage.files.result(of: "w")?.status.error?.code == "DEPENDENCY_FAILED"
            }
        }
    }
}
