/// How much room a file system has left for users other than root: statvfs(3). Quotas are not in it.
import Glibc

package struct DiskSpace: Sendable, Equatable {
    /// In bytes.
    package var free: UInt64
    package var total: UInt64
    /// How many more files there can be; nil where there is no fixed number of them (Btrfs).
    package var freeFiles: UInt64?
    package var totalFiles: UInt64

    package init(free: UInt64, total: UInt64, freeFiles: UInt64?, totalFiles: UInt64) {
        self.free = free
        self.total = total
        self.freeFiles = freeFiles
        self.totalFiles = totalFiles
    }
}

extension Directory {
    package func space() throws(SpoolError) -> DiskSpace {
        var status = statvfs()
        try system.perform(.stat, path) { fstatvfs(raw, &status) }
        let block = UInt64(status.f_frsize)
        return DiskSpace(
            free: UInt64(status.f_bavail) * block, total: UInt64(status.f_blocks) * block,
            freeFiles: status.f_files == 0 ? nil : UInt64(status.f_favail), totalFiles: UInt64(status.f_files))
    }
}
