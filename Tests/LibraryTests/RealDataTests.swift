import Glibc
import JSONText
import Testing

/// The library reference of Python, from Debian's package python3.11-doc: what it is found by, and what is known of its pages.
@Suite struct RealDataTests {
    private let manual = "/usr/share/doc/python3.11/html"

    init() throws {
        try #require(
            access("\(manual)/library/contextlib.html", R_OK) == 0,
            "\(manual) is missing: apt-get install python3.11-doc")
    }

    /// The pages that a search finds, best first, by their file names.
    private func pages(_ scratch: Scratch, _ q: String) throws -> [String] {
        let run = try scratch.run("search", ["q": .string(q), "index": .string(scratch.path + "/index.db")])
        #expect(run.exit == 0, "\(run.failure?.text ?? run.errors)")
        return (run.result?["results"]?.array ?? []).compactMap {
            $0["document"]?.string?.split(separator: "/").last.map(String.init)
        }
    }

    @Test func theManualOfPythonIsFoundByWhatPeopleLookFor() throws {
        let scratch = try Scratch()
        let params: JSONObject = [
            "index": .string(scratch.path + "/index.db"), "directory": .string(manual), "path": "library",
        ]
        let count = try #require(Int(scratch.sh("find \(manual)/library -type f -name '*.html' | wc -l").trimmed))
        #expect(try scratch.run("documents.index", params).counts == "\(count) 0 0 0 0")
        #expect(try scratch.run("documents.index", params).counts == "0 0 \(count) 0 0")

        // The page about them comes first; what only mentions them comes after.
        let managers = try pages(scratch, "\"context manager\"")
        #expect(managers.first == "contextlib.html")
        // A phrase is not its words: this page has the one and the other.
        #expect(!managers.contains("cgitb.html"))
        #expect(try pages(scratch, "context manager").contains("cgitb.html"))
        let timeouts = try pages(scratch, "asyncio timeout")
        #expect(timeouts.first == "asyncio-task.html")
        #expect(timeouts.prefix(5).allSatisfy { $0.hasPrefix("asyncio") })
        #expect(try pages(scratch, "naïve").first == "datetime.html")
        #expect(try pages(scratch, "naïve") == pages(scratch, "NAIVE"))
        #expect(try pages(scratch, "json").first == "json.html")
        #expect(try pages(scratch, "sqlite3 connection").first == "sqlite3.html")
        #expect(try pages(scratch, "Schadenfreude") == [])

        let subject = try scratch.run(
            "search.subject",
            ["subject": "library/contextlib.html", "index": .string(scratch.path + "/index.db")])
        let known = try #require(subject.result?["documents"]?.array?.first?["properties"])
        #expect(subject.result?["truncated"] == false)
        let title = "contextlib — Utilities for with-statement contexts — Python 3.11"
        #expect(known["title"]?.string?.hasPrefix(title) == true)
        #expect(known["format"] == "html")
        #expect(try known["size"]?.int == Int(scratch.sh("stat -c %s \(manual)/library/contextlib.html").trimmed))
        #expect(
            try (known["modified"]?.string?.prefix(19)).map(String.init)
                == scratch.sh("date -u -d @$(stat -c %Y \(manual)/library/contextlib.html) +%Y-%m-%dT%H:%M:%S").trimmed
        )
        // Every heading of the text, as another reader of HTML sees them.
        let headings = try scratch.python(
            """
            import html.parser
            class Reader(html.parser.HTMLParser):
                sections, level, text, found = 0, None, '', []
                def handle_starttag(self, tag, attrs):
                    if tag == 'section': self.sections += 1
                    if self.sections and tag in ('h1', 'h2', 'h3', 'h4', 'h5', 'h6'): self.level, self.text = tag, ''
                def handle_endtag(self, tag):
                    if tag == 'section': self.sections -= 1
                    if tag == self.level:
                        self.found.append(' '.join(self.text.rstrip('¶').split()))
                        self.level = None
                def handle_data(self, data):
                    if self.level: self.text += data
            reader = Reader()
            reader.feed(open('\(manual)/library/contextlib.html', encoding='utf-8').read())
            print(*reader.found, sep='\\n')
            """
        ).split(separator: "\n").map(String.init)
        #expect((known["headings"]?.array ?? []).compactMap(\.string) == headings)
        #expect(headings.contains { $0.contains("Single use, reusable and reentrant context managers") })
        let text = try #require(known["text"]?.string)
        #expect(text.contains("This function is a decorator that can be used to define a factory function"))
        #expect(!text.contains("<p>"))
    }
}
