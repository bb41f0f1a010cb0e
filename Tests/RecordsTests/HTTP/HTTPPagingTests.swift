import JSONText
import Testing

@testable import jobspool_records

extension HTTPTests {
    @Suite struct PagingTests {
        @Test func onePageIsOneRequest() async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, _ in .json(items(1..<4)) }
            let run = try await scratch.runHere(scratch.api("\(server.url)/items"))
            #expect(run.counts == "3 0 0 0 0", "\(run.everything)")
            #expect(server.targets == ["/items"])
            #expect(try scratch.sql("SELECT id, name FROM t ORDER BY id") == "1|item 1\n2|item 2\n3|item 3")
        }

        @Test func twoArraysOfOneAddressHaveBookmarksOfTheirOwn() async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, _ in
                .json(#"{"new": [{"id": 1, "n": 20}], "old": [{"id": 2, "n": 10}]}"#)
            }
            for array in ["new", "old"] {
                let run = try await scratch.runHere(
                    scratch.api(server.url, ["array": .string(array)], ["mode": "incremental", "cursor_field": "n"]))
                #expect(run.counts == "1 0 0 0 0", "\(run.everything)")
            }
        }

        @Test func pagesAreReadUntilOneIsEmpty() async throws {
            let scratch = try Scratch()
            let server = try await TestServer { request, _ in
                let page = Int(request.query["p"] ?? "") ?? -1
                // A page shorter than was asked for is no end.
                return .json(#"{"data": {"items": \#(page < 4 ? items(page * 10..<page * 10 + 5) : "[]")}}"#)
            }
            let paging: JSON = ["style": "page", "param": "p", "limit_param": "size", "limit": 10]
            let run = try await scratch.runHere(
                scratch.api("\(server.url)/items?kind=a", ["array": "data.items", "paging": paging]))
            #expect(run.counts == "15 0 0 0 0", "\(run.everything)")
            #expect(
                server.targets == (1...4).map { "/items?kind=a&size=10&p=\($0)" })
        }

        @Test func skippingGoesByWhatCameAndTheTotalIsKnownEarly() async throws {
            let scratch = try Scratch()
            // The server has a limit of its own.
            let server = try await TestServer { request, _ in
                let skip = Int(request.query["skip"] ?? "") ?? -1
                return .json(#"{"total": 250, "items": \#(items(skip..<min(skip + 100, 250)))}"#)
            }
            let paging: JSON = ["style": "skip", "limit": 500, "total": "total"]
            let run = try await scratch.runHere(scratch.api(server.url, ["array": "items", "paging": paging]))
            #expect(run.counts == "250 0 0 0 0", "\(run.everything)")
            #expect(
                server.targets == ["/?limit=500&skip=0", "/?limit=500&skip=100", "/?limit=500&skip=200"])
            #expect(run.logs.contains("Found 250 records to process"))
            #expect(run.of("progress").first?["total"] == 250)
        }

        @Test func aCursorIsFollowedToItsEnd() async throws {
            let scratch = try Scratch()
            let server = try await TestServer { request, number in
                #expect(request.query["after"] == [nil, "a%2Fb%20c%26", "9"][number - 1])
                let next = [#""a/b c&""#, "9", "null"][number - 1]
                return .json(#"{"meta": {"next": \#(next)}, "items": \#(items(number * 3..<number * 3 + 3))}"#)
            }
            let paging: JSON = ["style": "cursor", "param": "after", "next": "meta.next"]
            let run = try await scratch.runHere(scratch.api(server.url, ["array": "items", "paging": paging]))
            #expect(run.counts == "9 0 0 0 0", "\(run.everything)")
            #expect(server.requests.count == 3)
        }

        @Test func linkHeadersAndNextLinksAreFollowed() async throws {
            let scratch = try Scratch()
            let server = try await TestServer { request, _ in
                let page = Int(request.query["page"] ?? "1") ?? -1
                let next = page < 3 ? "/items?page=\(page + 1)" : nil
                let link = (next.map { #"<\#($0)>; rel="next", "# } ?? "") + #"</items>; rel="first""#
                let body = items(page * 10..<page * 10 + 2)
                return request.path == "/body"
                    ? .json(
                        #"{"items": \#(body), "links": {"next": \#(JSON(next.map { "/body\($0.dropFirst(6))" }).text)}}"#
                    )
                    : .json(body, ["Link": link, "X-Total-Count": "6"])
            }
            let byLink = try await scratch.runHere(
                scratch.api("\(server.url)/items", ["paging": ["style": "link", "total_header": "x-total-count"]]))
            #expect(byLink.counts == "6 0 0 0 0", "\(byLink.everything)")
            #expect(byLink.logs.contains("Found 6 records to process"))
            let byNext = try await scratch.runHere(
                scratch.api(
                    "\(server.url)/body", ["array": "items", "paging": ["style": "next", "next": "links.next"]]))
            #expect(byNext.counts == "0 0 6 0 0", "\(byNext.everything)")
            #expect(
                server.targets == [
                    "/items", "/items?page=2", "/items?page=3", "/body", "/body?page=2", "/body?page=3",
                ])
        }

        @Test(
            arguments: [
                // The same records for ever, under ever new addresses.
                ("content", ["style": "page"], "has the records of page 1"),
                // The same cursor for ever, with ever new records.
                ("address", ["style": "cursor", "next": "next"], "has the address of an earlier page"),
            ] as [(String, JSON, String)])
        func aPageThatComesTwiceEndsTheJob(_ kind: String, _ paging: JSON, _ message: String) async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, number in
                .json(
                    #"{"next": "same", "items": \#(kind == "content" ? items(1..<4) : items(number * 5..<number * 5 + 3))}"#
                )
            }
            let run = try await scratch.runHere(scratch.api(server.url, ["array": "items", "paging": paging]))
            #expect(run.exit == 1)
            #expect(run.code == "PAGINATION_LOOP")
            #expect(run.message.contains(message), "\(run.message)")
            #expect(server.requests.count <= 3)
        }

        @Test func aLimitEndsEndlessPages() async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, number in .json(items(number * 10..<number * 10 + 10)) }
            let run = try await scratch.runHere(
                scratch.api(server.url, ["paging": "page"], ["limit": 35]))
            #expect(run.counts == "35 0 0 0 0", "\(run.everything)")
            #expect(server.requests.count == 4)
        }

        @Test(arguments: [(#""total": 9"#, "total", "total"), (#""has_more": true"#, "more", "has_more")])
        func anEmptyPageIsNoEndWhileThereAreMore(says: String, param: String, path: String) async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, number in
                .json(#"{\#(says), "items": \#(number == 1 ? items(0..<3) : "[]")}"#)
            }
            let paging: JSON = .object(["style": "page", param: .string(path)])
            let run = try await scratch.runHere(scratch.api(server.url, ["array": "items", "paging": paging]))
            #expect(run.code == "PAGES_MISSING", "\(run.everything)")
            #expect(run.exit == 75)
        }

        @Test(
            arguments: [
                ["style": "cursor", "total": "total"], ["style": "cursor", "more": "has_more"],
                ["style": "next", "total": "total"],
            ] as [JSON])
        func aNextPageThatIsNamedElsewhereIsAClearError(_ paging: JSON) async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, _ in
                .json(#"{"total": 9, "has_more": true, "meta": {"next_cursor": "x"}, "items": \#(items(0..<3))}"#)
            }
            let run = try await scratch.runHere(scratch.api(server.url, ["array": "items", "paging": paging]))
            #expect(run.code == "PAGES_MISSING", "\(run.everything)")
            #expect(run.message.contains("where a page names the next one"), "\(run.message)")
        }

        @Test(arguments: [
            ("<html>Log in</html>", "", "INVALID_JSON"), (#"{"items": [1}"#, "items", "INVALID_JSON"),
            (#"{"data": []}"#, "items", "RECORDS_MISSING"), (#"{"items": {}}"#, "items", "RECORDS_MISSING"),
            (#"{"items": []}"#, "", "RECORDS_MISSING"),
        ])
        func aBodyThatIsNoPageIsAClearError(_ body: String, _ array: String, _ code: String) async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, _ in .json(body) }
            let run = try await scratch.runHere(scratch.api(server.url, ["array": .string(array)]))
            #expect(run.code == code, "\(run.everything)")
            #expect(run.exit == 1)
            #expect(server.requests.count == 1)
        }

        @Test func elementsThatAreNoRecordsAreItemErrors() async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, _ in .json(#"[{"id": 1}, 7, {"id": 2}, {"id": 2}]"#) }
            let run = try await scratch.runHere(scratch.api(server.url))
            #expect(run.counts == "2 0 0 0 2", "\(run.everything)")
            #expect(run.itemErrors == ["record 2 NOT_AN_OBJECT", "2 DUPLICATE_KEY"])
        }

        @Test func aBookmarkIsAskedFor() async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, number in
                .json(#"[{"id": 1, "at": "2024-05-01T00:00:00Z"}, {"id": \#(number), "at": "2024-05-02T00:00:00Z"}]"#)
            }
            let params = scratch.api(
                "\(server.url)/items", ["since_param": "updated_since"],
                ["mode": "incremental", "cursor_field": "at", "lookback_seconds": 60, "key": ["id", "at"]])
            for _ in 0..<2 { #expect(try await scratch.runHere(params).exit == 0) }
            #expect(server.targets == ["/items", "/items?updated_since=2024-05-01T23%3A59%3A00Z"])
        }

        @Test func aForgottenPagingIsAClearError() async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, _ in .json(items(1..<3), ["Link": "</items?page=2>; rel=next"]) }
            let run = try await scratch.runHere(scratch.api(server.url))
            #expect(run.code == "PAGES_MISSING", "\(run.everything)")
            #expect(try await scratch.runHere(scratch.api(server.url, ["paging": "none"])).counts == "2 0 0 0 0")
        }

        @Test func aTotalMayBeAnyNumber() async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, number in
                number == 1
                    ? .json(#"{"total": \#(Int.max), "next": "/2", "items": \#(items(1..<4))}"#)
                    : .json(#"{"total": 3, "items": []}"#)
            }
            let paging: JSON = ["style": "next", "total": "total"]
            let run = try await scratch.runHere(scratch.api(server.url, ["array": "items", "paging": paging]))
            #expect(run.counts == "3 0 0 0 0", "\(run.everything)")
            #expect(run.logs.contains("Found \(Int.max) records to process"))
        }

        @Test func noContentIsAnEmptyPage() async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, number in
                number == 1 ? .json(items(1..<3)) : .raw("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            }
            let run = try await scratch.runHere(scratch.api(server.url, ["paging": "page"]))
            #expect(run.counts == "2 0 0 0 0", "\(run.everything)")
        }
    }
}
