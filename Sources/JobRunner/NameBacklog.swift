/// The names that are still to be looked at, each once. Every user has a line of his own, in the order in which his files were heard of,
/// and the lines take turns: who drops a hundred thousand files lets nobody else wait for them.
import SpoolProtocol
import SpoolStorage

struct NameBacklog {
    /// Whose these are has not been asked yet.
    private var heard = Line()
    private var lines: [UInt32: Line] = [:]
    /// Whose line has its turn, and whose are next.
    private var turns: [UInt32] = []
    private var known: Set<FileName> = []

    var isEmpty: Bool { known.isEmpty }
    var count: Int { known.count }

    func contains(_ name: FileName) -> Bool { known.contains(name) }

    mutating func append(_ name: FileName) {
        if known.insert(name).inserted { heard.append(name) }
    }

    /// Puts the names that have been heard of last into the lines of their owners, up to so many. What `owner` cannot tell stays.
    mutating func sort(upTo limit: Int, _ owner: (FileName) throws(SpoolError) -> UInt32) throws(SpoolError) {
        for _ in 0..<limit {
            guard let name = heard.first else { return }
            let user = try owner(name)
            heard.removeFirst()
            if lines[user] == nil { turns.append(user) }
            lines[user, default: Line()].append(name)
        }
    }

    /// The next one of those that are sorted.
    mutating func takeFirst() -> FileName? {
        guard !turns.isEmpty else { return nil }
        let user = turns.removeFirst()
        guard let name = lines[user]?.removeFirst() else { return nil }
        if lines[user]?.first == nil { lines[user] = nil } else { turns.append(user) }
        known.remove(name)
        return name
    }

    /// First in, first out.
    private struct Line {
        private var names: [FileName] = []
        private var head = 0

        var first: FileName? { head < names.count ? names[head] : nil }

        mutating func append(_ name: FileName) { names.append(name) }

        @discardableResult
        mutating func removeFirst() -> FileName? {
            guard let name = first else { return nil }
            head += 1
            if head == names.count {
                names.removeAll()
                head = 0
            }
            return name
        }
    }
}
