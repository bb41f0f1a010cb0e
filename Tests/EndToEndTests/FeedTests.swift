/// Following `spool.events.jsonl` by its name while it is rotated again and again, and its numbers over restarts.
import Glibc
import JSONText
import Testing

extension EndToEnd {
    @Suite("The feed")
    struct FeedTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        /// A follower as anybody would write it: the rest of the old file first, then the new one.
        static let follower = """
            import os, sys, time
            path, out = sys.argv[1], open(sys.argv[2], "wb", buffering=0)
            feed = open(path, "rb")
            while True:
                chunk = feed.read()
                if chunk:
                    out.write(chunk)
                    continue
                if os.stat(path).st_ino != os.fstat(feed.fileno()).st_ino:
                    out.write(feed.read())
                    feed = open(path, "rb")
                else:
                    time.sleep(0.05)
            """

        func startFollowers() throws -> [pid_t] {
            let feed = yard("spool.events.jsonl")
            try Yard.write(Self.follower, toFile: "\(yard.root)/follower.py")
            return try [
                yard.spawn(["/usr/bin/tail", "-n", "+1", "-F", feed], output: "\(yard.root)/tail"),
                yard.spawn(["/usr/bin/env", "python3", "\(yard.root)/follower.py", feed, "\(yard.root)/python"]),
            ]
        }

        func sequences(_ text: String) throws -> [Int] {
            try text.split(separator: "\n").filter { $0.hasPrefix("{") }.map { try JSON(parsing: String($0)) }
                .compactMap { $0["sequence"]?.int }
        }

        func archivedFeeds() -> [String] {
            yard.shell("ls archive 2>/dev/null | grep '^spool.events-' | sort -t- -k2n").output.split(separator: "\n")
                .map(String.init)
        }

        @Test("is followed by name without losing a line, and its file's name says where it ends")
        func rotation() async throws {
            try yard.define("t", "exit 0")
            try yard.define("block", "while [ ! -e ../go ]; do sleep 0.02; done", ["lane": "slow"])
            // A follower has to look again before a second file has come and gone.
            let options = ["--rotate-events-at", "100000"]
            try await yard.start(options[0], options[1])
            let followers = try startFollowers()
            defer { for follower in followers { kill(follower, SIGKILL) } }
            for name in ["runs", "waits"] { try yard.drop(name, ["type": "block"]) }
            try await yard.standing("runs", "running")
            var count = 0
            while archivedFeeds().count < 2 {
                for _ in 0..<50 {
                    count += 1
                    try yard.drop("job\(count)", ["type": "t"])
                }
                _ = try await yard.result("job\(count)", within: 60)
            }
            try await eventually("the last events") { try yard.lines("spool.events.jsonl").isEmpty ? nil : true }
            let feeds = archivedFeeds()
            #expect(feeds.count >= 2)
            for feed in feeds {
                let last = try sequences(Yard.readFile(yard("archive/\(feed)")) ?? "").last
                #expect(feed == "spool.events-\(last ?? 0).jsonl")
            }

            // What was told in a feed before is told once, also when the daemon dies.
            yard.killDaemon()
            try await yard.start(options[0], options[1])
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go")
            _ = try await yard.result("waits")
            try await eventually("the end in the feed") {
                try yard.lines("spool.events.jsonl").contains { $0["event"] == "completed" && $0["name"] == "waits" }
                    ? true : nil
            }
            func everything() -> String {
                yard.shell("cat \(archivedFeeds().map { "archive/\($0)" }.joined(separator: " ")) spool.events.jsonl")
                    .output
            }
            let events = try everything().split(separator: "\n").map { try JSON(parsing: String($0)) }
            #expect(!events.contains { $0["event"] == "recovered" })
            for name in ["runs", "waits"] {
                let kinds = events.filter { $0["name"]?.string == name }.compactMap { $0["event"]?.string }
                #expect(kinds == ["accepted", "started", "completed"], "\(name)")
            }
            let numbers = events.compactMap { $0["sequence"]?.int }
            #expect(numbers == Array(1...numbers.count))
            #expect(numbers.count > 2 * count)
            for follower in ["tail", "python"] {
                try await eventually("\(follower) to come to the end", within: 30) {
                    try sequences(Yard.readFile("\(yard.root)/\(follower)") ?? "").last == numbers.count ? true : nil
                }
                #expect(try sequences(Yard.readFile("\(yard.root)/\(follower)") ?? "") == numbers, "\(follower)")
            }
        }

        @Test("tells the end of a job that was begun in a feed before, and archived before it could be told")
        func archivedUntold() async throws {
            try yard.define("t", "exit 0")
            try await yard.start()
            try yard.drop("job", ["type": "t"])
            let jobID = try await yard.result("job")["job_id"]
            try await eventually("the end in the feed") { try yard.lines("spool.events.jsonl").count == 3 ? true : nil }
            yard.killDaemon()
            // As if it had died after the result and before the event.
            yard.shell(
                "head -n 2 spool.events.jsonl > x && cp x spool.events.jsonl && rm x && \(Yard.executables)/jobspool prune --spool . --older-than 0"
            )
            #expect(!yard.exists("job.result.json"))
            try await yard.start()
            let event = try await eventually("the event") { try yard.lines("spool.events.jsonl").dropFirst(2).first }
            #expect(event["event"] == "recovered")
            #expect(event["status"] == "completed")
            #expect(event["job_id"] == jobID)
            #expect(yard.shell("ls").output == "archive\nspool.events.jsonl\nspool.status.json\n")
        }
    }
}
