/// Room that is kept back for telling people that there is none: `.jobspool/reserve`, a file whose space is allocated while there
/// is some. On a full disk one file can be written into it and renamed into place.
package import SpoolProtocol
import Glibc

extension Spool {
    private static let reserve = FileName("reserve")

    /// How much is kept back, and how much has to be free before the disk counts as not full any more, in bytes.
    package static let reserveSize = 256 << 10

    /// Whether the disk takes something, found out by taking it: allocates `reserveSize`, and keeps it where there is no reserve.
    /// - Throws: `SpoolError`, which `isOutOfSpace` on a full disk.
    package func proveRoom() throws(SpoolError) {
        let scratch = newTemporaryName()
        do throws(SpoolError) {
            let file = try openForAll(scratch, in: temporary, O_RDWR)
            try file.allocate(Self.reserveSize)
            if try home.stat(Self.reserve) == nil {
                try temporary.rename(scratch, to: home, Self.reserve)
            } else {
                try temporary.remove(scratch)
            }
        } catch {
            // What could not be removed now is removed at the next start.
            do { try temporary.remove(scratch) } catch {}
            throw error
        }
    }

    /// Puts a file into the spool with the space that has been kept back. It survives the death of the daemon.
    /// - Throws: `SpoolError`; with ENOENT when there is no reserve.
    package func publishFromReserve(_ bytes: [UInt8], as name: FileName) throws(SpoolError) {
        guard bytes.count <= Self.reserveSize else { throw SpoolError(.write, home.path(Self.reserve), code: EFBIG) }
        let file = try home.open(Self.reserve, O_WRONLY)
        try file.write(bytes)
        try file.truncate(to: Int64(bytes.count))
        try home.rename(Self.reserve, to: root, name)
    }
}

extension Descriptor {
    /// posix_fallocate(3): the file has this size, and the space for it.
    fileprivate func allocate(_ size: Int) throws(SpoolError) {
        try perform(.allocate) { raw in
            errno = posix_fallocate(raw, 0, off_t(size))
            return errno == 0 ? 0 : -1
        }
    }
}
