/// The hints on their way from the watching thread to the one task that takes them. Putting never blocks; memory is
/// bounded by `PendingHints`. The sequence ends, without handing out the rest, when the watch is stopped or the task is
/// cancelled: what was pending is found by the scan at the next start.
package import SpoolProtocol
private import Synchronization

package struct WakeUps: AsyncSequence, Sendable {
    package typealias Element = WakeUp
    package typealias Failure = Never

    let buffer: HintBuffer

    package func makeAsyncIterator() -> Iterator { Iterator(buffer: buffer) }

    package struct Iterator: AsyncIteratorProtocol {
        private let buffer: HintBuffer
        private var bell: AsyncStream<Void>.Iterator

        init(buffer: HintBuffer) {
            self.buffer = buffer
            bell = buffer.bell.makeAsyncIterator()
        }

        package mutating func next(isolation actor: isolated (any Actor)? = #isolation) async -> WakeUp? {
            while !Task.isCancelled, !buffer.isFinished {
                if let hint = buffer.take() { return hint }
                guard await bell.next(isolation: actor) != nil else { return nil }
            }
            return nil
        }
    }
}

final class HintBuffer: Sendable {
    /// Rings when there is a first hint to take; a ring that nobody waited for is kept, once.
    let bell: AsyncStream<Void>
    private let ringing: AsyncStream<Void>.Continuation
    private let state: Mutex<(pending: PendingHints, isFinished: Bool)>

    init(limit: Int) {
        (bell, ringing) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        state = Mutex((PendingHints(limit: limit), false))
    }

    var isFinished: Bool { state.withLock { $0.isFinished } }

    func put(_ hint: WakeUp) {
        let isFirst = state.withLock { state in
            let wasEmpty = state.pending.isEmpty
            state.pending.add(hint)
            return wasEmpty
        }
        if isFirst { ringing.yield() }
    }

    func take() -> WakeUp? { state.withLock { $0.pending.take() } }

    func finish() {
        state.withLock { $0.isFinished = true }
        ringing.finish()
    }
}
