/// What a job lives through: the death of the daemon, of its supervisor, of its handler, and of several of them.
import Glibc
import JSONText
import Testing

extension EndToEnd {
    @Suite("A running job")
    struct SurvivalTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        @Test(
            "is not disturbed by twenty kills of the daemon: no line lost, none doubled, one attempt, the right result")
        func killedDaemons() async throws {
            try yard.define(
                "count",
                """
                echo start >> ../starts
                for i in $(seq 10000); do
                  echo "line $i"
                  echo "{\\"type\\":\\"progress\\",\\"current\\":$i,\\"total\\":10000}"
                  [ $((i % 100)) != 0 ] || sleep 0.05
                done
                echo '{"type":"result","value":10000}'
                """)
            try await yard.start()
            try yard.drop("job", ["type": "count"])
            try await yard.standing("job", "running")
            var percent = 0.0
            for round in 1...20 {
                yard.killDaemon()
                if round % 3 == 0 { try await ContinuousClock().sleep(for: .milliseconds(round * 5)) }
                try await yard.start()
                try await eventually("progress after kill \(round)") { () -> Bool? in
                    guard let now = try yard.status("job")?["progress"]?["percent"]?.double else { return nil }
                    return now > percent || yard.exists("job.result.json") ? true : nil
                }
                let now = try #require(try yard.status("job")?["progress"]?["percent"]?.double)
                #expect(now >= percent)
                percent = now
            }
            let result = try await yard.result("job", within: 60)
            #expect(result["status"] == "completed")
            #expect(result["result"] == 10000)
            #expect(result["attempt"] == 1)
            #expect(result["attempts"]?.array?.count == 1)
            #expect(Yard.readFile("\(yard.path)/.jobspool/work/starts") == "start\n")
            let messages = try yard.messages("job")
            #expect(messages.count == 10000)
            #expect(messages == (1...10000).map { "line \($0)" })
            try await checkFeed()
        }

        @Test("that has removed its outputs has one attempt, also when another daemon comes") func removed()
            async throws
        {
            try yard.define(
                "t",
                """
                echo start >>../starts; rm "$(readlink -f /dev/stdout)" "$(readlink -f /dev/stderr)"
                while [ ! -e ../go ]; do sleep 0.02; done
                """)
            try await yard.start()
            try yard.drop("job", ["type": "t"])
            try await yard.standing("job", "running")
            try await eventually("the outputs to go") {
                yard.shell("ls .jobspool/attempts/*/1/stderr").status == 0 ? nil : true
            }
            yard.killDaemon()
            try await yard.start()
            try await yard.standing("job", "running")
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go")
            let result = try await yard.result("job")
            #expect(result["status"] == "completed")
            #expect(result["attempts"]?.array?.count == 1)
            #expect(Yard.readFile("\(yard.path)/.jobspool/work/starts") == "start\n")
        }

        @Test("that TERM from outside ends goes on from its checkpoint, also when its handler ends politely")
        func polite() async throws {
            try yard.define(
                "t",
                """
                [ "$JOBSPOOL_ATTEMPT" = 1 ] || { jq -c '{type: "result", value: .checkpoint}'; exit; }
                trap 'echo "{\\"type\\":\\"checkpoint\\",\\"value\\":7}"; exit 143' TERM
                echo ready; while :; do sleep 0.02; done
                """)
            try await yard.start()
            try yard.drop("job", ["type": "t"])
            try await eventually("the handler") { try yard.messages("job") == ["ready"] ? true : nil }
            let supervisor = try #require(yard.supervisors().first)
            yard.shell("pkill -TERM -P \(supervisor)")
            let result = try await yard.result("job")
            #expect(result["result"] == 7, "\(result.text)")
            #expect(result["attempts"]?.array?.map { $0["ending"] } == ["interrupted", "completed"])
        }

