/// What stat(2) says of a file, as far as a sync looks at it.
import Glibc
import JobHandler

struct FileStatus {
    enum Kind {
        case regular, directory, symbolicLink
        /// A FIFO, a socket, a device.
        case special
    }

    let kind: Kind
    /// In bytes.
    let size: Int64
    /// The permission bits and the sticky bit. The set-user-ID and set-group-ID bits are left out: owners are not kept,
    /// and a program must not gain rights by being copied.
    let permissions: mode_t
    /// The set-user-ID and set-group-ID bits.
    let identityBits: mode_t
    let modified: timespec
    let changed: timespec
    let identity: FileIdentity
    /// Names that the file has.
    let links: Int
    /// The file has holes: fewer bytes are allocated than it is long.
    let isSparse: Bool

    init(_ stat: stat) {
        kind =
            switch stat.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            default: .special
            }
        size = Int64(stat.st_size)
        permissions = stat.st_mode & 0o1777
        identityBits = stat.st_mode & 0o6000
        modified = stat.st_mtim
        changed = stat.st_ctim
        identity = FileIdentity(device: stat.st_dev, inode: stat.st_ino)
        links = Int(stat.st_nlink)
        isSparse = Int64(stat.st_blocks) * 512 < Int64(stat.st_size)
    }

    /// Of an open file. - Throws: `SystemCallError`.
    init(of file: Descriptor, _ path: @autoclosure () -> String) throws(SystemCallError) {
        var status = stat()
        try systemCall("fstat", path()) { fstat(file.raw, &status) }
        self.init(status)
    }

    /// Of a name in a directory, without following a symbolic link. - Throws: `SystemCallError`.
    init(
        of name: UnsafePointer<CChar>, in directory: Descriptor, _ path: @autoclosure () -> String
    ) throws(SystemCallError) {
        var status = stat()
        try systemCall("stat", path()) { fstatat(directory.raw, name, &status, AT_SYMLINK_NOFOLLOW) }
        self.init(status)
    }

    /// Whether the file is still what `before` was: nobody wrote to it, not even somebody who set the time back.
    func isUnchanged(since before: FileStatus) -> Bool {
        identity == before.identity && size == before.size && modified == before.modified && changed == before.changed
    }
}

/// Which file it is, whatever its name.
struct FileIdentity: Hashable {
    let device: dev_t
    let inode: ino_t
}

extension timespec {
    static func == (a: timespec, b: timespec) -> Bool { a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec }
    static func != (a: timespec, b: timespec) -> Bool { !(a == b) }

    /// UTIME_OMIT of utimensat(2): leave this time as it is.
    static var omitted: timespec { timespec(tv_sec: 0, tv_nsec: (1 << 30) - 2) }
}

extension Int64 {
    /// The sum of two sizes. Sparse files may be so long that two of them are more than can be counted.
    func plus(_ more: Int64) -> Int64 {
        let (sum, isTooMuch) = addingReportingOverflow(more)
        return isTooMuch ? .max : sum
    }
}
