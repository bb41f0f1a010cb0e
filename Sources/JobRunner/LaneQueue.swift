/// The jobs that wait in one lane: higher priority first, then by acceptance. Jobs that are withdrawn stay in the heap until their
/// turn comes, when whoever asks finds that they are no longer pending.
import HeapModule
import SpoolProtocol

struct LaneQueue {
    struct Entry: Comparable {
        /// The priority, turned round, above the number of acceptance: one number less for each of a hundred thousand.
        private let place: Int64
        let name: JobName

        private static let sequenceBits = 55

        /// - Parameters:
        ///   - priority: -100 to 100.
        ///   - sequence: below 2^55.
        init(priority: Int, sequence: Int64, name: JobName) {
            place = Int64(-priority) << Self.sequenceBits | sequence
            self.name = name
        }

        var sequence: Int64 { place & (1 << Self.sequenceBits - 1) }

        static func < (a: Entry, b: Entry) -> Bool { a.place < b.place }
    }

    private var heap = Heap<Entry>()

    mutating func insert(_ entry: Entry) { heap.insert(entry) }

    /// The next job whose entry still counts; it stays in the queue.
    mutating func peek(where isPending: (Entry) -> Bool) -> Entry? {
        while let entry = heap.min {
            if isPending(entry) { return entry }
            heap.removeMin()
        }
        return nil
    }

    /// Takes out what `peek` has given.
    mutating func removeFirst() { heap.removeMin() }
}