        @Test("that ends while no daemon is there is committed by the next one")
        func endsAlone() async throws {
            try yard.define("t", "while [ ! -e ../go ]; do sleep 0.02; done; echo late; exit 3")
            try await yard.start()
            try yard.drop("job", ["type": "t"])
            try await yard.standing("job", "running")
            yard.killDaemon()
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go")
            try await eventually("the attempt to end") { yard.processesInside().isEmpty ? true : nil }
            try await yard.start()
            let result = try await yard.result("job")
            #expect(result["status"] == "failed")
            #expect(result["error"]?["details"]?["exit_status"] == 3)
            #expect(try yard.messages("job") == ["late"])
        }

        enum Victim: String, CaseIterable { case handler, supervisor, both, everything }

        @Test(
            "whose attempt is killed ends as its type's on_interrupted says",
            arguments: Victim.allCases, ["resume", "restart", "fail"])
        func interrupted(victim: Victim, policy: String) async throws {
            try yard.define(
                "t",
                """
                echo "attempt $JOBSPOOL_ATTEMPT with $(cat $JOBSPOOL_CHECKPOINT 2>/dev/null)"
                echo '{"type":"checkpoint","value":"half"}'
                [ $JOBSPOOL_ATTEMPT != 1 ] || { echo $$ > ../pid; while :; do sleep 0.05; done; }
                """, ["on_interrupted": .string(policy), "grace_seconds": 1])
            try await yard.start()
            try yard.drop("job", ["type": "t"])
            try await eventually("the checkpoint") { try yard.status("job")?["checkpoint"] == "half" ? true : nil }
            // It says who it is after its checkpoint.
            let handler = try await eventually("the handler") {
                Yard.readFile("\(yard.path)/.jobspool/work/pid").flatMap { pid_t($0.filter(\.isNumber)) }
            }
            let supervisor = try #require(yard.supervisors().first)
            switch victim {
            case .handler: kill(handler, SIGKILL)
            case .supervisor: kill(supervisor, SIGKILL)
            case .both:
                kill(supervisor, SIGKILL)
                kill(-handler, SIGKILL)
            case .everything:
                yard.killDaemon()
                kill(supervisor, SIGKILL)
                kill(-handler, SIGKILL)
                try await yard.start()
            }
            let result = try await yard.result("job")
            let messages = try yard.messages("job")
            switch policy {
            case "resume":
                #expect(result["status"] == "completed")
                #expect(messages == ["attempt 1 with ", #"attempt 2 with "half""#])
            case "restart":
                #expect(result["status"] == "completed")
                #expect(messages == ["attempt 1 with ", "attempt 2 with "])
            default:
                #expect(result["status"] == "failed")
                #expect(result["error"]?["code"] == "INTERRUPTED")
                #expect(messages == ["attempt 1 with "])
            }
            #expect(result["attempts"]?.array?.first?["ending"] == "interrupted")
            try await eventually("the handler to be gone") { kill(handler, 0) == -1 ? true : nil }
        }

        @Test("that is interrupted three times without progress is given up; with progress it goes on")
        func crashLoop() async throws {
            try yard.define("loop", "kill -9 $$")
            // A checkpoint that is thrown away is no progress.
            try yard.define(
                "anew", "echo \"{\\\"type\\\":\\\"checkpoint\\\",\\\"value\\\":$JOBSPOOL_ATTEMPT}\"; kill -9 $$",
                ["on_interrupted": "restart"])
            try yard.define(
                "steps",
                """
                echo "{\\"type\\":\\"checkpoint\\",\\"value\\":$JOBSPOOL_ATTEMPT}"
                [ $JOBSPOOL_ATTEMPT = 6 ] || kill -9 $$
                """)
            try await yard.start()
            try yard.drop("loop", ["type": "loop"])
            try yard.drop("steps", ["type": "steps"])
            try yard.drop("anew", ["type": "anew"])
            #expect(try await yard.result("anew")["error"]?["code"] == "CRASH_LOOP")
            let loop = try await yard.result("loop")
            #expect(loop["error"]?["code"] == "CRASH_LOOP")
            #expect(loop["attempts"]?.array?.count == 3)
            let steps = try await yard.result("steps")
            #expect(steps["status"] == "completed")
            #expect(steps["attempts"]?.array?.count == 6)
        }

