/// The hints that nobody has taken yet, bounded and without repetition. A rescan looks at everything, so while one is
/// pending it covers every other hint, except one that says that the directory is another one now.
package import SpoolProtocol

package struct PendingHints {
    private let limit: Int
    private var rescans: [WakeUp.Reason] = []
    private var names: [FileName] = []
    private var known: Set<FileName> = []
    private var taken = 0

    package init(limit: Int) { self.limit = limit }

    package var isEmpty: Bool { rescans.isEmpty && taken == names.count }

    package mutating func add(_ hint: WakeUp) {
        switch hint {
        case .rescan(let reason):
            forgetNames()
            switch reason {
            case .start, .replaced:
                rescans.removeAll { $0 == reason || $0 == .overflow || $0 == .timer }
                rescans.append(reason)
            case .overflow, .timer:
                if rescans.isEmpty { rescans.append(reason) }
            }
        case .file(let name):
            guard rescans.isEmpty, known.insert(name).inserted else { return }
            names.append(name)
            if known.count > limit {
                forgetNames()
                rescans.append(.overflow)
            }
        }
    }

    /// The oldest; nil when there is none.
    package mutating func take() -> WakeUp? {
        if !rescans.isEmpty { return .rescan(rescans.removeFirst()) }
        guard taken < names.count else { return nil }
        let name = names[taken]
        known.remove(name)
        taken += 1
        if taken == names.count { forgetNames() }
        return .file(name)
    }

    private mutating func forgetNames() {
        names.removeAll()
        known.removeAll()
        taken = 0
    }
}
