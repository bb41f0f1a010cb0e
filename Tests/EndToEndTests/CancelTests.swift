/// A cancel really stops the work, and it stays cancelled.
import Glibc
import JSONText
import SpoolStorage
import Testing

extension EndToEnd {
    @Suite("A cancel")
    struct CancelTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        @Test("with a reason says so, by command or from a shell, which writes it after the file is there")
        func reasons() async throws {
            try yard.define("t", "sleep 60", ["lane": "a"])
            try yard.define("u", "sleep 60", ["lane": "b"])
            try await yard.start()
            for (name, type) in [("one", "t"), ("two", "u")] {
                try yard.drop(name, ["type": .string(type)])
                try await yard.standing(name, "running")
            }
            let by = Users.name(of: geteuid())
            yard.shell("\(Yard.executables)/jobspool cancel --spool . one --reason 'the wrong one'")
            yard.shell("echo '{\"reason\": \"not now\"}' > two.cancel.json")
            #expect(try await yard.result("one")["message"] == .string("Cancelled by \(by): the wrong one"))
            #expect(try await yard.result("two")["message"] == .string("Cancelled by \(by): not now"))
        }

        @Test("rids the machine of a handler and descendants that ignore TERM, soon after the grace time")
        func stubborn() async throws {
            try yard.define(
                "stubborn",
                """
                trap '' TERM
                (trap '' TERM; bash -c 'trap "" TERM; while :; do sleep 0.1; done' & while :; do sleep 0.1; done) &
                setsid bash -c 'trap "" TERM; while :; do sleep 0.1; done' >/dev/null 2>&1 </dev/null &
                echo ready
                while :; do sleep 0.1; done
                """, ["grace_seconds": 1])
            try await yard.start()
            try yard.drop("job", ["type": "stubborn"])
            try await eventually("the handler") { try yard.messages("job") == ["ready"] ? true : nil }
            #expect(yard.processesInside().count >= 5)
            let asked = Clock.monotonic()
            try yard.write("", to: "job.cancel.json")
            try await eventually("nobody to be left") { yard.processesInside().isEmpty ? true : nil }
            let took = Clock.monotonic() - asked
            #expect(took >= 0.9)
            // All are dead a tenth of a second later, where nothing else is to be done; a second try would come much later.
            #expect(took <= 6)
            let result = try await yard.result("job")
            #expect(result["status"] == "cancelled")
            #expect(result["message"] == "Cancelled by \(Users.name(of: geteuid()))" as JSON)
            try await eventually("the cancel file to go") { yard.exists("job.cancel.json") ? nil : true }
        }

        @Test("that is waited for ends with the run that was cancelled, although the job is to run once more")
        func waitedFor() async throws {
            try yard.define("block", "while [ ! -e ../go ]; do sleep 0.02; done")
            try await yard.start()
            try yard.drop("job", ["type": "block"])
            let first = try await yard.standing("job", "running")["job_id"]?.string
            #expect(yard.shell("touch job.json").status == 0)
            let ended = yard.shell("timeout 10 \(Yard.executables)/jobspool cancel --wait --json --spool . job")
            #expect(ended.status == 0, "\(ended.output)")
            let shown = try JSON(parsing: ended.output)
            #expect(shown["status"] == "cancelled")
            #expect(shown["job_id"]?.string == first)
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go")
            #expect(try await yard.result("job", after: first)["status"] == "completed")
        }

