/// A text that nobody must see, found in other texts byte by byte, however it is spelled there: as it is, with percent escapes
/// (RFC 3986), with escapes of JSON (RFC 8259), or with some of each. Characters would not do: one that is followed by a combining
/// mark is another.
struct SecretText: Sendable {
    /// Each of its characters, in all spellings.
    private let characters: [[Spelling]]

    private struct Spelling: Sendable {
        let bytes: [UInt8]
        /// Escapes have digits from `a` to `f`, or from `A` to `F`.
        let isEscape: Bool

        func end(in text: [UInt8], from start: Int) -> Int? {
            guard start + bytes.count <= text.count else { return nil }
            for (index, byte) in bytes.enumerated() {
                let found = text[start + index]
                guard found == byte || isEscape && Self.lower(found) == Self.lower(byte) else { return nil }
            }
            return start + bytes.count
        }

        private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte + 0x20 : byte }
    }

    /// - Precondition: it is not empty.
    init(_ text: String) { characters = text.unicodeScalars.map(Self.spellings) }

    private static func spellings(_ scalar: Unicode.Scalar) -> [Spelling] {
        let character = String(scalar)
        func hex(_ number: some BinaryInteger, _ width: Int) -> String {
            let digits = String(number, radix: 16)
            return String(repeating: "0", count: width - digits.count) + digits
        }
        var spellings = [
            Spelling(bytes: Array(character.utf8), isEscape: false),
            Spelling(bytes: Array(character.utf8.map { "%\(hex($0, 2))" }.joined().utf8), isEscape: true),
            Spelling(bytes: Array(character.utf16.map { "\\u\(hex($0, 4))" }.joined().utf8), isEscape: true),
        ]
        switch scalar {
        case "/", "\"", "\\": spellings.append(Spelling(bytes: Array("\\\(character)".utf8), isEscape: false))
        // As forms write it.
        case " ": spellings.append(Spelling(bytes: [UInt8(ascii: "+")], isEscape: false))
        default: break
        }
        return spellings
    }

    /// Where the secret ends that begins there; nil when none does.
    func end(in text: [UInt8], from start: Int) -> Int? {
        var ends: Set<Int> = [start]
        for spellings in characters {
            // More than one only where a spelling is the beginning of another.
            let next = ends.flatMap { end in spellings.compactMap { $0.end(in: text, from: end) } }
            if next.isEmpty { return nil }
            ends = Set(next)
        }
        return ends.max()
    }
}
