/// Wakes the watching thread for its end, however it waits. The C library's wait ends only with an event, so there is a
/// file that it watches: reading a byte of it is the event (`IN_ACCESS`), which works on a full disk and on a read-only
/// one. The file has no name, so that nobody can take it away. A wait outside the library is a poll(2) of a pipe.
private import Glibc
private import Synchronization

final class Alarm: Sendable {
    private let hasRung = Atomic(false)
    private let file: Int32
    private let pipeOut: Int32
    private let pipeIn: Int32

    init(privateDirectory: String) throws(WatcherError) {
        let path = "\(privateDirectory)/wake-\(getpid())-\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
        file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw .wakeFile(path: path, errno: errno) }
        let isWritten = write(file, "w", 1) == 1
        let writeError = errno
        unlink(path)
        guard isWritten else {
            close(file)
            throw .wakeFile(path: path, errno: writeError)
        }
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            let code = errno
            close(file)
            throw .wakeFile(path: "a pipe", errno: code)
        }
        (pipeOut, pipeIn) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    }

    deinit {
        close(file)
        close(pipeOut)
        close(pipeIn)
    }

    /// The file to watch for `IN_ACCESS`, by way of proc(5) since it has no name.
    var path: String { "/proc/self/fd/\(file)" }

    var isRinging: Bool { hasRung.load(ordering: .acquiring) }

    func ring() {
        guard !hasRung.exchange(true, ordering: .acquiringAndReleasing) else { return }
        var byte: UInt8 = 0
        _ = pread(file, &byte, 1, 0)
        _ = write(pipeIn, "w", 1)
    }

    /// Sleeps for so long, or until it rings.
    func wait(atMost duration: Duration) {
        var descriptor = pollfd(fd: pipeOut, events: Int16(POLLIN), revents: 0)
        _ = poll(&descriptor, 1, Int32(clamping: duration.roundedUp(to: .milliseconds(1))))
    }
}

extension Duration {
    /// How many of `unit` cover this duration; none when it is negative.
    func roundedUp(to unit: Duration) -> Int {
        guard self > .zero else { return 0 }
        let count = Int(self / unit)
        return unit * count < self ? count + 1 : count
    }
}
