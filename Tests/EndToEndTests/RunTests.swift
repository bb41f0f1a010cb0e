/// One job's way from the dropped file to the committed result.
import Glibc
import JSONText
import Testing

extension EndToEnd {
    @Suite("A job")
    struct RunTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        @Test("goes from the dropped file to the result, with status, log and events on the way")
        func wholeWay() async throws {
            try yard.define(
                "sync",
                """
                echo 'plain'; echo 'oops' >&2
                echo '{"type":"progress","phase":"copy","current":1,"total":4,"item":"a","counts":{"created":1}}'
                while [ ! -e "$JOBSPOOL_WORK_DIR/go" ]; do sleep 0.02; done
                echo '{"type":"checkpoint","value":{"at":3}}'
                echo '{"type":"log","level":"warning","message":"careful"}'
                echo '{"type":"progress","current":4,"total":4,"counts":{"created":4}}'
                echo '{"type":"result","value":{"price":1.10}}'
                """)
            try await yard.start()
            try yard.drop("219", ["type": "sync", "description": "Sync project 219", "labels": ["team": "docs"]])
            let running = try await eventually("progress") {
                try yard.status("219").flatMap { $0["progress"]?["percent"]?.double == 25 ? $0 : nil }
            }
            #expect(running["status"] == "running")
            #expect(running["progress"]?["current"] == "a")
            #expect(running["message"] == "plain")
            #expect(!yard.exists("219.result.json"))
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/sync/go")
            let result = try await yard.result("219")
            #expect(result["status"] == "completed")
            #expect(result["outcome"] == "success")
            #expect(result["result"]?.text == #"{"price":1.10}"#)
            #expect(result["counts"]?["created"] == 4)
            #expect(result["labels"]?["team"] == "docs")
            #expect(result["job_id"] == running["job_id"])
            let status = try await yard.standing("219", "completed")
            #expect(status["progress"]?["percent"]?.double == 100)
            #expect(status["checkpoint"]?["at"] == 3)
            let log = try yard.lines("219.log.jsonl")
            #expect(Set(log.compactMap { $0["message"]?.string }) == ["plain", "oops", "careful"])
            #expect(log.first { $0["message"] == "oops" }?["source"] == "stderr")
            let events = try await eventually("the events") {
                let events = try yard.lines("spool.events.jsonl").compactMap { $0["event"]?.string }
                return events.count == 3 ? events : nil
            }
            #expect(events == ["accepted", "started", "completed"])
            #expect(!yard.exists("219.errors.jsonl"))
            try await eventually("the attempt's files to go") {
                yard.shell("ls .jobspool/attempts").output.isEmpty ? true : nil
            }
        }

        @Test(
            "hands the parameters over digit by digit, in a clean environment, with nothing open but three descriptors")
        func handover() async throws {
            setenv("JOBSPOOL_TEST_SECRET", "x", 1)
            try yard.define(
                "look", #"cat >&2; ls /proc/self/fd | tr '\n' ' '; echo; env | sort; pwd; exit 0"#,
                ["environment": ["TOKEN": "t1"], "params": ["fixed": 1], "lane": "side"])
            try await yard.start()
            try yard.write(
                #"{"type":"look","params":{"big":9223372036854775807,"price":1.10,"fixed":2,"z":[1e3]}}"#,
                to: "look.json")
            let result = try await yard.result("look")
            #expect(result["status"] == "completed")
            #expect(result["lane"] == "side")
            let input = try #require(try yard.messages("look", source: "stderr").first)
            #expect(input.contains(#""params":{"big":9223372036854775807,"price":1.10,"fixed":1,"z":[1e3]}"#))
            #expect(input.contains(#""attempt":1,"checkpoint":null"#))
            let output = try yard.messages("look")
            // ls itself has the directory open.
            #expect(output.first == "0 1 2 3 ")
            #expect(output.contains("TOKEN=t1"))
            #expect(output.contains("JOBSPOOL_TYPE=look"))
            #expect(output.contains("JOBSPOOL_SPOOL_DIR=\(yard.path)"))
            #expect(!output.contains { $0.hasPrefix("JOBSPOOL_TEST_SECRET") })
            #expect(output.last == "\(yard.path)/.jobspool/work/look")
        }

