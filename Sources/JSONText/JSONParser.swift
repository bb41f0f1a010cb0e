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

    /// - Parameter maximumDepth: for a text that is to become a part of another.
    /// - Throws: `JSONSyntaxError`.
    public init(
        parsing bytes: UnsafeBufferPointer<UInt8>, maximumDepth: Int = JSON.maximumDepth
    ) throws(JSONSyntaxError) {
        var parser = JSONParser(bytes: bytes, maximumDepth: maximumDepth)
        self = try parser.parseText()
    }

    /// - Throws: `JSONSyntaxError`.
    public init(parsing text: String) throws(JSONSyntaxError) { try self.init(parsing: Array(text.utf8)) }
}

struct JSONParser {
    let bytes: UnsafeBufferPointer<UInt8>
    var at = 0
    private var depth = 0
    private let maximumDepth: Int

    /// Told of each object member before its value is parsed, and after; only `JSON.position(of:)` listens.
    var onMember: ((_ key: String, _ offset: Int) -> Void)?
    var onMemberEnd: (() -> Void)?

    init(bytes: UnsafeBufferPointer<UInt8>, maximumDepth: Int = JSON.maximumDepth) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

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
        default: throw unexpectedValue()
        }
    }

    private mutating func nested(
        _ parse: (inout JSONParser) throws(JSONSyntaxError) -> JSON
    ) throws(JSONSyntaxError) -> JSON {
        guard depth < maximumDepth else { throw failure("nested deeper than \(maximumDepth)") }
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
            guard bytes[at] == UInt8(ascii: "\"") else { throw unexpected("a key in quotes") }
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
                at = start
                throw unexpectedValue()
            }
            at += 1
        }
        return value
    }

    private mutating func parseNumber() throws(JSONSyntaxError) -> JSONNumber {
        let start = at
        if bytes[at...].starts(with: "-Inf".utf8) || bytes[at...].starts(with: "-inf".utf8) { throw unexpectedValue() }
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

    // MARK: Small steps

    private mutating func skipSpace() {
        while at < bytes.count, Self.isSpace(bytes[at]) { at += 1 }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x0A, 0x0D, 0x09].contains(byte) }

    private mutating func consume(_ character: Unicode.Scalar) -> Bool {
        guard at < bytes.count, bytes[at] == UInt8(ascii: character) else { return false }
        at += 1
        return true
    }

    private func unexpected(_ wanted: String, _ remedy: String? = nil) -> JSONSyntaxError {
        at < bytes.count
            ? failure("\(shown(at)) where \(wanted) should be\((remedy ?? self.remedy).map { ": \($0)" } ?? "")")
            : failure("the text ends where \(wanted) should be", truncated: true)
    }

    private func unexpectedValue() -> JSONSyntaxError {
        let isWord = ["True", "False", "None", "TRUE", "FALSE", "NULL", "Null", "nil"].contains {
            bytes[at...].starts(with: $0.utf8)
        }
        let isNumber = ["NaN", "Infinity", "-Infinity", "nan", "inf", "-inf"].contains {
            bytes[at...].starts(with: $0.utf8)
        }
        return unexpected(
            "a value",
            isWord
                ? "JSON has `true`, `false` and `null`"
                : isNumber ? "JSON has no NaN and no infinity: write `null`, or leave it out" : nil)
    }

    /// What people write who know other languages better.
    private var remedy: String? {
        switch bytes[at] {
        case UInt8(ascii: "'"): "JSON has double quotes only"
        case UInt8(ascii: "/"), UInt8(ascii: "#"): "JSON has no comments"
        case UInt8(ascii: "}"), UInt8(ascii: "]"): isBehindComma ? "no comma may stand before it" : nil
        case 0xFE, 0xFF: at == 0 ? "this may be UTF-16; save the file as UTF-8" : nil
        default: nil
        }
    }

    private var isBehindComma: Bool { bytes[..<at].last { !Self.isSpace($0) } == UInt8(ascii: ",") }

    /// The byte as a message can show it.
    func shown(_ offset: Int) -> String {
        switch bytes[offset] {
        case 0: "a NUL byte"
        case 0x0A: "a line break"
        case 0x09: "a tab"
        case ..<0x20: "control character \(bytes[offset])"
        case 0x7F...: "byte 0x" + String(bytes[offset], radix: 16, uppercase: true)
        default: "'\(Character(Unicode.Scalar(bytes[offset])))'"
        }
    }

    func failure(_ reason: String, at offset: Int? = nil, truncated: Bool = false) -> JSONSyntaxError {
        let (line, column) = JSON.lineAndColumn(of: offset ?? at, in: bytes)
        return JSONSyntaxError(reason: reason, line: line, column: column, isTruncated: truncated)
    }
}
