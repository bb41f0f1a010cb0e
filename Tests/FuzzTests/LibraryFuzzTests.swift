/// The parsers of the library's documents: broken ones are refused, or yield what can be read, and end no process.
import JSONText
import Testing

@testable import jobspool_library

@Suite("Broken documents", .serialized)
struct LibraryFuzzTests {
    @Test("in N-Triples")
    func nTriples() throws {
        let documents = [
            "<http://e/s> <http://e/p> \"a\\u00E9\\U0001F600\"@de-DE .\n# c\n_:b <http://e/p> _:a.b .",
            "<http://e/s> <http://e/p> \"1\"^^<http://www.w3.org/2001/XMLSchema#integer> . # x\r\n",
        ]
        try Fuzzing.run("n-triples", corpus: documents, words: ["^^<", "@", "_:", "\\u", "\\U00110000", " .", "<"]) {
            bytes in
            do {
                _ = try NTriplesParser.parse(bytes)
                return nil
            } catch {
                return "\(error)".isEmpty ? "no message" : nil
            }
        }
    }

    @Test("in JSON-LD")
    func jsonLD() throws {
        let documents = [
            #"[{"@id": "http://e/a", "@type": ["http://e/T"], "http://e/n": [{"@value": "A", "@language": "de"}, {"@id": "../b"}]}]"#,
            #"[{"@id": "_:b0", "http://e/l": [{"@list": [{"@value": 1}]}], "@reverse": {"http://e/r": [{"@id": "x"}]}}]"#,
        ]
        let words = [
            "\"@id\":", "\"@value\":", "\"@list\":", "\"@graph\":", "\"@reverse\":", "\"@type\":", "\"@set\":",
        ]
        try Fuzzing.run("json-ld", corpus: documents, words: words) { bytes in
            do {
                _ = try ExpandedJSONLD.parse(bytes, base: "http://e/dir/doc")
                return nil
            } catch {
                return "\(error)".isEmpty ? "no message" : nil
            }
        }
    }

    @Test("in IRIs")
    func iris() throws {
        let texts = ["http://u@e:80/a/./b/../c?q#f", "../../g;x=1/../y", "//h", "", "urn:x", "?", "#"]
        try Fuzzing.run("iri", corpus: texts, words: ["..", "./", "//", "://", "%", "[::1]"]) { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            _ = IRI(text).resolved(against: IRI("http://a/b/c/d;p?q"))
            _ = IRI("x/../y").resolved(against: IRI(text))
            return nil
        }
    }

    @Test("in HTML, Markdown, JSON and plain text", arguments: TextFormat.allCases)
    func texts(format: TextFormat) throws {
        let documents = [
            "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>T</title></head><body><h1>H</h1><p title='>'>a &amp; &#x41;<br/>b</p><script>x</script><!-- c --><nav>n</nav></body>",
            "---\ntitle: T\n---\n# H #\ntext *a* [l](u) `c`\n\nU\n===\n```\ncode\n```\n", "..\n\nTitle\n",
            #"{"a": ["x", {"b": "y"}]}"#,
            "{\"a\":1}\n{\"b\":\"z\"}\n", "\u{FEFF}text\r\n",
        ]
        let words = [
            "<", "</", "<!--", "-->", "&#", "&#xFFFFFFFFFFFF;", "&amp", "<script", "<![CDATA[", "]]>", "charset=",
            "```", "---\n", "# ",
            "**", "_", "[", "](", "=\"",
        ]
        try Fuzzing.run("text-\(format.rawValue)", corpus: documents, words: words) { bytes in
            do throws(TextError) {
                _ = try format.extract(bytes)
                return nil
            } catch {
                return "\(error)".isEmpty ? "no message" : nil
            }
        }
    }
}
