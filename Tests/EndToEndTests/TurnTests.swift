/// When a job has its turn: `on_busy`, `not_before`, `after`, and a paused spool; and that all of it survives the daemon.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Testing

extension EndToEnd {
    @Suite("A job has its turn")
    struct TurnTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        /// Runs until `.jobspool/work/go` is there.
        private static let block = "while [ ! -e ../go ]; do sleep 0.02; done; cat; echo ran >&2"

        private func go() throws { try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go") }

        private func events(_ kind: String) throws -> [String] {
            try yard.lines("spool.events.jsonl").filter { $0["event"]?.string == kind }.compactMap {
                $0["name"]?.string
            }
        }

        // MARK: on_busy

        @Test("never with `reject` while its lane is busy: BUSY tells whose turn it is")
        func reject() async throws {
            try yard.define("block", Self.block)
            try yard.define("trigger", Self.block, ["on_busy": "reject"])
            try await yard.start()
            try yard.drop("alone", ["type": "trigger"])
            let running = try await yard.standing("alone", "running")
            try yard.drop("second", ["type": "trigger"])
            let busy = try await yard.result("second")
            #expect(busy["status"] == "rejected")
            #expect(busy["error"]?["code"] == "BUSY")
            #expect(
                busy["error"]?["details"]
                    == [
                        "name": "alone", "job_id": running["job_id"] ?? .null,
                        "started_at": running["started_at"] ?? .null,
                    ])
            // The request may ask for something else than its type does.
            try yard.drop("patient", ["type": "trigger", "on_busy": "queue"])
            try await yard.standing("patient", "pending")
            try await eventually("the queue to be shown") {
                try yard.json("spool.status.json")?["lanes"]?["default"]?["queued"] == 1 ? true : nil
            }
            let shown = yard.shell("\(Yard.executables)/jobspool status --spool . patient").output
            #expect(shown.contains("alone runs in lane default, 1 queued"), "\(shown)")
            try go()
            #expect(try await yard.result("patient")["status"] == "completed")
            #expect(try events("accepted") == ["alone", "patient"])
        }

        @Test("never with `reject` behind a job that is queued, though none runs")
        func rejectQueued() async throws {
            try yard.define("t", "exit 0")
            try yard.write("", to: "spool.pause.json")
            try await yard.start()
            try yard.drop("queued", ["type": "t"])
            try yard.drop("later", ["type": "t", "not_before": "2999-01-01T00:00:00Z"])
            try await yard.standing("queued", "pending")
            try yard.drop("second", ["type": "t", "on_busy": "reject"])
            let busy = try await yard.result("second")
            #expect(busy["error"]?["details"]?["name"] == "queued")
            #expect(busy["error"]?["details"]?["started_at"] == .null)
            #expect(yard.shell("rm spool.pause.json").status == 0)
            _ = try await yard.result("queued")
            // What waits for its time keeps nobody out.
            try yard.drop("third", ["type": "t", "on_busy": "reject"])
            #expect(try await yard.result("third")["status"] == "completed")
        }

        @Test("with `join` by the result of an equal job; cancelling one leaves the other alone")
        func join() async throws {
            try yard.define(
                "work",
                Self.block
                    + #"; echo '{"type":"error","item":"x","code":"E","message":"bad"}'; echo '{"type":"result","value":{"n":7}}'"#
            )
            try await yard.start()
            try yard.drop("first", ["type": "work", "params": ["a": 1, "b": 2]])
            let target = try await yard.standing("first", "running")["job_id"]
            let equal: JSON = ["type": "work", "params": ["b": 2, "a": 1], "on_busy": "join"]
            for name in ["same", "impatient"] { try yard.drop(name, equal) }
            try yard.drop("other", ["type": "work", "params": ["a": 2, "b": 2], "on_busy": "join"])
            for name in ["same", "impatient"] {
                let waiting = try await yard.standing(name, "pending")
                #expect(waiting["waiting_for"]?["reason"] == "join")
                #expect(waiting["waiting_for"]?["jobs"] == ["first"])
                #expect(waiting["waiting_for"]?["job_id"] == target)
                #expect(waiting["message"]?.string?.contains("result of first") == true)
            }
            try yard.write("", to: "impatient.cancel.json")
            #expect(try await yard.result("impatient")["status"] == "cancelled")
            // What one daemon found out the next one knows.
            yard.killDaemon()
            try await yard.start()
            try go()
            let result = try await yard.result("first")
            let joined = try await yard.result("same")
            for field in ["status", "outcome", "result", "counts", "errors", "errors_total", "message"] {
                #expect(joined[field] == result[field], "\(field)")
            }
            #expect(joined["outcome"] == "partial")
            #expect(joined["joined"]?["job_id"] == target)
            #expect(joined["attempt"] == 0)
            #expect(try await yard.result("other")["joined"] == .null)
            try await eventually("both starts to be told, and no other") {
                try events("started").sorted() == ["first", "other"] ? true : nil
            }
        }

