import JSONText
import Synchronization
import Testing

/// A mirror whose `delete_url` is another than the address that records are sent to: only its answers tell whether it is right.
extension HTTPTests {
    @Suite struct DeletionTests {
        private func mirror(
            _ scratch: Scratch, _ server: TestServer, _ deletions: String?, _ more: JSONObject = [:]
        ) -> JSONObject {
            var target: JSONObject = [
                "http": .string("\(server.url)/items/{key}"), "state": .string("\(scratch.path)/state.db"),
            ]
            if let deletions { target["delete_url"] = .string("\(server.url)\(deletions)/{key}") }
            for (key, value) in more.members { target[key] = value }
            return [
                "source": .string("\(scratch.path)/a.ndjson"), "target": .object(target), "key": ["id"],
                "mode": "mirror", "max_delete": 1000, "max_delete_percent": 100,
            ]
        }

        private func write(_ ids: Range<Int>, _ scratch: Scratch) throws {
            try scratch.write("a.ndjson", ids.map { #"{"id": \#($0)}"# + "\n" }.joined())
        }

        private func deletions(_ server: TestServer) -> [String] {
            server.requests.filter { $0.method == "DELETE" }.map(\.target)
        }

        /// `/live/` has records from 4 on.
        private func server(_ missing: Int = 404) async throws -> TestServer {
            try await TestServer { request, _ in
                guard request.method == "DELETE", request.path.hasPrefix("/live/") else {
                    return .status(request.method == "DELETE" ? missing : 200)
                }
                return .status((Int(request.path.dropFirst(6)) ?? 0) < 4 ? missing : 204)
            }
        }

        @Test(arguments: [404, 410])
        func whereNothingIsFoundNothingIsForgotten(_ status: Int) async throws {
            let (scratch, server) = (try Scratch(), try await server(status))
            try write(0..<10, scratch)
            #expect(try await scratch.runHere(mirror(scratch, server, "/wrong")).counts == "10 0 0 0 0")
            try write(6..<10, scratch)
            let run = try await scratch.runHere(mirror(scratch, server, "/wrong"), jobID: "job-1")
            #expect(run.code == "NOTHING_FOUND", "\(run.everything)")
            #expect(run.exit == 1)
            #expect(run.message.contains("/wrong/-key-: none of 6 records was found"), "\(run.message)")
            #expect(deletions(server).count == 6)
            let mended = try await scratch.runHere(mirror(scratch, server, "/live"), jobID: "job-2")
            #expect(mended.counts == "0 0 4 6 0", "\(mended.everything)")
            #expect(try await scratch.runHere(mirror(scratch, server, "/live"), jobID: "job-3").counts == "0 0 4 0 0")
        }

        /// Asked no longer than it takes to see it.
        @Test func aHundredThatAreMissingAreEnough() async throws {
            let (scratch, server) = (try Scratch(), try await server())
            try write(0..<150, scratch)
            #expect(try await scratch.runHere(mirror(scratch, server, "/wrong")).counts == "150 0 0 0 0")
            try write(149..<150, scratch)
            #expect(try await scratch.runHere(mirror(scratch, server, "/wrong")).code == "NOTHING_FOUND")
            #expect(deletions(server).count == 100)
        }

        @Test(
            arguments: [
                // One may well be gone.
                ("/wrong", [:], 1),
                // They may, where it is said.
                ("/wrong", ["allow_missing": true], 3),
                // Where they were sent to they are deleted, too.
                (nil, [:], 3), ("/items", [:], 3),
            ] as [(String?, JSONObject, Int)])
        func whatIsGoneCountsAsDeleted(_ address: String?, _ more: JSONObject, _ gone: Int) async throws {
            let (scratch, server) = (try Scratch(), try await server())
            let params = mirror(scratch, server, address, more)
            try write(0..<10, scratch)
            #expect(try await scratch.runHere(params).counts == "10 0 0 0 0")
            try write(gone..<10, scratch)
            let run = try await scratch.runHere(params)
            #expect(run.counts == "0 0 \(10 - gone) \(gone) 0", "\(run.everything)")
            #expect(try await scratch.runHere(params).counts == "0 0 \(10 - gone) 0 0")
        }

        /// What another attempt has deleted tells that the address is right.
        @Test func anAttemptKnowsWhatTheOneBeforeHasDeleted() async throws {
            let scratch = try Scratch()
            let fails = Mutex(true)
            let server = try await TestServer { request, _ in
                guard request.method == "DELETE" else { return .status(200) }
                switch request.path {
                case "/live/0": return .status(204)
                case "/live/1" where fails.withLock { $0 }: return .status(503)
                default: return .status(404)
                }
            }
            let params = mirror(scratch, server, "/live")
            try write(0..<10, scratch)
            #expect(try await scratch.runHere(params).counts == "10 0 0 0 0")
            try write(4..<10, scratch)
            #expect(try await scratch.runHere(params, jobID: "job-1").exit == 75)
            fails.withLock { $0 = false }
            let run = try await scratch.runHere(params, jobID: "job-1")
            #expect(run.counts == "0 0 6 4 0", "\(run.everything)")
        }

        @Test func allowMissingIsForAnotherAddress() async throws {
            let (scratch, server) = (try Scratch(), try await server())
            let run = try await scratch.runHere(mirror(scratch, server, nil, ["allow_missing": true]))
            #expect(run.exit == 64, "\(run.everything)")
            #expect(run.failure?["details"]?["field"] == "params.target.allow_missing")
        }
    }
}
