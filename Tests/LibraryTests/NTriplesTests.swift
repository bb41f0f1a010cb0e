import JSONText
import Testing

@testable import jobspool_library

@Suite struct NTriplesTests {
    private static let s = "http://e/s"
    private static let p = "http://e/p"

    private func parse(_ text: String) throws -> [LinkedDocument.Statement] {
        try NTriplesParser.parse(Array(text.utf8)).statements
    }

    @Test(
        arguments: [
            ("<http://e/o>", ["@id": "http://e/o"]), ("_:b1", ["@id": "_:b1"]), ("_:a.b", ["@id": "_:a.b"]),
            ("_:1·é", ["@id": "_:1·é"]), ("_:a:b", ["@id": "_:a:b"]),
            (#""""#, ["@value": ""]), (#""x y""#, ["@value": "x y"]),
            (#""\t\b\n\r\f\"\'\\""#, ["@value": "\t\u{8}\n\r\u{C}\"'\\"]), (#""\u00E9\U0001F600""#, ["@value": "é😀"]),
            (#""é😀 <>{}#""#, ["@value": "é😀 <>{}#"]), (#""chat"@fr"#, ["@value": "chat", "@language": "fr"]),
            (#""x"@pt-BR-1996"#, ["@value": "x", "@language": "pt-BR-1996"]),
            (
                #""1"^^<http://www.w3.org/2001/XMLSchema#integer>"#,
                ["@value": "1", "@type": "http://www.w3.org/2001/XMLSchema#integer"]
            ),
            (#""s"^^<http://www.w3.org/2001/XMLSchema#string>"#, ["@value": "s"]),
            (#"<http://e/\u00E9>"#, ["@id": "http://e/é"]), ("<urn:x>", ["@id": "urn:x"]),
        ] as [(String, JSON)])
    func anObjectIsRead(text: String, value: JSON) throws {
        let expected = [LinkedDocument.Statement(subject: Self.s, predicate: Self.p, value: value)]
        #expect(try parse("<\(Self.s)> <\(Self.p)> \(text) .") == expected)
        #expect(try parse("<\(Self.s)>\t<\(Self.p)>\(text).") == expected)
        #expect(try parse("# comment\r\n\r\n  <\(Self.s)><\(Self.p)>\(text) .# more\n#end") == expected)
    }

    @Test func statementsComeInTheirOrder() throws {
        let statements = try parse("_:x <a:b> _:y .\n<a:c> <a:d> \"e\" .\n")
        #expect(statements.map(\.subject) == ["_:x", "a:c"])
        #expect(try parse("") == [])
        #expect(try parse("\n# only a comment") == [])
    }

    @Test(arguments: [
        ("<a:s> <a:p> <a:o>", "ends with a dot (line 1, column 18)"),
        ("<a:s> <a:p> <a:o> . <a:s> <a:p> <a:o> .", "a line of its own (line 1, column 21)"),
        (
            "\n<a:s> <a:p> .",
            "after the predicate comes the object: <an IRI>, _:a_blank_node or \"a literal\" (line 2, column 13)"
        ),
        ("<a:s> _:p <a:o> .", "the predicate: <an IRI> (line 1, column 7)"),
        ("\"s\" <a:p> <a:o> .", "a statement begins with its subject"),
        ("<s> <a:p> <a:o> .", "an IRI is absolute"),
        ("<a:s p> <a:p> <a:o> .", "may not contain a space (line 1, column 5)"),
        (#"<a:\u0020> <a:p> <a:o> ."#, "may not contain that"), (#"<a:\n> <a:p> <a:o> ."#, "no such escape"),
        ("<a:s> <a:p> \"x .\n", "the literal has no closing quote (line 1, column 13)"),
        ("<a:s> <a:p> \"x\ny\" .", "no closing quote"), (#"<a:s> <a:p> "\x" ."#, "no such escape (line 1, column 14)"),
        (#"<a:s> <a:p> "\u12" ."#, "four hexadecimal digits"), (#"<a:s> <a:p> "\uD800" ."#, "of a character"),
        (#"<a:s> <a:p> "\U00110000" ."#, "of a character"), (#"<a:s> <a:p> "x"@ ."#, "a language is written"),
        (#"<a:s> <a:p> "x"@1 ."#, "a language is written"), (#"<a:s> <a:p> "x"@en- ."#, "a language is written"),
        (#"<a:s> <a:p> "x"^<a:b> ."#, "written ^^<an IRI>"), (#"<a:s> <a:p> "x"^^b ."#, "written ^^<an IRI>"),
        ("_: <a:p> <a:o> .", "has a label"), ("_x <a:p> <a:o> .", "written _:label"),
        ("_:-x <a:p> <a:o> .", "has a label"),
        ("<a:s <a:p> <a:o> .", "may not contain a space"), ("<a:s> <a:p> 1 .", "comes the object"),
        ("@prefix a: <a:b> .", "begins with its subject"), ("<a:s", "the IRI has no closing >"),
    ])
    func whatIsNoNTriplesIsToldWithItsPlace(text: String, problem: String) throws {
        let error = try #require(throws: LinkedDataError.self) { try parse(text) }
        #expect(error.description.contains(problem), "\(error)")
    }

    @Test func bytesThatAreNoUTF8AreRefused() {
        #expect(throws: LinkedDataError.self) {
            try NTriplesParser.parse(Array("<a:s> <a:p> \"".utf8) + [0xFF] + Array("\" .".utf8))
        }
        #expect(throws: LinkedDataError.self) { try NTriplesParser.parse(Array("_:a".utf8) + [0xC3, 0x20]) }
    }
}
