/// Going on as another user, so that root makes and moves files as the daemon's user does, with no more rights than that.
import Glibc

extension Users {
    /// From here on the process acts as the user, with that user's groups: initgroups(3), setegid(2), seteuid(2). Returns 0, or the
    /// errno(3) of the one that failed: EPERM for anybody but root.
    package static func become(_ user: UInt32) -> Int32 {
        let group = primaryGroup(of: user)
        guard name(of: user).withCString({ initgroups($0, group) }) == 0, setegid(group) == 0, seteuid(user) == 0 else {
            return errno
        }
        return 0
    }
}
