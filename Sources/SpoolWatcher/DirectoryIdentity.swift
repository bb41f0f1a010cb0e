/// Which directory a path leads to: two directories that exist at the same time never have the same identity. It tells a
/// replaced directory from a touched one; a number may be used again once a directory is gone and nobody holds it open.
private import Glibc

struct DirectoryIdentity: Equatable {
    private let device: UInt
    private let inode: UInt

    /// nil when the path leads to no directory, or may not be followed.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
    }
}
