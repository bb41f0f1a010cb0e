import JSONText
import Testing

@testable import jobspool_library

@Suite struct JSONLDTests {
    private func parse(_ text: String, base: String = "http://e/dir/doc") throws -> LinkedDocument {
        try ExpandedJSONLD.parse(Array(text.utf8), base: base)
    }

    private func triples(_ text: String) throws -> [String] {
        try parse(text).statements.map { "\($0.subject) \($0.predicate) \($0.value.text)" }
    }

    @Test func aNodeSaysItsTypesAndProperties() throws {
        let found = try triples(
            """
            [{"@id": "http://e/a", "@type": ["http://e/T", "http://e/U"],
              "http://e/name": [{"@value": "Anna", "@language": "de"}, {"@value": 5}, {"@value": true}],
              "http://e/knows": [{"@id": "http://e/b"}]}]
            """)
        #expect(
            found == [
                #"http://e/a http://www.w3.org/1999/02/22-rdf-syntax-ns#type {"@id":"http://e/T"}"#,
                #"http://e/a http://www.w3.org/1999/02/22-rdf-syntax-ns#type {"@id":"http://e/U"}"#,
                #"http://e/a http://e/name {"@value":"Anna","@language":"de"}"#,
                #"http://e/a http://e/name {"@value":5}"#, #"http://e/a http://e/name {"@value":true}"#,
                #"http://e/a http://e/knows {"@id":"http://e/b"}"#,
            ])
    }

    @Test func aNodeWithinANodeComesAfterTheReferenceToIt() throws {
        let found = try triples(
            #"[{"@id": "a:a", "a:p": [{"@id": "a:b", "a:q": [{"@value": "x"}]}, {"a:r": [{"@value": "y"}]}]}]"#)
        #expect(
            found == [
                #"a:a a:p {"@id":"a:b"}"#, #"a:b a:q {"@value":"x"}"#, #"a:a a:p {"@id":"_:b1"}"#,
                #"_:b1 a:r {"@value":"y"}"#,
            ])
    }

    @Test func labelsThatTheDocumentUsesAreNotGivenAway() throws {
        let found = try triples(#"[{"a:p": [{"@id": "_:b1"}, {"a:q": []}]}, {"@id": "_:b1", "a:r": [{"@value": 1}]}]"#)
        #expect(found == [#"_:b2 a:p {"@id":"_:b1"}"#, #"_:b2 a:p {"@id":"_:b3"}"#, #"_:b1 a:r {"@value":1}"#])
    }

    @Test func listsSetsGraphsAndReversePropertiesAreTakenIn() throws {
        let found = try triples(
            """
            [{"@id": "a:a", "a:l": [{"@list": [{"@id": "a:x"}, {"@value": "v"}, {"@list": []}]}],
              "a:s": [{"@set": [{"@value": 1}, {"@value": 2}]}], "@reverse": {"a:of": [{"@id": "a:parent"}]},
              "@graph": [{"@id": "a:in", "a:p": [{"@value": "g"}]}], "@included": [{"@id": "a:too", "@type": ["a:T"]}]}]
            """)
        #expect(
            found == [
                #"a:a a:l {"@list":[{"@id":"a:x"},{"@value":"v"},{"@list":[]}]}"#, #"a:a a:s {"@value":1}"#,
                #"a:a a:s {"@value":2}"#, #"a:parent a:of {"@id":"a:a"}"#, #"a:in a:p {"@value":"g"}"#,
                #"a:too http://www.w3.org/1999/02/22-rdf-syntax-ns#type {"@id":"a:T"}"#,
            ])
    }

    @Test func relativeNamesAreResolvedAgainstTheDocument() throws {
        #expect(
            try triples(##"[{"@id": "#me", "a:p": [{"@id": "../x"}, {"@id": ""}]}]"##) == [
                #"http://e/dir/doc#me a:p {"@id":"http://e/x"}"#,
                #"http://e/dir/doc#me a:p {"@id":"http://e/dir/doc"}"#,
            ])
    }

    @Test func numbersKeepTheirDigits() throws {
        #expect(try triples(#"{"@id": "a:a", "a:n": [{"@value": 1.10}]}"#) == [#"a:a a:n {"@value":1.10}"#])
    }

    @Test(arguments: [
        (#"[{"@id": "a:a", "name": "x"}]"#, #"[0]["name"] is no IRI: the document is not in expanded form"#),
        (#"{"@context": {}, "@id": "a:a"}"#, #"["@context"] is there: the document is not in expanded form"#),
        (#"[{"@id": "a:a", "a:p": ["x"]}]"#, #"[0]["a:p"][0] is a string instead of an object"#),
        (#"[{"@id": 5}]"#, #"[0]["@id"] is a number instead of a string"#),
        ("[5]", "[0] is a number instead of a node object"),
        (#"[{"@id": "a:a", "@type": [{}]}]"#, #"[0]["@type"][0] is an object"#),
        (#"[{"a:p": [{"@value": {}}]}]"#, #"[0]["a:p"][0]["@value"] is an object"#),
        (#"[{"a:p": [{"@value": "x", "a:q": 1}]}]"#, #"["a:q"] does not belong beside `@value`"#),
        (#"[{"a:p": [{"@value": "x", "@language": 1}]}]"#, #"["@language"] is a number"#),
        (#"[{"@nest": {}}]"#, #"[0]["@nest"] does not belong into a node object"#),
        (#"[{"@reverse": []}]"#, #"["@reverse"] is an array instead of an object"#),
        (#"[{"@reverse": {"of": []}}]"#, #"["of"] is no IRI"#), ("[{]", "no JSON: "),
        ("\"x\"", "the document is a string"),
    ])
    func whatIsNotInExpandedFormIsToldWithItsPlace(text: String, problem: String) throws {
        let error = try #require(throws: LinkedDataError.self) { try parse(text) }
        #expect(error.description.contains(problem), "\(error)")
    }

    @Test func referencesAreTheIRIsThatPropertiesHaveWithoutTheirFragments() throws {
        let document = try parse(
            """
            [{"@id": "http://e/dir/doc", "@type": ["http://e/Type"], "a:p": [{"@id": "http://e/b#x"}, {"@id": "http://e/b#y"},
              {"@id": "http://e/dir/doc#self"}, {"@id": "_:n"}, {"@list": [{"@id": "http://e/c"}, {"@list": [{"@id": "urn:d"}]}]},
              {"@value": "http://e/text", "@type": "http://e/datatype"}]}, {"@id": "http://e/subject", "a:p": [{"@id": "http://e/b"}]}]
            """)
        #expect(document.references(of: "http://e/dir/doc") == ["http://e/b", "http://e/c", "urn:d"])
    }

    @Test func bothFormatsSayTheSame() throws {
        let triples = try NTriplesParser.parse(
            Array(
                """
                <a:a> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <a:T> .
                <a:a> <a:p> "x"@en .
                <a:a> <a:q> <a:b> .
                """.utf8))
        let json = try parse(
            #"[{"@id":"a:a","@type":["a:T"],"a:p":[{"@value":"x","@language":"en"}],"a:q":[{"@id":"a:b"}]}]"#)
        #expect(triples == json)
    }
}
