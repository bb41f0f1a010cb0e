/// Which of a user's schedules count, of those who have only so many: the first ones by name, so that which these are does not change by
/// itself.
import SpoolProtocol

struct ScheduleLimit {
    /// How many a user may have who is neither the daemon's nor root: each costs the daemon something at every slot.
    static let most = 100

    private var owners: [JobName: UInt32] = [:]
    private var users: [UInt32: User] = [:]

    private struct User {
        var names: Set<JobName> = []
        /// In order, more than count: to find out which come next takes long.
        var first: [JobName] = []
    }

    private static let kept = 10 * most

    func counts(_ name: JobName) -> Bool {
        guard let owner = owners[name], let user = users[owner] else { return true }
        return user.first.prefix(Self.most).contains(name)
    }

    mutating func put(_ name: JobName, of owner: UInt32) {
        if owners[name] == owner { return }
        remove(name)
        owners[name] = owner
        var user = users.removeValue(forKey: owner) ?? User()
        user.names.insert(name)
        // Without it, all others are there.
        let isWhole = user.first.count == user.names.count - 1
        if isWhole || user.first.last.map({ name < $0 }) ?? true {
            user.first.insert(name, at: user.first.firstIndex { name < $0 } ?? user.first.endIndex)
            if user.first.count > Self.kept { user.first.removeLast() }
        }
        users[owner] = user
    }

    mutating func remove(_ name: JobName) {
        guard let owner = owners.removeValue(forKey: name), var user = users.removeValue(forKey: owner) else { return }
        user.names.remove(name)
        user.first.removeAll { $0 == name }
        if user.first.count < min(Self.most, user.names.count) {
            user.first = Array(user.names.sorted().prefix(Self.kept))
        }
        if !user.names.isEmpty { users[owner] = user }
    }
}
