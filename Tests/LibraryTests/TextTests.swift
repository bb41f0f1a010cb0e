import JSONText
import Testing

@testable import jobspool_library

@Suite struct TextTests {
    private func html(_ text: String) throws -> DocumentText { try TextFormat.html.extract(Array(text.utf8)) }

    @Test(arguments: [
        ("<p>One</p><p>two</p>", "One\ntwo"), ("na<b>ï</b>ve <i>x</i>y", "naïve xy"), ("a<br>b<hr/>c", "a\nb\nc"),
        ("a<script>if (a < b) x('</p>')</script>b<style>p > a {}</style>c", "abc"),
        ("<SCRIPT>x</SCRIPT>a<Style>y</sTYLE >b", "ab"), ("<script>never closed", ""),
        ("a<!-- <p>no</p> -->b<!-->c<!--->d<!-- x --!>e", "abcde"), ("<!DOCTYPE html><?xml?>a<!x>b", "ab"),
        ("caf&eacute; &#233; &#xE9; &#XE9; &amp;amp; &lt;p&gt; &hellip;", "café é é é &amp; <p> …"),
        ("&#128; &#0; &#xD800; &#99999999;", "€ \u{FFFD} \u{FFFD} \u{FFFD}"),
        ("AT&T &unknown; & &copy 2 &copy ?a=1&copy=2", "AT&T &unknown; & © 2 © ?a=1&copy=2"),
        ("a  \n\t b\u{A0}&nbsp;c", "a b c"), ("auto&shy;mo\u{AD}bile", "automobile"),
        ("1 < 2 and <3 a<b", "1 < 2 and <3 a"), ("<a title='>' href=\"x>y\">z</a>", "z"), ("<p title=it's>x</p>", "x"),
        ("<td>a</td><td>b</td>", "a\nb"), ("<ul><li>a<li>b</ul>", "a\nb"), ("a<![CDATA[ <b> ]]>c", "a <b> c"),
        ("<nav>menu <nav>inner</nav> more</nav>text", "text"),
        ("<div role='navigation'>a<div>b</div>c</div>d<div>e</div>", "d\ne"),
        ("<h2>Title<a class=\"headerlink\" href=\"#t\">¶</a></h2>x", "Title\nx"),
        ("<svg><title>no</title></svg>a<template><p>b</p></template>", "a"), ("", ""), ("<", "<"), ("</", ""),
        ("a</p", "a"),
        ("<p", ""), ("<img src=x>a<input>b", "a\nb"),
    ])
    func theTextOfHTMLIsWhatAReaderSees(source: String, text: String) throws {
        let found = try html(source).text.split(separator: "\n").joined(separator: "\n")
        #expect(found.trimmed == text.trimmed, "\(source)")
    }

    @Test func titleHeadingsAndPropertiesAreTaken() throws {
        let document = try html(
            """
            <html lang="en"><head><title> The
             <b>title</b> &mdash; x</title><meta name="Description" content="What it &amp; is"><meta name=author content=Anna>
            <meta name="viewport" content="width=1"></head>
            <body><h1>First <em>one</em></h1><p>text</p><h2>Second</h2><title>not this</title></body></html>
            """)
        #expect(document.title == "The <b>title</b> — x")
        #expect(document.headings == "First one\nSecond\n")
        #expect(document.text.split(separator: "\n") == ["First one", "text", "Second"])
        #expect(document.properties == ["language": "en", "description": "What it & is", "author": "Anna"])
        #expect(try html("<p>a</p><h1>Only a heading</h1>").title == "Only a heading")
    }

