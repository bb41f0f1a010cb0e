/// Handlers that cannot be started just now, or not for a long time: their jobs wait, and no other lane's do.
import Glibc
import JSONText
import Testing

extension EndToEnd {
    @Suite("A handler that does not start at once")
    struct StartTroubleTests {
        let yard: Yard
        private let program: String

        init() throws {
            yard = try Yard()
            program = "\(yard.root)/program"
            try #require(yard.shell("cp /bin/true \(program)").status == 0)
        }

        @Test("since its program is being written is started when it has been, and that is its first attempt")
        func busy() async throws {
            try yard.define("busy", "", ["command": [.string(program)]])
            let writing = open(program, O_WRONLY | O_CLOEXEC)
            try await yard.start()
            try yard.drop("job", ["type": "busy"])
            try await eventually("the reason") {
                let status = try yard.status("job")
                let isTold = status?["message"]?.string?.contains("cannot start \(program): Text file busy") ?? false
                return isTold && status?["status"] == "pending" && status?["retry_at"] != .null ? true : nil
            }
            #expect(!yard.exists("job.result.json"))
            close(writing)
            let result = try await yard.result("job")
            #expect(result["status"] == "completed")
            #expect(result["attempts"]?.array?.map { $0["attempt"] } == [1])
        }

        @Test("since its definition has more than execve(2) takes fails, and no other job waits for it")
        func tooLong() async throws {
            let text = String(repeating: "x", count: 200_000)
            try yard.define("long", "", ["environment": ["TEXT": .string(text)]])
            try yard.define("t", "echo here")
            try await yard.start()
            try yard.drop("job", ["type": "long", "priority": 100])
            try yard.drop("other", ["type": "t"])
            let result = try await yard.result("job")
            #expect(result["error"]?["code"] == "HANDLER_FAILED")
            #expect(result["error"]?["message"]?.string?.contains("too long") == true)
            #expect(try await yard.result("other")["status"] == "completed")
        }

        @Test("keeps no other lane waiting", arguments: [0, 3])
        func held(before: Int) async throws {
            try yard.define("held", "", ["command": [.string(program)], "lane": "a"])
            try yard.define("t", "echo here", ["lane": "b"])
            try await yard.start()
            for round in 0..<before {
                try yard.drop("before\(round)", ["type": "t"])
                _ = try await yard.result("before\(round)")
            }
            // execve(2) waits as long as somebody has a lease for writing: fcntl(2), F_SETLEASE.
            signal(SIGIO, SIG_IGN)
            let lease = open(program, O_RDWR | O_CLOEXEC)
            try #require(fcntl(lease, 1024, Int32(F_WRLCK)) == 0)
            try yard.drop("held", ["type": "held"])
            try await yard.standing("held", "running")
            try yard.drop("other", ["type": "t"])
            #expect(try await yard.result("other")["status"] == "completed")
            #expect(!yard.exists("held.result.json"))
            close(lease)
            #expect(try await yard.result("held")["status"] == "completed")
        }
    }
}
