/// A value behind a lock, and waiting for it to change: pthread_mutex_lock(3), pthread_cond_timedwait(3).
import Glibc

final class Monitor<State>: @unchecked Sendable {  // The mutex guards the state.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let change = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var state: State

    /// What a look at the state has brought.
    enum Look<Finding> {
        case found(Finding)
        case nothing
        /// Nothing, but there will be at this time (CLOCK_MONOTONIC, seconds) if nothing changes before.
        case nothingBefore(Double)
    }

    init(_ state: State) {
        self.state = state
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(change, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(change)
        pthread_mutex_destroy(mutex)
        change.deallocate()
        mutex.deallocate()
    }

    /// CLOCK_MONOTONIC in seconds, whatever clock the tests have put in its place.
    static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    func withLock<Result>(_ body: (inout State) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(&state)
    }

    /// Has one that waits look again, or all.
    func notify(all: Bool = false) {
        if all { pthread_cond_broadcast(change) } else { pthread_cond_signal(change) }
    }

    /// Looks at the state, and again when somebody has been notified or the time has come, until something is found.
    func wait<Finding>(_ look: (inout State) -> Look<Finding>) -> Finding {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            switch look(&state) {
            case .found(let finding): return finding
            case .nothing: pthread_cond_wait(change, mutex)
            case .nothingBefore(let time):
                let (seconds, rest) = (max(0, time.rounded(.down)), max(0, time - time.rounded(.down)))
                var deadline = timespec(tv_sec: Int(min(seconds, 1e15)), tv_nsec: min(Int(rest * 1e9), 999_999_999))
                pthread_cond_timedwait(change, mutex, &deadline)
            }
        }
    }
}
