/// The Link header (RFC 8288): `<https://api.example.com/items?page=2>; rel="next"`.
enum LinkHeader {
    /// The reference of the first link whose relation is `next`; nil when there is none.
    /// - Parameter values: the header's lines.
    static func next(_ values: [String]) -> String? {
        for value in values {
            var scanner = Scanner(value)
            while let link = scanner.link() {
                if link.relations.contains("next") { return link.target }
            }
        }
        return nil
    }

    private struct Scanner {
        private let bytes: [UInt8]
        private var at = 0

        init(_ text: String) { bytes = Array(text.utf8) }

        private var byte: UInt8? { at < bytes.count ? bytes[at] : nil }

        private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

        private mutating func skip(_ these: String) {
            while let byte, these.utf8.contains(byte) { at += 1 }
        }

        /// The next link; nil at the end, and where no link begins.
        mutating func link() -> (target: String, relations: [String])? {
            skip(" \t,")
            guard byte == UInt8(ascii: "<"), let end = bytes[at...].firstIndex(of: UInt8(ascii: ">")) else {
                return nil
            }
            let target = text(at + 1..<end)
            at = end + 1
            var relations: [String]?
            skip(" \t")
            while byte == UInt8(ascii: ";") {
                skip("; \t")
                let (name, value) = parameter()
                // Only the first `rel` counts (section 3.3).
                if name == "rel", relations == nil {
                    relations = value.lowercased().split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
                }
                skip(" \t")
            }
            return (target, relations ?? [])
        }

        private mutating func parameter() -> (name: String, value: String) {
            let name = token()
            skip(" \t")
            guard byte == UInt8(ascii: "=") else { return (name, "") }
            at += 1
            skip(" \t")
            return (name, byte == UInt8(ascii: "\"") ? quoted() : token())
        }

        private mutating func token() -> String {
            let start = at
            while let byte, !"=;, \t".utf8.contains(byte) { at += 1 }
            return text(start..<at).lowercased()
        }

        private mutating func quoted() -> String {
            at += 1
            var value: [UInt8] = []
            while let byte, byte != UInt8(ascii: "\"") {
                if byte == UInt8(ascii: "\\") { at += 1 }
                if let byte = self.byte { value.append(byte) }
                at += 1
            }
            at += 1
            return String(decoding: value, as: UTF8.self)
        }
    }
}
