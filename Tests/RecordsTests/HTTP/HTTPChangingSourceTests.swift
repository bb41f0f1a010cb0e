import JSONText
import Synchronization
import Testing

/// An API whose records are deleted and changed while it is read: each test fails where one of those that stay is missed.
extension HTTPTests {
    @Suite struct ChangingSourceTests {
        private struct Item {
            var id: Int
            var at: Int
        }

        /// Pages of ten, in the order of `at`, by number or by what is skipped.
        private final class Catalogue: Sendable {
            private let state: Mutex<(items: [Item], change: (page: Int, body: @Sendable (inout [Item]) -> Void)?)>

            init(_ count: Int) {
                state = Mutex((items: (0..<count).map { Item(id: $0, at: $0) }, change: nil))
            }

            func change(_ body: (inout [Item]) -> Void) { state.withLock { body(&$0.items) } }

            /// Once, right after the page was given away.
            func change(after page: Int, _ body: @escaping @Sendable (inout [Item]) -> Void) {
                state.withLock { $0.change = (page, body) }
            }

            func answer(_ request: TestServer.Request) -> TestServer.Answer {
                state.withLock { state in
                    let since = request.query["since"].flatMap { Int($0) } ?? 0
                    let all = state.items.filter { $0.at >= since }.sorted { $0.at < $1.at }
                    let first =
                        request.query["skip"].flatMap { Int($0) } ?? ((Int(request.query["page"] ?? "") ?? 1) - 1) * 10
                    let page = all.dropFirst(first).prefix(10).map { #"{"id": \#($0.id), "at": \#($0.at)}"# }
                    if let change = state.change, first == (change.page - 1) * 10 {
                        change.body(&state.items)
                        state.change = nil
                    }
                    return .json(#"{"total": \#(all.count), "items": [\#(page.joined(separator: ", "))]}"#)
                }
            }
        }

        /// The fourth page is not to be had, until it is over.
        private final class Outage: Sendable {
            private let isOver = Mutex(false)

            func end() { isOver.withLock { $0 = true } }

            func answer(_ request: TestServer.Request, _ catalogue: Catalogue) -> TestServer.Answer {
                request.query["page"] == "4" && !isOver.withLock(\.self) ? .status(503) : catalogue.answer(request)
            }
        }

        private func params(
            _ scratch: Scratch, _ server: TestServer, _ paging: JSON, _ more: JSONObject, since: Bool = false
        ) -> JSONObject {
            var source: JSONObject = ["array": "items", "paging": paging]
            if since { source["since_param"] = "since" }
            return scratch.api(server.url, source, more)
        }

        private func ids(_ scratch: Scratch) throws -> [Int] {
            try scratch.sql("SELECT id FROM t ORDER BY id").split(separator: "\n").compactMap { Int($0) }
        }

        static let pagings: [JSON] = [
            "page", "skip", ["style": "page", "total": "total"], ["style": "skip", "total": "total"],
        ]

        @Test(arguments: pagings)
        func aMirrorDeletesNoRecordThatSlidOntoAPageThatWasRead(_ paging: JSON) async throws {
            let (scratch, catalogue) = (try Scratch(), Catalogue(30))
            let server = try await TestServer { request, _ in catalogue.answer(request) }
            let mirror = params(scratch, server, paging, ["mode": "mirror"])
            #expect(try await scratch.runHere(mirror).counts == "30 0 0 0 0")
            catalogue.change(after: 1) { $0.removeAll { $0.id == 5 } }
            let run = try await scratch.runHere(mirror)
            #expect(run.counts == "0 0 30 0 0", "\(run.everything)")
            #expect(run.logs.contains("Page 1 has changed meanwhile: 1 records on it are new"))
            #expect(try await scratch.runHere(mirror).counts == "0 0 29 1 0")
            #expect(try ids(scratch) == (0..<30).filter { $0 != 5 })
        }

        /// The changed record goes to the end; all that came after it take the place before theirs.
        @Test(arguments: pagings)
        func aBookmarkPassesNoRecordThatSlidOntoAPageThatWasRead(_ paging: JSON) async throws {
            let (scratch, catalogue) = (try Scratch(), Catalogue(30))
            let server = try await TestServer { request, _ in catalogue.answer(request) }
            let incremental = params(
                scratch, server, paging, ["mode": "incremental", "cursor_field": "at"], since: true)
            for id in 1...2 {
                catalogue.change(after: 1) { items in items[id].at = 100 + id }
                _ = try await scratch.runHere(incremental, jobID: "job-\(id)")
            }
            #expect(try await scratch.runHere(incremental, jobID: "job-3").exit == 0)
            #expect(try ids(scratch) == Array(0..<30))
            #expect(try scratch.sql("SELECT at FROM t WHERE id IN (1, 2)") == "101\n102")
        }

        @Test func aPageThatSlidAwayAsAWholeEndsTheJob() async throws {
            let (scratch, catalogue) = (try Scratch(), Catalogue(50))
            let server = try await TestServer { request, _ in catalogue.answer(request) }
            let mirror = params(scratch, server, "page", ["mode": "mirror", "max_delete_percent": 100])
            #expect(try await scratch.runHere(mirror).counts == "50 0 0 0 0")
            catalogue.change(after: 2) { $0.removeAll { $0.id < 25 } }
            let run = try await scratch.runHere(mirror, jobID: "job-1")
            #expect(run.code == "PAGES_UNSTEADY", "\(run.everything)")
            #expect(run.exit == 75)
            #expect(try ids(scratch).count == 50)
            #expect(try await scratch.runHere(mirror, jobID: "job-1").counts == "0 0 25 25 0")
        }

        @Test func pagesThatAreNeverTheSameEndTheJob() async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, number in .json(items(number * 9..<number * 9 + 10)) }
            let mirror = scratch.api(server.url, ["paging": "page"], ["mode": "mirror"])
            let run = try await scratch.runHere(mirror)
            #expect(run.code == "PAGES_UNSTEADY", "\(run.everything)")
            #expect(server.requests.count < 50)
        }

