/// Power cuts: what a spool's programs write is recorded call by call, and after each call the disk is what a file system may have made
/// of it; a daemon then has to find all that was promised.
///
/// `JOBSPOOL_TEST_POWER_CUTS` is how many states are tried (without it as many as fit into 10 s), or `all`;
/// `JOBSPOOL_TEST_SEED` shuffles them. All of them: `JOBSPOOL_TEST_POWER_CUTS=all swift test --filter PowerCutTests`.
import Glibc
import SpoolProtocol
import SpoolStorage
import Synchronization
import TestSupport
import Testing

@Suite("A power cut")
struct PowerCutTests {
    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    private static let patience = Duration.seconds(10)

    @Test("after any call takes away no request accepted, no result shown and no checkpoint reported")
    func anyCall() async throws {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGIO, SIG_IGN)
        let recorder = DiskRecorder()
        let life = await FaultLife.live(nil, recorder: recorder)
        if let violation = life.violation { throw violation }
        #expect(recorder.failure == nil)
        let steps = recorder.steps
        let promises = try Promises.all(steps)
        let asked = Self.variable("JOBSPOOL_TEST_POWER_CUTS")
        let seed =
            Self.variable("JOBSPOOL_TEST_SEED").flatMap { UInt64($0) }
            ?? (asked == nil ? 1 : UInt64.random(in: 0..<1_000_000))
        var random = SeededGenerator(seed: seed)
        var cuts: [Cut] = []
        var known: Set<DiskTree> = []
        // Making all trees takes longer than a sample of them is tried.
        let numbers = asked == nil ? Array(steps.indices.shuffled(using: &random).prefix(50)) : Array(steps.indices)
        for number in numbers {
            known.removeAll()
            for model in DiskModel.allCases {
                for _ in 0..<(model == .reordered ? 3 : 1) {
                    let tree = model.tree(steps, at: number, &random).reachable
                    if known.insert(tree).inserted { cuts.append(Cut(number: number, model: model, tree: tree)) }
                }
            }
        }
        let planned = cuts.count
        cuts.shuffle(using: &random)
        if let count = asked.flatMap({ Int($0) }) { cuts = Array(cuts.prefix(count)) }
        let deadline = asked == nil ? ContinuousClock.now + Self.patience : nil
        let tally = CutTally(cuts)
        await withDiscardingTaskGroup { group in
            for _ in 0..<max(1, min(4, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) {
                group.addTask {
                    while deadline.map({ ContinuousClock.now < $0 }) ?? true, let cut = tally.next() {
                        var promises = promises[cut.number]
                        if !cut.model.keepsOrder { promises.leaveOutArchived(steps[cut.number].seen) }
                        let violation = await Recovery.recover(
                            cut.tree, promises, at: steps[cut.number].at.adding(seconds: 60))
                        let place = "\(cut.model.rawValue), after \(steps[cut.number].call) (\(cut.number))"
                        tally.add(cut, violation.map { "\(place): \($0)" })
                    }
                }
            }
        }
        print(
            "power cuts: \(steps.count) calls recorded, after \(numbers.count) of them \(planned) states, seed \(seed)")
        for model in DiskModel.allCases { print("  \(model.rawValue): \(tally.line(model))") }
        #expect(tally.violations.isEmpty)
    }
}

/// One power cut.
private struct Cut: Sendable {
    var number: Int
    var model: DiskModel
    var tree: DiskTree
}

private final class CutTally: Sendable {
    private struct State {
        var rest: ArraySlice<Cut>
        var tried: [DiskModel: Int] = [:]
        var failed: [DiskModel: Int] = [:]
        var violations: [String] = []
    }

    private let state: Mutex<State>

    init(_ cuts: [Cut]) { state = Mutex(State(rest: cuts[...])) }

    func next() -> Cut? { state.withLock { $0.rest.popFirst() } }

    func add(_ cut: Cut, _ violation: String?) {
        state.withLock { state in
            state.tried[cut.model, default: 0] += 1
            guard let violation else { return }
            state.failed[cut.model, default: 0] += 1
            Violation.tell(violation)
            if state.failed[cut.model, default: 0] <= 12 { state.violations.append(violation) }
        }
    }

    var violations: [String] { state.withLock { $0.violations } }

    func line(_ model: DiskModel) -> String {
        state.withLock { "\($0.tried[model] ?? 0) tried, \($0.failed[model] ?? 0) failed" }
    }
}
