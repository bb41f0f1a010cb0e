import JSONText
import Testing

@testable import jobspool_library

@Suite struct SearchTests {
    private func results(_ run: Run) -> [JSON] { run.result?["results"]?.array ?? [] }

    /// The names of the documents that are found, the best first.
    private func found(_ run: Run) -> [String] {
        results(run).compactMap { $0["document"]?.string?.split(separator: "/").last.map(String.init) }
    }

    // MARK: What is looked for

    @Test(arguments: [
        ("one two", ["\"one\"", "\"two\""]), ("\"one two\"  three", ["\"one two\"", "\"three\""]),
        ("a \"b c", ["\"a\"", "\"b c\""]), ("“smart quotes” x", ["\"smart quotes\"", "\"x\""]),
        ("one ONE Öne öne", ["\"one\""]), ("--- * \"\" '", []), ("", []),
        ("AND OR NOT NEAR", ["\"AND\"", "\"OR\"", "\"NOT\"", "\"NEAR\""]),
        ("a* ^b col:c (d)", ["\"a*\"", "\"^b\"", "\"col:c\"", "\"(d)\""]), ("x\u{0}y", ["\"xy\""]),
        ("日本 ½", ["\"日本\"", "\"½\""]), ("ñ N e\u{301} É", ["\"ñ\"", "\"e\u{301}\""]),
        // The tokenizer tells these apart.
        ("ß ss SS", ["\"ß\"", "\"ss\""]), ("ά Ά α", ["\"ά\"", "\"α\""]),
        ("й и ё е", ["\"й\"", "\"и\"", "\"ё\"", "\"е\""]),
    ])
    func aQueryIsWordsAndPhrasesEachOnce(text: String, matches: [String]) {
        #expect(SearchQuery(text).terms.map(\.match) == matches)
    }

    @Test func aQuoteWithinATermIsDoubled() {
        #expect(SearchQuery.quoted("a\"b") == "\"a\"\"b\"")
        #expect(SearchQuery.quoted("a\"\u{301}b").utf8.elementsEqual("\"a\"\"\u{301}b\"".utf8))
    }