        @Test("counts whatever the handler's exit status, and the handler may end in its own way")
        func politely() async throws {
            try yard.define("polite", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
            try await yard.start()
            try yard.drop("job", ["type": "polite"])
            try await eventually("the handler") { try yard.messages("job") == ["ready"] ? true : nil }
            try yard.write("", to: "job.cancel.json")
            let result = try await yard.result("job")
            #expect(result["status"] == "cancelled")
            #expect(result["attempts"]?.array?.first?["exit_status"] == 0)
            // A child that bash has just forked when TERM comes says goodbye, too.
            #expect(Set(try yard.messages("job")) == ["ready", "bye"])
        }

        @Test("works for a job that waits, for one that waits for its next attempt, and while no daemon is there")
        func waiting() async throws {
            try yard.define("block", "sleep 60")
            try yard.define(
                "flaky", #"echo '{"type":"error","item":"a"}'; exit 75"#,
                ["lane": "b", "retry": ["max_attempts": 9, "backoff_seconds": 600]])
            try await yard.start()
            try yard.drop("first", ["type": "block"])
            try await yard.standing("first", "running")
            try yard.drop("second", ["type": "block"])
            try yard.drop("third", ["type": "block"])
            try yard.drop("flaky", ["type": "flaky"])
            try await yard.standing("third", "pending")
            try await eventually("the backoff") { try yard.status("flaky")?["retry_at"]?.string }
            try yard.write("", to: "second.cancel.json")
            try yard.write("", to: "flaky.cancel.json")
            #expect(try await yard.result("second")["status"] == "cancelled")
            #expect(try await yard.result("second")["started_at"] == .null)
            let flaky = try await yard.result("flaky")
            #expect(flaky["status"] == "cancelled")
            #expect(flaky["attempts"]?.array?.count == 1)
            #expect(flaky["errors_total"] == 1)
            yard.killDaemon()
            try yard.write("", to: "first.cancel.json")
            try yard.write("", to: "third.cancel.json")
            try await yard.start()
            #expect(try await yard.result("first")["status"] == "cancelled")
            #expect(try await yard.result("third")["status"] == "cancelled")
            try await eventually("nobody to be left") { yard.processesInside().isEmpty ? true : nil }
        }

        @Test("that comes before its request cancels it, and one for a job that is over just goes")
        func early() async throws {
            try yard.define("t", "exit 0")
            try yard.write("", to: "job.cancel.json")
            try yard.drop("job", ["type": "t"])
            try await yard.start()
            #expect(try await yard.result("job")["status"] == "cancelled")
            try yard.drop("over", ["type": "t"])
            let result = try await yard.result("over")
            try yard.write("", to: "over.cancel.json")
            try await eventually("the cancel file to go") { yard.exists("over.cancel.json") ? nil : true }
            #expect(try await yard.result("over") == result)
        }

        @Test(
            "that a daemon has left behind when it died does not cancel the next run of that name",
            arguments: [true, false])
        func leftBehind(isSpent: Bool) async throws {
            try yard.define("t", "[ -e ../go ] || sleep 60")
            try await yard.start()
            try yard.drop("job", ["type": "t"])
            try await yard.standing("job", "running")
            try yard.write("", to: "job.cancel.json")
            let first = try await yard.result("job")
            #expect(first["status"] == "cancelled")
            try await eventually("the cancel file to go") { yard.exists("job.cancel.json") ? nil : true }
            yard.killDaemon()
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go")
            // As if it had died before it removed the file; or one that came after the result.
            let rewrite = "cat job.result.json > .r && cat .r > job.result.json"
            let steps = isSpent ? ["touch job.cancel.json", rewrite] : [rewrite, "touch job.cancel.json"]
            #expect(yard.shell(steps.joined(separator: "; sleep 0.05; ") + "; rm .r; touch job.json").status == 0)
            try await yard.start()
            let next = try await yard.result("job", after: first["job_id"]?.string)
            #expect(next["status"] == (isSpent ? "completed" : "cancelled"))
            try await eventually("the cancel file to go") { yard.exists("job.cancel.json") ? nil : true }
        }

        @Test(
            "by somebody else counts for nothing",
            .enabled(if: geteuid() == 0, "needs root to make another user's file"))
        func stranger() async throws {
            try yard.define("block", "while [ ! -e ../go ]; do sleep 0.02; done")
            try await yard.start()
            try yard.drop("job", ["type": "block"])
            try await yard.standing("job", "running")
            #expect(yard.shell("touch .c && chown nobody .c && mv .c job.cancel.json").status == 0)
            try await eventually("the refusal") {
                try yard.lines("spool.events.jsonl").first {
                    $0["message"]?.string?.contains("may not cancel job") == true
                }
            }
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go")
            #expect(try await yard.result("job")["status"] == "completed")
        }
    }
}
