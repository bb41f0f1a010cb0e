import Glibc
import JSONText
import Synchronization
import Testing

@testable import jobspool_records

extension HTTPTests {
    @Suite struct RetryTests {
        /// What goes wrong once, and the reason that is told.
        static let troubles: [(TestServer.Answer, String)] = [
            (.status(408), "HTTP 408"), (.status(429), "HTTP 429"), (.status(500), "HTTP 500"),
            (.status(503), "HTTP 503"),
            (.reset(""), "connection"),
            (.reset("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{"), "connection"),
            (.raw(""), "closed before the end"),
            (.raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{\"id\": 1}]"), "closed before the end"),
            (.raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[{\"id"), "closed before the end"),
            (
                .raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n[{\"id\": 1}]"),
                "ends inside its JSON"
            ),
            (.raw("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[{\"id\": 1}, {"), "ends inside its JSON"),
            (.raw("what is this\r\n\r\n"), "no HTTP"),
            (.silence("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n["), "silent"),
        ]

        @Test(arguments: troubles.indices)
        func whatMayPassIsTriedAgain(_ index: Int) async throws {
            let (trouble, reason) = Self.troubles[index]
            let scratch = try Scratch()
            let waits = Waits()
            let server = try await TestServer { _, number in number == 1 ? trouble : .json(items(1..<3)) }
            let run = try await scratch.runHere(scratch.api(server.url, ["timeout_seconds": 1]), waits: waits)
            #expect(run.counts == "2 0 0 0 0", "\(run.everything)")
            #expect(server.requests.count == 2)
            #expect(waits.seconds == [0.5])
            #expect(run.logs.contains { $0.contains(reason) && $0.contains("retry 1 of 5 in 0.5 s") }, "\(run.logs)")
        }

        @Test func afterFiveRetriesTheJobFailsForAPassingReason() async throws {
            let scratch = try Scratch()
            let waits = Waits()
            let server = try await TestServer { _, _ in .status(503) }
            let run = try await scratch.runHere(scratch.api("\(server.url)/x?key=hidden"), waits: waits)
            #expect(run.exit == 75)
            #expect(run.code == "HTTP_UNAVAILABLE")
            #expect(run.message == "\(server.url)/x?key=…: HTTP 503, also after 5 retries")
            #expect(server.requests.count == 6)
            #expect(waits.seconds == [0.5, 1.5, 4.5, 13.5, 30])
        }

        @Test func aRefusedConnectionIsTriedAgain() async throws {
            let scratch = try Scratch()
            let port = try await TestServer { _, _ in .status(200) }.port
            let waits = Waits()
            let run = try await scratch.runHere(scratch.api("http://127.0.0.1:\(port)/"), waits: waits)
            #expect(run.exit == 75)
            #expect(run.message.contains("Connection refused"), "\(run.message)")
            #expect(waits.seconds.count == 5)
        }

        @Test(arguments: [
            ("7", 7.0, "the server asks for 7 s"), ("3600", 120, "asks for 3600 s, of which 120 are waited"),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 37, "the server asks for 37 s"),
            ("0", 0.5, "in 0.5 s; the server asks for 0 s"), ("soon", 0.5, "retry 1 of 5 in 0.5 s"),
        ])
        func theServerSaysHowLongToWait(_ header: String, _ seconds: Double, _ message: String) async throws {
            let scratch = try Scratch()
            let waits = Waits()
            let server = try await TestServer { _, number in
                number == 1 ? .status(429, ["Retry-After": header]) : .json("[]")
            }
            let run = try await scratch.runHere(
                scratch.api(server.url), pacing: waits.pacing(now: 784_111_740))
            #expect(run.exit == 0, "\(run.everything)")
            #expect(waits.seconds == [seconds])
            #expect(run.logs.contains { $0.contains(message) }, "\(run.logs)")
            #expect(
                run.of("progress").contains {
                    $0["phase"] == "wait" && $0["item"]?.string?.contains("HTTP 429: retry 1 of 5") ?? false
                })
        }

