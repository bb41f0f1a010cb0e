/// Schedules, with the real daemon and the real clock: what they drop, what is missed, whose it is, what is wrong with them.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Testing

extension EndToEnd {
    @Suite("A schedule")
    struct ScheduleTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        // MARK: Helpers

        private func schedule(_ name: String, _ schedule: JSON) throws {
            try yard.write(schedule.text, to: ".\(name).part")
            try #require(rename(yard(".\(name).part"), yard("\(name).schedule.json")) == 0)
        }

        private func status(_ name: String) throws -> JSON? { try yard.json("\(name).schedule.status.json") }

        @discardableResult
        private func state(_ name: String, _ state: String) async throws -> JSON {
            try await eventually("schedule \(name) to be \(state)") {
                guard let status = try status(name), status["state"] == .string(state) else { return nil }
                return status
            }
        }

        /// The jobs of a schedule by the times of their slots.
        private func slots(_ name: String) throws -> [String] {
            try Directory.open(yard.path).entries().compactMap { entry -> String? in
                guard case .request(let job) = SpoolFile(entry), job.string.hasPrefix("\(name)-2") else { return nil }
                return String(job.string.dropFirst(name.count + 1))
            }.sorted()
        }

        private func results(_ name: String, _ count: Int) async throws -> [String] {
            try await eventually("\(count) results of \(name)") {
                let slots = try slots(name)
                return slots.count >= count
                    && slots.prefix(count).allSatisfy { yard.exists("\(name)-\($0).result.json") }
                    ? slots : nil
            }
        }

        private func seconds(_ slot: String) throws -> Int64 {
            let parts = [4, 2, 2, 1, 2, 2, 2, 1]
            var rest = slot[...]
            let words = parts.map { length in
                defer { rest = rest.dropFirst(length) }
                return String(rest.prefix(length))
            }
            let text = "\(words[0])-\(words[1])-\(words[2])T\(words[4]):\(words[5]):\(words[6])Z"
            return try #require(Timestamp(text)).milliseconds / 1000
        }

        /// Makes the last daemon's bookmark an older one, while none is there.
        private func setBack(_ name: String, by seconds: Double) throws {
            var status = try #require(try status(name)?.object)
            for key in ["since", "handled_until"] {
                let time = try #require(status[key]?.string.flatMap(Timestamp.init))
                status[key] = .string(time.adding(seconds: -seconds).description)
            }
            try yard.write(JSON.object(status).text, to: "\(name).schedule.status.json")
        }

        // MARK: Running

        @Test("drops a request every so many seconds, whose handler gets the slot's time; deleting the file ends it")
        func everySecond() async throws {
            try yard.define("t", "jq -r .scheduled_at; echo '{\"type\":\"result\",\"value\":1}'")
            try await yard.start()
            // Else of several slots that have passed only the latest has a job.
            try schedule(
                "tick",
                [
                    "every_seconds": 1, "if_missed": "all", "description": "Tick",
                    "request": ["type": "t", "priority": 7],
                ])
            let slots = try await results("tick", 3)
            for (earlier, later) in zip(slots, slots.dropFirst()) {
                #expect(try seconds(later) - seconds(earlier) == 1)
            }
            for slot in slots.prefix(3) {
                let time = Timestamp(milliseconds: try seconds(slot) * 1000).description
                let result = try #require(try yard.json("tick-\(slot).result.json"))
                #expect(result["status"] == "completed")
                #expect(result["scheduled_at"] == .string(time))
                #expect(result["schedule"] == "tick")
                #expect(try yard.messages("tick-\(slot)") == [time])
                try await yard.standing("tick-\(slot)", "completed")
                #expect(try yard.status("tick-\(slot)")?["scheduled_at"] == .string(time))
                #expect(try yard.json("tick-\(slot).json") == ["type": "t", "priority": 7])
            }
            let status = try await eventually("the last run to be told") { () -> JSON? in
                guard let status = try self.status("tick"), status["last_run"]?["outcome"] == "success" else {
                    return nil
                }
                return status
            }
            #expect(status["state"] == "active")
            #expect(status["description"] == "Tick")
            #expect(status["problem"] == .null)
            #expect(status["last_run"]?["status"] == "completed")
            #expect(status["last_run"]?["job_id"]?.string != nil)
            let next = try #require(status["next_run_at"]?.string.flatMap(Timestamp.init))
            #expect(next > (try #require(status["last_scheduled_at"]?.string.flatMap(Timestamp.init))))
            try await eventually("the spool to tell of it") {
                try yard.json("spool.status.json")?["schedules"]?["active"] == 1 ? true : nil
            }

            try #require(unlink(yard("tick.schedule.json")) == 0)
            try await eventually("its status to go") { yard.exists("tick.schedule.status.json") ? nil : true }
            let dropped = try self.slots("tick")
            try await eventually("two seconds to pass") {
                try seconds(dropped.last ?? "") + 2 < Glibc.time(nil) ? true : nil
            }
            #expect(try self.slots("tick") == dropped)
            #expect(yard.shell("ls .jobspool/scheduled .jobspool/tmp").output.contains("tick") == false)
        }