    /// Whatever anybody types, FTS5's own syntax is never reached: each search answers, or says what is wrong with `q`.
    @Test(arguments: [
        "\"", "'", "a\"b", "a' OR 1=1 --", "NEAR(a b)", "title : x", "{title} : x", "x AND", "AND", "NOT x", "(", "^",
        "*", "x*", "\\",
        "a + b", "-a", "; DROP TABLE words", "%s", "\u{0}", "a\u{0}b", "🙂", "é\u{301}\u{301}", "[a-z]", "<a:b>",
        "x\nAND\ty", String(repeating: "w ", count: 500), String(repeating: "a\" \"", count: 200),
    ])
    func whateverIsTypedIsNoSyntax(q: String) throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir documents own; echo 'x a b' >documents/a.txt; echo '<a:a> <a:p> \"x a b\" .' >own/a.nt")
        _ = try scratch.index()
        _ = try scratch.refresh()
        let run = try scratch.run(
            "search",
            [
                "q": .string(q), "index": .string(scratch.path + "/index.db"),
                "cache": .string(scratch.path + "/cache.db"),
            ])
        if SearchQuery(q).terms.isEmpty || SearchQuery(q).terms.count > 64 {
            #expect(run.exit == 64)
            #expect(run.failure?["details"]?["field"] == "params.q")
        } else {
            #expect(run.exit == 0, "\(run.failure?.text ?? run.errors)")
            #expect(run.result?["total"] != nil)
        }
        #expect(try scratch.sql("SELECT count(*) FROM words", in: "index.db") == ["1"])
    }

    // MARK: An index

    private func library() throws -> Scratch {
        let scratch = try Scratch()
        try scratch.write("documents/both.md", "# Context\n\nThe manager of a context. The context manager.")
        try scratch.write(
            "documents/deep/er/one.html", "<title>Managers</title><p>naïve manager</p><h2>Heading alone</h2>")
        try scratch.write("documents/two.txt", "Something else\nNAIVE café, a context for no manager, manager")
        try scratch.write("documents/three.json", #"{"title": "Only here", "text": ["context"], "context": "key"}"#)
        try scratch.write("documents/picture.png", "context manager")
        #expect(try scratch.index().counts == "4 0 0 0 0")
        return scratch
    }

    private func search(_ scratch: Scratch, _ q: String, _ more: JSONObject = [:]) throws -> Run {
        var params: JSONObject = ["q": .string(q), "index": .string(scratch.path + "/index.db")]
        for (key, value) in more.members { params[key] = value.isNull ? nil : value }
        let run = try scratch.run("search", params)
        #expect(run.exit == 0, "\(run.failure?.text ?? "")")
        return run
    }

    @Test(arguments: [
        ("naive", ["one.html", "two.txt"]), ("NAÏVE", ["one.html", "two.txt"]), ("cafe", ["two.txt"]),
        ("\"context manager\"", ["both.md"]), ("\"Context MANAGER\"", ["both.md"]), ("nothing", []),
        ("key", ["three.json"]), ("text", []),
        ("heading", ["one.html"]), ("title", []), ("h2", []), ("managers", ["one.html"]),
    ])
    func wordsAreAlternativesAndPhrasesHold(q: String, documents: [String]) throws {
        let scratch = try library()
        let run = try search(scratch, q)
        #expect(found(run).sorted() == documents.sorted())
        #expect(run.result?["total"]?.int == documents.count)
    }

    @Test func whatHasMoreOfTheWordsComesFirst() throws {
        let scratch = try library()
        let run = try search(scratch, "context manager naive")
        #expect(found(run) == ["two.txt", "both.md", "one.html", "three.json"])
        #expect(results(run).map { $0["matched_words"] } == [3, 2, 2, 1])
        #expect(results(run).allSatisfy { $0["depth"] == 0 })
        let scores = results(run).compactMap { $0["score"]?.double }
        #expect(scores[1] >= scores[2])
        #expect(results(run)[1]["document"]?.string == "\(scratch.path)/documents/both.md")
        #expect(results(run)[1]["title"] == "Context")
        #expect(results(run)[1]["snippet"]?.string?.contains("context manager") ?? false)
        #expect(run.result?["took_ms"]?.double ?? -1 >= 0)
    }

    @Test func theLimitBoundsWhatIsShownAndNotTheTotal() throws {
        let run = try search(library(), "context manager", ["limit": 2])
        #expect(results(run).count == 2)
        #expect(run.result?["total"] == 4)
    }

    /// The result is one line, of which the daemon reads 1 MiB.
    @Test func moreThanALineHoldsIsLeftOutAndSaidSo() throws {
        let scratch = try Scratch()
        try scratch.python(
            """
            import os
            os.mkdir("documents")
            for n in range(1000):
                words = " ".join(f"{n:04d}{k:02d}".ljust(60, "x") for k in range(40))
                open(f"documents/{n:04d}.txt", "w").write(f"common {words}")
            """)
        _ = try scratch.index()
        let run = try search(scratch, "common", ["limit": 1000])
        let line = try #require(run.of("result").first).bytes
        #expect(line.count < 1 << 20)
        #expect(line.count > 800_000)
        #expect(run.result?["total"] == 1000)
        #expect(run.result?["truncated"] == true)
        #expect((400..<1000).contains(results(run).count))
        #expect(try search(scratch, "common", ["limit": 10]).result?["truncated"] == false)
    }

    @Test(
        arguments: [
            ("html", nil, ["one.html"]), ("markdown", nil, ["both.md"]), ("png", nil, []), (nil, "title", ["one.html"]),
            (nil, "headings", []), (nil, "text", ["both.md", "one.html", "two.txt"]), (nil, "none", []),
        ] as [(String?, String?, [String])])
    func typeAndPredicateNarrowAnIndexDown(type: String?, predicate: String?, documents: [String]) throws {
        let q = predicate == "title" ? "managers" : "manager"
        let run = try search(library(), q, ["type": JSON(type), "predicate": JSON(predicate)])
        #expect(found(run).sorted() == documents)
    }

    @Test func aSubjectOfAnIndexIsADocumentAndAllThatIsKnownOfIt() throws {
        let scratch = try library()
        try scratch.sh("touch -d 2020-02-29T12:00:00.5Z documents/deep/er/one.html")
        _ = try scratch.index()
        for subject in ["\(scratch.path)/documents/deep/er/one.html", "deep/er/one.html"] {
            let run = try scratch.run(
                "search.subject", ["subject": .string(subject), "index": .string(scratch.path + "/index.db")])
            #expect(run.result?["total"] == 1)
            let document = try #require(run.result?["documents"]?.array?.first)
            #expect(document["document"]?.string == "\(scratch.path)/documents/deep/er/one.html")
            #expect(
                document["properties"] == [
                    "path": "deep/er/one.html", "title": "Managers", "format": "html", "size": 66,
                    "modified": "2020-02-29T12:00:00.500Z", "headings": ["Heading alone"],
                    "text": "naïve manager\nHeading alone\n",
                ])
        }
    }

    /// As a character a slash with a combining mark behind it is another one.
    @Test func aDocumentIsFoundByItsPathHoweverItsNameBegins() throws {
        let scratch = try Scratch()
        try scratch.write("documents/\u{301}.txt", "text\n")
        _ = try scratch.index()
        for subject in ["\(scratch.path)/documents/\u{301}.txt", "\u{301}.txt"] {
            let run = try scratch.run(
                "search.subject", ["subject": .string(subject), "index": .string(scratch.path + "/index.db")])
            #expect(run.result?["total"] == 1, "\(subject)")
        }
    }

    @Test func aLongTextIsCutSoThatTheResultIsALine() throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir documents; yes 'a \"quoted\" line' | head -c 3000000 >documents/long.txt")
        _ = try scratch.index()
        let run = try scratch.run(
            "search.subject", ["subject": "long.txt", "index": .string(scratch.path + "/index.db")])
        #expect(run.result?["truncated"] == true)
        #expect(try #require(run.of("result").first).bytes.count < 1 << 20)
        #expect(run.result?["documents"]?.array?.first?["properties"]?["text"]?.string?.hasSuffix("…") ?? false)
    }

    @Test func whatIsAroundThePropertiesTakesRoomToo() {
        let sources = (0..<1000).map { number in
            var source = SubjectSource(document: "http://example.org/\(number)", depth: 1)
            source.add("http://e/\"p\"", ["@value": "1"])
            return source
        }
        var budget = 10_000
        let shown = sources.compactMap { $0.json(within: &budget) }
        #expect((50..<1000).contains(shown.count))
        #expect(JSON.array(shown).bytes.count < 10_100)
    }

    // MARK: A cache

    private func cache() throws -> Scratch {
        let scratch = try Scratch()
        try scratch.sh("mkdir web")
        let type = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
        let label = "http://www.w3.org/2000/01/rdf-schema#label"
        try scratch.write(
            "own/near.nt",
            """
            <http://e/anna> <\(label)> "Anna Ärmel" .
            <http://e/anna> <\(type)> <http://e/Person> .
            <http://e/anna> <http://e/note> "writes about gardens" .
            <http://e/anna> <http://e/sees> <http://w/far#x> .
            """)
        try scratch.write(
            "own/list.jsonld",
            #"[{"@id": "http://e/list", "@type": ["http://e/Thing"], "http://e/items": [{"@list": [{"@value": "roses"}, {"@value": 42}]}]}]"#
        )
        try scratch.write(
            "web/far.nt",
            """
            <http://e/anna> <http://e/note> "gardens, gardens and gardens of Armel" .
            <http://w/far#x> <\(type)> <http://e/Garden> .
            <http://w/far#x> <http://e/note> "gardens" .
            _:b <http://e/note> "nameless roses" .
            """)
        let run = try scratch.refresh(["depth": 1, "base": ["http://w/": .string(scratch.path + "/web")]])
        #expect(run.counts == "3 0 0 0 0")
        return scratch
    }

    private func searchCache(_ scratch: Scratch, _ q: String, _ more: JSONObject = [:]) throws -> Run {
        var more = more
        more["index"] = .null
        more["cache"] = [.string(scratch.path + "/cache.db")]
        return try search(scratch, q, more)
    }

    @Test func wordsThenDepthDecideTheOrderInACache() throws {
        let scratch = try cache()
        let run = try searchCache(scratch, "gardens armel")
        #expect(found(run) == ["near.nt", "far.nt"])
        #expect(results(run).map { $0["matched_words"] } == [2, 2])
        #expect(results(run).map { $0["depth"] } == [0, 1])
        // The farther one has more of it, and still comes after; one with more of the words comes before a nearer one.
        #expect(found(try searchCache(scratch, "gardens")) == ["near.nt", "far.nt"])
        #expect(
            found(try searchCache(scratch, "writes nameless gardens roses")) == ["far.nt", "near.nt", "list.jsonld"])
        #expect(results(run)[0]["subject"] == "http://e/anna")
        #expect(results(run)[1]["title"] == "Anna Ärmel")
    }

    @Test(
        arguments: [
            ("roses", [:], ["list.jsonld", "far.nt"]), ("42", [:], ["list.jsonld"]),
            ("\"gardens and gardens\"", [:], ["far.nt"]),
            ("gardens", ["type": "http://e/Garden"], ["far.nt"]), ("gardens", ["type": "Garden"], ["far.nt"]),
            ("gardens", ["type": "Person"], ["near.nt", "far.nt"]), ("roses", ["type": "Thing"], ["list.jsonld"]),
            ("gardens", ["type": "arden"], []), ("armel", ["predicate": "label"], ["near.nt"]),
            ("armel", ["predicate": "http://e/note"], ["far.nt"]), ("armel", ["predicate": "note"], ["far.nt"]),
            ("armel", ["predicate": "ote"], []), ("gardens", ["type": "Garden", "predicate": "note"], ["far.nt"]),
            ("gardens", ["type": "Thing"], []), ("gardens", ["type": "') OR (''='"], []), ("sees", [:], []),
        ] as [(String, JSONObject, [String])])
    func typeAndPredicateNarrowACacheDown(q: String, more: JSONObject, documents: [String]) throws {
        #expect(found(try searchCache(cache(), q, more)) == documents)
    }

    @Test func aSubjectOfACacheIsToldBySourceDocument() throws {
        let scratch = try cache()
        let run = try scratch.run(
            "search.subject", ["subject": "http://e/anna", "cache": .string(scratch.path + "/cache.db")])
        #expect(
            run.result == [
                "subject": "http://e/anna", "total": 2, "truncated": false,
                "documents": [
                    [
                        "document": .string("file://\(scratch.path)/own/near.nt"), "depth": 0,
                        "properties": [
                            "http://www.w3.org/2000/01/rdf-schema#label": [["@value": "Anna Ärmel"]],
                            "@type": ["http://e/Person"], "http://e/note": [["@value": "writes about gardens"]],
                            "http://e/sees": [["@id": "http://w/far#x"]],
                        ],
                    ],
                    [
                        "document": "http://w/far.nt", "depth": 1,
                        "properties": ["http://e/note": [["@value": "gardens, gardens and gardens of Armel"]]],
                    ],
                ],
            ])
    }

    @Test(arguments: ["http://e/nobody", "", "'", "%", "deep"])
    func aSubjectThatIsNotKnownIsAnEmptyResult(subject: String) throws {
        let scratch = try cache()
        try scratch.sh("mkdir documents")
        _ = try scratch.index()
        let run = try scratch.run(
            "search.subject",
            [
                "subject": .string(subject), "cache": .string(scratch.path + "/cache.db"),
                "index": [.string(scratch.path + "/index.db")],
            ])
        #expect(run.exit == 0)
        #expect(run.result?["documents"] == [])
        #expect(run.result?["total"] == 0)
    }

    @Test func indexesAndCachesAreSearchedTogether() throws {
        let scratch = try cache()
        try scratch.write("documents/a.txt", "gardens and roses and Ärmel")
        _ = try scratch.index()
        let run = try search(scratch, "gardens roses armel", ["cache": .string(scratch.path + "/cache.db")])
        #expect(found(run) == ["a.txt", "far.nt", "near.nt", "list.jsonld"])
        #expect(run.result?["total"] == 4)
    }

    // MARK: What is wrong

    @Test(
        arguments: [
            ("search", ["q": "a"], "params.index", "name at least one database"),
            ("search", ["index": "/x"], "params.q", "is missing"),
            ("search", ["q": "a", "index": "x"], "params.index", "must be an absolute path"),
            ("search", ["q": "a", "index": [5]], "params.index", "a path or a list of paths"),
            ("search", ["q": "a", "cache": 5], "params.cache", "a path or a list of paths"),
            ("search", ["q": "a", "index": "/x", "limit": 0], "params.limit", "from 1 to 1000"),
            ("search", ["q": "...", "index": "/x"], "params.q", "has no words"),
            ("search", ["query": "a", "index": "/x", "q": "b"], "params.query", "is not a known field"),
            ("search.subject", ["cache": "/x"], "params.subject", "is missing"),
            ("cache.refresh", ["roots": ["/x"]], "params.cache", "is missing"),
            ("cache.refresh", ["cache": "/x"], "params.roots", "is missing"),
            ("cache.refresh", ["cache": "/x", "roots": []], "params.roots", "is empty"),
            (
                "cache.refresh", ["cache": "/x", "roots": ["own"]], "params.roots",
                "neither an absolute path nor an IRI"
            ),
            ("cache.refresh", ["cache": "/x", "roots": "/y", "depth": -1], "params.depth", "from 0"),
            ("cache.refresh", ["cache": "/x", "roots": "/y", "base": ["/a"]], "params.base", "must be an object"),
            ("cache.refresh", ["cache": "/x", "roots": "/y", "base": ["a": "/b"]], "params.base", "no absolute IRI"),
            (
                "cache.refresh", ["cache": "/x", "roots": "/y", "base": ["http://a/": "b"]], "params.base",
                "the absolute path"
            ),
            ("cache.refresh", ["cache": "/x", "roots": "/y", "dept": 1], "params.dept", "did you mean `depth`?"),
            ("cache.upload", ["cache": "/x"], "params.target", "is missing"),
            ("documents.index", ["index": "/x"], "params.directory", "is missing"),
            ("documents.index", ["index": "/x", "directory": "/y", "path": "../z"], "params.path", "without \"..\""),
        ] as [(String, JSONObject, String, String)])
    func aWrongParamIsNamed(type: String, params: JSONObject, field: String, message: String) throws {
        let run = try Scratch().run(type, params)
        #expect(run.exit == 64)
        #expect(run.failure?["details"]?["field"]?.string == field)
        #expect(run.failure?["message"]?.string?.contains(message) == true, "\(run.failure?.text ?? "")")
    }

    @Test(arguments: [("index", "INDEX_MISSING"), ("cache", "CACHE_MISSING")])
    func aDatabaseThatIsNotThereIsToldWithTheRemedy(param: String, code: String) throws {
        let scratch = try Scratch()
        let run = try scratch.run("search", ["q": "a", (param): .string(scratch.path + "/none.db")] as JSONObject)
        #expect(run.exit == 1)
        #expect(run.failure?["code"]?.string == code)
        #expect(run.failure?["message"]?.string?.contains("first") ?? false)
        #expect(try scratch.sh("ls") == "")
    }
}
