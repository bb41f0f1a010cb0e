/// The characters of N-Triples' grammar, by the names of its productions.
extension NTriplesParser {
    /// ECHAR.
    static let shortEscapes: [UInt8: Unicode.Scalar] = [
        UInt8(ascii: "t"): "\t", UInt8(ascii: "b"): "\u{8}", UInt8(ascii: "n"): "\n", UInt8(ascii: "r"): "\r",
        UInt8(ascii: "f"): "\u{C}", UInt8(ascii: "\""): "\"", UInt8(ascii: "'"): "'", UInt8(ascii: "\\"): "\\",
    ]

    /// What IRIREF leaves in.
    static func isAllowedInIRI(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value > 0x20 && !"<>\"{}|^`\\".unicodeScalars.contains(scalar)
    }

    static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
    }

    static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
    }

    /// PN_CHARS, and PN_CHARS_U or a digit for the first.
    static func isLabel(_ scalar: Unicode.Scalar, isFirst: Bool) -> Bool {
        switch scalar.value {
        case 0x30...0x39, 0x41...0x5A, 0x5F, 0x3A, 0x61...0x7A, 0xC0...0xD6, 0xD8...0xF6, 0xF8...0x2FF, 0x370...0x37D,
            0x37F...0x1FFF, 0x200C...0x200D, 0x2070...0x218F, 0x2C00...0x2FEF, 0x3001...0xD7FF, 0xF900...0xFDCF,
            0xFDF0...0xFFFD, 0x10000...0xEFFFF:
            true
        case 0x2D, 0x2E, 0xB7, 0x300...0x36F, 0x203F...0x2040: !isFirst
        default: false
        }
    }

    /// The character at an offset and how many bytes it has; nil at the end and for what is no UTF-8.
    static func scalar(_ bytes: UnsafeBufferPointer<UInt8>, _ at: Int) -> (Unicode.Scalar, Int)? {
        guard at < bytes.count else { return nil }
        if bytes[at] < 0x80 { return (Unicode.Scalar(bytes[at]), 1) }
        var decoder = UTF8()
        var iterator = bytes[at...].makeIterator()
        guard case .scalarValue(let scalar) = decoder.decode(&iterator) else { return nil }
        return (scalar, UTF8.width(scalar))
    }
}
