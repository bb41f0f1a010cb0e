/// What several threads of a test may set and look at.
import Synchronization

final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    var isRaised: Bool { value.load(ordering: .sequentiallyConsistent) }
    func raise() { value.store(true, ordering: .sequentiallyConsistent) }
}

final class Counter: Sendable {
    private let value = Atomic<Int>(0)
    /// From 1.
    func next() -> Int { value.add(1, ordering: .sequentiallyConsistent).newValue }
}