        @Test(
            "ends as its handler's exit status and reports say",
            arguments: [
                ("exit 0", "completed", nil), ("exit 3", "failed", "HANDLER_FAILED"),
                ("exit 64", "failed", "INVALID_PARAMS"),
                ("exit 78", "failed", "INVALID_PARAMS"), ("exit 75", "failed", "HANDLER_FAILED"),
                ("kill -SEGV $$", "failed", "HANDLER_FAILED"),
                (#"echo '{"type":"failure","code":"SOURCE_EMPTY","message":"m"}'; exit 1"#, "failed", "SOURCE_EMPTY"),
            ] as [(String, String, String?)])
        func endings(script: String, standing: String, code: String?) async throws {
            try yard.define("end", script)
            try await yard.start()
            try yard.drop("end", ["type": "end"])
            let result = try await yard.result("end")
            #expect(result["status"]?.string == standing)
            #expect(result["error"]?["code"]?.string == code)
        }

        @Test(
            "whose items failed is a partial success, with every error in the errors file and the first hundred in the result"
        )
        func partial() async throws {
            try yard.define(
                "items",
                #"for i in $(seq 250); do echo "{\"type\":\"error\",\"item\":\"$i\",\"code\":\"BAD\",\"message\":\"no $i\"}"; done"#
            )
            try await yard.start()
            try yard.drop("items", ["type": "items"])
            let result = try await yard.result("items")
            #expect(result["status"] == "completed")
            #expect(result["outcome"] == "partial")
            #expect(result["errors_total"] == 250)
            #expect(result["counts"]?["failed"] == 250)
            #expect(result["errors"]?.array?.count == 100)
            #expect(
                try yard.lines("items.errors.jsonl").compactMap { $0["item"]?.string } == (1...250).map(String.init))
        }

        @Test("keeps what is no report as log lines: long ones cut, others repaired, the last one without an end too")
        func oddOutput() async throws {
            try yard.define(
                "odd",
                #"head -c 3000000 /dev/zero | tr '\0' x; echo; printf 'a\xffb\n'; echo '{"type":"later"}'; printf 'end'"#
            )
            try await yard.start()
            try yard.drop("odd", ["type": "odd"])
            _ = try await yard.result("odd")
            let messages = try yard.messages("odd")
            #expect(messages.map(\.utf8.count) == [1 << 20, 5, 3])
            #expect(messages.last == "end")
        }

