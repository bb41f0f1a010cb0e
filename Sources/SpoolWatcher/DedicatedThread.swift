/// A thread of its own for work that blocks, outside the pool of threads that Swift's tasks share (pthread_create(3)).
/// Signals are left to the other threads, so that none interrupts a wait here.
private import CLinux
private import Glibc
private import Synchronization

final class DedicatedThread: Sendable {
    private enum State {
        case running
        case awaited(CheckedContinuation<Void, Never>)
        case ended
    }

    private let state = Mutex(State.running)
    private let name: String
    private let body: @Sendable () -> Void

    /// Starts at once. `name` is what top(1) shows, cut at 15 bytes.
    init(name: String, _ body: @escaping @Sendable () -> Void) throws(WatcherError) {
        self.name = name
        self.body = body
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let this = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<DedicatedThread>.fromOpaque(argument).takeRetainedValue().run()
                return nil
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
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        _ = linux_set_process_name(name)
        body()
        let last = state.withLock { state in
            defer { state = .ended }
            return state
        }
        if case .awaited(let continuation) = last { continuation.resume() }
    }
}