        @Test("with `join` by itself when the job that it waited for is cancelled")
        func joinCancelled() async throws {
            try yard.define("work", Self.block)
            try await yard.start()
            try yard.drop("first", ["type": "work"])
            try await yard.standing("first", "running")
            for name in ["second", "third"] {
                try yard.drop(name, ["type": "work", "on_busy": "join"])
                try await yard.standing(name, "pending")
            }
            try yard.write("", to: "first.cancel.json")
            _ = try await yard.result("first")
            try await yard.standing("second", "running")
            try await eventually("the third to wait for the second") {
                try yard.status("third")?["waiting_for"]?["jobs"] == ["second"] ? true : nil
            }
            try go()
            #expect(try await yard.result("third")["joined"]?["name"] == "second")
        }

        @Test("by the result of a job that was over when the daemon came back, even if that has run again since")
        func joinWhileDown() async throws {
            try yard.define("work", Self.block)
            try await yard.start("--on-stop", "leave")
            try yard.drop("first", ["type": "work"])
            let target = try await yard.standing("first", "running")["job_id"]
            try yard.drop("second", ["type": "work", "on_busy": "join"])
            try await yard.standing("second", "pending")
            yard.killDaemon()
            try go()
            try await eventually("the attempt to end") { yard.supervisors().isEmpty ? true : nil }
            try await yard.start()
            #expect(try await yard.result("second")["joined"]?["job_id"] == target)
        }

        @Test("with `replace` after the jobs of its type, running and pending, are cancelled")
        func replace() async throws {
            try yard.define("work", Self.block, ["on_busy": "replace"])
            try yard.define("another", "exit 0")
            try await yard.start()
            try yard.drop("first", ["type": "work", "params": ["n": 1]])
            try await yard.standing("first", "running")
            try yard.drop("bystander", ["type": "another"])
            try yard.drop("waits", ["type": "work", "not_before": "2999-01-01T00:00:00Z"])
            try await yard.standing("waits", "pending")
            try yard.drop("second", ["type": "work", "params": ["n": 2]])
            for name in ["first", "waits"] {
                let result = try await yard.result(name)
                #expect(result["status"] == "cancelled")
                #expect(result["message"]?.string?.contains("replaced by second") == true, "\(result["message"] ?? "")")
            }
            try go()
            #expect(try await yard.result("second")["status"] == "completed")
            #expect(try await yard.result("bystander")["status"] == "completed")
            #expect(!yard.exists("first.cancel.json"))
        }

        @Test("in the order of acceptance when two that join and one that replaces arrive together")
        func together() async throws {
            try yard.define("work", Self.block)
            for (name, policy) in [("1", "join"), ("2", "join"), ("3", "replace"), ("4", "join")] {
                try yard.drop(name, ["type": "work", "on_busy": .string(policy)])
                try await eventually("the clock to go on") {
                    yard.shell("touch .now; [ .now -nt \(name).json ]").status == 0 ? true : nil
                }
            }
            try await yard.start()
            try await yard.standing("3", "running")
            #expect(try await yard.result("1")["status"] == "cancelled")
            #expect(try await yard.result("2")["status"] == "cancelled")
            try go()
            #expect(try await yard.result("4")["joined"]?["name"] == "3")
            #expect(try events("started") == ["3"])
        }

