/// What a file system's type says about inotify(7): it reports what this kernel does to the file system, and nothing that
/// another host, a hypervisor or a server does behind it. The numbers are statfs(2)'s and linux/magic.h's.
private import CLinux

package enum FileSystemKind: Sendable, Equatable {
    /// Changes come through this kernel alone.
    case local
    /// Others change it without this kernel's knowledge.
    case shared(String)
    /// The type says nothing certain: try.
    case unknown

    /// statfs(2) of the path; `unknown` when that fails.
    package init(path: String) {
        var status = statfs()
        guard statfs(path, &status) == 0 else {
            self = .unknown
            return
        }
        self.init(type: UInt32(truncatingIfNeeded: status.f_type))
    }

    /// `type` is `f_type` of statfs(2).
    package init(type: UInt32) {
        switch type {
        case 0x6969: self = .shared("nfs")
        case 0x517B, 0xFE53_4D42: self = .shared("smb")
        case 0xFF53_4D42: self = .shared("cifs")
        case 0x6573_5546: self = .shared("fuse")  // virtiofs as well
        case 0x0102_1997: self = .shared("9p")
        case 0x5346_414F, 0x6B41_4653: self = .shared("afs")
        case 0x7375_7245: self = .shared("coda")
        case 0x00C3_6400: self = .shared("ceph")
        case 0x0BD0_0BD0: self = .shared("lustre")
        case 0x4750_4653: self = .shared("gpfs")
        case 0x0116_1970: self = .shared("gfs2")
        case 0x7461_636F: self = .shared("ocfs2")
        case 0x2003_0528: self = .shared("orangefs")
        case 0x1983_0326: self = .shared("beegfs")
        case 0x786F_4256: self = .shared("vboxsf")
        case 0xBACB_ACBC: self = .shared("vmhgfs")
        case 0x7C7C_6673: self = .shared("prl_fs")
        case 0x564C: self = .shared("ncp")
        case 0xEF53, 0x5846_5342, 0x9123_683E, 0xCA45_1A4E: self = .local  // ext, xfs, btrfs, bcachefs
        case 0x0102_1994, 0x8584_58F6, 0x794C_7630: self = .local  // tmpfs, ramfs, overlay
        case 0x2FC1_2FC1, 0xF2F5_2010, 0x3153_464A, 0x5265_4973: self = .local  // zfs, f2fs, jfs, reiserfs
        case 0x4D44, 0x2011_BAB0, 0x7366_746E: self = .local  // vfat, exfat, ntfs3
        default: self = .unknown
        }
    }
}
