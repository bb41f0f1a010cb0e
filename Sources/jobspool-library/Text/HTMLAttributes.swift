/// The attributes of a start tag, and the encoding that a document declares in one.
enum HTMLAttributes {
    /// Names in lower case; of a name that is there twice the first counts.
    static func parse(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> [String: String] {
        var attributes: [String: String] = [:]
        var at = bytes.startIndex
        func skipSpace() { while at < bytes.endIndex, HTMLScanner.isSpace(bytes[at]) { at += 1 } }
        while true {
            while at < bytes.endIndex, HTMLScanner.isSpace(bytes[at]) || bytes[at] == UInt8(ascii: "/") { at += 1 }
            guard at < bytes.endIndex else { return attributes }
            let start = at
            at += 1
            while at < bytes.endIndex, !HTMLScanner.isSpace(bytes[at]), bytes[at] != UInt8(ascii: "="),
                bytes[at] != UInt8(ascii: "/")
            {
                at += 1
            }
            let name = String(decoding: bytes[start..<at], as: UTF8.self).lowercased()
            skipSpace()
            var value = bytes[at..<at]
            if at < bytes.endIndex, bytes[at] == UInt8(ascii: "=") {
                at += 1
                skipSpace()
                let quote = at < bytes.endIndex ? bytes[at] : 0
                if quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
                    let end = bytes[(at + 1)...].firstIndex(of: quote) ?? bytes.endIndex
                    value = bytes[(at + 1)..<end]
                    at = min(end + 1, bytes.endIndex)
                } else {
                    let end = bytes[at...].firstIndex(where: HTMLScanner.isSpace) ?? bytes.endIndex
                    value = bytes[at..<end]
                    at = end
                }
            }
            if attributes[name] == nil {
                var text: [UInt8] = []
                HTMLReferences.decode(value, into: &text)
                attributes[name] = String(decoding: text, as: UTF8.self)
            }
        }
    }
}

enum HTMLEncoding {
    /// The encoding that a document declares in its first 1024 bytes (the HTML standard, section 4.2.5.4), or in its XML
    /// declaration.
    static func declared(in bytes: [UInt8]) -> String? {
        Array(bytes.prefix(1024)).withUnsafeBufferPointer { head in
            let start = String(decoding: head.prefix(200), as: UTF8.self)
            if start.hasPrefix("<?xml"), let encoding = value(of: "encoding", in: start) { return encoding }
            var scanner = HTMLScanner(head)
            while true {
                switch scanner.next() {
                case .finished: return nil
                case .start("meta", let range):
                    let attributes = HTMLAttributes.parse(head[range])
                    if let charset = attributes["charset"] { return charset }
                    if attributes["http-equiv"]?.lowercased() == "content-type",
                        let charset = attributes["content"].flatMap({ value(of: "charset", in: $0.lowercased()) })
                    {
                        return charset
                    }
                case .start(let name, _) where name == "script" || name == "style": _ = scanner.skipRaw(name)
                case .start, .end, .text: break
                }
            }
        }
    }

    /// `utf-8` of `charset=utf-8` and of `encoding="utf-8"`.
    private static func value(of name: String, in text: String) -> String? {
        guard let start = text.firstRange(of: name + "=")?.upperBound else { return nil }
        let value = text[start...].drop { $0 == "\"" || $0 == "'" || $0 == " " }
            .prefix { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }
        return value.isEmpty ? nil : String(value)
    }
}
