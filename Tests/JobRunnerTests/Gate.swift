/// Holding threads up at a place, and waiting until files are old enough.
import Glibc

@testable import JobRunner

/// Holds up threads until it is open; no longer than tests have patience.
final class Gate: Sendable {
    private let isOpen = Monitor(false)

    func open() {
        isOpen.withLock { $0 = true }
        isOpen.notify(all: true)
    }

    /// - Parameter seconds: at the most
    func pass(within seconds: Double = 30) {
        let deadline = Monitor<Bool>.now() + seconds
        isOpen.wait { isOpen in
            isOpen || Monitor<Bool>.now() >= deadline ? .found(()) : .nothingBefore(deadline)
        }
    }
}

/// Waits until what is made now is so many seconds younger than a file, by the kernel's times of change; false when that takes too long.
func becomesOlder(_ path: String, by seconds: Double) -> Bool {
    let never = Gate()
    for _ in 0..<200 {
        var (old, new) = (stat(), stat())
        let scratch = path + ".tmp"
        close(open(scratch, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600))
        defer { unlink(scratch) }
        guard stat(path, &old) == 0, stat(scratch, &new) == 0 else { return false }
        let nanoseconds = Double(new.st_ctim.tv_nsec - old.st_ctim.tv_nsec)
        if Double(new.st_ctim.tv_sec - old.st_ctim.tv_sec) + nanoseconds / 1e9 > seconds { return true }
        never.pass(within: 0.05)
    }
    return false
}
