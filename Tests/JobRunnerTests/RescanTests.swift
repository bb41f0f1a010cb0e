/// A look at the whole directory, between whose steps other things happen. The model's daemons take three files in one step.
import Glibc
import SpoolProtocol
import SpoolStorage
import Synchronization
import Testing

@testable import JobRunner

@Suite("A look at the whole directory", .timeLimit(.minutes(2)))
struct RescanTests {
    /// A spool, a daemon that starts nothing, and what the two do in order.
    private final class Stage: Sendable {
        let clocks = VirtualClocks()
        let files: SpoolFiles
        private let state = Mutex(State())

        private struct State {
            var daemon: Daemon?
            var told: [String] = []
            var meanwhile: (at: Int, run: @Sendable () throws -> Void)?
            var failure: (any Error)?
        }

        init() throws { files = try SpoolFiles() }

        var daemon: Daemon? { state.withLock { $0.daemon } }
        /// "list" for each name that was read, and the names of jobs when their status was shown.
        var told: [String] { state.withLock { $0.told } }

        /// - Parameter isFirst: nothing has been looked at yet.
        func start(isFirst: Bool) async throws {
            signal(SIGIO, SIG_IGN)
            let root = files.path
            let system = SystemCalls(fault: { [unowned self] operation, path in
                if operation == .list, path == root { self.listed() }
                if operation == .rename, let name = Self.shownJob(path) { self.state.withLock { $0.told.append(name) } }
                return nil
            })
            let daemon = try Daemon(
                files.path, number: 1, machine: FakeMachine(files), faults: Faults(), maxLanes: 0, system: system,
                executor: SerialTaskExecutor(name: "rescan"))
            state.withLock { $0.daemon = daemon }
            if !isFirst { daemon.hint(.rescan(.start)) }
            try await rest()
        }

        private static func shownJob(_ path: String) -> String? {
            guard path.hasSuffix(".status.json"), let name = path.split(separator: "/").last,
                name != "spool.status.json"
            else { return nil }
            return String(name.dropLast(".status.json".count))
        }

        private func listed() {
            let run = state.withLock { state -> (@Sendable () throws -> Void)? in
                state.told.append("list")
                guard let meanwhile = state.meanwhile, state.told.count == meanwhile.at else { return nil }
                state.meanwhile = nil
                return meanwhile.run
            }
            do {
                try run?()
            } catch {
                state.withLock { $0.failure = error }
            }
        }

        /// Looks at everything, and does something when so many names have been read.
        func rescan(_ reason: WakeUp.Reason, at count: Int, _ meanwhile: @escaping @Sendable () throws -> Void)
            async throws
        {
            state.withLock { state in
                state.told = []
                state.meanwhile = (count, meanwhile)
            }
            daemon?.hint(.rescan(reason))
            try await rest()
            if let failure = state.withLock({ $0.failure }) { throw failure }
        }

        func put(_ text: String, as file: SpoolFile, hint: Bool = true) throws {
            clocks.pass(0.001)
            try files.put(text, as: file, time: clocks.now())
            if hint { daemon?.hint(.file(file.modelName)) }
        }

        func drop(_ name: JobName, hint: Bool = true) throws {
            try put(#"{"type": "plain"}"#, as: .request(name), hint: hint)
        }

        /// Until the daemon has nothing to do, or has ended.
        func rest() async throws {
            try await eventually("the daemon to rest") { try await self.daemon?.look()?.isIdle ?? true }
        }

        func stop() async throws {
            daemon?.stop(.stop)
            try await daemon?.leave()
            state.withLock { $0.daemon = nil }
        }
    }

    private func withStage(isFirst: Bool = false, _ body: (Stage) async throws -> Void) async throws {
        let stage = try Stage()
        try await Clock.$replacement.withValue(stage.clocks) {
            let root = try Directory.open(stage.files.path)
            for index in 0..<20 { _ = try root.open(FileName("file\(index)"), O_WRONLY | O_CREAT) }
            try await stage.start(isFirst: isFirst)
            try await body(stage)
            try await stage.stop()
        }
    }

    @Test("takes in meanwhile what is dropped") func accepting() async throws {
        try await withStage { stage in
            try await stage.rescan(.timer, at: 10) { try stage.drop("a") }
            let told = stage.told
            let shown = try #require(told.firstIndex(of: "a"))
            #expect(told[shown...].count(where: { $0 == "list" }) > 3)
            #expect(told.count(where: { $0 == "a" }) == 1)
        }
    }

    @Test("comes before all else when it is the first: what was there before has its turn before what comes now")
    func first() async throws {
        try await withStage(isFirst: true) { stage in
            try stage.drop("b", hint: false)
            try stage.drop("c", hint: false)
            try await stage.rescan(.start, at: 10) { try stage.drop("a") }
            #expect(stage.told.filter { $0 != "list" } == ["b", "c", "a"])
        }
    }

    @Test("misses no request that has gone unheard, though other jobs come and go") func gone() async throws {
        try await withStage { stage in
            let names: [JobName] = ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"]
            for name in names { try stage.drop(name) }
            try await stage.rest()
            try stage.files.remove(.request("p5"))
            // One that has been seen goes: as many have been seen as there are.
            try await stage.rescan(.timer, at: 25) { try stage.put("", as: .cancel("p9")) }
            stage.clocks.pass(10)
            stage.daemon?.tick()
            try await stage.rest()
            #expect(try stage.files.result(of: "p9")?.status.standing == .cancelled)
            #expect(try stage.files.result(of: "p5")?.status.message.contains("deleted") == true)
        }
    }

    @Test("is followed by another one when that is asked for meanwhile") func again() async throws {
        try await withStage { stage in
            try await stage.rescan(.timer, at: 20) {
                try stage.drop("a", hint: false)
                stage.daemon?.hint(.rescan(.overflow))
            }
            #expect(stage.told.contains("a"))
        }
    }

    @Test("is given up when the daemon stops") func stopping() async throws {
        try await withStage { stage in
            try await stage.rescan(.timer, at: 5) { stage.daemon?.stop(.stop) }
            #expect(stage.told.count(where: { $0 == "list" }) < 15)
        }
    }
}
