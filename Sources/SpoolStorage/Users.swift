/// Who owns files: user and group names by their numbers (getpwuid_r(3), getgrouplist(3)).
import Glibc
import Synchronization

package enum Users {
    /// The user's name, or the number of one without a name. Remembered for a minute: the look-up reads files or asks a server.
    package static func name(of user: UInt32) -> String {
        let now = Clock.monotonic()
        if let known = names.withLock({ $0[user] }), now < known.until { return known.name }
        let name = entry(of: user)?.name ?? String(user)
        names.withLock { $0[user] = (name, now + 60) }
        return name
    }

    private static let names = Mutex<[UInt32: (name: String, until: Double)]>([:])

    /// The user's home directory; nil for one without an entry.
    package static func home(of user: UInt32) -> String? { entry(of: user)?.home }

    /// The number of the user with this name, or whose number it is; nil for nobody.
    package static func number(of name: String) -> UInt32? {
        var record = passwd()
        var found: UnsafeMutablePointer<passwd>?
        return withGrowingBuffer({ getpwnam_r(name, &record, $0, $1, &found) }) {
            found == nil ? nil : record.pw_uid
        } ?? UInt32(name)
    }

    /// Whether the user belongs to one of the groups, by name.
    package static func isMember(_ user: UInt32, ofAny groups: [String]) -> Bool {
        guard !groups.isEmpty else { return false }
        return self.groups(of: user).contains { number in groupName(number).map(groups.contains) ?? false }
    }

    /// The numbers of the groups that the user belongs to; none for a user without an entry.
    package static func groups(of user: UInt32) -> [UInt32] {
        guard let entry = entry(of: user) else { return [] }
        var count: Int32 = 256
        var numbers = [gid_t](repeating: 0, count: Int(count))
        if getgrouplist(entry.name, entry.group, &numbers, &count) < 0 {
            numbers = [gid_t](repeating: 0, count: Int(count))
            guard getgrouplist(entry.name, entry.group, &numbers, &count) >= 0 else { return [] }
        }
        return Array(numbers.prefix(Int(count)))
    }

    /// The group's name, or the number of one without a name.
    package static func name(ofGroup group: UInt32) -> String { groupName(group) ?? String(group) }

    /// The number of the group with this name; nil when there is none.
    package static func groupNumber(of name: String) -> UInt32? {
        var record = group()
        var found: UnsafeMutablePointer<group>?
        return withGrowingBuffer({ getgrnam_r(name, &record, $0, $1, &found) }) {
            found == nil ? nil : record.gr_gid
        }
    }

    /// The user's own group; the group of the same number for one without an entry.
    static func primaryGroup(of user: UInt32) -> UInt32 { entry(of: user)?.group ?? user }

    private static func entry(of user: UInt32) -> (name: String, group: gid_t, home: String)? {
        var record = passwd()
        var found: UnsafeMutablePointer<passwd>?
        return withGrowingBuffer({ getpwuid_r(user, &record, $0, $1, &found) }) {
            found == nil ? nil : (String(cString: record.pw_name), record.pw_gid, String(cString: record.pw_dir))
        }
    }

    private static func groupName(_ number: gid_t) -> String? {
        var record = group()
        var found: UnsafeMutablePointer<group>?
        return withGrowingBuffer({ getgrgid_r(number, &record, $0, $1, &found) }) {
            found == nil ? nil : String(cString: record.gr_name)
        }
    }

    /// Looks an entry up, with more room when it does not fit (ERANGE): a group has as many names as it has members.
    /// - Parameters:
    ///   - look: returns 0, or an error (errno(3)).
    ///   - take: copies what is of use out of the buffer.
    static func withGrowingBuffer<Value>(
        from size: Int = 1 << 12, _ look: (UnsafeMutablePointer<CChar>, Int) -> Int32, take: () -> Value?
    ) -> Value? {
        var size = size
        while size <= largestEntry {
            let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: size)
            defer { buffer.deallocate() }
            switch look(buffer, size) {
            case 0: return take()
            case ERANGE: size *= 2
            case EINTR: continue
            default: return nil
            }
        }
        return nil
    }

    /// In bytes.
    private static let largestEntry = 1 << 26
}
