/// Makes broken inputs of good ones: bits, bytes and pieces changed, doubled, cut, and put into each other, and words that are known to
/// hurt put in. The same seed makes the same inputs.
import Glibc
import TestSupport

struct Mutator {
    let corpus: [[UInt8]]
    let words: [[UInt8]]
    private(set) var random: SeededGenerator

    /// Larger inputs take their time and find no more.
    private static let largest = 4096

    private static let harmful = [
        "9223372036854775807", "-9223372036854775808", "9223372036854775808", "18446744073709551616", "-1", "0", "-0",
        "1e400", "-1e400", "1e-400", "0.1", "null", "true", "\"\"", "{}", "[]", "\"\\u0000\"", "\"\\ud800\"", "\\",
        "\"",
        "[[[[[[[[", "{\"a\":{\"a\":{\"a\":", ",", ":", "\n", "\r\n", "\t", "\u{FEFF}", "\u{301}", "\u{10FFFF}", "\u{0}",
        "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "2026-02-30T25:61:61Z", "2016-12-31T23:59:60Z", "%s%n",
        "../",
    ]

    init(corpus: [String], words: [String] = [], seed: UInt64) {
        self.corpus = corpus.map { Array($0.utf8) }
        self.words = (Self.harmful + words).map { Array($0.utf8) }
        random = SeededGenerator(seed: seed)
    }

    mutating func next() -> [UInt8] {
        var input = corpus.randomElement(using: &random) ?? []
        for _ in 0...Int.random(in: 0..<5, using: &random) { mutate(&input) }
        return Array(input.prefix(Self.largest))
    }

    private mutating func place(in input: [UInt8]) -> Int { Int.random(in: 0...input.count, using: &random) }

    private mutating func piece(of input: [UInt8]) -> Range<Int> {
        let start = place(in: input)
        return start..<min(input.count, start + Int.random(in: 0...24, using: &random))
    }

    private mutating func mutate(_ input: inout [UInt8]) {
        let word = words.randomElement(using: &random) ?? []
        switch Int.random(in: 0..<11, using: &random) {
        case 0 where !input.isEmpty:
            input[Int.random(in: 0..<input.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1 where !input.isEmpty:
            input[Int.random(in: 0..<input.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        case 2: input.removeSubrange(piece(of: input))
        case 3: input.insert(contentsOf: input[piece(of: input)], at: place(in: input))
        case 4: input.removeSubrange(place(in: input)...)
        case 5, 6: input.insert(contentsOf: word, at: place(in: input))
        case 7, 8: input.replaceSubrange(piece(of: input), with: word)
        case 9:
            let other = corpus.randomElement(using: &random) ?? []
            input.insert(contentsOf: other[piece(of: other)], at: place(in: input))
        default: replaceNumber(&input, word)
        }
    }

    /// A number is where arithmetic goes wrong.
    private mutating func replaceNumber(_ input: inout [UInt8], _ word: [UInt8]) {
        let isDigit = { (byte: UInt8) in (0x30...0x39).contains(byte) }
        let start = place(in: input)
        guard let first = input[start...].firstIndex(where: isDigit) else { return }
        let end = input[first...].firstIndex { !isDigit($0) } ?? input.endIndex
        input.replaceSubrange(first..<end, with: word)
    }
}
