/// Makes a scenario that fails smaller for as long as it fails.
struct Shrinker {
    /// What goes wrong when a scenario is played.
    let play: @Sendable (Scenario) async -> Violation?
    /// No more is tried after this time.
    let deadline: ContinuousClock.Instant

    /// Threads make a difference now and then: what passes is tried again.
    private static let tries = 3

    /// The smallest scenario found that fails, and how it does.
    func shrink(_ scenario: Scenario, _ violation: Violation) async -> (Scenario, Violation) {
        var best = (scenario, violation)
        var size = max(1, scenario.operations.count / 2)
        while true {
            let isSmaller = await leaveOut(size, &best)
            if ContinuousClock.now > deadline { return best }
            if size > 1 { size /= 2 } else if !isSmaller { break }
        }
        await simplify(&best)
        return best
    }

    private func leaveOut(_ size: Int, _ best: inout (Scenario, Violation)) async -> Bool {
        var isSmaller = false
        var start = best.0.operations.count - size
        while start > -size, ContinuousClock.now < deadline {
            var candidate = best.0
            candidate.operations.removeSubrange(max(0, start)..<min(candidate.operations.count, start + size))
            if let violation = await fails(candidate) {
                best = (candidate, violation)
                isSmaller = true
            }
            start = min(start - size, best.0.operations.count - size)
        }
        return isSmaller
    }

    private func simplify(_ best: inout (Scenario, Violation)) async {
        for index in best.0.operations.indices {
            for simpler in best.0.operations[index].simpler {
                if ContinuousClock.now > deadline { return }
                var candidate = best.0
                candidate.operations[index] = simpler
                if let violation = await fails(candidate) { best = (candidate, violation) }
            }
        }
    }

    private func fails(_ scenario: Scenario) async -> Violation? {
        for _ in 0..<Self.tries {
            if let violation = await play(scenario) { return violation }
        }
        return nil
    }
}

extension Operation {
    /// The same with less to it.
    fileprivate var simpler: [Operation] {
        switch self {
        case .drop(let name, let asked, let hint):
            var plain = Asked()
            plain.type = asked.type
            return [.drop(name, Asked(), hint: true), .drop(name, plain, hint: true), .drop(name, plain, hint: hint)]
        case .touch(let name, hint: false): return [.touch(name, hint: true)]
        case .delete(let name, hint: false): return [.delete(name, hint: true)]
        case .restore(let name, hint: false): return [.restore(name, hint: true)]
        case .cancel(let name, hint: false): return [.cancel(name, hint: true)]
        case .pause(hint: false): return [.pause(hint: true)]
        case .resume(hint: false): return [.resume(hint: true)]
        case .end(let number, let ending) where number > 0 || ending != .exit(0):
            return [.end(0, .exit(0)), .end(0, ending), .end(number, .exit(0))]
        case .kill(let after, let away) where away > 0: return [.kill(after: after, away: 0)]
        case .stop(let how, let ending, let away) where away > 0: return [.stop(how, ending, away: 0)]
        case .touch, .delete, .restore, .cancel, .pause, .resume, .say, .end, .pass, .setClock, .rescan, .kill, .stop:
            return []
        }
    }
}
