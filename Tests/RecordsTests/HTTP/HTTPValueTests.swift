import JSONText
import Testing

@testable import jobspool_records

extension HTTPTests {
    @Suite struct ValueTests {
        @Test(
            arguments: [
                (1, nil, 1, 0.5), (2, nil, 1, 1.5), (3, nil, 1, 4.5), (4, nil, 1, 13.5), (5, nil, 1, 30),
                (6, nil, 1, nil),
                (5, nil, 0.5, 15), (1, nil, 0, 0), (1, 10, 1, 10), (1, 500, 1, 120), (5, 1, 1, 30), (6, 1, 1, nil),
            ] as [(Int, Double?, Double, Double?)])
        func delaysGrowAndServersAreHeeded(_ retry: Int, _ wish: Double?, _ chance: Double, _ delay: Double?) {
            #expect(RetryPolicy.delay(retry: retry, wish: wish, chance: chance) == delay)
        }

        @Test(arguments: [
            (200, false), (400, false), (401, false), (404, false), (408, true), (425, false), (429, true), (500, true),
            (503, true), (599, true), (600, false),
        ])
        func someStatusesMayPass(_ status: UInt, _ passes: Bool) {
            #expect(RetryPolicy.isPassing(status: status) == passes)
        }

        @Test(
            arguments: [
                ("120", 120), (" 5 ", 5), ("0", 0), ("99999999999999999999999", 1e23), ("", nil), ("-1", nil),
                ("1.5", nil),
                ("1 2", nil),
                // The three forms of RFC 9110, of one moment.
                ("Sun, 06 Nov 1994 08:49:37 GMT", 37), ("Sunday, 06-Nov-94 08:49:37 GMT", 37),
                ("Sun Nov  6 08:49:37 1994", 37),
                // It is over.
                ("Sun, 06 Nov 1994 08:48:37 GMT", 0), ("Fri, 01 Mar 2024 00:00:00 GMT", 925_139_460),
                ("Sun, 06 Nov 1994 08:49:37 CET", nil), ("Sun, 06 Nov 1994 25:49:37 GMT", nil),
                ("Sun, 46 Nov 1994 08:49:37 GMT", nil),
            ] as [(String, Double?)])
        func retryAfterIsSecondsOrADate(_ text: String, _ seconds: Double?) {
            #expect(RetryAfter.seconds(text, now: 784_111_740) == seconds)
        }