        @Test("whose supervisor is killed is stopped even when its handler has turned its outputs away")
        func hiddenOrphan() async throws {
            try yard.define(
                "t", "exec >/dev/null 2>&1 </dev/null; echo $$ > ../pid; while :; do sleep 0.05; done",
                ["on_interrupted": "fail", "grace_seconds": 1])
            try await yard.start()
            try yard.drop("job", ["type": "t"])
            let handler = try await eventually("the handler") {
                Yard.readFile("\(yard.path)/.jobspool/work/pid").flatMap { pid_t($0.filter(\.isNumber)) }
            }
            kill(try #require(yard.supervisors().first), SIGKILL)
            #expect(try await yard.result("job")["error"]?["code"] == "INTERRUPTED")
            try await eventually("the handler to be gone") { kill(handler, 0) == -1 ? true : nil }
        }

        @Test(
            "is asked to stop with the daemon, waits, and goes on from its checkpoint at the next start",
            arguments: [SIGTERM, SIGINT, SIGHUP])
        func stopped(signal: Int32) async throws {
            try yard.define(
                "t",
                """
                trap 'echo "{\\"type\\":\\"checkpoint\\",\\"value\\":\\"stopped\\"}"; exit 143' TERM
                echo "attempt $JOBSPOOL_ATTEMPT with $(cat $JOBSPOOL_CHECKPOINT 2>/dev/null)"
                [ $JOBSPOOL_ATTEMPT != 1 ] || while :; do sleep 0.05; done
                """)
            try await yard.start()
            try yard.drop("job", ["type": "t"])
            try yard.drop("next", ["type": "t"])
            try await eventually("the handler") { try yard.messages("job").isEmpty ? nil : true }
            #expect(try await yard.stopDaemon(signal) == 0)
            let waiting = try #require(try yard.status("job"))
            #expect(waiting["status"] == "pending")
            #expect(waiting["checkpoint"] == "stopped")
            #expect(try yard.json("spool.status.json")?["daemon"]?["state"] == "stopped")
            let next = try yard.status("next")
            #expect(next?["status"] == "pending")
            try await yard.start()
            let result = try await yard.result("job")
            #expect(result["status"] == "completed")
            #expect(result["job_id"] == waiting["job_id"])
            #expect(result["attempts"]?.array?.compactMap { $0["ending"]?.string } == ["stopped", "completed"])
            #expect(try yard.messages("job") == ["attempt 1 with ", #"attempt 2 with "stopped""#])
        }

        @Test("does not hear of the end of a terminal, nor does its daemon under nohup") func hangup() async throws {
            try yard.define("t", "echo ready; while [ ! -e ../go ]; do sleep 0.02; done")
            try await yard.start(by: ["/usr/bin/nohup", "\(Yard.executables)/jobspool"], [])
            try yard.drop("job", ["type": "t"])
            try await eventually("the handler") { try yard.messages("job").isEmpty ? nil : true }
            kill(yard.daemon, SIGHUP)
            for supervisor in yard.supervisors() { kill(supervisor, SIGHUP) }
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go")
            #expect(
                try await yard.result("job")["attempts"]?.array?.compactMap { $0["ending"]?.string } == ["completed"])
            #expect(try await yard.stopDaemon() == 0)
        }

        @Test("is left alone when the daemon is told to leave it, and is taken up by the next one")
        func left() async throws {
            try yard.define("t", "echo one; while [ ! -e ../go ]; do sleep 0.02; done; echo two")
            try await yard.start("--on-stop", "leave")
            try yard.drop("job", ["type": "t"])
            try await eventually("the handler") { try yard.messages("job") == ["one"] ? true : nil }
            #expect(try await yard.stopDaemon() == 0)
            #expect(yard.supervisors().count == 1)
            try await yard.start()
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go")
            let result = try await yard.result("job")
            #expect(result["attempt"] == 1)
            #expect(try yard.messages("job") == ["one", "two"])
        }

