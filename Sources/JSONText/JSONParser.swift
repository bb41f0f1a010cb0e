/// Parses one JSON text (RFC 8259), strictly, and says by line and column what is wrong with one that is not.
///
/// Refused besides what the grammar refuses: a byte-order mark, invalid UTF-8, the same key twice in one object, half
/// of a surrogate pair, nesting deeper than 512.

extension JSON {
    /// The greatest depth of arrays and objects within each other.
    public static let maximumDepth = 512

    /// - Throws: `JSONSyntaxError`.
    public init(parsing bytes: [UInt8]) throws(JSONSyntaxError) {
        self = try bytes.withUnsafeBufferPointer { (buffer) throws(JSONSyntaxError) in
            try JSON(parsing: buffer)
        }
    }

    /// - Throws: `JSONSyntaxError`.
    public init(parsing bytes: UnsafeBufferPointer<UInt8>) throws(JSONSyntaxError) {
        var parser = JSONParser(bytes: bytes)
        self = try parser.parseText()
    }

    /// - Throws: `JSONSyntaxError`.
    public init(parsing text: String) throws(JSONSyntaxError) { try self.init(parsing: Array(text.utf8)) }
}

struct JSONParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var at = 0
    private var depth = 0

    /// Told of each object member before its value is parsed, and after; only `JSON.position(of:)` listens.
    var onMember: ((_ key: String, _ offset: Int) -> Void)?
    var onMemberEnd: (() -> Void)?

    init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func parseText() throws(JSONSyntaxError) -> JSON {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            throw failure("a byte-order mark before the JSON: save the file as UTF-8 without one")
        }
        skipSpace()
        if at == bytes.count { throw failure("no JSON: the file is empty", truncated: true) }
        let value = try parseValue()
        skipSpace()
        if at < bytes.count { throw failure("more text after the end of the JSON value: \(shown(at))") }
        return value
    }

    // MARK: Values

    private mutating func parseValue() throws(JSONSyntaxError) -> JSON {
        skipSpace()
        guard at < bytes.count else { throw failure("the text ends where a value should be", truncated: true) }
        switch bytes[at] {
        case UInt8(ascii: "{"): return try nested { (parser) throws(JSONSyntaxError) in try parser.parseObject() }
        case UInt8(ascii: "["): return try nested { (parser) throws(JSONSyntaxError) in try parser.parseArray() }
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
        case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
        case UInt8(ascii: "n"): return try parseWord("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try parseNumber())
        default: throw failure("\(shown(at)) where a value should be")
        }
    }

    private mutating func nested(
        _ parse: (inout JSONParser) throws(JSONSyntaxError) -> JSON
    ) throws(JSONSyntaxError) -> JSON {
        guard depth < JSON.maximumDepth else { throw failure("nested deeper than \(JSON.maximumDepth)") }
        depth += 1
        let value = try parse(&self)
        depth -= 1
        return value
    }

    private mutating func parseObject() throws(JSONSyntaxError) -> JSON {
        at += 1
        var object = JSONObject()
        // Only large objects pay for a set.
        var seen: Set<ByteKey>?
        skipSpace()
        if consume("}") { return .object(object) }
        while true {
            skipSpace()
            guard at < bytes.count else { throw failure("the text ends inside an object", truncated: true) }
            guard bytes[at] == UInt8(ascii: "\"") else { throw failure("\(shown(at)) where a key in quotes should be") }
            let start = at
            let key = try parseString()
            if object.count == 16 { seen = Set(object.keys.map { ByteKey($0) }) }
            if !(seen?.insert(ByteKey(key)).inserted ?? (object[key] == nil)) {
                throw failure("the key \"\(key.printable(limit: 100))\" is there twice", at: start)
            }
            skipSpace()
            guard consume(":") else { throw unexpected("a colon after the key \"\(key.printable(limit: 100))\"") }
            onMember?(key, start)
            object.append(key, try parseValue())
            onMemberEnd?()
            skipSpace()
            if consume(",") { continue }
            if consume("}") { return .object(object) }
            throw unexpected("a comma or a closing brace")
        }
    }

    private mutating func parseArray() throws(JSONSyntaxError) -> JSON {
        at += 1
        var array: [JSON] = []
        skipSpace()
        if consume("]") { return .array(array) }
        while true {
            array.append(try parseValue())
            skipSpace()
            if consume(",") { continue }
            if consume("]") { return .array(array) }
            throw unexpected("a comma or a closing bracket")
        }
    }

    private mutating func parseWord(_ word: StaticString, _ value: JSON) throws(JSONSyntaxError) -> JSON {
        let start = at
        for index in 0..<word.utf8CodeUnitCount {
            guard at < bytes.count else { throw failure("the text ends inside `\(word)`", truncated: true) }
            guard bytes[at] == word.utf8Start[index] else {
                throw failure("\(shown(start)) where a value should be", at: start)
            }
            at += 1
        }
        return value
    }

    private mutating func parseNumber() throws(JSONSyntaxError) -> JSONNumber {
        let start = at
        _ = consume("-")
        if !consume("0") { try digits() }
        if consume(".") { try digits() }
        if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
            at += 1
            if !consume("+") { _ = consume("-") }
            try digits()
        }
        if at < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[at]) {
            throw failure("a number with a leading zero", at: start)
        }
        return JSONNumber(checked: String(decoding: bytes[start..<at], as: UTF8.self))
    }

    private mutating func digits() throws(JSONSyntaxError) {
        let start = at
        while at < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[at]) { at += 1 }
        if at == start { throw unexpected("a digit") }
    }

    // MARK: Strings

    private mutating func parseString() throws(JSONSyntaxError) -> String {
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
        default: throw failure("an escape that JSON does not have", at: start)
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

    // MARK: Small steps

    private mutating func skipSpace() {
        while at < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[at]) { at += 1 }
    }

    private mutating func consume(_ character: Unicode.Scalar) -> Bool {
        guard at < bytes.count, bytes[at] == UInt8(ascii: character) else { return false }
        at += 1
        return true
    }

    private func unexpected(_ wanted: String) -> JSONSyntaxError {
        at < bytes.count
            ? failure("\(shown(at)) where \(wanted) should be")
            : failure("the text ends where \(wanted) should be", truncated: true)
    }

    /// The byte as a message can show it.
    private func shown(_ offset: Int) -> String {
        switch bytes[offset] {
        case 0: "a NUL byte"
        case 0x0A: "a line break"
        case 0x09: "a tab"
        case ..<0x20: "control character \(bytes[offset])"
        case 0x7F...: "byte 0x" + String(bytes[offset], radix: 16, uppercase: true)
        default: "'\(Character(Unicode.Scalar(bytes[offset])))'"
        }
    }

    private func failure(_ reason: String, at offset: Int? = nil, truncated: Bool = false) -> JSONSyntaxError {
        let (line, column) = JSON.lineAndColumn(of: offset ?? at, in: bytes)
        return JSONSyntaxError(reason: reason, line: line, column: column, isTruncated: truncated)
    }
}
