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
        /// In order, at most `most`.
        var first: [JobName] = []
    }

    func counts(_ name: JobName) -> Bool {
        guard let owner = owners[name], let user = users[owner] else { return true }
        return user.names.count <= Self.most || user.first.contains(name)
    }

    mutating func put(_ name: JobName, of owner: UInt32) {
        if owners[name] == owner { return }
        remove(name)
        owners[name] = owner
        var user = users.removeValue(forKey: owner) ?? User()
        user.names.insert(name)
        if user.first.count < Self.most || user.first.last.map({ name < $0 }) ?? true {
            user.first.insert(name, at: user.first.firstIndex { name < $0 } ?? user.first.endIndex)
            if user.first.count > Self.most { user.first.removeLast() }
        }
        users[owner] = user
    }

    mutating func remove(_ name: JobName) {
        guard let owner = owners.removeValue(forKey: name), var user = users.removeValue(forKey: owner) else { return }
        user.names.remove(name)
        if user.first.contains(name) { user.first = Array(user.names.sorted().prefix(Self.most)) }
        if !user.names.isEmpty { users[owner] = user }
    }
}
