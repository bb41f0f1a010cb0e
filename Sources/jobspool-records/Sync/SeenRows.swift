/// Which rows the source has: a bit for each. Rows that exist have numbers from 1, as SQLite gives them; those that a dry run
/// only pretends to create have negative ones. Both are dense, so that a million records take 125 KB. Row numbers that
/// somebody else has chosen may be anything: those beyond the bits go to a table of a temporary database.
final class SeenRows {
    /// Rows that have a bit (16 MB of them at the most).
    private static let limit: Int64 = 1 << 27

    private var positive: [UInt64] = []
    private var negative: [UInt64] = []
    private var others: TemporaryRows?
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
        }
        if isNew, row >= 0 { count += 1 }
        return isNew
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
