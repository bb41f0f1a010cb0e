import Glibc
import JSONText
import Synchronization
import Testing

/// What a job counts and tells after an interruption is what it would have without one.
extension HTTPTests {
    @Suite struct ResumptionTests {
        /// Pages of ten, of which the fourth repeats keys of the first two.
        private static func page(_ number: Int, _ more: String = "") -> String {
            switch number {
            case ...3: String(items(number * 10..<number * 10 + 10).dropLast()) + more + "]"
            case 4: #"[{"id": 11, "name": "again"}, {"id": 40, "name": "item 40"}, {"id": 20, "name": "item 20"}]"#
            default: "[]"
            }
        }

        @Test(arguments: ["full", "incremental"])
        func aKeyThatCameBeforeTheInterruptionIsToldAsRepeated(mode: String) async throws {
            let scratch = try Scratch()
            let fails = Mutex(false)
            let server = try await TestServer { request, _ in
                let number = Int(request.query["page"] ?? "") ?? -1
                return number == 4 && fails.withLock { $0 } ? .status(503) : .json(Self.page(number))
            }
            func params(_ database: String) -> JSONObject {
                scratch.api(
                    server.url, ["paging": "page"],
                    [
                        "mode": .string(mode), "batch_size": 7,
                        "target": ["sqlite": .string("\(scratch.path)/\(database)"), "table": "t"],
                    ])
            }
            let judge = try await scratch.runHere(params("judge.db"), jobID: "job-1")
            // An equal repeat is none in an incremental job, which reads what it has once more.
            #expect(judge.counts == (mode == "full" ? "31 0 0 0 2" : "31 0 1 0 1"), "\(judge.everything)")
            fails.withLock { $0 = true }
            for _ in 1...2 { #expect(try await scratch.runHere(params("target.db"), jobID: "job-1").exit == 75) }
            fails.withLock { $0 = false }
            let asked = server.requests.count
            let run = try await scratch.runHere(params("target.db"), jobID: "job-1")
            #expect(server.requests[asked...].map { $0.query["page"] }.first != "1")
            #expect(run.counts == judge.counts, "\(run.everything)")
            #expect(run.itemErrors == judge.itemErrors)
            #expect(run.itemErrors.first == "11 DUPLICATE_KEY")
            #expect(
                run.of("error").first?["message"]?.string?.contains("which an earlier record has already") == true)
            #expect(try scratch.sql("SELECT name FROM t WHERE id = 11") == "item 11")
            // Another job begins anew, and holds nothing against its own records.
            let next = try await scratch.runHere(params("target.db"), jobID: "job-2")
            #expect(next.counts == (mode == "full" ? "0 0 31 0 2" : "0 0 32 0 1"), "\(next.everything)")
        }

