/// What is read comes out as it went in: digits, order, bytes.
import JSONText
import Testing

@Suite("A JSON value keeps what was written")
struct JSONValueTests {
    @Test(
        "numbers keep their digits",
        arguments: [
            "0", "-0", "1.10", "9223372036854775807", "-9223372036854775808", "18446744073709551616", "1e400", "1E+2",
            "-12.50e-3", "0.1000000000000000000000000000000000000001", "0e0",
        ])
    func digits(_ text: String) throws {
        let value = try JSON(parsing: text)
        #expect(value.text == text)
        #expect(try JSON(parsing: "{\"n\":[\(text)]}").text == "{\"n\":[\(text)]}")
    }

    @Test(
        "a number is an Int64 when it is one exactly",
        arguments: [
            ("9223372036854775807", .max), ("-9223372036854775808", .min), ("-0", 0), ("42", 42),
            ("9223372036854775808", nil), ("-9223372036854775809", nil), ("1.0", nil), ("1e2", nil), ("1.5", nil),
        ] as [(String, Int64?)])
    func integers(_ text: String, _ value: Int64?) throws {
        #expect(try JSON(parsing: text).int64 == value)
    }

    @Test(
        "a number is the nearest Double",
        arguments: [("1.10", 1.1), ("1e400", .infinity), ("-1e400", -.infinity), ("1e-400", 0), ("0.1", 0.1)])
    func doubles(_ text: String, _ value: Double) throws {
        #expect(try JSON(parsing: text).double == value)
    }

    @Test(
        "a Double is written so that any JSON reader reads it back",
        arguments: [
            0, -0.0, 1, 57, 33.3, 0.1, 1e15, 1e15 - 1, 1_234_567_890_123_456, 1e300, .leastNonzeroMagnitude,
            -1.7976931348623157e308,
            0.30000000000000004,
        ])
    func writtenDoubles(_ value: Double) throws {
        let text = JSON(value).text
        #expect(try JSON(parsing: text).double == value, "\(text)")
    }

    @Test("NaN and infinities are null, because JSON cannot say them", arguments: [Double.nan, .infinity, -.infinity])
    func notFinite(_ value: Double) { #expect(JSON(value) == .null) }

    @Test("members keep their order")
    func order() throws {
        let text = #"{"z":1,"a":{"y":[],"b":{}},"m":null}"#
        #expect(try JSON(parsing: text).text == text)
        #expect(try JSON(parsing: text).object?.keys == ["z", "a", "m"])
    }

    @Test("objects are equal whatever their order, and only when every member is")
    func equality() throws {
        let many = (0..<40).map { (String($0), JSON($0)) }
        #expect(JSONObject(many) == JSONObject(many.reversed()))
        #expect(JSONObject(many) != JSONObject(many.dropLast() + [("39", 0)]))
        #expect(JSONObject(many) != JSONObject(many.dropLast() + [("40", 39)]))
        #expect(JSONObject(many) != JSONObject(Array(many.dropLast())))
        #expect((["a": 1, "b": 2] as JSON) == ["b": 2, "a": 1])
        #expect((["a": 1, "b": 2] as JSON) != ["b": 1, "a": 2])
        #expect(([1, 2] as JSON) != [2, 1])
        #expect(try JSON(parsing: "1.0") != JSON(parsing: "1"))
        #expect((.null as JSON) != false)
    }

    @Test("keys and strings are the same only when their bytes are")
    func canonicalEquivalence() throws {
        let (composed, decomposed) = ("\u{E9}", "e\u{301}")
        try #require(composed == decomposed, "Swift compares by canonical equivalence")
        let object = try #require(try JSON(parsing: "{\"\(composed)\":1,\"\(decomposed)\":2}").object)
        #expect(object[composed] == 1)
        #expect(object[decomposed] == 2)
        #expect(object["e"] == nil)
        var changed = object
        changed[decomposed] = nil
        #expect(changed.members.map { Array($0.key.utf8) } == [Array(composed.utf8)])
        changed[decomposed] = 3
        #expect(changed.count == 2)
        #expect(JSON.string(composed) != .string(decomposed))
        #expect(JSONObject([(composed, 1)]) != JSONObject([(decomposed, 1)]))
        #expect(JSONObject([(composed, 1), ("x", 2)]) != JSONObject([("x", 2), (decomposed, 1)]))
        // Large objects look for keys that are there twice in another way.
        let others = (0..<40).map { "\"\($0)\":0" }.joined(separator: ",")
        #expect(try JSON(parsing: "{\(others),\"\(composed)\":1,\"\(decomposed)\":2}").object?.count == 42)
        #expect(throws: JSONSyntaxError.self) {
            try JSON(parsing: "{\(others),\"\(composed)\":1,\"\(composed)\":2}")
        }
    }

    @Test("a key that is there twice is found in objects of every size", arguments: [1, 2, 15, 16, 17, 18, 40])
    func twice(_ count: Int) throws {
        let members = (0..<count).map { "\"\($0)\":0" }
        #expect(try JSON(parsing: "{\(members.joined(separator: ","))}").object?.count == count)
        for key in [0, count / 2, count - 1] {
            #expect(throws: JSONSyntaxError.self) {
                try JSON(parsing: "{\((members + ["\"\(key)\":1"]).joined(separator: ","))}")
            }
        }
    }

    @Test(
        "escapes mean their characters",
        arguments: [
            (#""\"\\\/""#, "\"\\/"), (#""\b\f\n\r\t""#, "\u{8}\u{C}\n\r\t"),
            (#""\u0041\u00E9\u20ac""#, "A\u{E9}\u{20AC}"),
            (#""\uD83D\uDE00""#, "\u{1F600}"), (#""\ud834\udd1e""#, "\u{1D11E}"), (#""\u0000""#, "\u{0}"),
            (#""\uFFFF\uFEFF""#, "\u{FFFF}\u{FEFF}"), (#""\uDBFF\uDFFF""#, "\u{10FFFF}"),
            (
                "\"\u{7F}\u{80}\u{7FF}\u{800}\u{D7FF}\u{E000}\u{10000}\u{10FFFF}\"",
                "\u{7F}\u{80}\u{7FF}\u{800}\u{D7FF}\u{E000}\u{10000}\u{10FFFF}"
            ),
        ])
    func escapes(_ text: String, _ string: String) throws {
        #expect(try JSON(parsing: text).string.map { Array($0.utf8) } == Array(string.utf8))
    }

    @Test("members are read, replaced in place, appended and removed")
    func members() {
        var object: JSONObject = ["a": 1, "b": 2]
        object["a"] = "one"
        object["c"] = 3
        object["b"] = nil
        object["d"] = nil
        #expect(JSON.object(object).text == #"{"a":"one","c":3}"#)
        #expect(object["b"] == nil)
        #expect(JSON.array([1])["a"] == nil)
    }

    @Test("a value says what kind it is")
    func kinds() {
        let values: [JSON] = [.null, true, 1, "", [], [:]]
        #expect(values.map(\.kind) == ["null", "a boolean", "a number", "a string", "an array", "an object"])
        #expect(values.map(\.isNull) == [true, false, false, false, false, false])
        #expect(values.map { $0.bool != nil } == [false, true, false, false, false, false])
        #expect(values.map { $0.number != nil } == [false, false, true, false, false, false])
        #expect(values.map { $0.string != nil } == [false, false, false, true, false, false])
        #expect(values.map { $0.array != nil } == [false, false, false, false, true, false])
        #expect(values.map { $0.object != nil } == [false, false, false, false, false, true])
    }
}
