/// Every way in which a text is no JSON (RFC 8259), with the place that the message names.
import JSONText
import Testing

struct WrongText: Sendable, CustomTestStringConvertible {
    let bytes: [UInt8]
    let line: Int
    let column: Int
    /// A part of the message.
    let reason: String

    init(_ text: String, _ line: Int, _ column: Int, _ reason: String) {
        self.init(Array(text.utf8), line, column, reason)
    }

    init(_ bytes: [UInt8], _ line: Int, _ column: Int, _ reason: String) {
        self.bytes = bytes
        self.line = line
        self.column = column
        self.reason = reason
    }

    var testDescription: String { "\(String(decoding: bytes, as: UTF8.self).prefix(40)): \(reason)" }
}

@Suite("A text that is no JSON is refused")
struct JSONErrorTests {
    @Test("where it goes wrong, with the line and the column", arguments: Self.wrongTexts)
    func refused(_ wrong: WrongText) {
        let error = #expect(throws: JSONSyntaxError.self) { try JSON(parsing: wrong.bytes) }
        #expect(error?.line == wrong.line)
        #expect(error?.column == wrong.column)
        #expect(error?.reason.contains(wrong.reason) == true, "\(error?.reason ?? "")")
        #expect(error?.isTruncated == false)
        #expect(error?.description.hasSuffix("(line \(wrong.line), column \(wrong.column))") == true)
    }

    @Test(
        "and what JSON has instead only where that is what was meant",
        arguments: [
            ("{True: 1}", "'T' where a key in quotes should be"),
            ("{\"a\": Tomorrow}", "'T' where a value should be"),
            ("{\"a\": None}", "'N' where a value should be: JSON has `true`, `false` and `null`"),
            ("[NaN]", "'N' where a value should be: JSON has no NaN and no infinity: write `null`, or leave it out"),
            (
                "-Infinity",
                "'-' where a value should be: JSON has no NaN and no infinity: write `null`, or leave it out"
            ),
            ("[1, nil]", "'n' where a value should be: JSON has `true`, `false` and `null`"),
            ("{\"a\": 1 # one\n}", "'#' where a comma or a closing brace should be: JSON has no comments"),
            ("{\"a\": }", "'}' where a value should be"),
            ("[1, \n ]", "']' where a value should be: no comma may stand before it"),
        ])
    func remedies(text: String, reason: String) {
        let error = #expect(throws: JSONSyntaxError.self) { try JSON(parsing: text) }
        #expect(error?.reason == reason)
    }

