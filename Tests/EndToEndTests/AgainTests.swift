/// When a request is new: run again, replaced, withdrawn.
import Glibc
import JSONText
import Testing

extension EndToEnd {
    @Suite("A request")
    struct AgainTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        @Test("that is touched or dropped again runs again, and the old family goes to the archive")
        func again() async throws {
            try yard.define("t", "echo run")
            try await yard.start()
            try yard.drop("219", ["type": "t"])
            let first = try #require(try await yard.result("219")["job_id"]?.string)
            #expect(yard.shell("touch 219.json").status == 0)
            let second = try #require(try await yard.result("219", after: first)["job_id"]?.string)
            try yard.drop("219", ["type": "t", "description": "another"])
            let third = try await yard.result("219", after: second)
            #expect(third["description"] == "another")
            let archived = yard.shell(
                "for f in archive/*/*/*/*; do echo ${f##*/}: $(ls $f | sort | tr '\\n' ' '); done"
            )
            .output
            for jobID in [first, second] {
                #expect(archived.contains("219~\(jobID): 219.log.jsonl 219.result.json 219.status.json"), "\(archived)")
            }
            #expect(try yard.messages("219") == ["run"])
        }

        @Test(
            "whose result is removed counts as not run: a daemon runs it again, at its start or when it looks at the spool next"
        )
        func removedResult() async throws {
            try yard.define("t", "echo run")
            try await yard.start("--rescan", "1")
            try yard.drop("219", ["type": "t"])
            let first = try #require(try await yard.result("219")["job_id"]?.string)
            #expect(yard.shell("rm 219.result.json").status == 0)
            _ = try await yard.result("219", after: first)
            _ = try await yard.stopDaemon()
            #expect(yard.shell("rm 219.result.json").status == 0)
            let waited = yard.shell("timeout 10 \(Yard.executables)/jobspool wait --spool . 219")
            #expect(waited.status == 0, "\(waited.output)")
            try await yard.start()
            #expect(try await yard.result("219")["status"] == "completed")
        }

        @Test("that is copied back with its times kept does not run again")
        func copyWithTimes() async throws {
            try yard.define("t", "exit 0")
            try await yard.start("--rescan", "1")
            try yard.drop("219", ["type": "t"])
            let first = try await yard.result("219")["job_id"]?.string
            #expect(
                yard.shell("cp -a 219.json /tmp/$$ && rm 219.json && cp -a /tmp/$$ 219.json && rm /tmp/$$").status == 0)
            // The next request is taken up after that copy was looked at.
            try yard.drop("next", ["type": "t"])
            _ = try await yard.result("next")
            #expect(try await yard.result("219")["job_id"]?.string == first)
            _ = try await yard.stopDaemon()
            try await yard.start()
            try yard.drop("last", ["type": "t"])
            _ = try await yard.result("last")
            #expect(try await yard.result("219")["job_id"]?.string == first)
            #expect(try yard.lines("spool.events.jsonl").count { $0["event"] == "accepted" } == 3)
        }

        @Test("that changes while it waits replaces itself, and one that changes while it runs is taken up afterwards")
        func changes() async throws {
            try yard.define("block", "while [ ! -e ../go ]; do sleep 0.02; done; cat >&2")
            try await yard.start()
            try yard.drop("first", ["type": "block", "params": ["n": 1]])
            try await yard.standing("first", "running")
            try yard.drop("second", ["type": "block", "params": ["n": 1]])
            let replaced = try await yard.standing("second", "pending")["job_id"]?.string
            try yard.drop("second", ["type": "block", "params": ["n": 2]])
            try await eventually("the replacement") {
                try yard.status("second")?["job_id"]?.string == replaced ? nil : true
            }
            try yard.drop("first", ["type": "block", "params": ["n": 3]])
            let old = try yard.status("first")?["job_id"]?.string
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go")
            let second = try await yard.result("second")
            #expect(second["status"] == "completed")
            #expect(try yard.messages("second", source: "stderr").first?.contains(#""n":2"#) == true)
            _ = try await yard.result("first", after: old)
            #expect(try yard.messages("first", source: "stderr").first?.contains(#""n":3"#) == true)
        }

        @Test("that is deleted while it waits is withdrawn; one that an editor writes anew is not")
        func withdrawn() async throws {
            try yard.define("block", "while [ ! -e ../go ]; do sleep 0.02; done")
            try await yard.start("--settle", "2")
            for name in ["first", "gone", "edited"] { try yard.drop(name, ["type": "block"]) }
            try await yard.standing("edited", "pending")
            #expect(yard.shell("rm gone.json; mv edited.json edited.json~; cp edited.json~ edited.json").status == 0)
            let gone = try await yard.result("gone")
            #expect(gone["status"] == "cancelled")
            #expect(gone["message"]?.string?.contains("deleted") == true)
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go")
            #expect(try await yard.result("edited")["status"] == "completed")
        }

        @Test("that is away when its turn comes, and back as it was soon after, runs then")
        func away() async throws {
            try yard.define("block", "while [ ! -e ../go ]; do sleep 0.02; done")
            try await yard.start("--settle", "30")
            try yard.drop("first", ["type": "block"])
            try yard.drop("second", ["type": "block"])
            try await yard.standing("second", "pending")
            #expect(yard.shell("mv second.json .second").status == 0)
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go")
            _ = try await yard.result("first")
            try yard.drop("third", ["type": "block"])
            _ = try await yard.result("third")
            #expect(yard.shell("mv .second second.json").status == 0)
            #expect(try await yard.result("second")["status"] == "completed")
        }

        @Test("that is dropped while no daemon is there runs, whatever has been done to its result's inode since")
        func resultIsTouched() async throws {
            try yard.define("t", "exit 0")
            try await yard.start()
            try yard.drop("219", ["type": "t"])
            let first = try await yard.result("219")["job_id"]?.string
            try await yard.standing("219", "completed")
            _ = try await yard.stopDaemon()
            try yard.drop("219", ["type": "t", "description": "again"])
            try await eventually("its result to be far younger by its time of change") {
                let script =
                    "chmod 640 219.result.json; [ $(($(stat -c %Z 219.result.json) - $(stat -c %Z 219.json))) -gt 3 ]"
                return yard.shell(script).status == 0 ? true : nil
            }
            try await yard.start("--rescan", "1")
            #expect(try await yard.result("219", after: first)["description"] == "again")
        }
    }
}
