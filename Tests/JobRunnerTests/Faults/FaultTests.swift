/// Every operation of a runner with every fault of its disk at every system call: once, and lasting until it is lifted.
///
/// Which points are tried: `JOBSPOOL_TEST_FAULTS` many (without it as many as fit into 12 s), or `all`; `JOBSPOOL_TEST_SEED` shuffles them;
/// `JOBSPOOL_TEST_PART=2/4` takes the second quarter; `JOBSPOOL_TEST_AT_ONCE` lives go on at once, of which most wait most of the time. All
/// of them: `JOBSPOOL_TEST_FAULTS=all swift test --filter FaultTests`, and three times as fast with `-c release -Xswiftc
/// -enable-testing` and eight at once. One of them, as a violation names it: `JOBSPOOL_TEST_FAULTS="EIO at call 602"`.
import Glibc
import SpoolStorage
import Synchronization
import TestSupport
import Testing

@Suite("A fault of the disk")
struct FaultTests {
    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    private static let patience = Duration.seconds(12)

    @Test("at any system call loses no job, runs none twice, tears no file, and is told; when it is over all goes on")
    func anyCall() async throws {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGIO, SIG_IGN)
        let undisturbed = await FaultLife.live(nil)
        if let violation = undisturbed.violation { throw violation }
        let asked = Self.variable("JOBSPOOL_TEST_FAULTS")
        let seed =
            Self.variable("JOBSPOOL_TEST_SEED").flatMap { UInt64($0) }
            ?? (asked == nil ? 1 : UInt64.random(in: 0..<1_000_000))
        var plans: [FaultPlan] = []
        for fault in Fault.allCases {
            for call in 1...undisturbed.calls {
                plans.append(FaultPlan(fault: fault, call: call))
                if fault != .interrupted { plans.append(FaultPlan(fault: fault, call: call, lasts: true)) }
            }
        }
        var random = SeededGenerator(seed: seed)
        plans.shuffle(using: &random)
        if let count = asked.flatMap({ Int($0) }) { plans = Array(plans.prefix(count)) }
        let named = plans.filter { $0.description == asked }
        if !named.isEmpty { plans = named }
        if let part = Self.variable("JOBSPOOL_TEST_PART")?.split(separator: "/").compactMap({ Int($0) }),
            part.count == 2
        {
            plans = plans.enumerated().filter { $0.offset % part[1] == part[0] - 1 }.map(\.element)
        }
        let deadline = asked == nil ? ContinuousClock.now + Self.patience : nil
        let tally = Tally(plans)
        let atOnce = Self.variable("JOBSPOOL_TEST_AT_ONCE").flatMap { Int($0) }
        await withDiscardingTaskGroup { group in
            for _ in 0..<max(1, atOnce ?? min(4, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) {
                group.addTask {
                    while deadline.map({ ContinuousClock.now < $0 }) ?? true, let plan = tally.next() {
                        tally.add(plan, await FaultLife.live(plan))
                    }
                }
            }
        }
        print(tally.summary(of: plans.count, calls: undisturbed.calls, seed: seed))
        #expect(tally.violations.isEmpty)
        #expect(tally.untold.isEmpty)
    }
}

/// What came of many lives.
private final class Tally: Sendable {
    private struct State {
        var rest: ArraySlice<FaultPlan>
        var lives = 0
        var struck = 0
        var deaths = 0
        var violations: [String] = []
        var untold: [String: Int] = [:]
    }

    private let state: Mutex<State>

    init(_ plans: [FaultPlan]) { state = Mutex(State(rest: plans[...])) }

    func next() -> FaultPlan? { state.withLock { $0.violations.count < 20 ? $0.rest.popFirst() : nil } }

    func add(_ plan: FaultPlan, _ report: FaultReport) {
        state.withLock { state in
            state.lives += 1
            if !report.hits.isEmpty { state.struck += 1 }
            state.deaths += report.deaths
            if let violation = report.violation {
                state.violations.append("\(violation)")
                Violation.tell("\(violation)")
            }
            if let hit = report.hits.first, plan.fault.code != nil, plan.fault != .interrupted, !report.isTold {
                if !Self.isPassedOver(hit, plan.fault) { state.untold["\(plan): \(hit)", default: 0] += 1 }
            }
        }
    }

    /// What need not be told of: a file that cannot be removed now and goes later, the next job's attempt that could not be made ready or
    /// started ahead of its turn, and somebody's file that may not be read for a moment.
    private static func isPassedOver(_ hit: String, _ fault: Fault) -> Bool {
        let operation = hit.prefix { $0 != " " }
        if fault.code == EACCES, operation == SystemOperation.open.rawValue, hit.hasSuffix(".json") { return true }
        return [SystemOperation.unlink, .removeDirectory, .spawn].contains { $0.rawValue == operation }
            || ["attempts", "spare"].contains { hit.contains("/.jobspool/\($0)/") }
    }

    var violations: [String] { state.withLock { $0.violations } }
    var untold: [String: Int] { state.withLock { $0.untold } }

    func summary(of planned: Int, calls: Int, seed: UInt64) -> String {
        state.withLock { state in
            let rest =
                "of \(planned) (\(calls) calls undisturbed), \(state.struck) with a fault, \(state.deaths) ends of the daemon, \(state.violations.count) violations; seed \(seed)"
            return "faults: \(state.lives) lives \(rest)"
        }
    }
}
