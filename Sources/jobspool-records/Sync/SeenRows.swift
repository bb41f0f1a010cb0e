/// Which rows the source has: a bit for each. Rows that exist have numbers from 1, as SQLite gives them; those that a dry run
/// only pretends to create have negative ones. Both are dense, so that a million records take 125 KB. Row numbers that
/// somebody else has chosen may be anything: those beyond the bits go to a table of a temporary database.
final class SeenRows {
    /// Rows that have a bit (16 MB of them at the most).
    private static let limit: Int64 = 1 << 27

    private var positive: [UInt64] = []
    private var negative: [UInt64] = []
    private var others: TemporaryRows?
    /// Chunks of the rows that exist that have changed; nil where nobody wants to know.
    private var changed: Set<Int>?
    /// Of the rows that exist.
    private(set) var count = 0

    func contains(_ row: Int64) throws -> Bool {
        guard row.magnitude < Self.limit else { return try others?.contains(row) ?? false }
        let words = row < 0 ? negative : positive
        let (word, bit) = Self.place(row)
        return word < words.count && words[word] & bit != 0
    }

    /// - Returns: whether it is new.
    func insert(_ row: Int64) throws -> Bool {
        let isNew: Bool
        if row.magnitude >= Self.limit {
            if others == nil { others = try TemporaryRows() }
            isNew = try others?.insert(row) ?? false
        } else if row < 0 {
            isNew = Self.insert(row, into: &negative)
        } else {
            isNew = Self.insert(row, into: &positive)
            if changed != nil, isNew { changed?.insert(Int(row) / Self.chunkRows) }
        }
        if isNew, row >= 0 { count += 1 }
        return isNew
    }

    // MARK: Chunks, for a job that goes on in the middle of its source. Rows beyond the bits are left out.

    /// The bits of `chunkRows` rows, as they lie in memory.
    struct Chunk: Sendable, Equatable {
        let number: Int
        let bits: [UInt64]
    }

    private static let chunkWords = 64
    private static let chunkRows = chunkWords * 64

    /// From now on it is known which chunks change.
    func trackChanges() { if changed == nil { changed = [] } }

    /// The chunks that have changed since the last call.
    func takeChanges() -> [Chunk] {
        defer { if changed != nil { changed = [] } }
        return (changed ?? []).sorted().map { number in
            let first = number * Self.chunkWords
            return Chunk(number: number, bits: Array(positive[first..<min(first + Self.chunkWords, positive.count)]))
        }
    }

    /// Adds the rows of a chunk.
    func restore(_ chunk: Chunk) {
        let first = Int64(chunk.number * Self.chunkRows)
        for (word, bits) in chunk.bits.enumerated() {
            for bit in 0..<64 where bits & (1 << UInt64(bit)) != 0 {
                let row = first + Int64(word * 64 + bit)
                if row < Self.limit, Self.insert(row, into: &positive) { count += 1 }
            }
        }
    }

    private static func insert(_ row: Int64, into words: inout [UInt64]) -> Bool {
        let (word, bit) = place(row)
        if word >= words.count {
            words.append(contentsOf: repeatElement(0, count: max(word + 1, words.count * 2) - words.count))
        }
        defer { words[word] |= bit }
        return words[word] & bit == 0
    }

    private static func place(_ row: Int64) -> (word: Int, bit: UInt64) {
        (Int(row.magnitude >> 6), 1 << UInt64(row.magnitude & 63))
    }
}
