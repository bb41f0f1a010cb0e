import JSONText
import Synchronization
import Testing

@testable import jobspool_records

/// What an API holds, which takes PUT, POST and DELETE of `/items/KEY`.
private final class Shop: Sendable {
    let items = Mutex<[String: String]>([:])

    func answer(_ request: TestServer.Request) -> TestServer.Answer {
        let key = String(request.path.dropFirst("/items/".count))
        return items.withLock { items in
            switch request.method {
            case "PUT", "POST":
                items[key] = request.body
                return .status(200)
            case "DELETE": return .status(items.removeValue(forKey: key) == nil ? 404 : 204)
            default: return .status(405)
            }
        }
    }

    var all: [String: String] { items.withLock { $0 } }
}

extension HTTPTests {
    @Suite struct TargetTests {
        private func params(
            _ scratch: Scratch, _ server: TestServer, _ target: JSONObject = [:], _ more: JSONObject = [:]
        )
            -> JSONObject
        {
            var members: JSONObject = [
                "http": .string("\(server.url)/items/{key}"), "state": .string("\(scratch.path)/state.db"),
            ]
            for (key, value) in target.members { members[key] = value }
            var params: JSONObject = [
                "source": .string("\(scratch.path)/a.ndjson"), "target": .object(members), "key": ["id"],
            ]
            for (key, value) in more.members { params[key] = value }
            return params
        }

        private func write(_ scratch: Scratch, _ ids: [String], name: String = "n") throws {
            try scratch.write("a.ndjson", ids.map { #"{"id": "\#($0)", "name": "\#(name)"}"# + "\n" }.joined())
        }

        @Test func onlyWhatIsNewOrChangedIsSent() async throws {
            let (scratch, shop) = (try Scratch(), Shop())
            let server = try await TestServer { request, _ in shop.answer(request) }
            try write(scratch, ["a", "b/c d?é", "../x"])
            let source = params(scratch, server)
            let planned = try await scratch.runHere(source, dryRun: true)
            #expect(planned.counts == "3 0 0 0 0", "\(planned.everything)")
            #expect(server.requests.isEmpty)
            #expect(try scratch.sh("ls") == "a.ndjson\n")
            #expect(try await scratch.runHere(source).counts == "3 0 0 0 0")
            #expect(Set(server.targets) == ["/items/a", "/items/b%2Fc%20d%3F%C3%A9", "/items/..%2Fx"])
            #expect(shop.all["a"] == #"{"id":"a","name":"n"}"#)
            #expect(Set(server.requests.compactMap { $0.headers["idempotency-key"] }).count == 3)
            #expect(
                server.requests.allSatisfy { $0.headers["content-type"] == "application/json" && $0.method == "PUT" })
            #expect(try await scratch.runHere(source).counts == "0 0 3 0 0")
            #expect(server.requests.count == 3)
            try scratch.sh("sed -i '1s/\"n\"/\"m\"/' a.ndjson")
            #expect(try await scratch.runHere(source, dryRun: true).counts == "0 1 2 0 0")
            #expect(try await scratch.runHere(source).counts == "0 1 2 0 0")
            #expect(server.targets.count == 4)
            #expect(shop.all["a"] == #"{"id":"a","name":"m"}"#)
        }

        @Test func theRecordMayBeAMemberOfTheBody() async throws {
            let (scratch, shop) = (try Scratch(), Shop())
            let server = try await TestServer { request, _ in shop.answer(request) }
            try write(scratch, ["a"])
            #expect(try await scratch.runHere(params(scratch, server, ["member": "item"])).counts == "1 0 0 0 0")
            #expect(shop.all["a"] == #"{"item":{"id":"a","name":"n"}}"#)
        }

        @Test func aMirrorDeletesAfterTheGuard() async throws {
            let (scratch, shop) = (try Scratch(), Shop())
            let server = try await TestServer { request, _ in shop.answer(request) }
            try write(scratch, ["a", "b", "c", "d"])
            let mirror = params(scratch, server, [:], ["mode": "mirror"])
            #expect(try await scratch.runHere(mirror).counts == "4 0 0 0 0")
            try write(scratch, ["a", "b"])
            let guarded = try await scratch.runHere(mirror)
            #expect(guarded.code == "MAX_DELETE_EXCEEDED", "\(guarded.everything)")
            #expect(server.requests.count == 4)
            // One that is gone already counts as deleted.
            shop.items.withLock { $0["c"] = nil }
            let raised = params(scratch, server, [:], ["mode": "mirror", "max_delete_percent": 50])
            #expect(try await scratch.runHere(raised, dryRun: true).counts == "0 0 2 2 0")
            let done = try await scratch.runHere(raised)
            #expect(done.counts == "0 0 2 2 0", "\(done.everything)")
            #expect(
                server.requests[4...].map { "\($0.method) \($0.target)" } == ["DELETE /items/c", "DELETE /items/d"])
            #expect(Set(shop.all.keys) == ["a", "b"])
            #expect(try await scratch.runHere(raised).counts == "0 0 2 0 0")
        }

