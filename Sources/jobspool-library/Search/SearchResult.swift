/// A document that a search found, and the order in which it is shown: by how many of the words it has, then by how near it
/// is to the own set, then by how much it is about them.
import JSONText

struct SearchResult {
    /// An IRI, or an absolute path.
    let document: String
    /// What of it matches best; nil for a document of an index.
    let subject: String?
    let title: String?
    let snippet: String
    let matchedWords: Int
    let depth: Int
    /// Greater is better: SQLite's bm25, turned round.
    let score: Double

    static func isBefore(_ a: SearchResult, _ b: SearchResult) -> Bool {
        if a.matchedWords != b.matchedWords { return a.matchedWords > b.matchedWords }
        if a.depth != b.depth { return a.depth < b.depth }
        if a.score != b.score { return a.score > b.score }
        return a.document < b.document
    }

    var json: JSON {
        var object: JSONObject = ["document": .string(document)]
        if let subject { object["subject"] = .string(subject) }
        object["title"] = JSON(title)
        object["snippet"] = .string(snippet.split(whereSeparator: \.isWhitespace).joined(separator: " "))
        object["matched_words"] = JSON(matchedWords)
        object["depth"] = JSON(depth)
        object["score"] = JSON((score * 1000).rounded() / 1000)
        return .object(object)
    }
}

/// What is looked for, and where in documents.
struct SearchScope {
    let query: SearchQuery
    let limit: Int
    let type: String?
    let predicate: String?
}
