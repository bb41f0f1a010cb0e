/// A runner that always has something to do, with the one thread that a daemon has for its tasks.
import Glibc
import SpoolProtocol
import SpoolStorage
import Testing

@testable import JobRunner

@Suite("A runner that never comes to rest", .timeLimit(.minutes(2)))
struct BusyTests {
    @Test("notices all the same what is dropped, and how jobs end") func endlessNews() async throws {
        signal(SIGIO, SIG_IGN)
        let clocks = VirtualClocks()
        try await Clock.$replacement.withValue(clocks) {
            let files = try SpoolFiles()
            let machine = FakeMachine(files)
            let faults = Faults()
            let daemon = try Daemon(
                files.path, number: 1, machine: machine, faults: faults, maxLanes: 1,
                executor: SerialTaskExecutor(name: "busy-test"))
            daemon.keepBusy()
            for name in ["a1", "a2"] as [JobName] {
                try files.put(#"{"type": "plain"}"#, as: .request(name), time: clocks.now())
                daemon.hint(.file(SpoolFile.request(name).modelName))
                try await eventually("\(name) to run") { machine.alive.contains { $0.name == name } }
                for attempt in machine.alive { try attempt.end(.exit(0)) }
                try await eventually("the result of \(name)") { try files.result(of: name) != nil }
            }
            faults.die()
            try await daemon.leave()
        }
    }
}
