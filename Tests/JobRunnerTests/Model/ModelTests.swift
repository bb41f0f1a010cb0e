/// Thousands of random sequences of what may happen to a spool, played on a real runner in this process and judged by a small reference
/// model. A failure prints the sequence made as small as possible, and the seed that repeats it.
///
/// `JOBSPOOL_TEST_MODEL` is how many sequences are played (400), `JOBSPOOL_TEST_SEED` where their seeds begin: the n-th sequence has
/// the n-th number from there. A long run: `JOBSPOOL_TEST_MODEL=100000 swift test --filter ModelTests`.
import Glibc
import SpoolStorage
import Synchronization
import Testing

@Suite("Any sequence of operations")
struct ModelTests {
    private static func number(_ variable: String) -> UInt64? {
        getenv(variable).flatMap { UInt64(String(cString: $0)) }
    }

    /// Without `JOBSPOOL_TEST_MODEL` it ends after this time, however many have been played.
    private static let patience = Duration.seconds(45)

    @Test("leaves every job where the rules say: none lost, none twice at once, none run that should not")
    func any() async throws {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGIO, SIG_IGN)
        let asked = Self.number("JOBSPOOL_TEST_MODEL")
        let count = asked ?? 400
        let seed = Self.number("JOBSPOOL_TEST_SEED") ?? (asked == nil ? 1 : UInt64.random(in: 0..<1_000_000_000))
        let deadline = asked == nil ? ContinuousClock.now + Self.patience : nil
        let seeds = Seeds(seed..<(seed + count))
        await withDiscardingTaskGroup { group in
            for _ in 0..<max(1, min(4, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) {
                group.addTask {
                    while deadline.map({ ContinuousClock.now < $0 }) ?? true, let seed = seeds.next() {
                        var generator = ScenarioGenerator(seed: seed)
                        if let how = await Driver.play(generator.scenario()) {
                            print("model: sequence \(seed): \(how)")
                            seeds.fail(seed)
                        }
                    }
                }
            }
        }
        print("model: \(seeds.given) sequences, seed \(seed)")
        if let failed = seeds.failed { await Self.report(failed) }
    }

    private static func report(_ seed: UInt64) async {
        var generator = ScenarioGenerator(seed: seed)
        let scenario = generator.scenario()
        let shrinker = Shrinker(play: { await Driver.play($0) }, deadline: .now + .seconds(60))
        guard let violation = await Driver.play(scenario) else {
            Issue.record("sequence \(seed) failed, and passed when it was played again")
            return
        }
        let (smallest, how) = await shrinker.shrink(scenario, violation)
        Issue.record(
            """
            \(how)
            \(smallest)
            \(how.trace.joined(separator: "\n"))
            Again: JOBSPOOL_TEST_SEED=\(seed) JOBSPOOL_TEST_MODEL=1 swift test --filter ModelTests
            """)
    }
}

/// The seeds of a run, handed out until one fails.
private final class Seeds: Sendable {
    private struct State {
        var rest: Range<UInt64>
        var given = 0
        var failed: UInt64?
    }

    private let state: Mutex<State>

    init(_ seeds: Range<UInt64>) { state = Mutex(State(rest: seeds)) }

    var given: Int { state.withLock { $0.given } }
    var failed: UInt64? { state.withLock { $0.failed } }

    func next() -> UInt64? {
        state.withLock { state in
            guard state.failed == nil, let seed = state.rest.popFirst() else { return nil }
            state.given += 1
            return seed
        }
    }

    func fail(_ seed: UInt64) { state.withLock { $0.failed = min($0.failed ?? seed, seed) } }
}
