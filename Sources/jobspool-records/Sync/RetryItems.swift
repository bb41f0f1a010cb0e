/// The items of an earlier job's errors file: the keys of records, or the places of those that had none. It remembers which of them
/// the source has, so that those that it lacks are not taken for done.
import JSONText
import JobHandler
import Synchronization

final class RetryItems: Sendable {
    private let items: [String]
    private let all: Set<[UInt8]>
    private let found = Mutex<Set<[UInt8]>>([])

    init(_ items: [String]) {
        self.items = items
        all = Set(items.map { Array($0.utf8) })
    }

    var count: Int { all.count }
    var isEmpty: Bool { all.isEmpty }

    func contains(_ record: Int, of batch: RecordBatch) -> Bool {
        let key = Array(batch.bytes[batch.entries[record].key])
        let these = [key, Array(batch.place(record).utf8)].filter { !$0.isEmpty && all.contains($0) }
        if !these.isEmpty { found.withLock { $0.formUnion(these) } }
        return !these.isEmpty
    }

    /// Those that were not among the records so far, in their order.
    var missing: [String] {
        var known = found.withLock { $0 }
        return items.filter { known.insert(Array($0.utf8)).inserted }
    }
}