        @Test(arguments: [409, 422])
        func aRecordThatIsRefusedIsAnItemErrorAndIsSentAgain(_ status: Int) async throws {
            let (scratch, shop) = (try Scratch(), Shop())
            let refuses = Mutex(true)
            let server = try await TestServer { request, _ in
                request.path == "/items/b" && refuses.withLock { $0 }
                    ? .status(status, [:], #"{"error": "no \#(Secret.token)"}"#) : shop.answer(request)
            }
            try write(scratch, ["a", "b", "c"])
            let source = params(scratch, server, ["auth": ["type": "bearer", "token_env": "HTTP_TESTS_TOKEN"]])
            let run = try await scratch.runHere(source)
            #expect(run.counts == "2 0 0 0 1", "\(run.everything)")
            #expect(run.itemErrors == ["b REFUSED"])
            #expect(
                run.of("error")[0]["message"]?.string?.contains("HTTP \(status): {\"error\": \"no [secret]\"}") ?? false
            )
            CredentialTests.expectNoSecret(in: run, scratch)
            refuses.withLock { $0 = false }
            #expect(try await scratch.runHere(source).counts == "1 0 2 0 0")
        }

        @Test(arguments: [404, 410, 414])
        func aRecordThatIsNotThereIsAnItemErrorWhereEachHasAnAddress(_ status: Int) async throws {
            let (scratch, shop) = (try Scratch(), Shop())
            let server = try await TestServer { request, _ in
                request.path == "/items/b" ? .status(status) : shop.answer(request)
            }
            try write(scratch, ["a", "b", "c"])
            let run = try await scratch.runHere(params(scratch, server))
            #expect(run.counts == "2 0 0 0 1", "\(run.everything)")
            #expect(run.itemErrors == ["b REFUSED"])
            #expect(Set(shop.all.keys) == ["a", "c"])
        }

        @Test(
            arguments: [
                (["http": "/itmes/{key}"], "TOO_MANY_ERRORS", 3),
                (["http": "/itmes", "method": "POST"], "HTTP_STATUS", 1),
            ] as [(JSONObject, String, Int)])
        func anAddressWhereNothingIsFoundFailsTheJob(_ target: JSONObject, _ code: String, _ requests: Int) async throws
        {
            let scratch = try Scratch()
            let server = try await TestServer { _, _ in .status(404) }
            try write(scratch, ["a", "b", "c"])
            var target = target
            target["http"] = .string(server.url + (target["http"]?.string ?? ""))
            let run = try await scratch.runHere(params(scratch, server, target))
            #expect(run.code == code, "\(run.everything)")
            #expect(run.exit == 1)
            #expect(server.requests.count == requests)
        }

        /// As a segment of a path they mean the collection, or what is above it.
        @Test func aKeyThatLeadsOutOfTheCollectionIsAnItemError() async throws {
            let (scratch, shop) = (try Scratch(), Shop())
            let server = try await TestServer { request, _ in shop.answer(request) }
            try write(scratch, [".", "..", "...", "a"])
            for mode in ["full", "mirror"] {
                let params = params(scratch, server, [:], ["mode": .string(mode)])
                let planned = try await scratch.runHere(params, dryRun: true)
                let run = try await scratch.runHere(params)
                #expect(run.itemErrors == [". KEY_REFUSED", ".. KEY_REFUSED"], "\(run.everything)")
                #expect(planned.counts == run.counts)
                #expect(planned.itemErrors == run.itemErrors)
            }
            #expect(server.targets == ["/items/...", "/items/a"])
        }

        @Test func aKeyThatIsRefusedTakesNoPartOfTheLimit() async throws {
            let (scratch, shop) = (try Scratch(), Shop())
            let server = try await TestServer { request, _ in shop.answer(request) }
            try write(scratch, ["..", "a", "b", "c"])
            let limited = params(scratch, server, [:], ["mode": "incremental", "limit": 2])
            let planned = try await scratch.runHere(limited, dryRun: true)
            #expect(planned.counts == "2 0 0 0 1", "\(planned.everything)")
            #expect(try await scratch.runHere(limited).counts == planned.counts)
        }

