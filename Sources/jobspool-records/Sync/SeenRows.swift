/// Which rows the source has: a bit for each. Rows that exist have numbers from 1, as SQLite gives them; those that a dry run
/// only pretends to create have numbers from the least one that there is. Both are dense, so that a million records take 125 KB. Row
/// numbers that somebody else has chosen may be anything: those beyond the bits go to a table of a temporary database.
final class SeenRows {
    /// Rows that have a bit (16 MB of them at the most).
    private static let limit: Int64 = 1 << 27

    private var existing: [UInt64] = []
    private var pretended: [UInt64] = []
    private var others: TemporaryRows?
    /// Chunks of the rows that exist that have changed; nil where nobody wants to know.
    private var changed: Set<Int>?

    func contains(_ row: Int64) throws -> Bool {
        guard let (isPretended, number) = Self.number(row) else { return try others?.contains(row) ?? false }
        let words = isPretended ? pretended : existing
        let (word, bit) = Self.place(number)
        return word < words.count && words[word] & bit != 0
    }

    /// - Returns: whether it is new.
    func insert(_ row: Int64) throws -> Bool {
        guard let (isPretended, number) = Self.number(row) else {
            if others == nil { others = try TemporaryRows() }
            return try others?.insert(row) ?? false
        }
        if isPretended { return Self.insert(number, into: &pretended) }
        let isNew = Self.insert(number, into: &existing)
        if changed != nil, isNew { changed?.insert(number / Self.chunkRows) }
        return isNew
    }

    /// The number of the row that a dry run pretends to create as the so many-th.
    static func pretended(_ number: Int64) -> Int64 { .min + number }

    /// The reverse; nil for a row that exists.
    static func pretendedNumber(of row: Int64) -> Int64? { row < .min / 2 ? row - .min : nil }

    /// nil beyond the bits.
    private static func number(_ row: Int64) -> (isPretended: Bool, number: Int)? {
        let pretended = pretendedNumber(of: row)
        let number = pretended ?? row
        return (0..<limit).contains(number) ? (pretended != nil, Int(number)) : nil
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
            return Chunk(number: number, bits: Array(existing[first..<min(first + Self.chunkWords, existing.count)]))
        }
    }

    /// Adds the rows of a chunk.
    func restore(_ chunk: Chunk) {
        let first = chunk.number * Self.chunkRows
        for (word, bits) in chunk.bits.enumerated() {
            for bit in 0..<64 where bits & (1 << UInt64(bit)) != 0 {
                let row = first + word * 64 + bit
                if row < Self.limit { _ = Self.insert(row, into: &existing) }
            }
        }
    }

    private static func insert(_ row: Int, into words: inout [UInt64]) -> Bool {
        let (word, bit) = place(row)
        if word >= words.count {
            words.append(contentsOf: repeatElement(0, count: max(word + 1, words.count * 2) - words.count))
        }
        defer { words[word] |= bit }
        return words[word] & bit == 0
    }

    private static func place(_ number: Int) -> (word: Int, bit: UInt64) {
        (number >> 6, 1 << UInt64(number & 63))
    }
}
