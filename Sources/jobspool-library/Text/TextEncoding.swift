/// Brings a document's bytes into UTF-8, or says at which byte they are none. A byte-order mark decides before anything
/// that the document says of itself; without either it is UTF-8. Nothing is guessed.
import JSONText

enum TextEncoding {
    /// - Parameter declared: a name of the encoding standard (https://encoding.spec.whatwg.org), if the document has one.
    /// - Returns: UTF-8 without a byte-order mark.
    static func decode(_ bytes: [UInt8], declared: String? = nil) throws(TextError) -> [UInt8] {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return try utf8(Array(bytes[3...])) }
        if bytes.starts(with: [0xFE, 0xFF]) { return try utf16(bytes, high: 0, low: 1) }
        if bytes.starts(with: [0xFF, 0xFE]) { return try utf16(bytes, high: 1, low: 0) }
        switch declared?.lowercased() {
        case nil, "utf-8", "utf8", "unicode-1-1-utf-8": return try utf8(bytes)
        case "iso-8859-1", "iso8859-1", "latin1", "l1", "windows-1252", "cp1252", "x-cp1252", "ascii", "us-ascii":
            return windows1252(bytes)
        case let other?:
            throw TextError(
                code: "ENCODING",
                message: "its encoding, \(other.printable(limit: 40)), is none of UTF-8, UTF-16 and ISO 8859-1")
        }
    }

    private static func utf8(_ bytes: [UInt8]) throws(TextError) -> [UInt8] {
        if let nul = bytes.firstIndex(of: 0) {
            throw TextError(code: "ENCODING", message: "it is no text: byte \(nul) is 0")
        }
        if String(validating: bytes, as: UTF8.self) != nil { return bytes }
        throw TextError(
            code: "ENCODING", message: "it is no UTF-8 at byte \(invalidOffset(bytes)): convert it, or leave it out")
    }

    private static func invalidOffset(_ bytes: [UInt8]) -> Int {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var offset = 0
        while case .scalarValue(let scalar) = decoder.decode(&iterator) { offset += UTF8.width(scalar) }
        return offset
    }

    private static func utf16(_ bytes: [UInt8], high: Int, low: Int) throws(TextError) -> [UInt8] {
        let units = stride(from: 2, to: bytes.count - 1, by: 2).map {
            UInt16(bytes[$0 + high]) << 8 | UInt16(bytes[$0 + low])
        }
        guard bytes.count % 2 == 0, let text = String(validating: units, as: UTF16.self) else {
            throw TextError(code: "ENCODING", message: "it begins as UTF-16, and goes on as something else")
        }
        return try utf8(Array(text.utf8))
    }

    /// What the Web means by ISO 8859-1, too: 0x80 to 0x9F are characters.
    static func windows1252(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        for byte in bytes {
            if byte < 0x80 {
                text.append(byte == 0 ? 0x20 : byte)
            } else {
                text += String(scalar(windows1252: byte)).utf8
            }
        }
        return text
    }

    static func scalar(windows1252 byte: UInt8) -> Unicode.Scalar {
        let high: [Unicode.Scalar] = [
            "€", "\u{81}", "‚", "ƒ", "„", "…", "†", "‡", "ˆ", "‰", "Š", "‹", "Œ", "\u{8D}", "Ž", "\u{8F}",
            "\u{90}", "‘", "’", "“", "”", "•", "–", "—", "˜", "™", "š", "›", "œ", "\u{9D}", "ž", "Ÿ",
        ]
        return (0x80...0x9F).contains(byte) ? high[Int(byte) - 0x80] : Unicode.Scalar(byte)
    }
}