        @Test("by cron in a time zone shows the next run, and runs at the minute")
        func cron() async throws {
            try yard.define("t", "exit 0")
            try await yard.start()
            try schedule(
                "yearly",
                ["cron": "30 2 29 2 *", "time_zone": "Europe/Berlin", "request": ["type": "t", "description": "Leap"]])
            let status = try await state("yearly", "active")
            #expect(status["next_run_at"]?.string?.hasSuffix("-02-29T01:30:00.000Z") ?? false)
            #expect(status["description"] == "Leap")
            #expect(status["last_run"] == .null)
        }

        @Test("that is off drops nothing, and goes on when it is changed") func off() async throws {
            try yard.define("t", "exit 0")
            try await yard.start()
            try schedule("s", ["every_seconds": 0, "request": ["type": "t"]])
            #expect(try await state("s", "off")["next_run_at"] == .null)
            try schedule("s", ["every_seconds": 1, "request": ["type": "t"]])
            _ = try await results("s", 1)
            try schedule("s", ["every_seconds": 0, "request": ["type": "t"]])
            let last = try await state("s", "off")
            #expect(last["last_run"]?["name"]?.string?.hasPrefix("s-2") ?? false)
        }

        @Test("drops nothing while the spool is paused") func paused() async throws {
            try yard.define("t", "exit 0")
            try await yard.start()
            try yard.write("", to: "spool.pause.json")
            try schedule("s", ["every_seconds": 1, "request": ["type": "t"]])
            let since = try #require(try await state("s", "paused")["since"]?.string.flatMap(Timestamp.init))
            try await eventually("a slot to pass") { Clock.now().seconds(since: since) > 2.2 ? true : nil }
            #expect(try slots("s") == [])
            try #require(unlink(yard("spool.pause.json")) == 0)
            try await state("s", "active")
            _ = try await results("s", 1)
            #expect(try #require(try status("s")?["missed"]?.int) >= 1)
        }

        // MARK: Dying and missing

