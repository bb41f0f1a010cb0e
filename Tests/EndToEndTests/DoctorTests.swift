/// The doctor beside a real daemon.
import Glibc
import JSONText
import Testing

extension EndToEnd {
    @Suite("The doctor beside a daemon")
    struct DoctorTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        private func doctor(_ arguments: String) -> (status: Int32, output: String) {
            yard.shell("\(Yard.executables)/jobspool doctor --spool . \(arguments)")
        }

        private func reason(_ job: String) throws -> String? {
            try JSON(parsing: doctor("--json \(job)").output)["reason"]?.string
        }

        @Test("finds nothing wrong with a spool that is served as it should be, and leaves nothing behind")
        func healthy() async throws {
            try yard.define("t", "exit 0")
            try await yard.start()
            try yard.drop("job", ["type": "t"])
            _ = try await yard.result("job")
            try await yard.standing("job", "completed")
            let events = try await eventually("its end in the feed") {
                let events = try yard.lines("spool.events.jsonl")
                return events.last?["event"] == "completed" ? events.count : nil
            }
            let before = yard.shell("ls -A; ls -A .jobspool").output
            let healthy = doctor("--types ../types")
            #expect(healthy.status == 0, "\(healthy.output)")
            #expect(healthy.output.contains("the daemon saw a file"))
            #expect(healthy.output.hasSuffix("nothing is wrong\n"))
            #expect(yard.shell("ls -A; ls -A .jobspool").output == before)
            #expect(try yard.lines("spool.events.jsonl").count == events)
        }

        @Test("sees that a daemon that polls hears of files, too")
        func polling() async throws {
            try await yard.start("--intake", "polling")
            let polling = doctor("")
            #expect(polling.output.contains("(intake: polling)"))
            #expect(polling.output.contains("reads the directory every second instead of listening"))
            #expect(polling.status == 2, "\(polling.output)")
        }

        @Test("tells a daemon that does not see files from one that is not there, and removes its canary")
        func deaf() async throws {
            try await yard.start()
            kill(yard.daemon, SIGSTOP)
            let deaf = doctor("--json | jq -r '.findings[] | select(.check == \"canary\") | .severity'")
            kill(yard.daemon, SIGCONT)
            #expect(deaf.output == "problem\n")
            yard.killDaemon()
            let dead = doctor("")
            #expect(dead.status == 1)
            #expect(dead.output.contains("ended without saying so"))
            #expect(dead.output.contains("unchecked canary"))
            #expect(!yard.shell("ls -A").output.contains("doctor-"))
        }

        @Test("explains jobs as they go through the spool")
        func jobs() async throws {
            try yard.define("slow", "while [ ! -e ../go ]; do sleep 0.02; done")
            try yard.define("side", "while [ ! -e ../go ]; do sleep 0.02; done", ["lane": "side"])
            try yard.drop("first", ["type": "slow"])
            #expect(try reason("first") == "no_daemon")
            try await yard.start("--max-lanes", "1")
            try await yard.standing("first", "running")
            #expect(try reason("first") == "running")
            try yard.drop("second", ["type": "slow"])
            try yard.drop("third", ["type": "slow", "priority": 1])
            try yard.drop("aside", ["type": "side"])
            try yard.drop("later", ["type": "slow", "not_before": "2100-01-01T00:00:00Z"])
            try yard.drop("after", ["type": "slow", "after": ["first", "nobody"]])
            try yard.drop("join", ["type": "slow", "on_busy": "join"])
            for job in ["second", "third", "aside", "later", "after", "join"] {
                try await yard.standing(job, "pending")
            }
            #expect(doctor("second").output.contains("lane default is busy with first"))
            #expect(doctor("second").output.contains("1 job is before it"))
            #expect(!doctor("third").output.contains("before it"))
            #expect(try reason("aside") == "max_lanes")
            #expect(try reason("later") == "not_before")
            #expect(try reason("after") == "after")
            #expect(doctor("after").output.contains("first (running), nobody (not dropped yet)"))
            #expect(try reason("join") == "join")
            #expect(yard.shell("touch spool.pause.json").status == 0)
            #expect(try reason("second") == "paused")
            #expect(yard.shell("rm spool.pause.json").status == 0)
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go")
            _ = try await yard.result("second")
            #expect(try reason("second") == "completed")
            // A handler that does not want to stop.
            try yard.define("stubborn", "trap '' TERM; while [ ! -e ../stop ]; do sleep 0.02; done")
            try yard.drop("stubborn", ["type": "stubborn"])
            try await yard.standing("stubborn", "running")
            #expect(yard.shell("touch stubborn.cancel.json").status == 0)
            #expect(try reason("stubborn") == "cancelling")
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/stop")
            #expect(try await yard.result("stubborn")["status"] == "cancelled")
            #expect(doctor("stubborn second").status == 0)
        }
    }
}
