/// Finished jobs that age: into the archive, and out of it, with the real daemon, and with kills, touches and `prune` beside it.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Testing

extension EndToEnd {
    @Suite("A finished job")
    struct RetentionTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        /// The directories of archived families, below `archive/`.
        func archived() -> [String] {
            yard.shell("cd archive 2>/dev/null && find . -mindepth 4 -maxdepth 4 -type d | sort").output
                .split(separator: "\n").map { String($0.dropFirst(2)) }
        }

        /// A daemon that archives until it is killed, which is so long after it has begun to.
        func archiveSome(for time: Duration) async throws {
            func left() throws -> Int {
                try Directory.open(yard.path).entries().count { $0.string?.hasSuffix(".result.json") == true }
            }
            let before = try left()
            let daemon = try yard.spawn([
                "\(Yard.executables)/jobspool", "serve", yard.path, "--types", "\(yard.root)/types", "--archive-after",
                "0",
            ])
            defer {
                kill(daemon, SIGKILL)
                waitpid(daemon, nil, 0)
            }
            try await eventually("a family to leave", within: 60) { try left() < before ? true : nil }
            try await ContinuousClock().sleep(for: time)
        }

        /// Runs many jobs that do nothing.
        func run(_ count: Int) async throws {
            try yard.define("t", "exit 0")
            for index in 1...count { try yard.drop("job\(index)", ["type": "t"]) }
            try await eventually("all jobs to be over", within: 120) {
                let ended = try Set(
                    yard.lines("spool.events.jsonl").filter { $0["event"] == "completed" }.compactMap {
                        $0["name"]?.string
                    })
                return ended.count == count ? true : nil
            }
        }