        @Test("and one that waits keep their names, numbers and order over restarts")
        func restarts() async throws {
            try yard.define("block", "while [ ! -e ../go ]; do sleep 0.02; done; echo >> ../order $JOBSPOOL_JOB_ID")
            try await yard.start()
            for index in 1...5 {
                try yard.drop("job\(index)", ["type": "block"])
                _ = try await eventually("the status") { try yard.status("job\(index)") }
            }
            var identities: [JSON?] = []
            for index in 1...5 { identities.append(try yard.status("job\(index)")?["job_id"]) }
            yard.killDaemon()
            try await yard.start()
            for index in 1...5 { #expect(try yard.status("job\(index)")?["job_id"] == identities[index - 1]) }
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go")
            var last: Int64 = 0
            for index in 1...5 {
                let sequence = try #require(try await yard.result("job\(index)")["sequence"]?.int64)
                #expect(sequence > last)
                last = sequence
            }
            let order = Yard.readFile("\(yard.path)/.jobspool/work/order")?.split(separator: "\n").map { String($0) }
            #expect(order == identities.map { $0?.string ?? "" })
            yard.killDaemon()
            try await yard.start()
            try yard.drop("new", ["type": "block"])
            #expect(try #require(try await yard.result("new")["sequence"]?.int64) > last)
            try await checkFeed()
        }

        @Test("keeps what was said of its time and its attempts when it started, whatever its request says by now")
        func policy() async throws {
            try yard.define("t", #"[ "$JOBSPOOL_ATTEMPT" = 1 ] && while [ ! -e ../go ]; do sleep 0.02; done; exit 75"#)
            try yard.define("long", "sleep 60", ["lane": "long"])
            try await yard.start("--max-lanes", "4")
            try yard.drop("again", ["type": "t", "retry": ["max_attempts": 2, "backoff_seconds": 0]])
            try yard.drop("timed", ["type": "long", "timeout_seconds": 2])
            var jobs: [String: String] = [:]
            for name in ["again", "timed"] { jobs[name] = try await yard.standing(name, "running")["job_id"]?.string }
            // That it is not to be tried again is said as well.
            try yard.define(
                "often", "while [ ! -e ../go ]; do sleep 0.02; done; exit 75",
                ["lane": "often", "retry": ["max_attempts": 3]])
            try yard.drop("once", ["type": "often", "retry": ["max_attempts": 1]])
            jobs["once"] = try await yard.standing("once", "running")["job_id"]?.string
            yard.killDaemon()
            try yard.drop("once", ["type": "often", "description": "changed"])
            try yard.drop("again", ["type": "t", "description": "changed"])
            try yard.drop("timed", ["type": "long", "description": "changed"])
            chmod("\(yard.root)/types/long.json", 0o666)
            try await yard.start("--max-lanes", "4")
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go")
            try await eventually("one to be tried again, the other to be stopped") {
                let events = try yard.lines("spool.events.jsonl")
                func tells(_ event: String, _ name: String) -> Bool {
                    events.contains { $0["event"]?.string == event && $0["job_id"]?.string == jobs[name] }
                }
                if tells("requeued", "once") { throw YardError.timeout("once to fail: it is tried again") }
                return tells("requeued", "again") && tells("failed", "timed") && tells("failed", "once") ? true : nil
            }
        }

        /// The feed has no gap, and says the same as the files of every job that is over.
        private func checkFeed() async throws {
            try await eventually("the feed to say that every job is over") {
                let events = try yard.lines("spool.events.jsonl")
                var standings: [String: String] = [:]
                for event in events {
                    if let name = event["name"]?.string { standings[name] = event["status"]?.string }
                }
                return standings.values.allSatisfy { $0 == "completed" } ? true : nil
            }
            let sequences = try yard.lines("spool.events.jsonl").compactMap { $0["sequence"]?.int }
            #expect(sequences == Array(1...sequences.count))
        }
    }
}
