/// The canonical form of a record, from which its hash is made: RFC 8785 (no space, members sorted by the UTF-16 code units
/// of their names, only what has to be is escaped), except that numbers keep their digits: `1.10` is not `1.1`, and an
/// integer of 40 digits loses none.
import JSONText

enum CanonicalJSON {
    static func bytes(of value: JSON) -> [UInt8] {
        var output: [UInt8] = []
        write(value, to: &output)
        return output
    }

    static func write(_ value: JSON, to output: inout [UInt8]) {
        switch value {
        case .null, .bool, .number: value.write(to: &output)
        case .string(let text): write(text: text.utf8, to: &output)
        case .array(let elements):
            output.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                write(element, to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let object):
            output.append(UInt8(ascii: "{"))
            let sorted = object.members.sorted { precedes($0.key.utf8, $1.key.utf8) }
            for (index, member) in sorted.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                write(text: member.key.utf8, to: &output)
                output.append(UInt8(ascii: ":"))
                write(member.value, to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    /// A string with its quotes and escapes (RFC 8785, section 3.2.2.2).
    static func write(text: some Sequence<UInt8>, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in text {
            if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                output.append(byte)
            } else {
                output.append(contentsOf: escape(byte))
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    /// The escape of a byte that needs one.
    static func escape(_ byte: UInt8) -> [UInt8] {
        let backslash = UInt8(ascii: "\\")
        switch byte {
        case UInt8(ascii: "\""), backslash: return [backslash, byte]
        case 0x08: return [backslash, UInt8(ascii: "b")]
        case 0x09: return [backslash, UInt8(ascii: "t")]
        case 0x0A: return [backslash, UInt8(ascii: "n")]
        case 0x0C: return [backslash, UInt8(ascii: "f")]
        case 0x0D: return [backslash, UInt8(ascii: "r")]
        default:
            let hex = Array("0123456789abcdef".utf8)
            return [backslash, UInt8(ascii: "u"), 0x30, 0x30, hex[Int(byte >> 4)], hex[Int(byte & 15)]]
        }
    }

    /// Whether UTF-8 `a` comes before `b` by UTF-16 code units: by bytes, except that characters beyond U+FFFF, which UTF-16
    /// writes as surrogates, come before U+E000 to U+FFFF.
    static func precedes(_ a: some Collection<UInt8>, _ b: some Collection<UInt8>) -> Bool {
        for (x, y) in zip(a, b) where x != y {
            return rank(x) < rank(y)
        }
        return a.count < b.count
    }

    private static func rank(_ byte: UInt8) -> Int {
        switch byte {
        case 0xEE, 0xEF: Int(byte) + 0x100
        default: Int(byte)
        }
    }
}
