/// Which of the target's rows the source has: a bit for each row number.
struct SeenRows {
    private var words: [UInt64] = []

    func contains(_ row: Int64) -> Bool {
        let word = Int(row >> 6)
        return word < words.count && words[word] & 1 << UInt64(row & 63) != 0
    }

    /// - Returns: whether it is new.
    mutating func insert(_ row: Int64) -> Bool {
        let word = Int(row >> 6)
        if word >= words.count {
            words.append(contentsOf: repeatElement(0, count: word + 1 - words.count + words.count / 2))
        }
        let bit: UInt64 = 1 << UInt64(row & 63)
        defer { words[word] |= bit }
        return words[word] & bit == 0
    }
}