        @Test(
            "though somebody who may not cancel a job asks for it to be replaced",
            .enabled(if: geteuid() == 0, "needs root to make another user's file"))
        func replaceOthers() async throws {
            try yard.define("work", Self.block, ["allow": ["users": ["*"]]])
            try await yard.start()
            try yard.drop("mine", ["type": "work"])
            try await yard.standing("mine", "running")
            #expect(
                yard.shell(
                    #"echo '{"type":"work","on_busy":"replace"}' > .p; chown nobody .p; mv .p theirs.json"#
                ).status == 0)
            try await yard.standing("theirs", "pending")
            try go()
            #expect(try await yard.result("mine")["status"] == "completed")
            #expect(try await yard.result("theirs")["status"] == "completed")
        }

        // MARK: not_before

        @Test("not before its time, across a restart")
        func notBefore() async throws {
            try yard.define("t", "exit 0")
            try await yard.start()
            let time = Clock.now().adding(seconds: 3)
            try yard.drop("later", ["type": "t", "not_before": .string(time.description)])
            let status = try await yard.standing("later", "pending")
            #expect(status["waiting_for"]?["reason"] == "not_before")
            #expect(status["waiting_for"]?["until"]?.string == time.description)
            try yard.drop("now", ["type": "t", "not_before": "2020-01-01T00:00:00Z"])
            _ = try await yard.result("now")
            yard.killDaemon()
            try await yard.start()
            let result = try await yard.result("later")
            let started = try #require(result["started_at"]?.string.flatMap(Timestamp.init))
            #expect(started >= time)
            try await yard.standing("later", "completed")
            #expect(try yard.status("later")?["waiting_for"] == .null)
        }

        // MARK: after

        @Test("after the jobs that it names have completed, whether they come before or after it")
        func after() async throws {
            try yard.define("t", "exit 0")
            try yard.define("block", Self.block)
            try await yard.start()
            try yard.drop("done", ["type": "t"])
            _ = try await yard.result("done")
            try yard.drop("slow", ["type": "block"])
            try yard.drop("last", ["type": "t", "after": ["done", "slow", "to-come"]])
            let status = try await yard.standing("last", "pending")
            #expect(status["waiting_for"]?["reason"] == "after")
            // The one that has a result is under way as long as that is not known to be on the disk.
            try await eventually("it to wait for the others") {
                try yard.status("last")?["waiting_for"]?["jobs"] == ["slow", "to-come"] ? true : nil
            }
            #expect(try yard.status("last")?["waiting_for"]?["unknown"] == ["to-come"])
            try yard.drop("to-come", ["type": "t"])
            try await eventually("that it has come") {
                try yard.status("last")?["waiting_for"]?["unknown"] == [] ? true : nil
            }
            yard.killDaemon()
            try await yard.start()
            #expect(try yard.status("last")?["waiting_for"]?["jobs"] == ["slow", "to-come"])
            try go()
            #expect(try await yard.result("last")["status"] == "completed")
            try await eventually("its start to be told last") { try events("started").last == "last" ? true : nil }
        }

        @Test("never after one that did not complete: DEPENDENCY_FAILED names it, and so do those that wait for that")
        func dependencyFailed() async throws {
            try yard.define("t", "exit 0")
            try yard.define("bad", "sleep 0.2; exit 1")
            try await yard.start()
            for index in stride(from: 30, through: 2, by: -1) {
                try yard.drop("chain\(index)", ["type": "t", "after": [.string("chain\(index - 1)")]])
            }
            try await yard.standing("chain2", "pending")
            try yard.drop("chain1", ["type": "bad"])
            let second = try await yard.result("chain2")
            #expect(second["status"] == "failed")
            #expect(second["error"]?["code"] == "DEPENDENCY_FAILED")
            #expect(second["error"]?["details"]?["jobs"] == [["name": "chain1", "status": "failed"]])
            #expect(try await yard.result("chain30")["error"]?["code"] == "DEPENDENCY_FAILED")
            // It is as late when the other was over before.
            try yard.drop("late", ["type": "t", "after": ["chain1"]])
            #expect(try await yard.result("late")["error"]?["code"] == "DEPENDENCY_FAILED")
            #expect(try events("started") == ["chain1"])
        }

        @Test("after jobs that are in the archive by now")
        func afterArchived() async throws {
            try yard.define("t", "exit 0")
            try yard.define("bad", "exit 1")
            try await yard.start("--archive-after", "0s")
            for (name, type) in [("good", "t"), ("evil", "bad")] {
                try yard.drop(name, ["type": .string(type)])
                try await eventually("\(name) to be archived") {
                    yard.shell("ls -d archive/*/*/*/\(name)~*").status == 0 && !yard.exists("\(name).json") ? true : nil
                }
            }
            // The archive is looked at again and again: what happens next is told by the feed.
            try yard.drop("next", ["type": "t", "after": ["good"]])
            try yard.drop("never", ["type": "t", "after": ["good", "evil"]])
            func ending(of name: String) async throws -> JSON {
                try await eventually("\(name) to be over") {
                    try yard.lines("spool.events.jsonl").last { event in
                        event["name"]?.string == name && ["completed", "failed"].contains(event["event"]?.string)
                    }
                }
            }
            #expect(try await ending(of: "next")["event"] == "completed")
            #expect(try await ending(of: "never")["error"]?["code"] == "DEPENDENCY_FAILED")
        }

        @Test("never in a circle: the one that closes it is rejected at once, and the others end with it")
        func circle() async throws {
            try yard.define("t", "exit 0")
            try await yard.start()
            try yard.drop("a", ["type": "t", "after": ["b"]])
            try yard.drop("b", ["type": "t", "after": ["c"]])
            try await yard.standing("b", "pending")
            try yard.drop("c", ["type": "t", "after": ["a"]])
            let closing = try await yard.result("c")
            #expect(closing["status"] == "rejected")
            #expect(closing["error"]?["details"]?["circle"] == ["c", "a", "b", "c"])
            for name in ["a", "b"] { #expect(try await yard.result(name)["error"]?["code"] == "DEPENDENCY_FAILED") }
            try yard.drop("self", ["type": "t", "after": ["self"]])
            #expect(try await yard.result("self")["error"]?["details"]?["circle"] == ["self", "self"])
        }

        @Test("again when its backoff is over and its lane is free; its status says which of the two it waits for")
        func retry() async throws {
            try yard.define(
                "flaky", "[ $JOBSPOOL_ATTEMPT = 2 ] || exit 75", ["retry": ["max_attempts": 2, "backoff_seconds": 3]])
            try yard.define("block", Self.block)
            try await yard.start()
            try yard.drop("flaky", ["type": "flaky"])
            try await eventually("the backoff") {
                try yard.status("flaky")?["waiting_for"]?["reason"] == "retry" ? true : nil
            }
            try yard.drop("block", ["type": "block"])
            try await yard.standing("block", "running")
            try await eventually("the backoff to be over") {
                try yard.status("flaky")?["waiting_for"] == .null ? true : nil
            }
            #expect(try yard.status("flaky")?["status"] == "pending")
            #expect(try yard.status("flaky")?["retry_at"] == .null)
            try go()
            #expect(try await yard.result("flaky")["status"] == "completed")
        }

        // MARK: Pause

        @Test("when nobody has paused the spool; what runs goes on, and everybody is told why nothing starts")
        func pause() async throws {
            try yard.define("block", Self.block)
            try await yard.start()
            try yard.drop("running", ["type": "block"])
            try await yard.standing("running", "running")
            let tool = "\(Yard.executables)/jobspool"
            #expect(yard.shell("\(tool) pause --spool . --reason 'the disk is full'").status == 0)
            #expect(yard.shell("\(tool) pause --spool .").output.contains("paused already"))
            try await eventually("the pause to be shown") {
                try yard.json("spool.status.json")?["paused"]?["reason"] == "the disk is full" ? true : nil
            }
            try yard.drop("waits", ["type": "block"])
            try await yard.standing("waits", "pending")
            try go()
            #expect(try await yard.result("running")["status"] == "completed")
            yard.killDaemon()
            try await yard.start()
            #expect(try yard.json("spool.status.json")?["paused"]?["by"]?.string == Users.name(of: geteuid()))
            #expect(yard.shell("\(tool) status --spool .").output.contains("the disk is full"))
            #expect(try yard.status("waits")?["status"] == "pending")
            #expect(yard.shell("\(tool) status --spool . waits").output.contains("the spool is paused since"))
            #expect(yard.shell("\(tool) resume --spool .").output == "resumed\n")
            #expect(try await yard.result("waits")["status"] == "completed")
            let told = try yard.lines("spool.events.jsonl").filter { $0["event"] == "noticed" }
                .compactMap { $0["message"]?.string }
            #expect(told.contains { $0.hasPrefix("paused by") && $0.hasSuffix(": the disk is full") })
            #expect(told.last == "resumed")
        }

        @Test(
            "though somebody else has put a pause file there",
            .enabled(if: geteuid() == 0, "needs root to make another user's file"))
        func pauseByOthers() async throws {
            try yard.define("t", "exit 0")
            try await yard.start()
            #expect(yard.shell("touch .p; chown nobody .p; mv .p spool.pause.json").status == 0)
            try yard.drop("job", ["type": "t"])
            #expect(try await yard.result("job")["status"] == "completed")
            #expect(!yard.exists("spool.pause.json"))
        }

        @Test("and its type is shown as idle until then")
        func idleTypes() async throws {
            try yard.define("t", "exit 0")
            try await yard.start()
            let types = try yard.json("spool.status.json")?["types"]
            #expect(types?["t"]?["last_status"] == "idle")
            #expect(types?["t"]?["running"] == false)
            #expect(types?["documents.sync"]?["last_run"] == .null)
        }
    }
}
