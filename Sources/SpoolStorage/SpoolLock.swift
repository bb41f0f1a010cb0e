/// One daemon per spool: an flock(2) on `.jobspool/lock` that the kernel frees when its holder dies, however it dies. The
/// file's content says who holds it.
package import SpoolProtocol
import Glibc
import JSONText

package struct SpoolLock: ~Copyable, Sendable {
    private let file: Descriptor

    /// Another daemon serves the spool.
    package struct Held: Error {
        /// nil when it has not yet written who it is.
        package let holder: DaemonIdentity?
    }

    static let fileName = FileName("lock")

    /// - Throws: `Held`, `SpoolError`.
    package init(_ spool: Spool, as identity: DaemonIdentity) throws {
        let file = try spool.home.open(Self.fileName, O_RDWR | O_CREAT, mode: 0o600)
        guard try Self.acquire(file) else {
            throw Held(holder: Self.holder(try file.read(limit: 1 << 16)))
        }
        try file.truncate(to: 0)
        try file.write(identity.json.indented)
        self.file = file
    }

    /// Tries for a moment before it gives up: a client that asks whether the spool is served (`LockProbe`) holds the lock
    /// while it asks.
    private static func acquire(_ file: borrowing Descriptor) throws(SpoolError) -> Bool {
        for _ in 1..<10 {
            if try file.tryLock() { return true }
            usleep(10_000)
        }
        return try file.tryLock()
    }

    static func holder(_ content: [UInt8]) -> DaemonIdentity? {
        do {
            return DaemonIdentity(json: try JSON(parsing: content))
        } catch {
            return nil
        }
    }
}