        @Test("has one job for each slot, however often the daemon is killed") func kills() async throws {
            try yard.define("t", "jq -r .scheduled_at >> ../times")
            try await yard.start()
            try schedule("s", ["every_seconds": 1, "if_missed": "all", "request": ["type": "t"]])
            try await state("s", "active")
            for round in 1...6 {
                try await eventually("slot \(round)") { try self.slots("s").count >= round ? true : nil }
                yard.killDaemon()
                if round.isMultiple(of: 2) {
                    let killed = Clock.monotonic()
                    try await eventually("slots to pass without a daemon") {
                        Clock.monotonic() > killed + 1.7 ? true : nil
                    }
                }
                try await yard.start()
            }
            try #require(unlink(yard("s.schedule.json")) == 0)
            try await eventually("its status to go") { yard.exists("s.schedule.status.json") ? nil : true }
            let slots = try await results("s", try self.slots("s").count)
            #expect(slots.count >= 6)
            #expect(
                try slots.map { try seconds($0) }
                    == Array(try seconds(slots[0])...(try seconds(slots[slots.count - 1]))))
            let times = (Yard.readFile("\(yard.path)/.jobspool/work/times") ?? "").split(separator: "\n").map(
                String.init)
            #expect(times.sorted() == (try slots.map { Timestamp(milliseconds: try seconds($0) * 1000).description }))
            #expect(yard.shell("ls .jobspool/scheduled").output == "")
        }

        @Test("makes up for what was missed as it says", arguments: ["skip", "once", "all"])
        func missed(policy: String) async throws {
            try yard.define("t", "jq -r .scheduled_at")
            try await yard.start()
            try schedule("s", ["every_seconds": 1000, "if_missed": .string(policy), "request": ["type": "t"]])
            try await state("s", "active")
            yard.killDaemon()
            // Three slots are missed, and the next is 900 s away.
            try setBack("s", by: 3100)
            let status = try #require(try status("s"))
            let since = try #require(status["since"]?.string.flatMap(Timestamp.init))
            try await yard.start()
            let told = try await eventually("the missed slots to be told") { () -> JSON? in
                guard let status = try self.status("s"), status["missed"] == 3 else { return nil }
                return status
            }
            let expected: [Double] = policy == "skip" ? [] : policy == "once" ? [3000] : [1000, 2000, 3000]
            #expect(try slots("s") == expected.map { since.adding(seconds: $0).compact })
            #expect(told["skipped"] == JSON(3 - expected.count))
            #expect(told["next_run_at"] == .string(since.adding(seconds: 4000).description))
            for slot in try await results("s", expected.count) {
                #expect(
                    try yard.messages("s-\(slot)") == [Timestamp(milliseconds: try seconds(slot) * 1000).description])
            }
            // And never again.
            yard.killDaemon()
            try setBack("s", by: 0)
            try await yard.start()
            try await eventually("the schedule to be known") {
                try yard.json("spool.status.json")?["schedules"]?["active"] == 1 ? true : nil
            }
            #expect(try slots("s").count == expected.count)
        }

        @Test("drops no slot again whose bookmark was lost, whatever has become of its job")
        func lostBookmark() async throws {
            try yard.define("t", "jq -r .scheduled_at >> ../times")
            try await yard.start()
            try schedule("s", ["every_seconds": 1000, "if_missed": "all", "request": ["type": "t"]])
            try await state("s", "active")
            yard.killDaemon()
            try setBack("s", by: 2100)
            let bookmark = try #require(yard.read("s.schedule.status.json"))
            for _ in 1...2 {
                try await yard.start()
                try await eventually("the bookmark") { try status("s")?["missed"] == 2 ? true : nil }
                let results = try Directory.open(yard.path).entries().filter {
                    if case .result = SpoolFile($0) { true } else { false }
                }
                if results.count < 2 { _ = try await self.results("s", 2) }
                yard.killDaemon()
                let times = (Yard.readFile("\(yard.path)/.jobspool/work/times") ?? "").split(separator: "\n")
                #expect(times.count == 2)
                // Of the one slot everything is left, of the other all but the request.
                if let slot = try slots("s").first { unlink(yard("s-\(slot).json")) }
                try yard.write(bookmark, to: "s.schedule.status.json")
            }
            try await yard.start()
            try await eventually("the bookmark") { try status("s")?["missed"] == 2 ? true : nil }
            #expect(try slots("s").isEmpty)
        }

        @Test("gives every attempt of its job the slot's time, whatever was killed in between")
        func attempts() async throws {
            try yard.define(
                "t", "jq -r .scheduled_at; [ $JOBSPOOL_ATTEMPT != 1 ] || while :; do sleep 0.05; done",
                ["grace_seconds": 1])
            try await yard.start()
            try schedule("s", ["every_seconds": 1, "request": ["type": "t"]])
            let slot = try await eventually("a slot") { try slots("s").first }
            try #require(unlink(yard("s.schedule.json")) == 0)
            let time = Timestamp(milliseconds: try seconds(slot) * 1000).description
            try await eventually("the first attempt") { try yard.messages("s-\(slot)") == [time] ? true : nil }
            yard.killDaemon()
            for process in yard.processesInside() { kill(process, SIGKILL) }
            try await yard.start()
            let result = try await yard.result("s-\(slot)")
            #expect(result["status"] == "completed")
            #expect(result["attempt"] == 2)
            #expect(result["scheduled_at"] == .string(time))
            #expect(try yard.messages("s-\(slot)") == [time, time])
        }

        // MARK: Problems

        @Test(
            "that is wrong is told, with the remedy, and goes on when it is mended",
            arguments: [
                (
                    #"{"every_seconds": 1, "request": {"type": "t", "parms": {}}}"#, "INVALID_SCHEDULE",
                    "did you mean `params`?"
                ),
                (#"{"cron": "30 2 * *", "request": {"type": "t"}}"#, "INVALID_SCHEDULE", "has 4 fields"),
                (
                    #"{"cron": "* * * * *", "time_zone": "Europe/Berln", "request": {"type": "t"}}"#,
                    "INVALID_SCHEDULE",
                    "did you mean \"Europe/Berlin\"?"
                ),
                (
                    #"{"cron": "* * * * *", "time_zone": "../../../etc/passwd", "request": {"type": "t"}}"#,
                    "INVALID_SCHEDULE",
                    "must be a zone's name"
                ),
                (#"{"every_seconds": 1, "request": {"type": "tt"}}"#, "UNKNOWN_TYPE", "did you mean \"t\"?"),
                (#"{"every_seconds": 1, "request": {"type": "t", "dry_run": true}}"#, "INVALID_PARAMS", "dry_run"),
                (#"{"every_seconds": 1,"#, "INVALID_SCHEDULE", "line 1, column 21"),
            ])
        func wrong(text: String, code: String, says: String) async throws {
            try yard.define("t", "exit 0")
            try await yard.start()
            try yard.write(text, to: "s.schedule.json")
            let status = try await state("s", "invalid")
            #expect(status["problem"]?["code"] == .string(code))
            #expect(status["problem"]?["message"]?.string?.contains(says) ?? false, "\(status.text)")
            #expect(status["next_run_at"] == .null)
            try await eventually("the feed to tell") {
                try yard.lines("spool.events.jsonl").contains { event in
                    event["event"] == "noticed" && event["message"]?.string?.hasPrefix("schedule s: \(code): ") ?? false
                } ? true : nil
            }
            try await eventually("the spool to tell") {
                try yard.json("spool.status.json")?["schedules"]?["invalid"] == 1 ? true : nil
            }
            try schedule("s", ["every_seconds": 1, "request": ["type": "t"]])
            #expect(try await state("s", "active")["problem"] == .null)
            _ = try await results("s", 1)
        }

        @Test("whose type comes and goes follows it") func typeComesAndGoes() async throws {
            try await yard.start("--rescan", "1")
            try schedule("s", ["cron": "@yearly", "request": ["type": "t"]])
            #expect(try await state("s", "invalid")["problem"]?["code"] == "UNKNOWN_TYPE")
            try yard.define("t", "exit 0")
            #expect(try await state("s", "active")["problem"] == .null)
            try #require(unlink("\(yard.root)/types/t.json") == 0)
            #expect(try await state("s", "invalid")["problem"]?["code"] == "UNKNOWN_TYPE")
        }

        @Test("that is being written is waited for") func growing() async throws {
            try yard.define("t", "exit 0")
            try await yard.start("--settle", "2")
            let file = try #require(fopen(yard("s.schedule.json"), "we"))
            for part in [#"{"every_seconds": 1, "#, #""request": "#, #"{"type": "t"}}"#] {
                fputs(part, file)
                fflush(file)
                let written = Clock.monotonic()
                try await eventually("a moment to pass") { Clock.monotonic() > written + 0.15 ? true : nil }
            }
            fclose(file)
            #expect(try await state("s", "active")["problem"] == .null)
            #expect(try yard.lines("spool.events.jsonl").filter { $0["event"] == "noticed" } == [])
        }

        enum Odd: String, CaseIterable {
            case link = "ln -s ../precious s.schedule.json"
            case fifo = "mkfifo s.schedule.json"
            case folder = "mkdir s.schedule.json"
            case large = "head -c 1100000 /dev/zero | tr '\\0' ' ' > s.schedule.json"
        }

        @Test(
            "is a regular file of at most 1 MiB: nothing else is followed, waited for or read", arguments: Odd.allCases)
        func odd(kind: Odd) async throws {
            try Yard.write(#"{"every_seconds": 1, "request": {"type": "t"}}"#, toFile: "\(yard.root)/precious")
            try yard.define("t", "exit 0")
            try await yard.start()
            try #require(yard.shell(kind.rawValue).status == 0)
            #expect(try await state("s", "invalid")["problem"]?["code"] == "INVALID_SCHEDULE")
            try yard.drop("job", ["type": "t"])
            _ = try await yard.result("job")
        }

        @Test("with a name that leaves no room for the slot is told so") func longName() async throws {
            let name = String(repeating: "n", count: 184)
            try yard.define("t", "exit 0")
            try await yard.start()
            try schedule(name, ["every_seconds": 1, "request": ["type": "t"]])
            let problem = try await state(name, "invalid")["problem"]
            #expect(problem?["message"]?.string?.contains("shorten it to 183") ?? false)
        }

        @Test("is remembered by the daemon's own status alone: another one is moved aside")
        func planted() async throws {
            try yard.define("t", "exit 0")
            try yard.write("mine", to: "orphan.schedule.status.json")
            try #require(mkdir(yard("s.schedule.status.json"), 0o755) == 0)
            try schedule("s", ["every_seconds": 1, "request": ["type": "t"]])
            try await yard.start()
            try await eventually("the folder to go") {
                yard.shell("ls .jobspool/aside").output.contains("s.schedule.status.json~") ? true : nil
            }
            try await state("s", "active")
            // One without a schedule goes, when it is a daemon's.
            try await eventually("the orphan to go") { yard.exists("orphan.schedule.status.json") ? nil : true }
        }

        @Test(
            "whose status the daemon may not write holds nobody else up, and goes on when that is mended",
            .enabled(if: geteuid() == 0, "needs root for a daemon of another user"))
        func statusInTheWay() async throws {
            try yard.define("t", "exit 0")
            let prepare = "chmod 1777 .; chown -R nobody ../types; cp '\(Yard.executables)/jobspool' .."
            try #require(yard.shell(prepare).status == 0)
            try yard.write("mine", to: "s.schedule.status.json")
            try schedule("s", ["every_seconds": 1, "request": ["type": "t"]])
            try schedule("other", ["every_seconds": 1, "request": ["type": "t"]])
            let arguments = ["serve", yard.path, "--types", "\(yard.root)/types", "--settle", "0.3", "--rescan", "1"]
            let daemon = try yard.spawn(
                ["/usr/bin/setpriv", "--reuid=65534", "--clear-groups", "\(yard.root)/jobspool"] + arguments)
            defer {
                kill(daemon, SIGKILL)
                waitpid(daemon, nil, 0)
            }
            _ = try await results("other", 3)
            #expect(try slots("s") == [])
            #expect(yard.read("s.schedule.status.json") == "mine")
            let told = try yard.lines("spool.events.jsonl").filter {
                $0["message"]?.string?.hasPrefix("schedule s is not served until that is removed") ?? false
            }
            #expect(told.count == 1)
            try #require(unlink(yard("s.schedule.status.json")) == 0)
            _ = try await results("s", 1)
        }

        // MARK: Other users

        private func plant(_ name: String, _ text: String, owner: String) throws {
            try #require(
                yard.shell("echo '\(text)' > .p; chown \(owner) .p; mv .p \(name).schedule.json").status == 0)
        }

        @Test(
            "of another user may use what that user may use, and its jobs are that user's",
            .enabled(if: geteuid() == 0, "needs root to make another user's files"))
        func otherUser() async throws {
            try yard.define("closed", "exit 0")
            try yard.define("open", "sleep 60", ["allow": ["users": ["nobody"]], "grace_seconds": 1])
            try await yard.start()
            try plant("closed", #"{"every_seconds": 1, "request": {"type": "closed"}}"#, owner: "nobody")
            let refused = try await state("closed", "invalid")
            #expect(refused["problem"]?["code"] == "NOT_ALLOWED")
            #expect(refused["problem"]?["message"]?.string?.contains("`allow`") ?? false)
            #expect(refused["submitted_by"] == "nobody")

            try plant("open", #"{"every_seconds": 2, "request": {"type": "open"}}"#, owner: "nobody")
            let slot = try await eventually("a slot") { try slots("open").first }
            let job = "open-\(slot)"
            var status = try await yard.standing(job, "running")
            try #require(unlink(yard("open.schedule.json")) == 0)
            #expect(status["submitted_by"] == "nobody")
            #expect(status["schedule"] == "open")
            var found = stat()
            #expect(lstat(yard("\(job).json"), &found) == 0)
            #expect(found.st_uid == 0)
            yard.killDaemon()
            try await yard.start()
            // A cancel file counts from the job's submitter, also for the next daemon; and from nobody else.
            try #require(yard.shell("touch .c; chown daemon .c; mv .c \(job).cancel.json").status == 0)
            try await eventually("the cancel to be refused") { yard.exists("\(job).cancel.json") ? nil : true }
            status = try #require(try yard.status(job))
            #expect(status["status"] == "running")
            try #require(yard.shell("touch .c; chown nobody .c; mv .c \(job).cancel.json").status == 0)
            let result = try await yard.result(job)
            #expect(result["status"] == "cancelled")
            #expect(result["submitted_by"] == "nobody")
            #expect(result["scheduled_at"] == status["scheduled_at"])
            #expect(try slots("closed") == [])
        }

        @Test(
            "of a user who has lost the permission drops nothing more, and what it dropped before is refused",
            .enabled(if: geteuid() == 0, "needs root to make another user's files"))
        func permissionLost() async throws {
            try yard.define("t", "exit 0", ["allow": ["users": ["nobody"]]])
            try await yard.start()
            try plant("s", #"{"every_seconds": 1, "if_missed": "all", "request": {"type": "t"}}"#, owner: "nobody")
            _ = try await results("s", 1)
            yard.killDaemon()
            try yard.define("t", "exit 0", [:])
            // As if the daemon had died after the drop: the note is there, and the request.
            let slot = "20200101T000000Z"
            try yard.write(#"{"type": "t"}"#, to: "s-\(slot).json")
            let stat = try #require(try Directory.open(yard.path).stat(FileName("s-\(slot).json")))
            let note: JSON = [
                "v": 1, "name": .string("s-\(slot)"), "schedule": "s", "scheduled_at": "2020-01-01T00:00:00.000Z",
                "owner": 65534, "request": stat.fingerprint.json,
            ]
            try yard.write(note.text, to: ".jobspool/scheduled/s-\(slot).json")
            try await yard.start()
            let result = try await yard.result("s-\(slot)")
            #expect(result["status"] == "rejected")
            #expect(result["error"]?["code"] == "NOT_ALLOWED")
            #expect(result["submitted_by"] == "nobody")
            #expect(result["scheduled_at"] == "2020-01-01T00:00:00.000Z")
            #expect(try await state("s", "invalid")["problem"]?["code"] == "NOT_ALLOWED")
            try await eventually("the note to go") { yard.shell("ls .jobspool/scheduled").output.isEmpty ? true : nil }
        }
    }
}
