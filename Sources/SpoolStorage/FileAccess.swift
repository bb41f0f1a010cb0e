/// Who may do what with a file, by its owner, group and mode, as the kernel decides it for a user who need not be this
/// process's: path_resolution(7), inode(7). Access control lists are not looked at.
import Glibc

/// A user, and the groups that count for permissions.
package struct Account: Sendable, Equatable {
    package var user: UInt32
    package var groups: Set<UInt32>

    package init(user: UInt32, groups: Set<UInt32>) {
        self.user = user
        self.groups = groups
    }

    /// As the system's databases have it: what a service of this user runs with.
    package init(_ user: UInt32) { self.init(user: user, groups: Set(Users.groups(of: user))) }
}

package struct FileAccess: Sendable, Equatable {
    package var owner: UInt32
    package var group: UInt32
    /// The permission bits with set-user-ID, set-group-ID and sticky.
    package var mode: UInt32
    package var isDirectory: Bool

    package enum Right: UInt32, Sendable {
        case read = 4
        case write = 2
        /// Of a directory: to use what is in it.
        case execute = 1
    }

    package init(owner: UInt32, group: UInt32, mode: UInt32, isDirectory: Bool) {
        self.owner = owner
        self.group = group
        self.mode = mode
        self.isDirectory = isDirectory
    }

    package init(_ stat: FileStat) {
        self.init(owner: stat.owner, group: stat.group, mode: stat.mode, isDirectory: stat.kind == .directory)
    }

    package func allows(_ right: Right, to account: Account) -> Bool {
        if account.user == 0 { return right != .execute || isDirectory || mode & 0o111 != 0 }
        // The first class that fits decides, even when a later one would give more.
        let shift: UInt32 = account.user == owner ? 6 : account.groups.contains(group) ? 3 : 0
        return mode >> shift & right.rawValue != 0
    }

    package var isSticky: Bool { mode & 0o1000 != 0 }

    /// Whether the user may remove and rename what others have put into this directory.
    package func letsRemoveOthersFiles(_ account: Account) -> Bool {
        allows(.write, to: account) && (!isSticky || [owner, 0].contains(account.user))
    }

    /// Whether somebody else than these users (and root) may write to it.
    package func isWritable(byOthersThan trusted: Set<UInt32>) -> Bool {
        (owner != 0 && !trusted.contains(owner) && mode & 0o200 != 0) || mode & 0o022 != 0
    }

    /// "1777"
    package var octalMode: String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

extension Account {
    /// This process.
    package static var current: Account {
        var groups = [gid_t](repeating: 0, count: Int(max(0, getgroups(0, nil))))
        let count = getgroups(Int32(groups.count), &groups)
        return Account(user: geteuid(), groups: Set(groups.prefix(Int(max(0, count))) + [getegid()]))
    }
}
