/// What the index takes of a document: a title, headings, text, and what else the document says of itself.
import JSONText

struct DocumentText: Equatable {
    var title = ""
    /// One a line.
    var headings = ""
    var text = ""
    /// Such as language, description and author, by their names in the document.
    var properties: JSONObject = [:]
}

/// A document that cannot be indexed.
struct TextError: Error, Equatable {
    /// ENCODING or NOT_JSON.
    let code: String
    let message: String
}

/// The formats that are indexed, by the ends of file names.
enum TextFormat: String, CaseIterable {
    case text, markdown, html, json

    private static let suffixes: [String: TextFormat] = [
        "txt": .text, "text": .text, "rst": .text, "adoc": .text, "log": .text, "md": .markdown, "markdown": .markdown,
        "html": .html, "htm": .html, "xhtml": .html, "json": .json, "jsonld": .json, "geojson": .json,
        "ndjson": .json, "jsonl": .json,
    ]

    /// nil for a file that is not indexed.
    init?(path: String) {
        let name = path.utf8.split(separator: UInt8(ascii: "/")).last ?? path.utf8[...]
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > name.startIndex else { return nil }
        let suffix = String(Substring(name[dot...].dropFirst())).lowercased()
        guard let format = Self.suffixes[suffix] else { return nil }
        self = format
    }

    /// - Throws: `TextError`.
    func extract(_ bytes: [UInt8]) throws(TextError) -> DocumentText {
        switch self {
        case .text: PlainText.extract(try TextEncoding.decode(bytes))
        case .markdown: MarkdownText.extract(try TextEncoding.decode(bytes))
        case .html: HTMLText.extract(try TextEncoding.decode(bytes, declared: HTMLEncoding.declared(in: bytes)))
        case .json: try JSONStrings.extract(try TextEncoding.decode(bytes))
        }
    }
}

enum PlainText {
    /// The first line that says anything is the title; one that begins with `..` says it to a program.
    static func extract(_ bytes: [UInt8]) -> DocumentText {
        var document = DocumentText()
        document.text = String(decoding: bytes, as: UTF8.self)
        let line = bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }).lazy
            .map { String(decoding: $0, as: UTF8.self) }
            .first {
                !$0.hasPrefix("..")
                    && $0.unicodeScalars.contains { $0.properties.isAlphabetic || $0.properties.numericType != nil }
            }
        document.title = (line ?? "").shortTitle
        return document
    }
}

extension String {
    /// On one line, and not longer than a title may be.
    var shortTitle: String {
        let words = split { $0.isWhitespace || $0 == "\0" }.joined(separator: " ")
        return words.unicodeScalars.count <= 200 ? words : String(words.unicodeScalars.prefix(200)) + "…"
    }
}