        @Test(arguments: ["full", "incremental"])
        func aJobThatGoesOnAtTheEndOfAPageSeesWhatWasDeletedBefore(mode: String) async throws {
            let (scratch, catalogue, outage) = (try Scratch(), Catalogue(40), Outage())
            let server = try await TestServer { request, _ in outage.answer(request, catalogue) }
            let params = params(scratch, server, "page", ["mode": .string(mode), "batch_size": 10])
            #expect(try await scratch.runHere(params, jobID: "job-1").exit == 75)
            #expect(try ids(scratch).count == 30)
            catalogue.change { $0.removeAll { $0.id == 5 } }
            outage.end()
            let run = try await scratch.runHere(params, jobID: "job-1")
            #expect(run.logs.contains("Page 3 has changed: reading from the beginning"))
            #expect(try ids(scratch) == Array(0..<40), "\(run.everything)")
        }

        @Test func aJobThatGoesOnAtTheEndOfAPageReadsOnlyThatAgain() async throws {
            let (scratch, catalogue, outage) = (try Scratch(), Catalogue(40), Outage())
            let server = try await TestServer { request, _ in outage.answer(request, catalogue) }
            let params = params(scratch, server, "page", ["batch_size": 10])
            #expect(try await scratch.runHere(params, jobID: "job-1").exit == 75)
            outage.end()
            let asked = server.requests.count
            let run = try await scratch.runHere(params, jobID: "job-1")
            #expect(run.counts == "40 0 0 0 0", "\(run.everything)")
            #expect(server.requests[asked...].map { $0.query["page"] } == ["3", "4", "5"])
        }

        /// An earlier version kept the next page alone at the end of one: it may be another by now.
        @Test func whatAnEarlierVersionKeptAtTheEndOfAPageIsReadAgain() async throws {
            let (scratch, catalogue, outage) = (try Scratch(), Catalogue(40), Outage())
            let server = try await TestServer { request, _ in outage.answer(request, catalogue) }
            let params = params(scratch, server, "page", ["batch_size": 10])
            #expect(try await scratch.runHere(params, jobID: "job-1").exit == 75)
            try scratch.sql(
                """
                UPDATE _jobspool_syncs SET state = json_set(state, '$.reached.position',
                    json('{"mark": {"page": 4}, "done": 0, "hash": [], "before": 30, "page": 3}'))
                """)
            catalogue.change { $0.removeAll { $0.id == 5 } }
            outage.end()
            #expect(try await scratch.runHere(params, jobID: "job-1").exit == 0)
            #expect(try ids(scratch) == Array(0..<40))
        }

        /// The pages have become fewer, or a cursor has expired.
        @Test(arguments: [400, 404, 410, 422])
        func aJobWhosePageIsNotThereAnyMoreBeginsAnew(_ status: Int) async throws {
            let (scratch, catalogue) = (try Scratch(), Catalogue(40))
            let attempt = Mutex(1)
            let server = try await TestServer { request, _ in
                let isFirst = attempt.withLock { $0 } == 1
                switch request.query["page"] {
                case "3" where !isFirst: return .status(status)
                case "4" where isFirst: return .status(503)
                default: return catalogue.answer(request)
                }
            }
            let params = params(scratch, server, ["style": "page", "total": "total"], ["batch_size": 10])
            #expect(try await scratch.runHere(params, jobID: "job-1").exit == 75)
            attempt.withLock { $0 = 2 }
            catalogue.change { $0.removeAll { $0.id < 20 } }
            let run = try await scratch.runHere(params, jobID: "job-1")
            #expect(run.exit == 0, "\(run.everything)")
            #expect(try ids(scratch) == Array(0..<40))
        }
    }
}
