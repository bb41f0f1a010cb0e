/// The formats of linked documents, told apart by their first character: N-Triples begin with `<`, `_` or a comment, and
/// JSON does not.
enum DocumentFormat: String, CaseIterable {
    case jsonLD = "json-ld"
    case nTriples = "n-triples"

    /// What files of linked documents end in; the first are looked for first.
    static let suffixes = [".jsonld", ".nt", ".json"]

    init(of bytes: [UInt8]) {
        let first = bytes.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        self = first.map { [UInt8(ascii: "["), UInt8(ascii: "{")].contains($0) } ?? false ? .jsonLD : .nTriples
    }

    /// - Parameter iri: of the document.
    /// - Throws: `LinkedDataError`.
    static func parse(_ bytes: [UInt8], iri: String) throws -> (format: DocumentFormat, document: LinkedDocument) {
        let format = DocumentFormat(of: bytes)
        switch format {
        case .jsonLD: return (format, try ExpandedJSONLD.parse(bytes, base: iri))
        case .nTriples: return (format, try NTriplesParser.parse(bytes))
        }
    }
}
