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

    /// Each once, whatever its case and accents.
    let terms: [Term]

    /// Alternatives at the most.
    static let maximumTerms = 64

    init(_ text: String) {
        var terms: [Term] = []
        var seen: Set<String> = []
        for part in Self.parts(text) where part.unicodeScalars.contains(where: Self.isWordCharacter) {
            let folded = part.folding(options: [.caseInsensitive, .diacriticInsensitive], locale: nil)
            if seen.insert(folded).inserted { terms.append(Term(text: part, match: Self.quoted(part))) }
        }
        self.terms = terms
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

    static func quoted(_ text: String) -> String { "\"" + text.replacing("\"", with: "\"\"") + "\"" }

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
