/// The files of an attempt that is to begin, open, empty and locked: all that can be done before it is known which job's attempt it
/// is. The attempt's supervisor gets them, and with them the lock.
import Glibc
import SpoolProtocol
import SpoolStorage

final class PreparedAttempt: Sendable {
    /// It bears the lock.
    let output: Descriptor
    let errors: Descriptor
    /// The control FIFO, opened for both directions: so it never sees an end of file. The supervisor's.
    let orders: Descriptor
    /// The daemon's end of it.
    let control: ControlEnd

    /// A record may have the lines of so many bytes from earlier attempts: they count for nothing (`AttemptRecordState`), and emptying a
    /// file is dear.
    private static let longestRecord = 2048

    /// Makes what is not there, and empties what is.
    /// - Parameter directory: the attempt's; no process has anything in it open.
    init(in directory: Directory) throws(SpoolError) {
        let record = try directory.open(AttemptFile.record, O_RDWR | O_CREAT, mode: 0o600)
        if try record.stat().size > Self.longestRecord { try record.truncate(to: 0) }
        let output = try Self.openEmpty(AttemptFile.standardOutput, in: directory)
        let errors = try Self.openEmpty(AttemptFile.standardError, in: directory)
        guard try output.tryLock() else {
            throw SpoolError(.lock, directory.path(AttemptFile.standardOutput), code: EWOULDBLOCK)
        }
        self.output = output
        self.errors = errors
        do {
            orders = try directory.open(AttemptFile.control, O_RDWR)
        } catch  where error.code == ENOENT {
            try directory.makeFIFO(AttemptFile.control)
            orders = try directory.open(AttemptFile.control, O_RDWR)
        }
        // An order for an earlier attempt that came too late must not reach this one.
        var order = [UInt8](repeating: 0, count: 64)
        while read(orders.raw, &order, order.count) > 0 {}
        control = try ControlEnd(in: directory)
    }

    private static func openEmpty(_ name: FileName, in directory: Directory) throws(SpoolError) -> Descriptor {
        let file = try directory.open(name, O_RDWR | O_CREAT | O_APPEND, mode: 0o600)
        if try file.stat().size > 0 { try file.truncate(to: 0) }
        return file
    }
}

/// The daemon's end of an attempt's control FIFO: it writes orders, and hears that the last reader has gone.
final class ControlEnd: Sendable {
    let raw: Int32

    /// - Throws: `SpoolError` with ENXIO when nobody has the other end, with ENOENT when there is no FIFO.
    init(in directory: Directory) throws(SpoolError) {
        raw = try directory.system.perform(.open, directory.path(AttemptFile.control)) {
            AttemptFile.control.withCString {
                openat(directory.raw, $0, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW)
            }
        }
    }

    deinit { _ = close(raw) }
}