        /// An incremental job whose bookmark must not pass what failed reads from the beginning, however often it is interrupted.
        @Test func whatIsReadAgainIsNoRepetition() async throws {
            let scratch = try Scratch()
            let failures = Mutex(12)
            let server = try await TestServer { request, _ in
                let number = Int(request.query["page"] ?? "") ?? -1
                if number == 3,
                    failures.withLock({
                        $0 -= 1; return $0 >= 0
                    })
                {
                    return .status(503)
                }
                return .json(number > 3 ? "[]" : Self.page(number, number == 1 ? ", null" : ""))
            }
            let params = scratch.api(
                server.url, ["paging": "page"], ["mode": "incremental", "cursor_field": "id", "batch_size": 5])
            for _ in 1...2 { #expect(try await scratch.runHere(params, jobID: "job-1").exit == 75) }
            let run = try await scratch.runHere(params, jobID: "job-1")
            #expect(run.counts == "30 0 0 0 1", "\(run.everything)")
        }

        /// Which of its records are done cannot be told: they are read once more, and are no repeats.
        @Test(arguments: ["full", "incremental"])
        func aPageThatHasChangedMeanwhileIsNotHeldAgainstItself(mode: String) async throws {
            let scratch = try Scratch()
            let shop = Mutex((sent: 0, name: "item 1"))
            let server = try await TestServer { request, _ in
                if request.method == "PUT" {
                    shop.withLock { $0.sent += 1 }
                    return .status(200)
                }
                let name = shop.withLock { $0.name }
                return .json(request.query["page"] == "1" ? items(0..<10).replacing("item 1", with: name) : "[]")
            }
            let params = scratch.api(
                server.url, ["paging": "page"],
                [
                    "mode": .string(mode), "batch_size": 3,
                    "target": ["http": .string("\(server.url)/{key}"), "state": .string("\(scratch.path)/state.db")],
                ])
            let first = try await scratch.runHere(params, jobID: "job-1") { shop.withLock { $0.sent } >= 4 }
            #expect(first.exit == 143, "\(first.everything)")
            shop.withLock { $0.name = "changed" }
            let run = try await scratch.runHere(params, jobID: "job-1")
            #expect(run.logs.contains("Page 1 has changed: reading from the beginning"))
            #expect(run.itemErrors == [])
            #expect(run.counts == "10 1 0 0 0", "\(run.everything)")
        }

        @Test func whatFailedBeforeTheInterruptionCountsAgainstTheBudget() async throws {
            let scratch = try Scratch()
            let fails = Mutex(true)
            let server = try await TestServer { request, _ in
                if request.query["page"] == "1" { return .json(#"[{"id": 1}, 7, 8]"#) }
                if request.query["page"] == "2" {
                    return fails.withLock { $0 } ? .status(503) : .json(#"[{"id": 2}, 9]"#)
                }
                return .json("[]")
            }
            let params = scratch.api(server.url, ["paging": "page"], ["batch_size": 3, "max_errors": 2])
            #expect(try await scratch.runHere(params, jobID: "job-1").exit == 75)
            fails.withLock { $0 = false }
            let run = try await scratch.runHere(params, jobID: "job-1")
            #expect(run.code == "TOO_MANY_ERRORS", "\(run.everything)")
        }

        /// Puts what a.ndjson holds to the server, and deletes what it does not hold any more.
        private func mirror(_ scratch: Scratch, _ server: TestServer) -> JSONObject {
            [
                "source": .string("\(scratch.path)/a.ndjson"), "key": "id", "mode": "mirror", "max_delete_percent": 100,
                "target": ["http": .string("\(server.url)/{key}"), "state": .string("\(scratch.path)/state.db")],
            ]
        }

        private func write(_ ids: Range<Int>, _ scratch: Scratch) throws {
            try scratch.write("a.ndjson", ids.map { #"{"id": \#($0)}"# + "\n" }.joined())
        }

        /// Killed while the answer to a request is still to come: everything before counts as sent.
        @Test(arguments: [2, 19, 20, 21, 33])
        func whatWasSentBeforeAKillCountsAsSent(moment: Int) async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, number in number == moment ? .silence("") : .status(200) }
            let params = mirror(scratch, server)
            try write(0..<40, scratch)
            try await server.kill(params, "job-1", at: moment)
            let run = try await scratch.runHere(params, jobID: "job-1")
            #expect(run.counts == "40 0 0 0 0", "\(run.everything)")
            // The one in hand was sent once more, as the same request.
            let again = server.requests[moment - 1...moment]
            #expect(server.requests.count == 41)
            #expect(Set(again.map(\.target)).count == 1)
            #expect(Set(again.compactMap { $0.headers["idempotency-key"] }).count == 1)
        }

        @Test(arguments: [2, 20, 33])
        func whatWasDeletedBeforeAKillCountsAsDeleted(moment: Int) async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, number in number == 45 + moment ? .silence("") : .status(200) }
            let params = mirror(scratch, server)
            try write(0..<45, scratch)
            #expect(try await scratch.runHere(params, jobID: "job-1").counts == "45 0 0 0 0")
            try write(0..<5, scratch)
            try await server.kill(params, "job-2", at: 45 + moment)
            let run = try await scratch.runHere(params, jobID: "job-2")
            #expect(run.counts == "0 0 5 40 0", "\(run.everything)")
            #expect(server.requests.count == 45 + 41)
        }
    }
}
