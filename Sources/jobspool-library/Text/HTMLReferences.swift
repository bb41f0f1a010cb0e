/// Decodes character references (the HTML standard, section 13.2.5.72): `&eacute;`, `&#233;`, `&#xE9;`.
enum HTMLReferences {
    static func decode(_ bytes: Slice<UnsafeBufferPointer<UInt8>>, into text: inout [UInt8]) {
        var at = bytes.startIndex
        var start = at
        while at < bytes.endIndex {
            if bytes[at] == UInt8(ascii: "&"), let (scalar, end) = reference(bytes, at + 1) {
                text += bytes[start..<at]
                text += String(scalar).utf8
                at = end
                start = end
            } else {
                at += 1
            }
        }
        text += bytes[start..<at]
    }

    /// The character that is meant after an ampersand, and where its reference ends; nil for an ampersand that is one.
    private static func reference(_ bytes: Slice<UnsafeBufferPointer<UInt8>>, _ start: Int) -> (Unicode.Scalar, Int)? {
        guard start < bytes.endIndex else { return nil }
        if bytes[start] == UInt8(ascii: "#") { return number(bytes, start + 1) }
        var end = start
        while end < bytes.endIndex, end - start < 32, isAlphanumeric(bytes[end]) { end += 1 }
        let name = String(decoding: bytes[start..<end], as: UTF8.self)
        guard let scalar = HTMLEntities.scalar(named: name) else { return nil }
        if end < bytes.endIndex, bytes[end] == UInt8(ascii: ";") { return (scalar, end + 1) }
        // Without its semicolon a name counts only if it is one of the oldest, and not in an address such as ?a=1&copy=2.
        let isOld = (0xA0...0xFF).contains(scalar.value) || ["amp", "lt", "gt", "quot"].contains(name)
        return isOld && !(end < bytes.endIndex && bytes[end] == UInt8(ascii: "=")) ? (scalar, end) : nil
    }

    private static func number(_ bytes: Slice<UnsafeBufferPointer<UInt8>>, _ start: Int) -> (Unicode.Scalar, Int)? {
        var at = start
        let isHexadecimal = at < bytes.endIndex && bytes[at] | 0x20 == UInt8(ascii: "x")
        if isHexadecimal { at += 1 }
        let digits = at
        var value: UInt32 = 0
        while at < bytes.endIndex, let digit = digit(bytes[at], isHexadecimal) {
            value = min(value &* (isHexadecimal ? 16 : 10) &+ digit, 0x110000)
            at += 1
        }
        guard at > digits else { return nil }
        if at < bytes.endIndex, bytes[at] == UInt8(ascii: ";") { at += 1 }
        if (0x80...0x9F).contains(value) { return (TextEncoding.scalar(windows1252: UInt8(value)), at) }
        return (value == 0 ? "\u{FFFD}" : Unicode.Scalar(value) ?? "\u{FFFD}", at)
    }

    private static func digit(_ byte: UInt8, _ isHexadecimal: Bool) -> UInt32? {
        switch byte {
        case 0x30...0x39: UInt32(byte) - 0x30
        case 0x41...0x46 where isHexadecimal, 0x61...0x66 where isHexadecimal: UInt32(byte | 0x20) - 0x57
        default: nil
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        HTMLScanner.isLetter(byte) || (0x30...0x39).contains(byte)
    }
}
