/// Random scenarios, the same for the same seed.
import SpoolProtocol
import TestSupport

@testable import JobRunner

struct ScenarioGenerator {
    private var random: SeededGenerator

    /// Few, so that operations meet.
    static let names: [JobName] = ["a", "b", "c", "d"]

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func scenario() -> Scenario {
        var scenario = Scenario(maxLanes: pick([1, 2, 3]))
        let count = pick([6, 12, 20, 30])
        // Without them everything is decided by the rules alone; with them, by many at once.
        let isRough = chance(0.6)
        let hasTurns = chance(0.6)
        for _ in 0..<count { scenario.operations.append(operation(isRough: isRough, hasTurns: hasTurns)) }
        return scenario
    }

    private mutating func operation(isRough: Bool, hasTurns: Bool) -> Operation {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<30: .drop(name(), asked(hasTurns: hasTurns), hint: hint())
        case 30..<36: .touch(name(), hint: hint())
        case 36..<41: .delete(name(), hint: hint())
        case 41..<43: .restore(name(), hint: hint())
        case 43..<49: .cancel(name(), hint: hint())
        case 49..<51: hasTurns ? .pause(hint: hint()) : .touch(name(), hint: hint())
        case 51..<54: hasTurns ? .resume(hint: hint()) : .touch(name(), hint: hint())
        case 54..<60: .say(number(), pick(Saying.allCases))
        case 60..<78: .end(number(), ending())
        case 78..<86: .pass(pick([0.5, 2.5, 12, 50]))
        case 86..<88: .setClock(by: pick([-3600, -5, 5, 3600]))
        case 88..<92: .rescan(pick([.timer, .overflow]))
        case 92..<98 where isRough: .kill(after: .random(in: 1...30, using: &random), away: pick([0, 0, 1, 3]))
        case 98..<100 where isRough: .stop(pick(RunnerConfiguration.OnStop.allCases), ending(), away: pick([0, 1, 3]))
        default: .end(number(), .exit(0))
        }
    }

    private mutating func asked(hasTurns: Bool) -> Asked {
        var asked = Asked()
        asked.type = pick(ModelType.allCases)
        asked.priority = pick([0, 0, 0, 1, -1])
        asked.work = pick([0, 1])
        if chance(0.1) { asked.form = pick(Asked.Form.allCases) }
        if chance(0.2) { asked.maxAttempts = pick([1, 2]) }
        guard hasTurns else { return asked }
        if chance(0.15) { asked.delay = pick([-10, 5, 30]) }
        if chance(0.2) { asked.after = (0..<pick([1, 1, 2])).map { _ in name() } }
        if chance(0.4) { asked.onBusy = pick(OnBusy.allCases) }
        return asked
    }

    private mutating func ending() -> Ending {
        pick([
            .exit(0), .exit(0), .exit(0), .exit(75), .exit(75), .exit(1), .exit(64), .retryable, .signal(11),
            .signal(15),
            .vanish, .vanish,
        ])
    }

    private mutating func name() -> JobName { pick(Self.names) }
    private mutating func number() -> Int { .random(in: 0..<3, using: &random) }
    private mutating func hint() -> Bool { chance(0.75) }
    private mutating func chance(_ probability: Double) -> Bool {
        Double.random(in: 0..<1, using: &random) < probability
    }

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &random)]
    }
}