    static let wrongTexts: [WrongText] = [
        // Around the value
        WrongText([0xEF, 0xBB, 0xBF] + Array("{}".utf8), 1, 1, "byte-order mark"),
        WrongText(
            [0xFE, 0xFF, 0, 0x7B], 1, 1, "byte 0xFE where a value should be: this may be UTF-16; save the file as UTF-8"
        ),
        WrongText("{} {}", 1, 4, "more text after the end of the JSON value: '{'"),
        WrongText("{}\u{0}", 1, 3, "a NUL byte"),
        WrongText("1 2", 1, 3, "more text after the end of the JSON value: '2'"),
        WrongText("[1]]", 1, 4, "']'"),
        WrongText("// no comments\n{}", 1, 1, "'/' where a value should be: JSON has no comments"),
        WrongText("{} # no", 1, 4, "'#'"),
        WrongText("\u{C}1", 1, 1, "control character 12"),
        WrongText("\u{A0}1", 1, 1, "byte 0xC2"),
        // Words
        WrongText("nul!", 1, 1, "'n' where a value should be"),
        WrongText("True", 1, 1, "'T' where a value should be: JSON has `true`, `false` and `null`"),
        WrongText("[fals3]", 1, 2, "'f' where a value should be"),
        WrongText("NaN", 1, 1, "'N'"),
        WrongText("Infinity", 1, 1, "'I'"),
        WrongText("'single'", 1, 1, "''' where a value should be: JSON has double quotes only"),
        WrongText("undefined", 1, 1, "'u'"),
        // Numbers
        WrongText("01", 1, 1, "leading zero"),
        WrongText("[1,\n  -007]", 2, 3, "leading zero"),
        WrongText("+1", 1, 1, "'+' where a value should be"),
        WrongText(".5", 1, 1, "'.' where a value should be"),
        WrongText("-.5", 1, 2, "'.' where a digit should be"),
        WrongText("[1.]", 1, 4, "']' where a digit should be"),
        WrongText("1.e5", 1, 3, "'e' where a digit should be"),
        WrongText("[1e+]", 1, 5, "']' where a digit should be"),
        WrongText("[-]", 1, 3, "']' where a digit should be"),
        WrongText("0x10", 1, 2, "'x'"),
        WrongText("1_000", 1, 2, "'_'"),
        WrongText("1.5.5", 1, 4, "'.'"),
        WrongText("--1", 1, 2, "'-' where a digit should be"),
        // Arrays
        WrongText("[1,]", 1, 4, "']' where a value should be: no comma may stand before it"),
        WrongText("[,1]", 1, 2, "',' where a value should be"),
        WrongText("[1 2]", 1, 4, "'2' where a comma or a closing bracket should be"),
        WrongText("[1}", 1, 3, "'}' where a comma or a closing bracket should be"),
        WrongText("[1,\n\n2;]", 3, 2, "';'"),
        // Objects
        WrongText("{\"a\":1,}", 1, 8, "'}' where a key in quotes should be: no comma may stand before it"),
        WrongText("{a:1}", 1, 2, "'a' where a key in quotes should be"),
        WrongText("{'a':1}", 1, 2, "''' where a key in quotes should be: JSON has double quotes only"),
        WrongText("{\"a\" 1}", 1, 6, "'1' where a colon after the key \"a\" should be"),
        WrongText("{\"a\":}", 1, 6, "'}' where a value should be"),
        WrongText("{\"a\":1 \"b\":2}", 1, 8, "'\"' where a comma or a closing brace should be"),
        WrongText("{\"a\":1]", 1, 7, "']' where a comma or a closing brace should be"),
        WrongText("{1:2}", 1, 2, "'1' where a key"),
        WrongText("{,}", 1, 2, "',' where a key"),
        WrongText("{\n  \"a\": 1,\n  \"b\": 2,\n  \"a\": 3\n}", 4, 3, "the key \"a\" is there twice"),
        WrongText("{\"a\":1,\"\\u0061\":2}", 1, 8, "the key \"a\" is there twice"),
        WrongText("{\"\":1,\"\":2}", 1, 7, "the key \"\" is there twice"),
        WrongText("{\"a\\u001bb\":1,\"a\\u001bb\":2}", 1, 15, "the key \"a\\u{1B}b\" is there twice"),
        // Strings
        WrongText("\"a\tb\"", 1, 3, "a tab inside a string"),
        WrongText("\"a\nb\"", 1, 3, "a line break inside a string"),
        WrongText("\"\u{0}\"", 1, 2, "a NUL byte inside a string"),
        WrongText("\"\\n\u{1F}\"", 1, 4, "control character 31 inside a string"),
        WrongText("\"\\x41\"", 1, 2, "an escape that JSON does not have: a backslash itself is written \\\\"),
        WrongText("\"ab\\'\"", 1, 4, "an escape that JSON does not have: a backslash itself is written \\\\"),
        WrongText("\"\\u00g0\"", 1, 6, "'g' where a hexadecimal digit should be"),
        WrongText("\"\\u12\"", 1, 6, "'\"' where a hexadecimal digit should be"),
        WrongText("\"\\uD800\"", 1, 2, "half of a surrogate pair"),
        WrongText("\"\\uDC00\"", 1, 2, "half of a surrogate pair"),
        WrongText("\"\\uD800\\n\"", 1, 2, "half of a surrogate pair"),
        WrongText("\"\\uD800\\u0041\"", 1, 2, "half of a surrogate pair"),
        WrongText("\"\\uD800\\uD800\"", 1, 2, "half of a surrogate pair"),
        WrongText("\"\\uDC00\\uD800\"", 1, 2, "half of a surrogate pair"),
        WrongText("\"x\\uD800x\"", 1, 3, "half of a surrogate pair"),
        // UTF-8
        WrongText([0x22, 0x61, 0xFF, 0x22], 1, 3, "byte 0xFF is not UTF-8"),
        WrongText([0x22, 0x80, 0x22], 1, 2, "byte 0x80 is not UTF-8"),
        WrongText([0x22, 0xC0, 0x80, 0x22], 1, 2, "byte 0xC0 is not UTF-8"),
        WrongText([0x22, 0xC3, 0x22], 1, 2, "byte 0xC3 is not UTF-8"),
        WrongText([0x22, 0xE0, 0x80, 0x80, 0x22], 1, 2, "byte 0xE0 is not UTF-8"),
        WrongText([0x22, 0xED, 0xA0, 0x80, 0x22], 1, 2, "byte 0xED is not UTF-8"),
        WrongText([0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], 1, 2, "byte 0xF4 is not UTF-8"),
        WrongText([0x22, 0xF8, 0x88, 0x80, 0x80, 0x80, 0x22], 1, 2, "byte 0xF8 is not UTF-8"),
        WrongText([0x22, 0x5C, 0x6E, 0xE2, 0x82, 0x22], 1, 4, "byte 0xE2 is not UTF-8"),
        WrongText([0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D], 1, 3, "byte 0xFF is not UTF-8"),
    ]

