/// A daemon that has nothing to do.
import Glibc
import JSONText
import SpoolStorage
import Testing

extension EndToEnd {
    @Suite("A daemon that has nothing to do")
    struct IdleTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        /// The daemon, and what it keeps for attempts.
        private func processes() -> [String] {
            let children = yard.shell("pgrep -P \(yard.daemon) && pgrep -P \(yard.daemon) | xargs -n 1 pgrep -P").output
            return ["\(yard.daemon)"] + children.split(separator: "\n").map { String($0) }
        }

        /// How often their threads have been woken.
        private func wakeUps(of processes: [String]) throws -> Int {
            var sum = 0
            for process in processes where access("/proc/\(process)/task", F_OK) == 0 {
                for task in try Directory.open("/proc/\(process)/task").entries() {
                    let status = Yard.readFile("/proc/\(process)/task/\(task)/status") ?? ""
                    let line = status.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches:") }
                    sum += line.flatMap { Int($0.split(separator: "\t").last ?? "") } ?? 0
                }
            }
            return sum
        }

        @Test("sleeps until the slow rescan, after jobs as well as before the first one") func sleeps() async throws {
            try yard.define("quick", "true")
            try await yard.start("--rescan", "3600")
            for round in 0..<2 {
                if round > 0 {
                    for number in 0..<3 { try yard.drop("job\(number)", ["type": "quick"]) }
                    for number in 0..<3 { _ = try await yard.result("job\(number)") }
                }
                // What is still to be written takes its time; then nothing is left that would wake it.
                var processes = processes()
                var known = (wakeUps: -1, since: 0.0)
                try await eventually("three seconds in which nothing wakes it", within: 60) {
                    let wakeUps = try wakeUps(of: processes)
                    if wakeUps != known.wakeUps {
                        processes = self.processes()
                        known = (try self.wakeUps(of: processes), Clock.monotonic())
                    }
                    return Clock.monotonic() - known.since > 3 ? true : nil
                }
            }
        }
    }
}
