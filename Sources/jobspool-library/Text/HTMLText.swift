/// The text of an HTML document: tags stripped, character references decoded, white space folded; scripts, styles and
/// navigation left out. Elements within a line do not part words (`na<b>ï</b>ve` is one), all others do.
import JSONText

struct HTMLText {
    /// Elements whose contents are no text of the document.
    private static let dropped: Set<String> = ["script", "style", "template", "noscript", "iframe", "object", "svg"]

    private static let withinLines: Set<String> = [
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i",
        "ins",
        "kbd", "label", "mark", "nobr", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time",
        "tt",
        "u", "var", "wbr",
    ]

    private static let withoutEnd: Set<String> = [
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
    ]

    private let bytes: UnsafeBufferPointer<UInt8>
    private var scanner: HTMLScanner
    private var text: [UInt8] = []
    private var headings: [UInt8] = []
    private var title: String?
    private var firstHeading = ""
    private var properties: JSONObject = [:]
    /// Where in the text the heading in hand begins.
    private var headingStart: Int?
    /// The navigation that is being left out: its element, and how many of that name are open.
    private var leftOut: (name: String, depth: Int)?

    /// - Parameter bytes: UTF-8.
    static func extract(_ bytes: [UInt8]) -> DocumentText {
        bytes.withUnsafeBufferPointer { buffer in
            var reader = HTMLText(buffer)
            reader.read()
            let title = reader.title ?? ""
            return DocumentText(
                title: title.isEmpty ? reader.firstHeading.shortTitle : title,
                headings: String(decoding: reader.headings, as: UTF8.self),
                text: String(decoding: reader.text, as: UTF8.self), properties: reader.properties)
        }
    }

    private init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
        scanner = HTMLScanner(bytes)
        text.reserveCapacity(bytes.count / 2)
    }

    private mutating func read() {
        while true {
            switch scanner.next() {
            case .finished: return endHeading()
            case .text(let range): if leftOut == nil { append(bytes[range]) }
            case .start(let name, let attributes): start(name, bytes[attributes])
            case .end(let name): end(name)
            }
        }
    }

    private mutating func start(_ name: String, _ range: Slice<UnsafeBufferPointer<UInt8>>) {
        if let (open, depth) = leftOut {
            if open == name { leftOut = (open, depth + 1) }
            if Self.dropped.contains(name) { _ = scanner.skipRaw(name) }
            return
        }
        if Self.dropped.contains(name) {
            if range.last != UInt8(ascii: "/") { _ = scanner.skipRaw(name) }
            return
        }
        if !Self.withinLines.contains(name) { part() }
        switch name {
        case "title":
            let start = text.count
            append(bytes[scanner.skipRaw(name)])
            if title == nil { title = String(decoding: text[start...], as: UTF8.self).shortTitle }
            text.removeLast(text.count - start)
        case "html":
            if let language = HTMLAttributes.parse(range)["lang"] { properties["language"] = .string(language) }
        case "meta":
            let attributes = HTMLAttributes.parse(range)
            if let name = attributes["name"]?.lowercased(), let content = attributes["content"],
                ["description", "author", "keywords"].contains(name)
            {
                properties[name] = .string(content)
            }
        case "h1", "h2", "h3", "h4", "h5", "h6":
            endHeading()
            headingStart = text.count
        case "nav": leftOut = (name, 1)
        case _ where range.isEmpty || Self.withoutEnd.contains(name): break
        default: if Self.isNavigation(HTMLAttributes.parse(range)) { leftOut = (name, 1) }
        }
    }

    private mutating func end(_ name: String) {
        if let (open, depth) = leftOut {
            if open == name { leftOut = depth > 1 ? (open, depth - 1) : nil }
            return
        }
        if !Self.withinLines.contains(name) { part() }
        if headingStart != nil, name.count == 2, name.first == "h", name != "hr" { endHeading() }
    }

    /// Menus, and the marks beside headings that link to them, by the names that documentation tools give them.
    private static func isNavigation(_ attributes: [String: String]) -> Bool {
        if let role = attributes["role"], role == "navigation" || role == "search" { return true }
        return attributes["class"]?.split(separator: " ").contains { $0 == "headerlink" } ?? false
    }

    private mutating func endHeading() {
        guard let start = headingStart else { return }
        headingStart = nil
        let heading = text[min(start, text.count)...].filter { $0 != 0x0A }
        guard !heading.isEmpty else { return }
        headings += heading
        headings.append(0x0A)
        if firstHeading.isEmpty { firstHeading = String(decoding: heading, as: UTF8.self) }
    }

    /// A line ends, if one has begun.
    private mutating func part() {
        if text.last == 0x20 { text.removeLast() }
        if let last = text.last, last != 0x0A { text.append(0x0A) }
    }

    private mutating func append(_ range: Slice<UnsafeBufferPointer<UInt8>>) {
        var decoded: [UInt8] = []
        HTMLReferences.decode(range, into: &decoded)
        var index = 0
        while index < decoded.count {
            let byte = decoded[index]
            let isNoBreakSpace = byte == 0xC2 && index + 1 < decoded.count && decoded[index + 1] == 0xA0
            if HTMLScanner.isSpace(byte) || isNoBreakSpace {
                if let last = text.last, last != 0x20, last != 0x0A { text.append(0x20) }
                if isNoBreakSpace { index += 1 }
            } else if byte == 0xC2, index + 1 < decoded.count, decoded[index + 1] == 0xAD {
                // A soft hyphen parts no word.
                index += 1
            } else if byte != 0 {
                text.append(byte)
            }
            index += 1
        }
    }
}
