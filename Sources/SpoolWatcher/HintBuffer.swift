/// The hints on their way from the watching thread to the one who takes them. Putting never blocks; memory is bounded by
/// `PendingHints`. From the end of the watch on there are none, also not the rest: what was pending is found by the scan at the next start.
package import SpoolProtocol
private import Synchronization

package final class HintBuffer: WakeUpSource {
    private struct State {
        var pending: PendingHints
        var bell: (@Sendable () -> Void)?
        var isFinished = false
    }

    private let state: Mutex<State>

    package init(limit: Int) { state = Mutex(State(pending: PendingHints(limit: limit))) }

    package var isFinished: Bool { state.withLock { $0.isFinished } }

    package func put(_ hint: WakeUp) {
        let bell = state.withLock { state in
            let wasEmpty = state.pending.isEmpty
            if !state.isFinished { state.pending.add(hint) }
            return wasEmpty ? state.bell : nil
        }
        bell?()
    }

    package func take() -> WakeUp? { state.withLock { $0.isFinished ? nil : $0.pending.take() } }

    package func ring(_ bell: (@Sendable () -> Void)?) {
        let isLate = state.withLock { state in
            state.bell = bell
            return state.isFinished || !state.pending.isEmpty
        }
        if isLate { bell?() }
    }

    /// Rings for the last time.
    package func finish() {
        let bell = state.withLock { state in
            state.isFinished = true
            return state.bell
        }
        bell?()
    }
}