    @Test(
        "a wrong text is not taken for a truncated one, even where it ends",
        arguments: [
            [0x22, 0xFF], [0x22, 0xC3, 0x28], [0x22, 0xED, 0xA0],
            Array("\"\\uD800\\u00".utf8), Array("\"\\uD800\\x".utf8), Array("\"\\uD800x".utf8), Array("\"\\uDC00".utf8),
            Array("\"\\uD800\\uDB".utf8), Array("{\"a\":1,\"a\"".utf8), Array("[1,]".utf8), Array("tru ".utf8),
            Array("-\n".utf8), Array(repeating: UInt8(ascii: "["), count: 513), [0xEF, 0xBB], Array("[\"\u{1}".utf8),
        ] as [[UInt8]])
    func wrongAtTheEnd(_ bytes: [UInt8]) {
        let error = #expect(throws: JSONSyntaxError.self) { try JSON(parsing: bytes) }
        #expect(error?.isTruncated == false)
    }

    @Test("an empty text says so and may be one that is still being written", arguments: ["", " ", "\r\n\t "])
    func empty(_ text: String) {
        let error = #expect(throws: JSONSyntaxError.self) { try JSON(parsing: text) }
        #expect(error?.isTruncated == true)
        #expect(error?.reason == "no JSON: the file is empty")
    }

    @Test(
        "every proper prefix of a valid text is truncated",
        arguments: [
            #"{"type": "documents.sync", "params": {"path": "Projects/219", "deep": [[], {}, [null, true, false]]}}"#,
            #"["a\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00é€😀\ud834\udd1e", "", "x"]"#,
            #" { "numbers" : [ -0 , 1.10 , 1e400 , -12.5E-3 , 0.0e+1 , 18446744073709551616 ] } "#,
            "\t[\r\n]\n", "\"text\"", "null", "{}",
        ])
    func prefixes(_ text: String) throws {
        let bytes = Array(text.utf8)
        let whole = try JSON(parsing: bytes)
        for count in 0..<bytes.count {
            do {
                // White space at the end is not needed, and a shorter number is a number.
                #expect(try JSON(parsing: Array(bytes[..<count])) == whole, "\(count) bytes")
            } catch {
                #expect(error.isTruncated, "\(count) bytes of \(text): \(error)")
                #expect(error.line == 1 + bytes[..<count].count { $0 == 0x0A })
            }
        }
    }

    @Test("512 levels are read, 513 are refused where the 513th begins", arguments: ["[", "{\"a\":"])
    func depth(_ opening: String) throws {
        let closing = opening == "[" ? "]" : "}"
        func nested(_ depth: Int) -> String {
            String(repeating: opening, count: depth - 1) + (opening == "[" ? "[" : "{")
                + String(repeating: closing, count: depth)
        }
        let deep = try JSON(parsing: nested(512))
        #expect(deep.text == nested(512))
        let error = #expect(throws: JSONSyntaxError.self) { try JSON(parsing: nested(513)) }
        #expect(error?.reason == "nested deeper than 512")
        #expect(error?.column == 512 * opening.utf8.count + 1)
        #expect(error?.isTruncated == false)
        // Depth is counted down again.
        #expect(try JSON(parsing: "[\(nested(511)),\(nested(511))]").array?.count == 2)
    }

    @Test("a key or a number that fills a megabyte does not fill the message")
    func longMessages() throws {
        let long = String(repeating: "k", count: 1 << 20)
        let twice = #expect(throws: JSONSyntaxError.self) { try JSON(parsing: "{\"\(long)\":1,\"\(long)\":2}") }
        #expect(try #require(twice).reason.utf8.count < 200)
        let noColon = #expect(throws: JSONSyntaxError.self) { try JSON(parsing: "{\"\(long)\"}") }
        #expect(try #require(noColon).reason.utf8.count < 200)
    }
}