        /// Every family is whole and in one place; nothing ran twice.
        func checkFamilies(_ count: Int) throws {
            let families = archived()
            let names = Set(families.compactMap { $0.split(separator: "/").last?.split(separator: "~").first })
            #expect(names.count == families.count, "a job is in the archive twice")
            for family in families {
                let name = family.split(separator: "/").last!.split(separator: "~").first!
                let files = Set(yard.shell("ls -A archive/\(family)").output.split(separator: "\n").map(String.init))
                #expect(
                    files == ["\(name).json", "\(name).log.jsonl", "\(name).result.json", "\(name).status.json"],
                    "\(family)")
            }
            let rest = yard.shell("ls").output.split(separator: "\n").filter { $0.hasPrefix("job") }
            for job in Set(rest.compactMap { $0.split(separator: ".").first }) {
                #expect(rest.count { $0.hasPrefix("\(job).") } == 4, "\(job)")
                #expect(!names.contains(job), "\(job) is in both places")
            }
            #expect(names.count + rest.count / 4 == count)
            let accepted = try yard.lines("spool.events.jsonl").filter { $0["event"] == "accepted" }
            #expect(accepted.count == count)
            #expect(
                yard.shell("ls -A .jobspool/archiving .jobspool/trash 2>/dev/null").output.filter { $0 != "\n" }
                    .replacing(".jobspool/archiving:", with: "").replacing(".jobspool/trash:", with: "") == "")
        }

        @Test("moves to the archive with its request when it is old enough, and not before")
        func byAge() async throws {
            try yard.define("t", #"echo '{"type":"error","item":"x","message":"no"}'"#)
            try await yard.start("--archive-after", "3s")
            try yard.drop("219", ["type": "t"])
            let result = try await yard.result("219")
            let family = "219~\(try #require(result["job_id"]?.string))"
            #expect(archived() == [])
            try await eventually("the archive") { archived().isEmpty ? nil : true }
            let day = try #require(result["finished_at"]?.string).prefix(10).replacing("-", with: "/")
            #expect(archived() == ["\(day)/\(family)"])
            #expect(
                yard.shell("ls archive/\(day)/\(family)").output
                    == "219.errors.jsonl\n219.json\n219.log.jsonl\n219.result.json\n219.status.json\n")
            #expect(yard.shell("ls").output == "archive\nspool.events.jsonl\nspool.status.json\n")
            // A touch makes an empty request, which is told where the other one is.
            yard.shell("touch 219.json")
            let error = try await yard.result("219")["error"]
            #expect(
                error?["message"]?.string?.contains("archive/\(day)/\(family)/219.json") == true, "\(error ?? .null)")
            // The name is free again, and the same text is a new job.
            try yard.drop("219", ["type": "t"])
            try await eventually("the new run") {
                try yard.json("219.result.json")?["status"] == "completed" ? true : nil
            }
            #expect(try yard.json("219.result.json")?["job_id"] != result["job_id"])
        }

        @Test("at once when the age is 0, while jobs that run or wait are left alone")
        func atOnce() async throws {
            try yard.define("t", "exit 0")
            try yard.define("block", "while [ ! -e ../go ]; do sleep 0.02; done", ["lane": "slow"])
            try await yard.start("--archive-after", "0")
            for name in ["first", "second"] { try yard.drop(name, ["type": "block"]) }
            try await yard.standing("first", "running")
            for index in 1...3 {
                try yard.drop("job", ["type": "t"])
                try await eventually("run \(index) in the archive") { archived().count == index ? true : nil }
            }
            #expect(try yard.status("first")?["status"] == "running")
            #expect(try yard.status("second")?["status"] == "pending")
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go")
            try await eventually("all in the archive") { archived().count == 5 ? true : nil }
            #expect(yard.shell("ls").output == "archive\nspool.events.jsonl\nspool.status.json\n")
        }

        @Test(
            "stays one whole family, and never runs again, however often the daemon is killed while hundreds are archived"
        )
        func killed() async throws {
            let count = 400
            try await yard.start("--archive-after", "never")
            try await run(count)
            yard.killDaemon()
            var kills = 0
            var inTheMiddle = 0
            while archived().count < count, kills < 25 {
                kills += 1
                // Another moment each time.
                try await archiveSome(for: .milliseconds(kills % 5))
                if archived().count < count { inTheMiddle += 1 }
            }
            #expect(inTheMiddle > 0, "the first daemon archived all of them before it could be killed: more are needed")
            try await yard.start("--archive-after", "0")
            try await eventually("all in the archive") { archived().count == count ? true : nil }
            try checkFamilies(count)
        }

        @Test("that is touched just when it is archived runs again, or is archived: never both, never neither")
        func touched() async throws {
            try yard.define("t", "exit 0")
            try await yard.start("--archive-after", "0")
            let names = (1...20).map { "job\($0)" }
            for name in names { try yard.drop(name, ["type": "t"]) }
            // touch -c makes no file where there is none.
            let script =
                "for i in $(seq 40); do touch -c job*.json 2>/dev/null || break; sleep 0.$((RANDOM % 3))$((RANDOM % 10)); done"
            yard.shell(script)
            try await eventually("all to be archived for good") {
                yard.shell("ls | grep -c '^job'").output == "0\n" ? true : nil
            }
            let families = archived()
            let events = try yard.lines("spool.events.jsonl")
            let ran = events.filter { $0["event"] == "completed" }.compactMap { $0["job_id"]?.string }
            #expect(ran.count > names.count, "no job ran again")
            #expect(Set(ran).count == ran.count)
            #expect(Set(ran) == Set(families.map { String($0.suffix(36)) }))
            // The last version of each is archived with its request, the earlier ones have become that.
            let requests = yard.shell("ls archive/*/*/*/*/*.json | grep -v 'result\\|status' | wc -l").output
            #expect(requests.filter(\.isNumber) == "20")
            #expect(!yard.daemonLog.contains("error"), "\(yard.daemonLog)")
        }

        @Test("is deleted from the archive when its time has come; what else is there is not")
        func deleted() async throws {
            try yard.define("t", "exit 0")
            yard.shell(
                "mkdir -p archive/2025/12/31/notes archive/2024/01/01; echo mine > archive/README; ln -s / archive/2023"
            )
            try await yard.start("--archive-after", "1s", "--delete-archived-after", "4s")
            try yard.drop("job", ["type": "t"])
            try await eventually("the archive") { archived().contains { $0.contains("job~") } ? true : nil }
            try await eventually("the deletion") { archived().contains { $0.contains("job~") } ? nil : true }
            #expect(try !yard.lines("spool.events.jsonl").isEmpty)
            try await eventually("empty days to be gone") {
                yard.shell("find archive | sort").output
                    == "archive\narchive/2023\narchive/2025\narchive/2025/12\narchive/2025/12/31\narchive/2025/12/31/notes\narchive/README\n"
                    ? true : nil
            }
            #expect(yard.shell("ls -A .jobspool/trash").output == "")
        }

        @Test("counts for jobs that come after it when it is in the archive, or has just failed there")
        func after() async throws {
            try yard.define("t", "exit 0")
            try yard.define("fails", "exit 1")
            try await yard.start("--archive-after", "0")
            try yard.drop("good", ["type": "t"])
            try yard.drop("bad", ["type": "fails"])
            try await eventually("the archive") { archived().count == 2 ? true : nil }
            try yard.drop("next", ["type": "t", "after": ["good"]])
            try yard.drop("never", ["type": "t", "after": ["good", "bad"]])
            try await eventually("all in the archive") { archived().count == 4 ? true : nil }
            let results = yard.shell(
                "jq -r '.name + \" \" + .status + \" \" + (.error.code // \"\")' archive/*/*/*/*/*.result.json | sort")
            #expect(
                results.output
                    == "bad failed HANDLER_FAILED\ngood completed \nnever failed DEPENDENCY_FAILED\nnext completed \n")
        }

        @Test("is archived by a prune beside the daemon, killed or not, once and whole, and never runs again for it")
        func prune() async throws {
            let count = 300
            try yard.define("t", "exit 0")
            try await yard.start("--archive-after", "never", "--rescan", "1")
            let script = """
                while [ ! -e ../enough ]; do
                  \(Yard.executables)/jobspool prune --spool . --older-than 0 --json >> ../prune.out 2>> ../prune.err & pid=$!
                  [ $((RANDOM % 3)) = 0 ] && { sleep 0.0$((RANDOM % 9 + 1)); kill -9 $pid; }
                  wait $pid
                done 2>/dev/null
                """
            try Yard.write("cd \(yard.path)\n\(script)", toFile: "\(yard.root)/prune.sh")
            let pruner = try yard.spawn(["/bin/bash", "\(yard.root)/prune.sh"])
            for index in 1...count {
                try yard.drop("job\(index)", ["type": "t"])
                // The directory is looked at as a whole while prunes are at work.
                if index % 50 == 0 {
                    try await eventually("jobs to be archived", within: 60) {
                        archived().count >= index - 40 ? true : nil
                    }
                }
            }
            try await eventually("all in the archive", within: 60) { archived().count == count ? true : nil }
            try Yard.write("", toFile: "\(yard.root)/enough")
            waitpid(pruner, nil, 0)
            // What a killed prune has left is completed by the next.
            #expect(
                yard.shell(
                    "\(Yard.executables)/jobspool prune --spool . --older-than 0 --json | jq '.problems | length'"
                ).output == "0\n")
            try checkFamilies(count)
            let events = try yard.lines("spool.events.jsonl")
            #expect(events.count { $0["event"] == "completed" } == count)
            #expect(!events.contains { $0["event"] == "cancelled" || $0["event"] == "rejected" })
            #expect(Yard.readFile("\(yard.root)/prune.err") == "")
        }

        @Test("is waited for, followed and shown by the commands though it is archived at once")
        func commands() async throws {
            try yard.define("t", "for i in 1 2 3; do echo line $i; sleep 0.1; done; exit 3")
            try await yard.start("--archive-after", "0")
            let command = "\(Yard.executables)/jobspool"
            for round in 1...3 {
                let waited = yard.shell("\(command) submit --spool . --type t --name job\(round) --wait --json")
                #expect(waited.status == 1, "\(waited.output)")
                #expect(waited.output.contains("HANDLER_FAILED"))
                try yard.drop("followed\(round)", ["type": "t"])
                let followed = yard.shell(
                    "\(command) logs --spool . -f followed\(round) --json | grep -c '\"source\":\"handler\"'")
                #expect(followed.output == "3\n")
            }
            try await eventually("the archive") { archived().count == 6 ? true : nil }
            #expect(
                yard.shell("\(command) list --spool . --archived --status failed --limit 5 --json | jq length").output
                    == "5\n")
            #expect(yard.shell("\(command) retry --spool . job1 --wait --json | jq -r .status").output == "failed\n")
        }

        @Test(
            "stays whole, and is told of once, when its request is another's in a sticky directory",
            .enabled(if: geteuid() == 0, "only root can be another user"))
        func sticky() async throws {
            try yard.define("t", "exit 0", ["allow": ["users": ["*"]]])
            let command = "\(yard.root)/jobspool"
            yard.shell("cp \(Yard.executables)/jobspool \(command) && chmod 755 \(command) && chmod 1777 .")
            let daemon = try yard.spawn(
                [
                    "/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", command, "serve",
                    yard.path,
                    "--types", "\(yard.root)/types", "--archive-after", "1s",
                ], output: "\(yard.root)/nobody.log")
            defer {
                kill(daemon, SIGKILL)
                waitpid(daemon, nil, 0)
            }
            for name in ["roots", "another"] { try yard.drop(name, ["type": "t"]) }
            _ = try await yard.result("roots")
            yard.shell("echo '{\"type\": \"t\"}' > .p; chown nobody .p; mv .p own.json")
            try await eventually("its own in the archive") { archived().contains { $0.contains("/own~") } ? true : nil }
            func notices() throws -> [String] {
                try yard.lines("spool.events.jsonl").filter { $0["event"] == "noticed" }.compactMap {
                    $0["message"]?.string
                }
            }
            try await eventually("the notice") { try notices().isEmpty ? nil : true }
            // Some passes later.
            yard.shell("echo '{\"type\": \"t\"}' > .p; chown nobody .p; mv .p second.json")
            try await eventually("the second in the archive") { archived().count == 2 ? true : nil }
            #expect(try notices().count == 1)
            #expect(try notices().first?.contains("chown the directory") == true)
            for name in ["roots", "another"] {
                #expect(
                    yard.shell("ls \(name).*").output
                        == "\(name).json\n\(name).log.jsonl\n\(name).result.json\n\(name).status.json\n")
            }
            #expect(Yard.readFile("\(yard.root)/nobody.log")?.contains("error") == false)
        }
    }
}
