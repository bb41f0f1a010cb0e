/// One user drops far more than can be done: the others notice little of it, and what is too much waits. `JOBSPOOL_TEST_FLOOD` is how many
/// files of each kind; 2,000 unless it says otherwise.
import Glibc
import JSONText
import SpoolStorage
import Testing

extension EndToEnd {
    @Suite("A flood of one user's files", .enabled(if: People.areHere, People.excuse))
    struct FloodTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        static let count = getenv("JOBSPOOL_TEST_FLOOD").flatMap { Int(String(cString: $0)) } ?? 2000

        private func open(_ options: String...) async throws {
            try yard.share(mode: "1777", owner: People.daemon)
            try yard.define("t", "echo ran", ["allow": ["users": ["*"]]])
            try yard.define(
                "bob", "while [ ! -e ../go ]; do sleep 0.02; done", ["lane": "bob", "allow": ["users": ["*"]]])
            try await yard.start(
                by: People.daemon.prefix + ["\(yard.root)/bin/jobspool"], ["--max-lanes", "2"] + options)
        }

        private func go() throws { try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go") }

        private func heldBack() throws -> JSON? { try yard.json("spool.status.json")?["held_back"]?.array?.first }

        private static func flood(_ count: Int) -> String {
            """
            import os
            for i in range(\(count)):
                with open(f".bob{i}", "w") as file: file.write('{"type": "bob"}')
                os.rename(f".bob{i}", f"flood{i:06}.json")
                open(f"junk{i}.txt", "w").close()
                open(f"bad{i}\\t.json", "w").close()
                open(f"victim{i}.cancel.json", "w").close()
                open(f"anna.cancel.json", "w").close()
                with open(f"half{i}.json", "w") as file: file.write('{"type"')
            """
        }

        @Test("lets another user's job be taken in, run and shown meanwhile, and is told of in few words")
        func pace() async throws {
            try await open("--max-pending-per-user", "100")
            try yard.drop("anna", ["type": "bob"], as: People.anna)
            try await yard.standing("anna", "running")
            try Yard.write(Self.flood(Self.count), toFile: "\(yard.root)/flood.py")
            let flooder = try yard.spawn(People.bob.prefix + ["/bin/sh", "-c", "cd spool && exec python3 ../flood.py"])
            defer { kill(flooder, SIGKILL) }
            try await eventually("the flood to begin") { yard.exists("flood000050.json") ? true : nil }
            var slowest = 0.0
            var rounds = 0
            repeat {
                rounds += 1
                let began = Clock.monotonic()
                try yard.drop("honest\(rounds)", ["type": "t"], as: People.anna)
                _ = try await yard.result("honest\(rounds)", within: 60)
                slowest = max(slowest, Clock.monotonic() - began)
            } while waitpid(flooder, nil, WNOHANG) == 0 || rounds < 5
            print("a flood of \(Self.count) files of each kind: the slowest of \(rounds) honest jobs took \(slowest) s")
            // Of a hundred thousand files to wait for the flood would take longer. A few thousand are too few to tell by the time, which is
            // a loaded machine's: that nobody waits for them is in the order of acceptance (below).
            #expect(slowest < 10)
            try await eventually("what is too much to be held back", within: 60) {
                try heldBack()?["pending"]?.int == 100 ? true : nil
            }
            #expect(try heldBack()?["user"]?.string == People.bob.name)
            #expect(try yard.status("anna")?["status"] == "running")
            #expect(try yard.notices().count { $0.contains("--max-pending-per-user") } == 1)
            try await eventually("the notices to be cut short", within: 60) {
                try yard.notices().contains { $0.contains("were left out") } ? true : nil
            }
            let explained = yard.shell(
                as: People.bob,
                "jobspool doctor flood\(String(repeating: "0", count: 6 - "\(Self.count - 1)".count))\(Self.count - 1) --json | jq -r .reason"
            )
            #expect(explained.output == "held_back\n")
            try go()
            #expect(try await yard.result("anna", within: 60)["status"] == "completed")
        }

        @Test("that lies there when the daemon starts has another user's job wait for a few of its files only")
        func turns() async throws {
            try yard.share(mode: "1777", owner: People.daemon)
            try yard.define("t", "echo ran", ["allow": ["users": ["*"]]])
            let count = max(Self.count, 1000)
            let drop = "for i in $(seq -w 1 \(count)); do echo '{\"type\": \"t\"}' > b$i.json; done"
            #expect(yard.shell(as: People.bob, drop).status == 0)
            // By its time and its name, hers is the last.
            try yard.drop("zzz", ["type": "t", "priority": 100], as: People.anna)
            try await yard.start(by: People.daemon.prefix + ["\(yard.root)/bin/jobspool"], [])
            #expect(try await yard.result("zzz", within: 60)["status"] == "completed")
            let accepted = try yard.lines("spool.events.jsonl").filter { $0["event"] == "accepted" }
                .compactMap { $0["name"]?.string }
            let before = try #require(accepted.firstIndex(of: "zzz"))
            print("\(before) of \(count) files of another user's came before")
            #expect(before < count / 4)
        }

        @Test("loses nothing of what is held back, and keeps its order, over a restart and a second look")
        func nothingLost() async throws {
            try await open("--max-pending-per-user", "5", "--rescan", "1")
            let drop = "for i in $(seq -w 1 60); do echo '{\\\"type\\\": \\\"bob\\\"}' > .p; mv .p b$i.json; done"
            #expect(yard.shell(as: People.bob, drop.replacing("\\\"", with: "\"")).status == 0)
            try await eventually("requests to be held back") { try heldBack()?["held_back"]?.int == 54 ? true : nil }
            #expect(!yard.exists("b60.status.json"))
            // One that is withdrawn while it waits, one that is cancelled, and one of the daemon's user, who has no limit.
            #expect(yard.shell(as: People.bob, "rm b59.json; touch b58.cancel.json").status == 0)
            for index in 1...10 { try yard.drop("own\(index)", ["type": "t"], as: People.daemon) }
            for index in 1...10 { #expect(try await yard.result("own\(index)")["status"] == "completed") }
            #expect(yard.exists("b58.cancel.json"))
            yard.killDaemon()
            try await yard.start(
                by: People.daemon.prefix + ["\(yard.root)/bin/jobspool"],
                ["--max-pending-per-user", "5", "--rescan", "1"])
            try go()
            let names = (1...60).map { $0 < 10 ? "b0\($0)" : "b\($0)" }.filter { $0 != "b59" }
            for name in names {
                let status = try await yard.result(name)["status"]?.string
                #expect(status == (name == "b58" ? "cancelled" : "completed"), "\(name)")
            }
            try await eventually("nothing to be held back") {
                try yard.json("spool.status.json")?["held_back"] == [] ? true : nil
            }
            let accepted = try yard.lines("spool.events.jsonl").filter { $0["event"] == "accepted" }
                .compactMap { $0["name"]?.string }.filter { $0.hasPrefix("b") }
            #expect(accepted == names)
        }
    }
}
