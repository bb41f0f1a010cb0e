/// A thread of its own for work that blocks, outside the pool of threads that Swift's tasks share (pthread_create(3)).
/// Signals are left to the other threads, so that none interrupts a wait here.
private import CLinux
private import Synchronization

final class DedicatedThread: Sendable {
    private enum State {
        case running
        case awaited(CheckedContinuation<Void, Never>)
        case ended
    }

    private let state = Mutex(State.running)
    private let body: @Sendable () -> Void

    /// Starts at once. `name` is what top(1) shows, cut at 15 bytes.
    init(name: String, _ body: @escaping @Sendable () -> Void) throws(WatcherError) {
        self.body = body
        let this = Unmanaged.passRetained(self)
        let code = linux_start_thread(
            name,
            { context in
                guard let context else { return }
                Unmanaged<DedicatedThread>.fromOpaque(context).takeRetainedValue().run()
            }, this.toOpaque())
        guard code == 0 else {
            this.release()
            throw .thread(errno: code)
        }
    }

    /// Waits until the body has returned; cancellation does not shorten it. For one caller.
    func end() async {
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                if case .ended = state { return true }
                state = .awaited(continuation)
                return false
            }
            if hasEnded { continuation.resume() }
        }
    }

    private func run() {
        body()
        let last = state.withLock { state in
            defer { state = .ended }
            return state
        }
        if case .awaited(let continuation) = last { continuation.resume() }
    }
}
