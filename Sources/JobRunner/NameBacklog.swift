/// The names that are still to be looked at, each once, in the order in which they were heard of.
import SpoolProtocol

struct NameBacklog {
    private var queue: [FileName] = []
    private var head = 0
    private var known: Set<FileName> = []

    var isEmpty: Bool { head == queue.count }
    var count: Int { queue.count - head }

    func contains(_ name: FileName) -> Bool { known.contains(name) }

    mutating func append(_ name: FileName) {
        if known.insert(name).inserted { queue.append(name) }
    }

    mutating func takeFirst() -> FileName? {
        guard head < queue.count else { return nil }
        let name = queue[head]
        head += 1
        known.remove(name)
        if head == queue.count {
            queue.removeAll()
            head = 0
        }
        return name
    }
}