    @Test(
        arguments: [
            ("# Title #\n\ntext", "Title", "Title", "Title\n\ntext"),
            ("Title\n=====\nSub\n---\nx", "Title", "Title\nSub", "Title\nSub\nx"),
            ("a *b* **c** _d_ snake_case `e` ~~f~~", "a b c d snake_case e f", "", "a b c d snake_case e f"),
            (
                "[link](http://x.org/y) ![image](z.png) [ref][1] <https://q.org>\n\n[1]: http://r.org", nil, "",
                "link image ref https://q.org\n"
            ),
            ("> quote\n- item\n2. two\n* [ ] todo", nil, "", "quote\nitem\ntwo\ntodo"),
            ("```swift\nlet a_b = \"*x*\" # no heading\n```\nend", nil, "", "let a_b = \"*x*\" # no heading\nend"),
            ("---\ntitle: \"From the front\"\nauthor: Anna\n---\n# H", "From the front", "H", "H"),
            ("| a | b |\n|---|---|\n| c | d |", nil, "", nil),
            ("a <b>c</b> &amp; \\*d\\*<!-- e -->", nil, "", "a c & d"),
            ("#no heading\n####### seven", nil, "", "#no heading\n####### seven"),
        ] as [(String, String?, String, String?)])
    func markdownLosesItsMarkup(source: String, title: String?, headings: String, text: String?) throws {
        let document = try TextFormat.markdown.extract(Array(source.utf8))
        if let title { #expect(document.title == title) }
        #expect(document.headings == headings)
        if let text { #expect(document.text == text) }
    }

    /// In each of them something is looked for that never comes.
    @Test(.timeLimit(.minutes(1)), arguments: ["[", "[x](", "![x][", "<a ", "<https:", "<!--", "> ", "# ", "a: b"])
    func aLongLineTakesNoLongTime(mark: String) throws {
        let line = String(repeating: mark, count: 400_000 / mark.utf8.count)
        let document = try TextFormat.markdown.extract(Array("\(line)\n*end*".utf8))
        #expect(document.text == "\(line)\nend")
        let spaces = String(repeating: " ", count: 400_000)
        let matter = try TextFormat.markdown.extract(Array("---\na: b\(spaces)c\nd: e\n---\n".utf8))
        #expect(matter.properties == ["d": "e"])
    }

    @Test func jsonGivesItsStringsWithoutTheKeys() throws {
        let document = try TextFormat.json.extract(
            Array(#"{"name": "Ann\u0000a", "n": [1, true, null, {"key": "in\nside"}]}"#.utf8))
        #expect(document.text == "Ann a\nin\nside\n")
        #expect(document.title == "Ann a")
        #expect(try TextFormat.json.extract(Array("{\"a\": \"x\"}\n\n[\"y\"]\r\n".utf8)).text == "x\ny\n")
        for text in ["", "{", "{\"a\": 1}\nnope", "\n\n"] {
            let error = #expect(throws: TextError.self) { try TextFormat.json.extract(Array(text.utf8)) }
            #expect(error?.code == "NOT_JSON")
        }
    }

    @Test(arguments: [
        ("\n  \nFirst line\nsecond", "First line"), ("=====\nTitle\n=====", "Title"), ("", ""),
        (".. _label:\n\nReal title\n==========\n", "Real title"),
    ])
    func theFirstLineOfATextIsItsTitle(source: String, title: String) throws {
        #expect(try TextFormat.text.extract(Array(source.utf8)).title == title)
    }

    @Test(
        arguments: [
            ([0xEF, 0xBB, 0xBF, 0x61], "a"), ([0xFE, 0xFF, 0x00, 0xE9], "é"),
            ([0xFF, 0xFE, 0xE9, 0x00, 0x3D, 0xD8, 0x00, 0xDE], "é😀"),
            ([0xC3, 0xA9], "é"), ([], ""),
        ] as [([UInt8], String)])
    func aByteOrderMarkDecides(bytes: [UInt8], text: String) throws {
        #expect(try TextFormat.text.extract(bytes).text == text)
    }

    @Test(
        arguments: [
            ([0x61, 0xE9, 0x62], "no UTF-8 at byte 1"), ([0xC3, 0xA9, 0xC3], "no UTF-8 at byte 2"),
            ([0x61, 0x00], "it is no text: byte 1 is 0"), ([0xFF, 0xFE, 0x61], "begins as UTF-16"),
            ([0xFE, 0xFF, 0xD8, 0x00], "begins as UTF-16"),
        ] as [([UInt8], String)])
    func whatIsNoTextIsToldWithItsPlace(bytes: [UInt8], problem: String) {
        let error = #expect(throws: TextError.self) { try TextFormat.text.extract(bytes) }
        #expect(error?.code == "ENCODING")
        #expect(error?.message.contains(problem) ?? false, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        "<meta charset=\"ISO-8859-1\">", "<meta http-equiv=content-type content='text/html; charset=windows-1252'>",
        "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>",
        "<script>'<meta charset=utf-8>'</script><meta charset=latin1>",
    ])
    func htmlMayDeclareItsEncoding(head: String) throws {
        let document = try TextFormat.html.extract(Array("\(head)<p>na".utf8) + [0xEF, 0x76, 0x65, 0x20, 0x80])
        #expect(document.text.trimmed == "naïve €")
    }

    @Test func anEncodingThatIsNotKnownIsToldByName() {
        let error = #expect(throws: TextError.self) { try html("<meta charset=\"shift_jis\">x") }
        #expect(error?.message.contains("shift_jis") ?? false)
    }

    @Test(
        arguments: [
            ("a/b.txt", .text), ("README.md", .markdown), ("x.HTML", .html), ("y.tar.json", .json), ("z", nil),
            (".txt", nil),
            ("a.txt/b", nil), ("c.png", nil), ("d.", nil), ("e.jsonl", .json),
        ] as [(String, TextFormat?)])
    func theSuffixOfANameIsTheFormat(path: String, format: TextFormat?) {
        #expect(TextFormat(path: path) == format)
    }
}

extension String {
    var trimmed: String {
        func isSpace(_ character: Character) -> Bool { character.isWhitespace }
        return String(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }
}