        @Test(arguments: [
            (401, "HTTP_UNAUTHORIZED"), (403, "HTTP_FORBIDDEN"), (404, "HTTP_STATUS"), (400, "HTTP_STATUS"),
        ])
        func whatWillNotPassIsNotTriedAgain(_ status: Int, _ code: String) async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, _ in .status(status, [:], "no such thing") }
            let run = try await scratch.runHere(scratch.api("\(server.url)/x?token=hidden&a=b"))
            #expect(run.exit == 1)
            #expect(run.code == code)
            #expect(run.message.contains("\(server.url)/x?token=…&a=…: HTTP \(status)"), "\(run.message)")
            #expect(server.requests.count == 1)
        }

        @Test(arguments: ["wait", "silence", "drip"])
        func aStopEndsWaitsAndLongRequestsAtOnce(_ kind: String) async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, _ in
                kind == "wait"
                    ? .status(429, ["Retry-After": "100"])
                    : .silence(kind == "silence" ? "" : "HTTP/1.1 200 OK\r\n\r\n[")
            }
            // Asked to stop as soon as the server was.
            let start = ContinuousClock.now
            let run = try await scratch.runHere(scratch.api(server.url), pacing: .system) { !server.requests.isEmpty }
            #expect(run.exit == 143, "\(run.everything)")
            #expect(ContinuousClock.now - start < .seconds(30))
        }

        @Test func aBodyOfTwoGigabytesIsNotRead() async throws {
            let scratch = try Scratch()
            let server = try await TestServer { request, _ in
                let length = request.path == "/said" ? "Content-Length: 2147483648\r\n" : ""
                return .body("HTTP/1.1 \(request.path == "/error" ? 404 : 200) OK\r\n\(length)\r\n", 2 << 30)
            }
            for path in ["/said", "/unsaid", "/error"] {
                let run = try await scratch.runHere(scratch.api(server.url + path, ["max_page_bytes": 1_000_000]))
                #expect(run.code == (path == "/error" ? "HTTP_STATUS" : "BODY_TOO_LARGE"), "\(run.everything)")
                #expect(run.exit == 1)
            }
            // What was on its way in buffers was written, too.
            #expect(server.bytes < 200 << 20)
        }

        @Test func aResumedJobGoesOnWithThePageInHand() async throws {
            let scratch = try Scratch()
            let server = try await TestServer { request, number in
                let page = Int(request.query["page"] ?? "") ?? -1
                if page == 4, number < 12 { return .status(503) }
                // Two records of one key, and one that is no record.
                let more = page == 2 ? #", {"id": 20}, null"# : ""
                return .json(page <= 6 ? "\(items(page * 10..<page * 10 + 10).dropLast())\(more)]" : "[]")
            }
            let params = scratch.api(server.url, ["paging": "page"], ["batch_size": 7])
            let first = try await scratch.runHere(params, jobID: "job-1")
            #expect(first.exit == 75, "\(first.everything)")
            let held = try #require(Int(scratch.sql("SELECT COUNT(*) FROM t")))
            #expect((1..<30).contains(held))
            let asked = server.requests.count
            let second = try await scratch.runHere(params, jobID: "job-1")
            // 30 records of three pages came, of which all or nearly all were written: the first page is not read again.
            #expect(server.requests[asked...].allSatisfy { ["3", "4", "5", "6", "7"].contains($0.query["page"]) })
            #expect(second.counts == "60 0 0 0 2", "\(second.everything)")
            #expect(try scratch.sql("SELECT COUNT(*), MIN(id), MAX(id) FROM t") == "60|10|69")
            // And another job begins at the beginning.
            let third = try await scratch.runHere(params, jobID: "job-2")
            #expect(third.counts == "0 0 60 0 2", "\(third.everything)")
        }

        /// Killed at any moment, and run again until it is through, the program leaves what it leaves when nobody disturbs it.
        @Test(arguments: [3, 8, 14]) func aJobThatIsKilledGoesOn(_ moment: Int) async throws {
            let scratch = try Scratch()
            let server = try await TestServer { request, number in
                // It is killed while it waits for this one.
                if number == moment { return .silence("") }
                let page = Int(request.query["page"] ?? "") ?? -1
                return .json(page <= 20 ? items(page * 50..<page * 50 + 50) : "[]")
            }
            let params = scratch.api(server.url, ["paging": "page"], ["batch_size": 40])
            try await server.kill(params, "job-1", at: moment)
            let run = try await scratch.runHere(params, jobID: "job-1")
            #expect(run.exit == 0, "\(run.everything)")
            #expect(run.counts == "1000 0 0 0 0", "\(run.everything)")
            #expect(try scratch.sql("SELECT COUNT(*), COUNT(DISTINCT id), SUM(id) FROM t") == "1000|1000|549500")
        }

        @Test func aMirrorDeletesNothingUnlessEveryPageCame() async throws {
            let scratch = try Scratch()
            let fails = Mutex(false)
            let server = try await TestServer { request, _ in
                let page = Int(request.query["page"] ?? "") ?? -1
                if page == 2, fails.withLock({ $0 }) { return .status(500) }
                return .json(page <= 3 ? items(page * 10..<page * 10 + 10) : "[]")
            }
            let mirror = scratch.api(server.url, ["paging": "page"], ["mode": "mirror"])
            #expect(try await scratch.runHere(mirror, jobID: "job-1").counts == "30 0 0 0 0")
            fails.withLock { $0 = true }
            #expect(try await scratch.runHere(mirror, jobID: "job-2").exit == 75)
            #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "30")
        }

        @Test func aLimitHoldsForAllAttemptsTogether() async throws {
            let scratch = try Scratch()
            let server = try await TestServer { request, number in
                let page = Int(request.query["page"] ?? "") ?? -1
                return page == 3 && number < 9 ? .status(503) : .json(items(page * 10..<page * 10 + 10))
            }
            let params = scratch.api(server.url, ["paging": "page"], ["limit": 35, "batch_size": 10])
            #expect(try await scratch.runHere(params, jobID: "job-1").exit == 75)
            #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "20")
            let second = try await scratch.runHere(params, jobID: "job-1")
            #expect(second.counts == "35 0 0 0 0", "\(second.everything)")
            #expect(try scratch.sql("SELECT COUNT(*), MAX(id) FROM t") == "35|44")
        }
    }
}
