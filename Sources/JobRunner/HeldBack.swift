/// The requests of users who have as many pending jobs as they may: they stay as they were dropped, in their order, and are looked at when
/// there is room. Of very many only the first are remembered; that there are more brings another look at the directory.
import SpoolProtocol

struct HeldBack {
    private var users: [UInt32: Line] = [:]
    /// Let go, and not looked at yet, by user.
    private var released: [UInt32: Set<JobName>] = [:]

    /// When it was told last of a user, CLOCK_MONOTONIC, seconds.
    private var told: [UInt32: Double] = [:]

    /// How many requests of a user are remembered.
    static let limit = 10_000

    private struct Line {
        var names: [JobName] = []
        var head = 0
        var known: Set<JobName> = []
        var isMore = false
    }

    /// Users with requests that are held back.
    var owners: [UInt32] { users.keys.sorted() }

    func contains(_ name: JobName, of owner: UInt32) -> Bool { users[owner]?.known.contains(name) ?? false }

    func contains(_ name: JobName) -> Bool { users.values.contains { $0.known.contains(name) } }

    /// How many are, and whether these are not all.
    func count(of owner: UInt32) -> (count: Int, isMore: Bool) {
        users[owner].map { ($0.known.count, $0.isMore) } ?? (0, false)
    }

    /// Whether a request has to wait although there is room, for there are older ones.
    func hasToQueue(_ name: JobName, of owner: UInt32) -> Bool {
        users[owner] != nil && !(released[owner]?.contains(name) ?? false)
    }

    /// - Returns: true when it is the user's first.
    mutating func hold(_ name: JobName, of owner: UInt32) -> Bool {
        let isFirst = users[owner] == nil
        var line = users.removeValue(forKey: owner) ?? Line()
        if line.known.count >= Self.limit, !line.known.contains(name) {
            line.isMore = true
        } else if line.known.insert(name).inserted {
            line.names.append(name)
        }
        users[owner] = line
        return isFirst
    }

    /// Whether it is worth telling that a user's requests are held back now: at most once a minute.
    mutating func isToBeTold(of owner: UInt32, at now: Double) -> Bool {
        if let last = told[owner], now - last < 60 { return false }
        told[owner] = now
        return true
    }

    /// Lets the oldest requests of a user go, so many that he has no more pending jobs than `room` allows. `isMore` is true once the
    /// last has gone and there are others that are not remembered.
    mutating func release(of owner: UInt32, room: Int) -> (names: [JobName], isMore: Bool) {
        guard var line = users.removeValue(forKey: owner) else { return ([], false) }
        let end = line.head + min(line.names.count - line.head, max(0, room - (released[owner]?.count ?? 0)))
        let names = Array(line.names[line.head..<end])
        line.head = end
        for name in names {
            line.known.remove(name)
            released[owner, default: []].insert(name)
        }
        if line.head == line.names.count { return (names, line.isMore) }
        if line.head > Self.limit {
            line.names.removeFirst(line.head)
            line.head = 0
        }
        users[owner] = line
        return (names, false)
    }

    /// A name that was let go has been looked at, whatever came of it.
    mutating func forget(_ name: JobName) {
        for owner in released.keys {
            released[owner]?.remove(name)
            if released[owner]?.isEmpty ?? true { released[owner] = nil }
        }
    }
}
