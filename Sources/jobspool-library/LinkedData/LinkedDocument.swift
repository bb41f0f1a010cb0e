/// What a linked document says, whatever its format: statements in the order in which they stand there.
import JSONText

struct LinkedDocument: Equatable {
    var statements: [Statement] = []

    struct Statement: Equatable {
        /// An IRI, or a label of this document alone that begins with `_:`.
        let subject: String
        /// An IRI; `Vocabulary.type` for the types of the subject.
        let predicate: String
        /// In JSON-LD's expanded form: `{"@id"}`, `{"@value"}` with `@type` or `@language`, or `{"@list"}`.
        let value: JSON
    }

    mutating func add(_ subject: String, _ predicate: String, _ value: JSON) {
        statements.append(Statement(subject: subject, predicate: predicate, value: value))
    }

    /// The documents that this one refers to, each once, in the order of their first mention: the IRIs that are values
    /// of properties, without their fragments. Types and predicates are words, no documents to read.
    func references(of own: String) -> [String] {
        var seen: Set<String> = [own]
        var references: [String] = []
        for statement in statements where statement.predicate != Vocabulary.type {
            for iri in Self.resources(statement.value) where !iri.hasPrefix("_:") {
                let document = IRI(iri).document.text
                if seen.insert(document).inserted { references.append(document) }
            }
        }
        return references
    }

    private static func resources(_ value: JSON) -> [String] {
        if let iri = value["@id"]?.string { return [iri] }
        return value["@list"]?.array?.flatMap(resources) ?? []
    }
}

extension LinkedDocument.Statement {
    /// What a search finds of the statement; nil for one that has no words.
    var text: String? { Self.text(value) }

    private static func text(_ value: JSON) -> String? {
        if let elements = value["@list"]?.array {
            let texts = elements.compactMap(text)
            return texts.isEmpty ? nil : texts.joined(separator: "\n")
        }
        switch value["@value"] {
        case .string(let string)?: return string
        case .number(let number)?: return number.text
        default: return nil
        }
    }
}

enum Vocabulary {
    static let type = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
    static let string = "http://www.w3.org/2001/XMLSchema#string"

    /// Properties that give a thing its title, the best first.
    static let titles = [
        "http://www.w3.org/2004/02/skos/core#prefLabel", "http://www.w3.org/2000/01/rdf-schema#label",
        "http://purl.org/dc/terms/title", "http://purl.org/dc/elements/1.1/title", "https://schema.org/name",
        "http://schema.org/name", "http://xmlns.com/foaf/0.1/name", "https://www.w3.org/ns/activitystreams#name",
    ]
}

/// A linked document that cannot be read, with the place at fault.
struct LinkedDataError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
