/// Jobs that wait for names that are nowhere: there may be thousands, and an archive in which all of these are looked for.
import Glibc
import SpoolProtocol
import SpoolStorage
import Synchronization
import Testing

@testable import JobRunner

@Suite("Jobs that wait for what is not there", .timeLimit(.minutes(2)))
struct WaitingTests {
    private struct Stage {
        let clocks: VirtualClocks
        let files: SpoolFiles
        let machine: FakeMachine
        let daemon: Daemon
        /// How often a directory of the archive has been listed.
        let listings: @Sendable () -> Int
        /// From now on these cannot be opened.
        let forbid: @Sendable ([String]) -> Void

        func put(_ text: String, as file: SpoolFile, hint: Bool = true) throws {
            clocks.pass(0.001)
            try files.put(text, as: file, time: clocks.now())
            if hint { daemon.hint(.file(file.modelName)) }
        }

        func drop(_ name: JobName, _ more: String = "", hint: Bool = true) throws {
            try put(#"{"type": "plain"\#(more)}"#, as: .request(name), hint: hint)
        }

        func remove(_ file: SpoolFile, hint: Bool = true) throws {
            try files.remove(file)
            if hint { daemon.hint(.file(file.modelName)) }
        }

        func rest() async throws {
            try await eventually("the daemon to rest") { try await daemon.look()?.isIdle ?? false }
        }
    }

    private func withDaemon(_ days: Int = 0, _ body: (Stage) async throws -> Void) async throws {
        signal(SIGIO, SIG_IGN)
        let clocks = VirtualClocks()
        try await Clock.$replacement.withValue(clocks) {
            let files = try SpoolFiles(names: [])
            for day in 1...max(1, days) {
                var directory = files.root
                for part in ["archive", "2026", "01", day < 10 ? "0\(day)" : "\(day)"] {
                    directory = try directory.makeDirectory(part, mode: 0o755)
                }
            }
            let count = Mutex(0)
            let archive = files.path + "/archive"
            let forbidden = Mutex<Set<String>>([])
            let system = SystemCalls(fault: { operation, path in
                if operation == .open, forbidden.withLock({ $0.contains(path) }) { return EACCES }
                if operation == .open, path.hasPrefix(archive) { count.withLock { $0 += 1 } }
                return nil
            })
            let machine = FakeMachine(files)
            let daemon = try Daemon(
                files.path, number: 1, machine: machine, faults: Faults(), maxLanes: 1, system: system)
            daemon.hint(.rescan(.start))
            let stage = Stage(
                clocks: clocks, files: files, machine: machine, daemon: daemon, listings: { count.withLock(\.self) },
                forbid: { [path = files.path] names in forbidden.withLock { $0 = Set(names.map { "\(path)/\($0)" }) } })
            try await stage.rest()
            try await body(stage)
            machine.closeAll()
            daemon.stop(.leave)
            try await daemon.leave()
        }
    }

    @Test("look for it in the archive once, not each for itself") func once() async throws {
        try await withDaemon(10) { stage in
            for index in 1...100 {
                try stage.drop(try JobName("w\(index)"), #", "after": ["nowhere", "n\#(index)"]"#)
            }
            try await stage.rest()
            stage.clocks.pass(10)
            let before = stage.listings()
            try stage.drop("nowhere")
            try await eventually("it to run") { !stage.machine.alive.isEmpty }
            try stage.put("", as: .cancel("nowhere"))
            try await eventually("the order to stop") { stage.machine.alive.first?.hasOrder ?? false }
            let between = stage.listings()
            #expect(between - before < 100)
            try #require(stage.machine.alive.first).end(.signal(15))
            try await eventually("the last of them to end") { try stage.files.result(of: "w100") != nil }
            #expect(try stage.files.result(of: "w100")?.status.error?.code == "DEPENDENCY_FAILED")
            #expect(stage.listings() - between < 100)
        }
    }

    @Test("hear of it when it comes, however short ago it was looked for in vain") func news() async throws {
        try await withDaemon { stage in
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
        try await withDaemon { stage in
            for index in 1...2000 { try stage.drop(try JobName("j\(index)"), hint: false) }
            stage.daemon.hint(.rescan(.timer))
            for _ in 1...50 { stage.daemon.tick() }
            // What is said after these is heard when at most a few batches have been looked at.
            var counts: [Int] = []
            for _ in 1...2 {
                _ = try await stage.daemon.look()
                counts.append(try stage.files.root.entries().count { "\($0)".hasSuffix(".status.json") })
            }
            #expect(counts[1] - counts[0] <= 5 * 64, "\(counts)")
            try await stage.rest()
        }
    }

    @Test("Whoever is started while its request was away for a moment can be cancelled") func settling() async throws {
        try await withDaemon { stage in
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
        try await withDaemon { stage in
            try stage.drop("a")
            try await eventually("a to run") { !stage.machine.alive.isEmpty }
            // Too late to be made ready.
            stage.clocks.pass(1)
            try stage.drop("x")
            try stage.drop("w", #", "after": ["x"]"#)
            try await stage.rest()
            stage.forbid(["x.json"])
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