        @Test(
            arguments: [
                (#"<https://a.b/?page=2>; rel="next""#, "https://a.b/?page=2"), (#"</a,b;c>;rel=next"#, "/a,b;c"),
                (#"<a>; rel="prev", <b>; rel="next last""#, "b"), (#"<a>; title="x, <y>; rel=next"; rel=prev"#, nil),
                (#"<a>; rel="prev"; rel="next""#, nil), (#"<a>; REL="NEXT""#, "a"), (#"<a>; x="\"q\""; rel=next"#, "a"),
                ("<a", nil), ("", nil), ("nonsense", nil), (#"<a>;;rel=next"#, "a"), (#"<a>; rel = "next""#, "a"),
            ] as [(String, String?)])
        func linkHeadersAreRead(_ header: String, _ next: String?) {
            #expect(LinkHeader.next([header]) == next)
        }

        @Test func aLinkMayBeInALaterHeader() {
            #expect(LinkHeader.next(["<a>; rel=prev", "<b>; rel=next"]) == "b")
        }

        @Test(
            arguments: [
                ("https://Example.com/a?b=c", "https://example.com/a?b=c"), ("http://a", "http://a/"),
                ("http://a:80/", "http://a/"), ("https://a:80/", "https://a:80/"),
                ("http://[::1]:8080/x", "http://[::1]:8080/x"),
                ("http://u@a/", nil), ("http://u:p@a/", nil), ("http:///x", nil), ("file:///x", nil), ("/x", nil),
                ("", nil),
                ("http://a b/", nil), ("http://a/ b", nil), ("http://a/\r\nX: y", nil), ("http://a:99999/", nil),
            ] as [(String, String?)])
        func addressesAreTakenApart(_ text: String, _ canonical: String?) {
            #expect(WebAddress(text)?.text == canonical)
        }

        @Test func addressesShowNoValues() throws {
            let address = try #require(WebAddress("https://a/b?key=secret&page=2&flag"))
            #expect(address.shown(with: ["page"]) == "https://a/b?key=…&page=2&…")
            #expect(address.name.hasPrefix("https://a/b?key=…&page=…&…#"))
            #expect(address.name != address.setting("key", to: "other").name)
            #expect(address.setting("page", to: "ä &").text == "https://a/b?key=secret&flag&page=%C3%A4%20%26")
            #expect(address.resolving("../c?d#e")?.text == "https://a/c?d")
            #expect(address.resolving("//x/y")?.text == "https://x/y")
            #expect(address.resolving("?p=3")?.text == "https://a/b?p=3")
            #expect(address.resolving("mailto:x") == nil)
        }

        @Test func pagesAreTakenApart() throws {
            let text =
                #"{"a": "[1]", "d\u0061ta": {"x": [3], "items": [ {"n": "]}"} , [1], "s", 1.5e3, null ], "total": 5}, "z": 1}"#
            var page = try PageBody(Array(text.utf8), array: ["data", "items"])
            var batch = RecordBatch(limit: 10)
            let parser = JSONRecordParser(LayoutCache())
            #expect(page.count == 5)
            while !page.isDone { page.appendNext(at: Place(number: page.done + 1), to: &batch, parser) }
            #expect(try JSON.object(batch.object(0)).text == #"{"n":"]}"}"#)
            #expect((1..<5).allSatisfy { batch.problem($0)?.code == "NOT_AN_OBJECT" })
            var other = try PageBody(Array("\u{FEFF}[1, 2,{\"a\": 3}]".utf8), array: [])
            other.skip(2)
            other.appendNext(at: Place(number: 3), to: &batch, parser)
            #expect(try JSON.object(batch.object(5)).text == #"{"a":3}"#)
            #expect(page.envelope.at(["data", "total"]) == 5)
            #expect(page.envelope.at(["data", "items"]) == [])
            #expect(try PageBody(Array(" [ ] ".utf8), array: []).isDone)
            #expect(try PageBody(Array(#"{"items": null}"#.utf8), array: ["items"]).isDone)
        }

        /// Every beginning of a page is known to be one.
        @Test func pagesThatAreCutOffAreFound() throws {
            let text = Array(#"{"data": {"items": [{"n": "x\""}, [1], true], "total": 5}}"#.utf8)
            for end in 0..<text.count {
                do {
                    _ = try PageBody(Array(text[..<end]), array: ["data", "items"])
                    Issue.record("\(end) bytes were taken for a page")
                } catch {
                    if case .truncated = error { continue }
                    Issue.record("\(end) bytes: \(error)")
                }
            }
        }

        @Test(arguments: [
            PageMark.first, .page(0), .skip(200), .cursor("a\"b"), .address("https://a/?b=c"),
        ])
        func positionsAreKept(_ mark: PageMark) throws {
            let position = SourcePosition(mark: mark, done: 3, hash: [0, 255], countBefore: 7, number: 2, total: 9)
            #expect(SourcePosition(try JSON(parsing: position.json.text)) == position)
        }

        /// What a page says, and what is read next.
        @Test(
            arguments: [
                (["style": "page"], .first, 3, "{}", .mark(.page(2))), (["style": "page"], .page(7), 0, "{}", .end),
                (["style": "page", "first": 0], .first, 3, "{}", .mark(.page(1))),
                (["style": "page", "pages": "p"], .page(2), 3, #"{"p": 3}"#, .mark(.page(3))),
                (["style": "page", "pages": "p"], .page(3), 3, #"{"p": 3}"#, .end),
                (["style": "page", "pages": "p", "first": 0], .page(2), 3, #"{"p": "3"}"#, .end),
                (["style": "page", "more": "m"], .first, 3, #"{"m": false}"#, .end),
                (["style": "page", "more": "m"], .first, 3, #"{"m": true}"#, .mark(.page(2))),
                (["style": "page", "total": "t"], .first, 3, #"{"t": 3}"#, .end),
                (["style": "skip"], .skip(10), 3, "{}", .mark(.skip(13))),
                (["style": "skip"], .first, 3, "{}", .mark(.skip(3))),
                (["style": "skip", "total": "t.n"], .skip(0), 3, #"{"t": {"n": "4"}}"#, .mark(.skip(3))),
                (["style": "cursor"], .first, 0, #"{"next_cursor": 17}"#, .mark(.cursor("17"))),
                (["style": "cursor"], .first, 3, #"{"next_cursor": ""}"#, .end),
                (["style": "cursor"], .first, 3, "{}", .end),
                (["style": "cursor", "more": "m"], .first, 3, #"{"next_cursor": "x", "m": false}"#, .end),
                (["style": "next"], .first, 3, #"{"next": null}"#, .end),
                (["style": "next"], .first, 3, #"{"next": "/x"}"#, .mark(.address("/x"))),
                (["style": "link"], .first, 3, #"{"next": "/x"}"#, .end), (["style": "none"], .first, 3, "{}", .end),
            ] as [(JSON, PageMark, Int, String, Paging.Next)])
        func theNextPageFollowsFromThisOne(
            _ style: JSON, _ mark: PageMark, _ count: Int, _ body: String, _ next: Paging.Next
        ) throws {
            let paging = try Paging(style, of: JSONFields([:]))
            let facts = PageFacts(count: count, countSoFar: count, envelope: try JSON(parsing: body))
            #expect(paging.next(after: mark, facts) == next)
        }

        /// Ends of which the API itself says that they are none; the least total counts, for some are deleted and others come.
        @Test(
            arguments: [
                (["style": "page", "more": "m"], 0, #"{"m": true}"#, nil, true),
                (["style": "skip", "more": "m"], 0, #"{"m": true}"#, nil, true),
                (["style": "page", "total": "t", "more": "m"], 3, #"{"t": 4, "m": false}"#, nil, true),
                (["style": "page", "total": "t", "pages": "p"], 3, #"{"t": 4, "p": 1}"#, nil, true),
                (["style": "none", "total": "t"], 3, #"{"t": 4}"#, nil, true),
                (["style": "cursor", "more": "m"], 3, #"{"m": true}"#, nil, true),
                (["style": "cursor", "total": "t"], 3, #"{"t": 4}"#, nil, true),
                (["style": "cursor", "total": "t"], 3, "{}", 4, true),
                (["style": "cursor", "total": "t"], 3, #"{"t": 3}"#, 4, false),
                (["style": "cursor", "total": "t"], 3, #"{"t": 5}"#, 3, false),
                (["style": "next", "total": "t"], 3, #"{"t": 4}"#, nil, true),
                (["style": "next", "more": "m", "next": "l.n"], 3, #"{"m": true, "l": {"n": null}}"#, nil, true),
                (["style": "next", "more": "m"], 3, #"{"m": false, "next": "/x"}"#, nil, false),
                (["style": "link", "total_header": "X"], 3, "{}", nil, true),
            ] as [(JSON, Int, String, Int?, Bool)])
        func anEndBeforeTheEndIsToldApart(
            _ style: JSON, _ count: Int, _ body: String, _ least: Int?, _ isContradiction: Bool
        ) throws {
            let paging = try Paging(style, of: JSONFields([:]))
            let facts = PageFacts(
                count: count, countSoFar: count, envelope: try JSON(parsing: body),
                totalHeader: style["total_header"].map { _ in "4" },
                leastTotal: least)
            switch paging.next(after: .first, facts) {
            case .end: #expect(!isContradiction)
            case .contradiction: #expect(isContradiction)
            case .mark(let mark): Issue.record("\(mark)")
            }
        }
    }
}
