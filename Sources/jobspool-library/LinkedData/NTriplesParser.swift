/// Reads N-Triples (W3C recommendation "RDF 1.1 N-Triples", 2014), strictly, one statement a line. Errors name line and
/// column, in bytes from 1, and never show the line itself.
import JSONText

struct NTriplesParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var at = 0
    private var line = 1
    private var lineStart = 0
    private var document = LinkedDocument()

    /// - Throws: `LinkedDataError`.
    static func parse(_ bytes: [UInt8]) throws -> LinkedDocument {
        try bytes.withUnsafeBufferPointer { buffer in
            var parser = NTriplesParser(bytes: buffer)
            try parser.parse()
            return parser.document
        }
    }

    private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    private mutating func parse() throws {
        while true {
            skipBlanks()
            switch peek {
            case nil: return
            case 0x0A, 0x0D: endLine()
            case UInt8(ascii: "#"): skipComment()
            case _:
                try statement()
                skipBlanks()
                if peek == UInt8(ascii: "#") { skipComment() }
                guard peek == nil || peek == 0x0A || peek == 0x0D else {
                    throw failure("a statement ends with its dot, and the next one begins on a line of its own")
                }
            }
        }
    }

    private mutating func statement() throws {
        let subject =
            switch peek {
            case UInt8(ascii: "<"): try iri()
            case UInt8(ascii: "_"): try blankNode()
            default: throw failure("a statement begins with its subject: <an IRI> or _:a_blank_node")
            }
        skipBlanks()
        guard peek == UInt8(ascii: "<") else { throw failure("after the subject comes the predicate: <an IRI>") }
        let predicate = try iri()
        skipBlanks()
        let value = try object()
        skipBlanks()
        guard take(".") else { throw failure("a statement ends with a dot") }
        document.add(subject, predicate, value)
    }

    private mutating func object() throws -> JSON {
        switch peek {
        case UInt8(ascii: "<"): return ["@id": .string(try iri())]
        case UInt8(ascii: "_"): return ["@id": .string(try blankNode())]
        case UInt8(ascii: "\""): return try literal()
        default: throw failure("after the predicate comes the object: <an IRI>, _:a_blank_node or \"a literal\"")
        }
    }

    private mutating func literal() throws -> JSON {
        let text = try quoted(to: UInt8(ascii: "\""), escapes: true)
        if take("@") { return ["@value": .string(text), "@language": .string(try languageTag())] }
        guard take("^") else { return ["@value": .string(text)] }
        guard take("^"), peek == UInt8(ascii: "<") else { throw failure("a literal's type is written ^^<an IRI>") }
        let type = try iri()
        return type == Vocabulary.string
            ? ["@value": .string(text)] : ["@value": .string(text), "@type": .string(type)]
    }

    private mutating func languageTag() throws -> String {
        let start = at
        var wordStart = at
        while let byte = peek, Self.isLetterOrDigit(byte) || byte == UInt8(ascii: "-") {
            if byte == UInt8(ascii: "-") {
                if at == wordStart { break }
                wordStart = at + 1
            } else if wordStart == start, byte < 0x40 {
                break
            }
            at += 1
        }
        guard at > wordStart else { throw failure("a language is written as in @en or @pt-BR") }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    private mutating func iri() throws -> String {
        let column = at
        let text = try quoted(to: UInt8(ascii: ">"), escapes: false)
        guard IRI(text).isAbsolute else { throw failure("an IRI is absolute: it begins with its scheme", column) }
        return text
    }

    private mutating func blankNode() throws -> String {
        let start = at
        at += 1
        guard take(":") else { throw failure("a blank node is written _:label") }
        var end = at
        while let (scalar, length) = Self.scalar(bytes, at), Self.isLabel(scalar, isFirst: at == start + 2) {
            at += length
            // A dot at the end is that of the statement.
            if scalar != "." { end = at }
        }
        guard end > start + 2 else { throw failure("a blank node has a label of letters, digits, _ and -") }
        at = end
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    /// What stands between the byte in hand and `end`, with escapes resolved.
    /// - Parameter escapes: whether `\n` and its like are allowed, too, and characters that an IRI may not have.
    private mutating func quoted(to end: UInt8, escapes: Bool) throws -> String {
        let opened = at
        at += 1
        var text: [UInt8] = []
        while true {
            guard let byte = peek, byte != 0x0A, byte != 0x0D else {
                throw failure(escapes ? "the literal has no closing quote" : "the IRI has no closing >", opened)
            }
            if byte == end { break }
            if byte == UInt8(ascii: "\\") {
                let scalar = try escape(escapes)
                guard escapes || Self.isAllowedInIRI(scalar) else { throw failure("an IRI may not contain that") }
                text += String(scalar).utf8
            } else {
                guard escapes || byte >= 0x80 || Self.isAllowedInIRI(Unicode.Scalar(byte)) else {
                    throw failure("an IRI may not contain \(byte == 0x20 ? "a space" : "that character")")
                }
                text.append(byte)
                at += 1
            }
        }
        at += 1
        guard let valid = String(validating: text, as: UTF8.self) else { throw failure("that is no UTF-8", opened) }
        return valid
    }

    private mutating func escape(_ all: Bool) throws -> Unicode.Scalar {
        let start = at
        at += 1
        guard let letter = peek else { throw failure("the text ends within an escape", start) }
        at += 1
        switch letter {
        case UInt8(ascii: "u"): return try hexadecimal(4, start)
        case UInt8(ascii: "U"): return try hexadecimal(8, start)
        case _ where all:
            if let scalar = Self.shortEscapes[letter] { return scalar }
            fallthrough
        default: throw failure("there is no such escape", start)
        }
    }

    private mutating func hexadecimal(_ count: Int, _ start: Int) throws -> Unicode.Scalar {
        guard at + count <= bytes.count, bytes[at..<at + count].allSatisfy({ Self.isHexadecimal($0) }),
            let value = UInt32(String(decoding: bytes[at..<at + count], as: UTF8.self), radix: 16),
            let scalar = Unicode.Scalar(value)
        else { throw failure("an escape is \\u and four hexadecimal digits, or \\U and eight, of a character", start) }
        at += count
        return scalar
    }

    // MARK: Bytes

    private var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        at += 1
        return true
    }

    private mutating func skipBlanks() { while peek == 0x20 || peek == 0x09 { at += 1 } }

    private mutating func skipComment() { while let byte = peek, byte != 0x0A, byte != 0x0D { at += 1 } }

    private mutating func endLine() {
        if peek == 0x0D, at + 1 < bytes.count, bytes[at + 1] == 0x0A { at += 1 }
        at += 1
        line += 1
        lineStart = at
    }

    private func failure(_ problem: String, _ place: Int? = nil) -> LinkedDataError {
        LinkedDataError("no N-Triples: \(problem) (line \(line), column \((place ?? at) - lineStart + 1))")
    }
}
