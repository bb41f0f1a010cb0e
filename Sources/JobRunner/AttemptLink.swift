/// Between the runner and the follower of an attempt: what the one asks and the other does.
import SpoolProtocol
import SpoolStorage
import Synchronization

/// The runner's hold on an attempt that a follower follows.
final class AttemptLink: Sendable {
    let process: AttemptProcess
    private let orders = Mutex(Orders())

    private struct Orders {
        var isDetached = false
        var isLeftToTheNext = false
        var isHidden = false
        /// It is to stop, and could not be asked.
        var isStopUndelivered = false
        var notes: [(LogEntry.Level, String)] = []
    }

    init(_ process: AttemptProcess) { self.process = process }

    /// Starts the ladder, and says so in the job's log.
    func stop(because note: String) {
        self.note(.warning, note)
        let isDelivered = process.stop()
        orders.withLock { $0.isStopUndelivered = !isDelivered }
    }

    /// Asks again, where that has failed.
    func insistOnStop() {
        guard orders.withLock({ $0.isStopUndelivered }) else { return }
        let isDelivered = process.stop()
        orders.withLock { $0.isStopUndelivered = !isDelivered }
    }

    /// Adds a line of the daemon's to the job's log.
    func note(_ level: LogEntry.Level, _ message: String) { orders.withLock { $0.notes.append((level, message)) } }

    /// No status may show that the attempt runs before `show`.
    func hide() { orders.withLock { $0.isHidden = true } }

    func show() { orders.withLock { $0.isHidden = false } }

    var isHidden: Bool { orders.withLock { $0.isHidden } }

    /// The follower is to leave the attempt alone and return.
    func detach() { orders.withLock { $0.isDetached = true } }

    var isDetached: Bool { orders.withLock { $0.isDetached } }

    /// The daemon stops: what the disk does not take of the attempt is left to the next one.
    func leaveToTheNext() { orders.withLock { $0.isLeftToTheNext = true } }

    var isLeftToTheNext: Bool { orders.withLock { $0.isLeftToTheNext } }

    func takeNotes() -> [(LogEntry.Level, String)] {
        orders.withLock { orders in
            defer { orders.notes = [] }
            return orders.notes
        }
    }
}
