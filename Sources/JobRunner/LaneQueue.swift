/// The jobs that wait in one lane: higher priority first, then by acceptance. Jobs that are withdrawn stay in the heap until their
/// turn comes, when whoever asks finds that they are no longer pending.
import HeapModule
import SpoolProtocol

struct LaneQueue {
    struct Entry: Comparable {
        let priority: Int
        let sequence: Int64
        let name: JobName

        static func < (a: Entry, b: Entry) -> Bool {
            a.priority != b.priority ? a.priority > b.priority : a.sequence < b.sequence
        }
    }

    private var heap = Heap<Entry>()

    mutating func insert(_ entry: Entry) { heap.insert(entry) }

    /// The next job whose entry still counts.
    mutating func next(where isPending: (Entry) -> Bool) -> Entry? {
        peek(where: isPending) == nil ? nil : heap.popMin()
    }

    /// The next job whose entry still counts; it stays in the queue.
    mutating func peek(where isPending: (Entry) -> Bool) -> Entry? {
        while let entry = heap.min {
            if isPending(entry) { return entry }
            heap.removeMin()
        }
        return nil
    }
}
