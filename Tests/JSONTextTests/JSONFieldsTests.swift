/// Members read one by one, and where they stand.
import JSONText
import Testing

@Suite("Fields of an object")
struct JSONFieldsTests {
    enum Colour: String, CaseIterable { case red, green }

    @Test("are read by their types; null is as good as absent")
    func read() throws {
        var fields = JSONFields([
            "s": "x", "b": true, "o": ["k": 1], "a": ["p", "q"], "i": -5, "d": 2.5, "c": "green", "n": .null,
        ])
        #expect(try fields.string("s") == "x")
        #expect(try fields.bool("b") == true)
        #expect(try fields.object("o") == ["k": 1])
        #expect(try fields.strings("a") == ["p", "q"])
        #expect(try fields.int("i", in: -5...5) == -5)
        #expect(try fields.double("d", in: 0...2.5) == 2.5)
        #expect(try fields.choice("c", of: Colour.self) == .green)
        #expect(try fields.string("n") == nil)
        #expect(try fields.string("absent") == nil)
        try fields.finish()
    }

    struct WrongField: Sendable {
        let value: JSON
        let problem: String
        let read: @Sendable (inout JSONFields) throws -> Void

        init(_ value: JSON, _ problem: String, _ read: @escaping @Sendable (inout JSONFields) throws -> Void) {
            self.value = value
            self.problem = problem
            self.read = read
        }
    }

    @Test("of the wrong type or out of range say what they must be and what they are", arguments: wrongFields)
    func refused(_ wrong: WrongField) {
        var fields = JSONFields(["f": wrong.value], path: ["outer"])
        let error = #expect(throws: JSONFieldError.self) { try wrong.read(&fields) }
        #expect(error == JSONFieldError(path: ["outer", "f"], problem: wrong.problem))
        #expect(error?.description == "`outer.f` \(wrong.problem)")
    }

    static let wrongFields: [WrongField] = [
        WrongField(1, "must be a string, not 1") { _ = try $0.string("f") },
        WrongField("x", "must be true or false, not \"x\"") { _ = try $0.bool("f") },
        WrongField([], "must be an object, not an array") { _ = try $0.object("f") },
        WrongField("x", "must be an array of strings, not \"x\"") { _ = try $0.strings("f") },
        WrongField(["x", 2], "must be an array of strings, but element 2 is a number") { _ = try $0.strings("f") },
        WrongField(101, "must be an integer from -100 to 100, not 101") { _ = try $0.int("f", in: -100...100) },
        WrongField(1.5, "must be an integer, not 1.5") { _ = try $0.int("f") },
        WrongField(true, "must be an integer, not true") { _ = try $0.int("f") },
        WrongField(-1, "must be a number from 0 to 10, not -1") { _ = try $0.double("f", in: 0...10) },
        WrongField("rot", "must be one of \"red\", \"green\", not \"rot\"") { _ = try $0.choice("f", of: Colour.self) },
        WrongField([:], "must be one of \"red\", \"green\", not an object") { _ = try $0.choice("f", of: Colour.self) },
        WrongField(JSON(String(repeating: "x", count: 1000)), "must be true or false, not a string") {
            _ = try $0.bool("f")
        },
        WrongField("\u{1B}[2J", "must be true or false, not \"\\u{1B}[2J\"") { _ = try $0.bool("f") },
    ]

    @Test("an infinite number is out of every range, and a huge one is not repeated in the message")
    func hugeNumbers() throws {
        let huge = try JSON(parsing: "1" + String(repeating: "0", count: 1000))
        for value in [try JSON(parsing: "1e400"), try JSON(parsing: "-1e400"), huge] {
            var fields = JSONFields(["f": value])
            let error = #expect(throws: JSONFieldError.self) { try fields.double("f", in: -1e300...1e300) }
            #expect(try #require(error).problem.utf8.count < 100)
        }
    }

    @Test("that nobody asked for are errors that name the nearest known one")
    func unknown() {
        func finish(_ key: String) -> String? {
            var fields = JSONFields(JSONObject([(key, 1)]))
            _ = fields.value("description")
            _ = fields.value("type")
            return #expect(throws: JSONFieldError.self) { try fields.finish() }?.description
        }
        #expect(
            finish("desciption")
                == "`desciption` is not a known field; did you mean `description`? The known fields are description, type."
        )
        #expect(finish("Type")?.contains("did you mean `type`?") == true)
        #expect(finish("colour") == "`colour` is not a known field. The known fields are description, type.")
        #expect(finish(String(repeating: "x", count: 1 << 20)).map { $0.utf8.count < 400 } == true)
    }

    @Test("that are required say that they are missing")
    func missing() {
        let fields = JSONFields([:], path: ["retry"])
        let error = #expect(throws: JSONFieldError.self) { try fields.require(nil as Int?, "max", "say how many") }
        #expect(error?.description == "`retry.max` is missing: say how many")
    }

    @Test(
        "the nearest word is one that a slip of the hand explains, or that begins alike",
        arguments: [
            ("tpye", "type"), ("typ", "type"), ("TYPE", "type"), ("params_", "params"), ("xyz", nil), ("", nil),
            ("priorty", "priority"), ("timeout", "timeout_seconds"),
            ("prio", "priority"), ("params.path", "params"), ("pr", nil),
        ])
    func nearest(_ word: String, _ nearest: String?) {
        #expect(nearestWord(to: word, among: ["type", "params", "priority", "timeout_seconds"]) == nearest)
        #expect(nearestWord(to: word, among: []) == nil)
    }
}

@Suite("The position of a member")
struct JSONPositionTests {
    static let text = """
        {
          "a": {"b": 1, "c": {"b": 2}},
          "list": [{"b": 3}, {"b": 4, "c": 5}, [{"d": 6}]],
          "c": {"d": 7},
          "b": 8,
          "é": {"x": 9}, "e\u{301}": {"x": 10}
        }
        """

    @Test(
        "is the line and the column, in bytes, of its key",
        arguments: [
            (["a"], (2, 3)), (["a", "b"], (2, 9)), (["a", "c"], (2, 17)), (["a", "c", "b"], (2, 23)),
            (["list"], (3, 3)), (["list", "b"], (3, 13)), (["list", "c"], (3, 31)), (["list", "d"], (3, 42)),
            (["c"], (4, 3)), (["c", "d"], (4, 9)), (["b"], (5, 3)), (["\u{E9}", "x"], (6, 10)),
            (["e\u{301}", "x"], (6, 27)),
        ] as [([String], (Int, Int))])
    func position(_ path: [String], _ expected: (Int, Int)) throws {
        let position = try #require(JSON.position(of: path, in: Array(Self.text.utf8)))
        #expect(position == expected)
    }

    @Test(
        "is nil for what is not there",
        arguments: [["x"], [], ["list", "b", "c"], ["list", "b", "b"], ["a", "d"], ["d"], ["list", "list"]]
            as [[String]])
    func absent(_ path: [String]) { #expect(JSON.position(of: path, in: Array(Self.text.utf8)) == nil) }

    @Test("is nil in a text that is no JSON")
    func noJSON() { #expect(JSON.position(of: ["a"], in: Array("{\"a\": 1,".utf8)) == nil) }
}
