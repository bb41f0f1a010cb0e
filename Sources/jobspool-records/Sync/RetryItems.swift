/// The items of an earlier job's errors file: the keys of records, or the places of those that had none.
import JSONText
import JobHandler

struct RetryItems: Sendable {
    private let items: Set<[UInt8]>

    init(_ items: [String]) { self.items = Set(items.map { Array($0.utf8) }) }

    var count: Int { items.count }
    var isEmpty: Bool { items.isEmpty }

    func contains(_ record: Int, of batch: RecordBatch) -> Bool {
        let entry = batch.entries[record]
        return !entry.key.isEmpty && items.contains(Array(batch.bytes[entry.key]))
            || items.contains(Array(batch.place(record).utf8))
    }
}