        @Test(
            arguments: [
                ("/items/v.{key}", [".", ".."], ["/items/v..", "/items/v..."]),
                ("/items/.{key}/x", [".", "a"], ["/items/.a/x"]), ("/items/%2E{key}", [".", "a"], ["/items/%2Ea"]),
                ("/items/{key}?of={key}", ["..", "a"], ["/items/a?of=a"]),
                ("/items?of={key}", [".."], ["/items?of=.."]), ("/a/../{key}", ["b"], ["/a/../b"]),
            ])
        func whatCountsIsTheWholeSegment(_ template: String, _ keys: [String], _ targets: [String]) async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, _ in .status(200) }
            try write(scratch, keys)
            let run = try await scratch.runHere(params(scratch, server, ["http": .string(server.url + template)]))
            #expect(server.targets == targets, "\(run.everything)")
            #expect(run.itemErrors.count == keys.count - targets.count)
        }

        @Test func aDeletionThatLeadsOutOfTheCollectionIsAnItemError() async throws {
            let (scratch, shop) = (try Scratch(), Shop())
            let server = try await TestServer { request, _ in shop.answer(request) }
            try write(scratch, ["..", "a", "b"])
            let mirror = params(
                scratch, server,
                ["http": .string("\(server.url)/items/k-{key}"), "delete_url": .string("\(server.url)/items/{key}")],
                ["mode": "mirror", "max_delete_percent": 100])
            #expect(try await scratch.runHere(mirror).counts == "3 0 0 0 0")
            try write(scratch, ["a"])
            let run = try await scratch.runHere(mirror)
            #expect(run.itemErrors == [".. KEY_REFUSED"])
            #expect(run.counts == "0 0 1 1 1")
            #expect(server.targets.last == "/items/b")
        }

        @Test func whatWasSentBeforeAFailureIsNotSentAgain() async throws {
            let (scratch, shop) = (try Scratch(), Shop())
            let server = try await TestServer { request, number in
                (4...9).contains(number) ? .status(500) : shop.answer(request)
            }
            try write(scratch, (0..<10).map { "\($0)" })
            let first = try await scratch.runHere(params(scratch, server), jobID: "job-1")
            #expect(first.exit == 75, "\(first.everything)")
            let second = try await scratch.runHere(params(scratch, server), jobID: "job-1")
            #expect(second.counts == "10 0 0 0 0", "\(second.everything)")
            #expect(server.requests.count == 3 + 6 + 7)
            // The request that was made again is the same one, over retries and attempts.
            let keys = server.requests.filter { $0.path == "/items/3" }.compactMap { $0.headers["idempotency-key"] }
            #expect(keys.count == 7 && Set(keys).count == 1)
        }

        @Test func aStopEndsBetweenTwoRecords() async throws {
            let (scratch, shop) = (try Scratch(), Shop())
            let server = try await TestServer { request, _ in shop.answer(request) }
            try write(scratch, (0..<10).map { "\($0)" })
            let first = try await scratch.runHere(params(scratch, server), jobID: "job-1") { shop.all.count >= 4 }
            #expect(first.exit == 143, "\(first.everything)")
            let sent = server.requests.count
            #expect((4...5).contains(sent))
            let second = try await scratch.runHere(params(scratch, server), jobID: "job-1")
            #expect(second.counts == "10 0 0 0 0", "\(second.everything)")
            #expect(shop.all.count == 10)
        }

        /// Stopped in the middle of a batch, which is in the middle of a page.
        @Test(arguments: [1, 13, 25, 47]) func fromAnAPIToAnAPIEveryRecordIsSentOnce(_ moment: Int) async throws {
            let (scratch, shop) = (try Scratch(), Shop())
            let server = try await TestServer { request, _ in
                guard request.method == "GET" else { return shop.answer(request) }
                let page = Int(request.query["page"] ?? "") ?? -1
                return .json(page <= 5 ? items(page * 10..<page * 10 + 10) : "[]")
            }
            let source: JSON = ["http": .string("\(server.url)/all"), "paging": "page"]
            let both = params(scratch, server, [:], ["source": source, "batch_size": 7])
            let first = try await scratch.runHere(both, jobID: "job-1") { shop.all.count >= moment }
            #expect(first.exit == 143, "\(first.everything)")
            let second = try await scratch.runHere(both, jobID: "job-1")
            #expect(second.counts == "50 0 0 0 0", "\(second.everything)")
            let sent = server.requests.filter { $0.method == "PUT" }
            #expect(sent.count == 50 && Set(sent.map(\.target)).count == 50)
            #expect(try await scratch.runHere(both, jobID: "job-2").counts == "0 0 50 0 0")
        }

        @Test func aStateThatCannotBeOpenedIsToldAndNothingIsSent() async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, _ in .status(500) }
            try write(scratch, ["1"])
            let state: JSONObject = ["state": .string("\(scratch.path)/nowhere/state.db")]
            let run = try await scratch.runHere(params(scratch, server, state))
            #expect(run.exit != 0, "\(run.everything)")
            #expect(run.everything.contains("nowhere"), "\(run.everything)")
            #expect(server.requests.isEmpty)
        }

        @Test(
            arguments: [
                (["http": "http://127.0.0.1/items"], "target.http"),
                (["http": "http://{key}.example.com/"], "target.http"),
                (["http": "http://a:b@127.0.0.1/{key}"], "target.http"),
                (["http": "http://127.0.0.1/items", "method": "POST"], "mode"),
                (["http": "http://127.0.0.1/{key}", "state": "state.db"], "target.state"),
                (["http": "http://127.0.0.1/{key}", "delete_url": "http://localhost/{key}"], "target.delete_url"),
            ] as [(JSONObject, String)])
        func paramsThatAreWrongAreNamed(_ target: JSONObject, _ field: String) async throws {
            let scratch = try Scratch()
            let server = try await TestServer { _, _ in .status(500) }
            let run = try await scratch.runHere(params(scratch, server, target, ["mode": "mirror"]))
            #expect(run.exit == 64, "\(run.everything)")
            #expect(run.failure?["details"]?["field"] == .string("params.\(field)"), "\(run.everything)")
        }
    }
}
