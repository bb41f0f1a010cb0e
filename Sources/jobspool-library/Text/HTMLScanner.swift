/// Cuts HTML into tags and texts, as far as a search needs it: never an error, whatever the markup (the HTML standard,
/// section 13.2.5, in its common ways). The bytes are UTF-8 already.
struct HTMLScanner {
    enum Token {
        /// From where to where, with character references as they are.
        case text(Range<Int>)
        /// The name is in lower case.
        case start(name: String, attributes: Range<Int>)
        case end(name: String)
        case finished
    }

    private let bytes: UnsafeBufferPointer<UInt8>
    private(set) var at = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func next() -> Token {
        while at < bytes.count {
            let start = at
            skip(to: UInt8(ascii: "<"))
            if at > start { return .text(start..<at) }
            let next = at + 1 < bytes.count ? bytes[at + 1] : 0
            if Self.isLetter(next) { return tag(from: at + 1, isEnd: false) }
            if next == UInt8(ascii: "/"), at + 2 < bytes.count, Self.isLetter(bytes[at + 2]) {
                return tag(from: at + 2, isEnd: true)
            }
            if next == UInt8(ascii: "!") || next == UInt8(ascii: "?") || next == UInt8(ascii: "/") {
                if let data = skipDeclaration() { return .text(data) }
                continue
            }
            // A lone < is text.
            at += 1
            skip(to: UInt8(ascii: "<"))
            return .text(start..<at)
        }
        return .finished
    }

    /// Moves past everything up to the end tag of an element in which tags are no tags.
    /// - Returns: what was between.
    mutating func skipRaw(_ name: String) -> Range<Int> {
        let start = at
        while at < bytes.count {
            skip(to: UInt8(ascii: "<"))
            let end = at
            if at + 1 < bytes.count, bytes[at + 1] == UInt8(ascii: "/"), isName(name, at: at + 2) {
                at += 2
                skip(to: UInt8(ascii: ">"))
                at = min(at + 1, bytes.count)
                return start..<end
            }
            at = min(at + 1, bytes.count)
        }
        return start..<bytes.count
    }

    private func isName(_ name: String, at start: Int) -> Bool {
        let end = start + name.utf8.count
        guard end < bytes.count else { return false }
        var index = start
        for byte in name.utf8 {
            if bytes[index] | 0x20 != byte { return false }
            index += 1
        }
        return !Self.isLetter(bytes[end]) && bytes[end] != UInt8(ascii: "-")
    }

    private mutating func tag(from start: Int, isEnd: Bool) -> Token {
        at = start
        while at < bytes.count, !Self.isSpace(bytes[at]), bytes[at] != UInt8(ascii: ">"), bytes[at] != UInt8(ascii: "/")
        {
            at += 1
        }
        let name = String(decoding: bytes[start..<at], as: UTF8.self).lowercased()
        let attributes = at
        // Within quotes a > is no end.
        var quote: UInt8 = 0
        while at < bytes.count {
            let byte = bytes[at]
            if quote != 0 {
                if byte == quote { quote = 0 }
            } else if byte == UInt8(ascii: ">") {
                break
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'"), at > start, isAfterEquals(at) {
                quote = byte
            }
            at += 1
        }
        let end = at
        at = min(at + 1, bytes.count)
        return isEnd ? .end(name: name) : .start(name: name, attributes: attributes..<end)
    }

    /// Only after an equals sign a quote begins a value.
    private func isAfterEquals(_ index: Int) -> Bool {
        var before = index - 1
        while before > 0, Self.isSpace(bytes[before]) { before -= 1 }
        return bytes[before] == UInt8(ascii: "=")
    }

    /// Comments, the document type, processing instructions.
    /// - Returns: what is in a CDATA section, which is text.
    private mutating func skipDeclaration() -> Range<Int>? {
        if begins("<!--") {
            at += 4
            // <!--> and <!---> are empty comments.
            if begins(">") || begins("->") {
                skip(to: UInt8(ascii: ">"))
                at += 1
                return nil
            }
            while at < bytes.count, !begins("-->"), !begins("--!>") { at += 1 }
            skip(to: UInt8(ascii: ">"))
            at = min(at + 1, bytes.count)
            return nil
        }
        if begins("<![CDATA[") {
            let start = at + 9
            at = start
            while at < bytes.count, !begins("]]>") { at += 1 }
            let end = at
            at = min(at + 3, bytes.count)
            return start..<end
        }
        skip(to: UInt8(ascii: ">"))
        at = min(at + 1, bytes.count)
        return nil
    }

    private func begins(_ text: StaticString) -> Bool {
        guard at + text.utf8CodeUnitCount <= bytes.count else { return false }
        for index in 0..<text.utf8CodeUnitCount where bytes[at + index] != text.utf8Start[index] { return false }
        return true
    }

    private mutating func skip(to byte: UInt8) { while at < bytes.count, bytes[at] != byte { at += 1 } }

    static func isLetter(_ byte: UInt8) -> Bool { byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A }
    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }
}
