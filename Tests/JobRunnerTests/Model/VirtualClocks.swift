/// Clocks that stand still until they are told to go on: a backoff of an hour takes no time, and nothing is over by accident.
import SpoolProtocol
import SpoolStorage
import Synchronization

final class VirtualClocks: Clocks {
    private let times: Mutex<(now: Timestamp, monotonic: Double)>

    init(now: Timestamp = Timestamp(milliseconds: 1_767_792_792_000)) { times = Mutex((now: now, monotonic: 1000.0)) }

    func now() -> Timestamp { times.withLock { $0.now } }
    func monotonic() -> Double { times.withLock { $0.monotonic } }

    func pass(_ seconds: Double) {
        times.withLock {
            $0.now = $0.now.adding(seconds: seconds)
            $0.monotonic += seconds
        }
    }

    /// Somebody sets the time of day; the other clock does not notice.
    func setClock(by seconds: Double) { times.withLock { $0.now = $0.now.adding(seconds: seconds) } }
}
