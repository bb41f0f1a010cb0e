/// What somebody is looking for, taken apart: words are alternatives, "phrases" hold together. Nothing of it reaches FTS5's
/// query language but as a string in quotes (https://sqlite.org/fts5.html, section 3.1).
import Foundation

struct SearchQuery: Equatable {
    struct Term: Equatable {
        /// As it was typed.
        let text: String
        /// A string of FTS5's query language.
        let match: String
    }

    /// Each once, whatever its case and the accents of Latin letters.
    let terms: [Term]

    /// Alternatives at the most.
    static let maximumTerms = 64

    init(_ text: String) {
        var terms: [Term] = []
        var seen: Set<[UInt8]> = []
        for part in Self.parts(text) where part.unicodeScalars.contains(where: Self.isWordCharacter) {
            if seen.insert(Self.folded(part)).inserted { terms.append(Term(text: part, match: Self.quoted(part))) }
        }
        self.terms = terms
    }

    /// No more is the same here than is to the tokenizer, unicode61 with `remove_diacritics 2`: it strips Latin letters of their
    /// marks, and no others.
    private static func folded(_ text: String) -> [UInt8] {
        text.lowercased().flatMap { character -> [UInt8] in
            let scalars = String(character).decomposedStringWithCanonicalMapping.unicodeScalars
            guard let base = scalars.first, base.isASCII,
                scalars.dropFirst().allSatisfy({ $0.properties.generalCategory == .nonspacingMark })
            else { return Array(String(character).utf8) }
            return [UInt8(base.value)]
        }
    }

    /// Any of the terms.
    var match: String { terms.map(\.match).joined(separator: " OR ") }

    /// Cut at white space, but not within quotes. A quote that is not closed holds to the end.
    private static func parts(_ text: String) -> [String] {
        var parts: [String] = []
        var part = ""
        var isPhrase = false
        for scalar in text.unicodeScalars {
            if "\"“”„«»".unicodeScalars.contains(scalar) {
                parts.append(part)
                part = ""
                isPhrase.toggle()
            } else if scalar.properties.isWhitespace, !isPhrase {
                parts.append(part)
                part = ""
            } else if scalar.value != 0 {
                part.unicodeScalars.append(scalar)
            }
        }
        return (parts + [part]).map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
    }

    /// By bytes: with a combining mark behind it a quote is no quote as a character.
    static func quoted(_ text: String) -> String {
        let bytes = text.utf8.flatMap { $0 == UInt8(ascii: "\"") ? [$0, $0] : [$0] }
        return "\"\(String(decoding: bytes, as: UTF8.self))\""
    }

    /// What the tokenizer unicode61 makes words of.
    private static func isWordCharacter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
            .letterNumber, .otherNumber, .privateUse:
            true
        default: false
        }
    }
}