        @Test("fails with the remedy when its handler is not there or may not be executed")
        func noHandler() async throws {
            try Yard.write(#"{"command": ["no-such-program"]}"#, toFile: "\(yard.root)/types/gone.json")
            try Yard.write(#"{"command": ["./plain.txt"]}"#, toFile: "\(yard.root)/types/plain.json")
            try Yard.write("", toFile: "\(yard.root)/types/plain.txt")
            try await yard.start()
            try yard.drop("gone", ["type": "gone"])
            try yard.drop("plain", ["type": "plain"])
            #expect(try await yard.result("gone")["error"]?["code"] == "HANDLER_NOT_FOUND")
            let plain = try await yard.result("plain")
            #expect(plain["error"]?["code"] == "HANDLER_NOT_FOUND")
            #expect(plain["error"]?["message"]?.string?.contains("chmod +x") == true)
        }

        @Test("is stopped when its time is over, or when it says nothing for too long")
        func limits() async throws {
            try yard.define("slow", "while :; do echo tick; sleep 0.1; done", ["timeout_seconds": 1, "lane": "a"])
            try yard.define("mute", "sleep 60", ["stall_seconds": 1, "lane": "b"])
            try await yard.start()
            try yard.drop("slow", ["type": "slow"])
            try yard.drop("mute", ["type": "mute"])
            #expect(try await yard.result("slow")["error"]?["code"] == "TIMEOUT")
            #expect(try await yard.result("mute")["error"]?["code"] == "STALLED")
        }

        @Test("that failed for a passing reason is tried again after its backoff, from its checkpoint")
        func retry() async throws {
            try yard.define(
                "flaky",
                """
                echo "attempt $JOBSPOOL_ATTEMPT with $(cat $JOBSPOOL_CHECKPOINT 2>/dev/null)"
                echo '{"type":"checkpoint","value":7}'
                [ $JOBSPOOL_ATTEMPT = 2 ] || exit 75
                """, ["retry": ["max_attempts": 3, "backoff_seconds": 2]])
            try await yard.start()
            try yard.drop("flaky", ["type": "flaky"])
            let waiting = try await eventually("the wait for the second attempt") {
                try yard.status("flaky").flatMap { $0["retry_at"]?.string == nil ? nil : $0 }
            }
            #expect(waiting["status"] == "pending")
            let result = try await yard.result("flaky")
            #expect(result["status"] == "completed")
            #expect(result["attempts"]?.array?.compactMap { $0["ending"]?.string } == ["failed", "completed"])
            #expect(try yard.messages("flaky") == ["attempt 1 with ", "attempt 2 with 7"])
        }

        @Test("runs beside jobs of other lanes, and never beside one of its own")
        func lanes() async throws {
            let script = "mkdir ../busy-$LANE || echo busy; sleep 0.3; rmdir ../busy-$LANE"
            for lane in ["a", "b"] {
                try yard.define(lane, script, ["lane": .string(lane), "environment": ["LANE": .string(lane)]])
            }
            try await yard.start("--max-lanes", "2")
            for index in 1...3 {
                try yard.drop("a\(index)", ["type": "a"])
                try yard.drop("b\(index)", ["type": "b"])
            }
            var spans: [String: [(String, String)]] = [:]
            for name in ["a1", "a2", "a3", "b1", "b2", "b3"] {
                let result = try await yard.result(name)
                #expect(try yard.messages(name) == [])
                let start = try #require(result["started_at"]?.string),
                    end = try #require(result["finished_at"]?.string)
                spans[String(name.prefix(1)), default: []].append((start, end))
            }
            // Times in this form sort as text does.
            let overlap = spans["a"]!.contains { a in spans["b"]!.contains { b in a.0 < b.1 && b.0 < a.1 } }
            #expect(overlap)
        }

        @Test("may not set what its type does not let requests set, nor have a dry run of a handler that cannot")
        func policy() async throws {
            try yard.define("tight", "exit 0", ["request_params": ["limit"]])
            try await yard.start()
            try yard.drop("bad", ["type": "tight", "params": ["other": 1]])
            try yard.drop("dry", ["type": "tight", "dry_run": true])
            try yard.drop("good", ["type": "tight", "params": ["limit": 1]])
            let bad = try await yard.result("bad")
            #expect(bad["status"] == "rejected")
            #expect(bad["error"]?["code"] == "INVALID_PARAMS")
            #expect(bad["error"]?["message"]?.string?.contains("it may set: limit") == true)
            #expect(try await yard.result("dry")["status"] == "rejected")
            #expect(try await yard.result("good")["status"] == "completed")
        }

        @Test("is of a type whose definition only its owner can write, and that is read anew when it changes")
        func definitions() async throws {
            try yard.define("open", "exit 0")
            chmod("\(yard.root)/types/open.json", 0o664)
            try await yard.start()
            try yard.drop("open", ["type": "open"])
            let refused = try await yard.result("open")
            #expect(refused["status"] == "rejected")
            #expect(refused["error"]?["message"]?.string?.contains("chmod go-w") == true)
            try yard.define("open", "echo new")
            try yard.drop("open", ["type": "open"])
            let result = try await yard.result("open", after: refused["job_id"]?.string)
            #expect(result["status"] == "completed")
            #expect(try yard.messages("open") == ["new"])
        }

        @Test("is not served where the spool or the types directory is missing, and the message says which to make")
        func missingDirectories() {
            for (arguments, missing) in [
                ("serve \(yard.root)/nowhere", "\(yard.root)/nowhere"),
                ("serve \(yard.path) --types \(yard.root)/no-types", "\(yard.root)/no-types"),
            ] {
                let ended = yard.shell("'\(Yard.executables)/jobspool' \(arguments) 2>&1")
                #expect(ended.status == 66)
                #expect(ended.output.contains("make the directory first (mkdir -p \(missing))"), "\(ended.output)")
            }
        }
    }
}
