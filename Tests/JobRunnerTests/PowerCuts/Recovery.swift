/// A daemon that starts after a power cut: everything that was promised must be there, and every request come to its end.
import JSONText
import SpoolProtocol
import SpoolStorage

@testable import JobRunner

final class Recovery {
    private let files: SpoolFiles
    private let machine: FakeMachine
    private let clocks: VirtualClocks
    private let promises: Promises
    private var attempts: [Launch] = []

    /// What is wrong after the power cut; nil: nothing.
    static func recover(_ tree: DiskTree, _ promises: Promises, at now: Timestamp) async -> Violation? {
        let clocks = VirtualClocks(now: now)
        return await Clock.$replacement.withValue(clocks) {
            do {
                let recovery = try Recovery(tree, promises, clocks)
                return await recovery.run()
            } catch {
                return Violation("\(error)")
            }
        }
    }

    private init(_ tree: DiskTree, _ promises: Promises, _ clocks: VirtualClocks) throws {
        files = try SpoolFiles(names: FaultWorld.names)
        try tree.make(in: files.root)
        machine = FakeMachine(files)
        self.promises = promises
        self.clocks = clocks
    }

    private func run() async -> Violation? {
        do {
            let daemon = try Daemon(files.path, number: 1, machine: machine, faults: Faults(), maxLanes: 2) {
                $0.bootID = "another"
            }
            let violation: Violation?
            do {
                daemon.hint(.rescan(.start))
                try await complete(daemon)
                violation = nil
            } catch {
                violation = Violation("\(error)")
            }
            machine.closeAll()
            daemon.faults.die()
            try await daemon.leave()
            if let note = daemon.faults.notes.first { return Violation(note) }
            if let violation { return violation }
            try check()
            return nil
        } catch {
            return Violation("\(error)")
        }
    }

    private func complete(_ daemon: Daemon) async throws {
        try await rest(daemon)
        for name in FaultWorld.names where !promises.archived.contains(name) { _ = try Family(files, name) }
        for file in [SpoolFile.pause, .schedule("s")] { try files.remove(file) }
        // Some wait for a time that is far away.
        clocks.pass(200_000)
        for _ in 0..<60 {
            clocks.pass(30)
            daemon.tick()
            daemon.hint(.rescan(.timer))
            try await rest(daemon)
            for attempt in machine.alive { try attempt.end(.exit(0)) }
            try await rest(daemon)
            if machine.alive.isEmpty, try unfinished().isEmpty { return }
        }
        throw Violation("it does not come to an end: \(try unfinished())")
    }

    private func rest(_ daemon: Daemon) async throws {
        let deadline = ContinuousClock.now + .seconds(8)
        var turns = 0
        while true {
            guard let look = try await daemon.look() else { throw Violation("the daemon has ended") }
            try takeLaunches()
            if look.isIdle, look.running == Set(machine.alive.map(\.identifier)) { return }
            // Beside others it may be that it has hardly waited.
            if ContinuousClock.now > deadline, turns > 300 { throw Violation("it does not come to rest") }
            turns += 1
            try await Task.sleep(for: .microseconds(300))
        }
    }

    /// Requests that have no result, and jobs without one.
    private func unfinished() throws -> [String] {
        try files.root.entries().compactMap { entry in
            switch SpoolFile(entry) {
            case .request(let name):
                let result = try files.result(of: name)
                return result?.status.request == (try files.fingerprint(of: name)) ? nil : "\(entry)"
            case .status(let name) where promises.archived.contains(name): return nil
            case .status(let name): return try files.result(of: name) == nil ? "\(entry)" : nil
            case .cancel: return "\(entry)"
            case .schedule, .scheduleStatus, .log, .errors, .result, .pause, .spoolStatus, .events, .badName, .ignored:
                return nil
            }
        }
    }

    private func takeLaunches() throws {
        for launch in machine.takeLaunches() {
            let attempt = launch.attempt
            let lane = FaultWorld.lane(attempt.name)
            if let other = launch.beside.first(where: { FaultWorld.lane($0.name) == lane }) {
                throw Violation("\(attempt.name) was started beside \(other.name), of its lane")
            }
            if promises.over[attempt.jobID] != nil {
                throw Violation("\(attempt.name) was started again; it was shown to be over")
            }
            if let shown = promises.checkpoints[attempt.jobID], let last = shown.last {
                let given = launch.input["checkpoint"] ?? .null
                if given.isNull || shown.dropLast().contains(given) {
                    throw Violation("\(attempt.name) was given the checkpoint \(given.text); \(last.text) was shown")
                }
            }
            attempts.append(launch)
        }
    }

    private func check() throws {
        let found = try results()
        for (id, promised) in promises.over {
            guard let there = found[id] else {
                throw Violation("the result of \(promised.status.identity.name) is gone")
            }
            if Over(there) != Over(promised) || there.result != promised.result
                || there.errorsTotal != promised.errorsTotal
            {
                throw Violation("the result of \(promised.status.identity.name) is another one: \(there.json.text)")
            }
        }
        for (id, name) in promises.accepted where found[id] == nil {
            throw Violation("\(name) was accepted as \(id), which is gone")
        }
        for (id, shown) in promises.checkpoints where promises.over[id] == nil {
            // It had another attempt, or was over.
            if found[id] == nil { throw Violation("the job whose checkpoint was \(shown) is gone") }
        }
        for name in FaultWorld.names where !promises.archived.contains(name) {
            let family = try Family(files, name)
            if family.result != nil || family.status != nil { try family.check(name, isAlive: false) }
            for file in [SpoolFile.log(name), .errors(name)] {
                let bytes = try files.root.read(file.modelName) ?? []
                if let last = bytes.last, last != 0x0A { throw Violation("\(file.modelName) ends within a line") }
            }
        }
        for directory in ["attempts", "tmp", "archiving", "scheduled"] {
            let left = try files.privateNames(directory)
            if !left.isEmpty { throw Violation("\(directory) still has \(left)") }
        }
    }

    /// All results there are, by `job_id`.
    private func results() throws -> [String: JobResult] {
        var found: [String: JobResult] = [:]
        for result in try files.archived() { found[result.status.identity.jobID] = result }
        for entry in try files.root.entries() {
            guard case .result(let name) = SpoolFile(entry), let result = try files.result(of: name) else { continue }
            found[result.status.identity.jobID] = result
        }
        return found
    }
}
