/// A file descriptor that closes itself. Reading and writing whole files, and waiting for the disk.
package import SpoolProtocol
import Glibc

package struct Descriptor: ~Copyable, Sendable {
    package let raw: Int32
    private let openPath: OpenPath
    private let system: SystemCalls

    private var path: String { openPath.string }

    package init(adopting raw: Int32, path: OpenPath, system: SystemCalls) {
        self.raw = raw
        openPath = path
        self.system = system
    }

    deinit { _ = close(raw) }

    package func stat() throws(SpoolError) -> FileStat {
        var buffer = Glibc.stat()
        try system.perform(.stat, path) { fstat(raw, &buffer) }
        return FileStat(buffer)
    }

    /// Everything from `offset` on, but no more than `limit` bytes.
    package func read(from offset: Int64 = 0, limit: Int) throws(SpoolError) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < limit {
            let step = min(limit - bytes.count, 1 << 16)
            var failure: SpoolError?
            let chunk = [UInt8](unsafeUninitializedCapacity: step) { buffer, count in
                do throws(SpoolError) {
                    count = try system.perform(.read, path) {
                        pread(raw, buffer.baseAddress, step, off_t(offset) + off_t(bytes.count))
                    }
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            if chunk.isEmpty { break }
            bytes.append(contentsOf: chunk)
        }
        return bytes
    }

    /// Writes everything at the file's position, however many calls that takes.
    package func write(_ bytes: [UInt8]) throws(SpoolError) {
        var written = 0
        while written < bytes.count {
            written += try write(bytes, from: written)
        }
    }

    /// Writes the buffer at the file's end or position and empties it; what a failure leaves in it has not been written.
    package func drain(_ buffer: inout [UInt8]) throws(SpoolError) {
        var written = 0
        defer { buffer.removeFirst(written) }
        while written < buffer.count {
            written += try write(buffer, from: written)
        }
    }

    private func write(_ bytes: [UInt8], from start: Int) throws(SpoolError) -> Int {
        var failure: SpoolError?
        let count = bytes.withUnsafeBytes { buffer -> Int in
            do throws(SpoolError) {
                return try system.write(raw, UnsafeRawBufferPointer(rebasing: buffer[start...]), path)
            } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
        return count
    }

    /// Whether somebody has the file open for writing: then the kernel refuses a lease (fcntl(2), F_SETLEASE), which is
    /// given back at once. False where the kernel does not tell: for another user's file unless root asks, and on file
    /// systems without leases. The process must ignore SIGIO.
    package func isBeingWritten() -> Bool {
        let setLease: Int32 = 1024
        if fcntl(raw, setLease, Int32(F_RDLCK)) == 0 {
            _ = fcntl(raw, setLease, Int32(F_UNLCK))
            return false
        }
        return errno == EAGAIN
    }

    /// A call on the descriptor that returns -1 for failure.
    func perform(_ operation: SystemOperation, _ call: (Int32) -> Int32) throws(SpoolError) {
        try system.perform(operation, path, descriptor: raw) { call(raw) }
    }

    package func truncate(to size: Int64) throws(SpoolError) {
        try system.perform(.truncate, path, descriptor: raw) { ftruncate(raw, off_t(size)) }
    }

    /// Waits until the file's content is on the disk: fdatasync(2).
    package func syncData() throws(SpoolError) {
        try system.perform(.syncData, path, descriptor: raw) { fdatasync(raw) }
    }

    /// flock(2), exclusive, without waiting; false when somebody else holds it.
    package func tryLock() throws(SpoolError) -> Bool { try tryLock(LOCK_EX) }

    /// flock(2), shared, without waiting; false when somebody holds it exclusively.
    package func tryLockShared() throws(SpoolError) -> Bool { try tryLock(LOCK_SH) }

    private func tryLock(_ kind: Int32) throws(SpoolError) -> Bool {
        do {
            try system.perform(.lock, path) { flock(raw, kind | LOCK_NB) }
            return true
        } catch  where error.code == EWOULDBLOCK {
            return false
        }
    }
}

/// What stat(2) says of a file.
package struct FileStat: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case file = "a regular file"
        case directory = "a directory"
        case link = "a symbolic link"
        case fifo = "a FIFO"
        case socket = "a socket"
        case device = "a device"
    }

    package let kind: Kind
    package let owner: UInt32
    package let group: UInt32
    package let mode: UInt32
    package let links: UInt64
    package let device: UInt64
    package let inode: UInt64
    package let fingerprint: Fingerprint
    /// The time of the last change of content or metadata, in nanoseconds; nobody can set it.
    package let changed: Int64

    package var size: Int64 { fingerprint.size }

    init(_ stat: Glibc.stat) {
        kind =
            switch stat.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            case S_IFLNK: .link
            case S_IFIFO: .fifo
            case S_IFSOCK: .socket
            default: .device
            }
        owner = stat.st_uid
        group = stat.st_gid
        mode = stat.st_mode & 0o7777
        links = UInt64(stat.st_nlink)
        device = UInt64(stat.st_dev)
        inode = UInt64(stat.st_ino)
        fingerprint = Fingerprint(
            size: Int64(stat.st_size), seconds: Int64(stat.st_mtim.tv_sec), nanoseconds: Int64(stat.st_mtim.tv_nsec))
        // Wraps around in the year 2262.
        changed = Int64(stat.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(stat.st_ctim.tv_nsec)
    }

    /// Whether the file was there, as it is, before another one of its file system was written.
    package func isUnchanged(since other: FileStat) -> Bool {
        changed < other.modified
    }

    /// st_mtim, in nanoseconds.
    package var modified: Int64 { fingerprint.seconds &* 1_000_000_000 &+ fingerprint.nanoseconds }

    /// stat(2) of a path that people name, links followed.
    package init?(following path: String, system: SystemCalls = .real) throws(SpoolError) {
        var buffer = Glibc.stat()
        do {
            try system.perform(.stat, path) { fstatat(AT_FDCWD, path, &buffer, 0) }
        } catch  where error.code == ENOENT {
            return nil
        }
        self.init(buffer)
    }

    package func isSameFile(as other: FileStat) -> Bool { device == other.device && inode == other.inode }
}
