/// Strings of a JSON text: from their opening quotation mark to the closing one, escapes and UTF-8 checked on the way.
extension JSONParser {
    mutating func parseString() throws(JSONSyntaxError) -> String {
        at += 1
        let start = at
        while at < bytes.count, bytes[at] != UInt8(ascii: "\""), bytes[at] != UInt8(ascii: "\\"), bytes[at] >= 0x20 {
            try skipCharacter()
        }
        if at < bytes.count, bytes[at] == UInt8(ascii: "\"") {
            defer { at += 1 }
            return String(decoding: bytes[start..<at], as: UTF8.self)
        }
        return try parseEscapedString(from: start)
    }

    private mutating func parseEscapedString(from start: Int) throws(JSONSyntaxError) -> String {
        var decoded = Array(bytes[start..<at])
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "\""):
                at += 1
                return String(decoding: decoded, as: UTF8.self)
            case UInt8(ascii: "\\"): try parseEscape(into: &decoded)
            case ..<0x20: throw failure("\(shown(at)) inside a string: write it as an escape")
            default:
                let character = at
                try skipCharacter()
                decoded.append(contentsOf: bytes[character..<at])
            }
        }
        throw failure("the text ends inside a string", truncated: true)
    }

    private mutating func parseEscape(into decoded: inout [UInt8]) throws(JSONSyntaxError) {
        let start = at
        at += 1
        guard at < bytes.count else { throw failure("the text ends inside a string", truncated: true) }
        let letter = bytes[at]
        at += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.append(letter)
        case UInt8(ascii: "b"): decoded.append(0x08)
        case UInt8(ascii: "f"): decoded.append(0x0C)
        case UInt8(ascii: "n"): decoded.append(0x0A)
        case UInt8(ascii: "r"): decoded.append(0x0D)
        case UInt8(ascii: "t"): decoded.append(0x09)
        case UInt8(ascii: "u"):
            var units = [try parseHex()]
            if UTF16.isLeadSurrogate(units[0]) { units.append(try parseTrailSurrogate(of: start)) }
            guard let character = String(validating: units, as: UTF16.self) else {
                throw failure("half of a surrogate pair", at: start)
            }
            decoded.append(contentsOf: character.utf8)
        default: throw failure("an escape that JSON does not have: a backslash itself is written \\\\", at: start)
        }
    }

    /// `\uDC00` to `\uDFFF`; whatever cannot become that is half of a pair, also where the text ends.
    private mutating func parseTrailSurrogate(of start: Int) throws(JSONSyntaxError) -> UInt16 {
        let expected: [(UInt8) -> Bool] = [
            { $0 == UInt8(ascii: "\\") }, { $0 == UInt8(ascii: "u") }, { $0 | 0x20 == UInt8(ascii: "d") },
            { (UInt8(ascii: "c")...UInt8(ascii: "f")).contains($0 | 0x20) },
        ]
        for (ahead, isRight) in expected.enumerated() {
            guard at + ahead < bytes.count else {
                at = bytes.count
                throw failure("the text ends inside a string", truncated: true)
            }
            guard isRight(bytes[at + ahead]) else { throw failure("half of a surrogate pair", at: start) }
        }
        at += 2
        return try parseHex()
    }

    private mutating func parseHex() throws(JSONSyntaxError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard at < bytes.count else { throw failure("the text ends inside a string", truncated: true) }
            guard let digit = Character(Unicode.Scalar(bytes[at])).hexDigitValue else {
                throw failure("\(shown(at)) where a hexadecimal digit should be")
            }
            unit = unit << 4 | UInt16(digit)
            at += 1
        }
        return unit
    }

    /// Steps over one UTF-8 sequence (Unicode, table 3-7).
    private mutating func skipCharacter() throws(JSONSyntaxError) {
        let (length, second): (Int, ClosedRange<UInt8>) =
            switch bytes[at] {
            case ..<0x80: (1, 0x80...0xBF)
            case 0xC2...0xDF: (2, 0x80...0xBF)
            case 0xE0: (3, 0xA0...0xBF)
            case 0xED: (3, 0x80...0x9F)
            case 0xE1...0xEF: (3, 0x80...0xBF)
            case 0xF0: (4, 0x90...0xBF)
            case 0xF1...0xF3: (4, 0x80...0xBF)
            case 0xF4: (4, 0x80...0x8F)
            default: throw failure("\(shown(at)) is not UTF-8")
            }
        for ahead in 1..<length {
            guard at + ahead < bytes.count else {
                at = bytes.count
                throw failure("the text ends inside a string", truncated: true)
            }
            guard (ahead == 1 ? second : 0x80...0xBF).contains(bytes[at + ahead]) else {
                throw failure("\(shown(at)) is not UTF-8")
            }
        }
        at += length
    }
}
