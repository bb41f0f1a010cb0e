/// A spool with a neighbour who means harm and may write to it: nothing outside of it is read or written, nobody else's jobs are touched, and
/// honest users get what they asked for.
import Glibc
import JSONText
import SpoolStorage
import Testing

extension EndToEnd {
    @Suite("A hostile neighbour", .enabled(if: People.areHere, People.excuse))
    struct HostileTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        /// How the spool is shared, and who serves it.
        struct Setting: CustomTestStringConvertible, Sendable {
            let mode: String
            let isServedByRoot: Bool
            var isSticky: Bool { mode.first == "1" || mode.first == "3" }
            var testDescription: String { "\(mode), served by \(isServedByRoot ? "root" : "a user")" }
        }

        static let settings = [
            Setting(mode: "1777", isServedByRoot: false), Setting(mode: "3770", isServedByRoot: false),
            Setting(mode: "1777", isServedByRoot: true), Setting(mode: "0777", isServedByRoot: false),
        ]

        static let secret = "TOPSECRET-4711"

        /// The spool, and beside it a directory with secrets, which the daemon's user may read and write.
        private func prepare(_ setting: Setting) throws {
            try yard.share(mode: setting.mode, owner: setting.isServedByRoot ? nil : People.daemon)
            try yard.define("t", "echo ran; echo mine > proof", ["allow": ["users": ["*"]]])
            try yard.define(
                "slow", "while [ ! -e ../go ]; do sleep 0.02; done; echo ran", ["allow": ["users": ["*"]]])
            let owner = setting.isServedByRoot ? "root" : People.daemon.name
            let made = yard.shell(
                """
                cd .. && mkdir outside outside/work outside/work/t outside/2026 && echo '\(Self.secret) {' > outside/secret &&
                echo '{"type": "t", "description": "\(Self.secret)"}' > outside/request &&
                chown -R \(owner) outside && chmod 700 outside/* && chmod 711 outside
                """)
            try #require(made.status == 0, "\(made.output)")
        }

        private func start(_ setting: Setting, _ options: String...) async throws {
            let program = "\(yard.root)/bin/jobspool"
            try await yard.start(
                by: setting.isServedByRoot ? [program] : People.daemon.prefix + [program],
                ["--rescan", "1"] + options)
        }

        private func outside() -> String {
            yard.shell("cd ../outside; find . -printf '%p %y %u %m %s %T@ %n\\n' | sort; cat secret request").output
        }

        /// Nobody's secrets are where everybody may read.
        private func expectNoLeak(_ before: String) {
            #expect(outside() == before)
            let found = yard.shell(
                "grep -rlIs --exclude-dir=.jobspool \(Self.secret) . ; grep -c \(Self.secret) ../daemon-*.log")
            #expect(!found.output.contains("json") && found.output.hasSuffix("0\n"), "\(found.output)")
        }

        // MARK: Planting

        private static let plants = """
            ln -s ../outside/request link.json; ln -s ../outside folder.json; ln -s ../outside/secret link.cancel.json
            ln -s ../outside/request link.schedule.json; mkfifo fifo.json fifo.cancel.json fifo.schedule.json
            mkdir dir.json dir.cancel.json dir.schedule.json; truncate -s 1T huge.json huge.cancel.json huge.schedule.json
            truncate -s 1T anna1.status.json anna2.result.json; ln -s ../outside/secret anna3.status.json
            ln -s ../outside/new anna3.result.json; ln -s ../outside/secret anna3.log.jsonl; mkfifo anna4.log.jsonl
            mkfifo anna4.status.json; mkdir -p anna4.result.json/x; ln -s ../outside/secret anna4.errors.jsonl
            ln -s ../outside archive; ln -s ../outside/secret spool.pause.json; truncate -s 1T anna5.errors.jsonl
            python3 -c "import socket; socket.socket(socket.AF_UNIX).bind('sock.json')"
            touch anna1.cancel.json anna2.cancel.json
            """

        @Test(
            "plants links, FIFOs, sockets, directories and huge files: nothing outside is touched", arguments: settings)
        func planted(setting: Setting) async throws {
            try prepare(setting)
            let before = outside()
            #expect(yard.shell(as: People.bob, Self.plants).status == 0)
            try await start(setting)
            for number in 1...5 { try yard.drop("anna\(number)", ["type": "t"], as: People.anna) }
            for number in 1...5 {
                try await eventually("anna's job to be over") {
                    try yard.lines("spool.events.jsonl").first {
                        $0["event"] == "completed" && $0["name"]?.string == "anna\(number)"
                    }
                }
                let result = try await yard.result("anna\(number)")
                #expect(result["status"] == "completed")
                #expect(try yard.messages("anna\(number)") == ["ran"])
            }
            for name in ["link", "folder", "fifo", "huge", "sock"] {
                #expect(try await yard.result(name)["status"] == "rejected", "\(name)")
            }
            // The same for its archive.
            #expect(yard.shell(as: People.anna, "touch anna5.json").status == 0)
            try await eventually("the archive") {
                yard.shell("ls -d archive/*/*/*/anna5~*").status == 0 ? true : nil
            }
            // Nor do the commands of others follow or read them.
            let commands = yard.shell(as: People.anna, "timeout 20 jobspool list && timeout 20 jobspool status anna1")
            #expect(commands.status == 0, "\(commands.output)")
            #expect(yard.shell(as: People.anna, "timeout 20 jobspool doctor >/dev/null; [ $? -lt 124 ]").status == 0)
            expectNoLeak(before)
            #expect(Yard.readFile("\(yard.path)/.jobspool/work/t/proof") == "mine\n")
        }

        @Test(
            "plants what bears the names of the spool's own files: the daemon has its own, and nothing outside is touched",
            arguments: [settings[0], settings[3]], ["mkfifo", "mkdir", "ln -s ../outside/secret", "truncate -s 1T"])
        func plantedSpoolFiles(setting: Setting, how: String) async throws {
            try prepare(setting)
            let before = outside()
            let names = ["spool.events.jsonl", "spool.status.json", "spool.pause.json"]
            for name in names { #expect(yard.shell(as: People.bob, "\(how) \(name)").status == 0) }
            try await start(setting)
            try yard.drop("job", ["type": "t"], as: People.anna)
            #expect(try await yard.result("job")["status"] == "completed")
            try await eventually("the feed to tell it") {
                try yard.lines("spool.events.jsonl").first { $0["event"] == "completed" && $0["name"] == "job" }
            }
            #expect(try yard.json("spool.status.json")?["paused"] == .null)
            let own = yard.shell("find spool.* -type f -user \(People.daemon.name) -printf '%p '")
            #expect(own.output == "spool.events.jsonl spool.status.json ", "\(own.output)")
            // They hold the daemon's end up no more than its beginning.
            #expect(try await yard.stopDaemon() == 0)
            #expect(try yard.json("spool.status.json")?["daemon"]?["state"] == "stopped")
            expectNoLeak(before)
        }

        // MARK: Racing

        /// Puts one file after another under the same names, as fast as it can, until it is told to stop; then says how often.
        private static func race(_ isSticky: Bool) -> String {
            """
            import os, itertools
            pairs = [("race.json", '{"type": "t"}', "../outside/request"), ("race.cancel.json", "{}", "../outside/secret"),
                     ("race.schedule.json", '{"every_seconds": 1, "request": {"type": "t"}}', "../outside/request"),
                     ("spool.pause.json", "{}", "../outside/secret"), ("anna.log.jsonl", "x", "../outside/secret"),
                     ("anna.result.json", "{}", "../outside/new"), ("anna.status.json", "{}", "../outside/secret")]
            if \(isSticky ? "True" : "False"):
                pairs += [("spool.events.jsonl", "{}", "../outside/new"), ("spool.status.json", "{}", "../outside/secret")]
            for number in itertools.count():
                if os.path.exists("../stop"): break
                for name, text, target in pairs:
                    try:
                        if number % 2:
                            os.symlink(target, ".bob")
                        else:
                            with open(".bob", "w") as file: file.write(text)
                        os.rename(".bob", name)
                    except OSError: pass
                    try: os.unlink(".bob")
                    except OSError: pass
                for name in ["archive", ".jobspool"]:
                    try:
                        if not \(isSticky ? "True" : "False") and number % 50 == 0: os.rename(name, f".{name}-{number}")
                        os.symlink("../outside", name)
                    except OSError: pass
                if not \(isSticky ? "True" : "False"):
                    try: os.rename("other.json", "another.json"); os.rename("another.json", "other.json")
                    except OSError: pass
            print(number, end="")
            """
        }

        @Test("swaps files for links between check and use: nothing outside is touched", arguments: settings)
        func racing(setting: Setting) async throws {
            try prepare(setting)
            try Yard.write(Self.race(setting.isSticky), toFile: "\(yard.root)/race.py")
            let before = outside()
            try await start(setting, "--archive-after", "0")
            let told = "\(yard.root)/race.log"
            let racer = try yard.spawn(
                People.bob.prefix + ["/bin/sh", "-c", "cd spool && exec python3 ../race.py"], output: told)
            let deadline = Clock.monotonic() + 2
            var number = 0
            while Clock.monotonic() < deadline {
                number += 1
                try yard.drop("anna", ["type": "t", "description": "\(number)"], as: People.anna)
                try yard.drop("other", ["type": "t", "description": "\(number)"], as: People.anna)
                try await ContinuousClock().sleep(for: .milliseconds(50))
            }
            #expect(waitpid(racer, nil, WNOHANG) == 0, "there was no race to the end: \(Yard.readFile(told) ?? "")")
            try Yard.write("", toFile: "\(yard.root)/stop")
            var ended: Int32 = 0
            waitpid(racer, &ended, 0)
            #expect(ended == 0)
            #expect((Yard.readFile(told).flatMap { Int($0) } ?? 0) > 20, "\(Yard.readFile(told) ?? "")")
            #expect(yard.shell(as: People.bob, "rm -rf race.* spool.pause.json anna.[lrs]* 2>/dev/null; :").status == 0)
            // The daemon serves on.
            try await eventually("the pause to be over") {
                try yard.json("spool.status.json")?["paused"]?.isNull == true ? true : nil
            }
            // Where he can neither move nor replace what is anna's, all that she asked for last is done.
            if setting.isSticky {
                for name in ["anna", "other"] { try await expectArchived(name, "\(number)") }
            }
            try yard.drop("honest", ["type": "t"], as: People.anna)
            try await eventually("an honest job to be over") {
                try yard.lines("spool.events.jsonl").first { $0["event"] == "completed" && $0["name"] == "honest" }
            }
            try await eventually("the private directory's name") { isPrivateDirectoryInPlace() ? true : nil }
            expectNoLeak(before)
            #expect(try await yard.stopDaemon() == 0)
        }

        /// The run of that description is in the archive, completed, as anna's.
        private func expectArchived(_ name: String, _ description: String) async throws {
            let results =
                "cat archive/*/*/*/\(name)~*/\(name).result.json | jq -c 'select(.description == \"\(description)\")"
            let result = try await eventually("run \(description) of \(name) in the archive") {
                let found = yard.shell(results + " | [.status, .submitted_by]'").output
                return found.isEmpty ? nil : found
            }
            #expect(result == "[\"completed\",\"\(People.anna.name)\"]\n")
        }

        // MARK: The private directory

        /// It inherits set-group-ID from the spool.
        private func isPrivateDirectoryInPlace() -> Bool {
            yard.shell("find .jobspool -maxdepth 0 -type d -perm -700 ! -perm /077 | grep -q .").status == 0
        }

        @Test(
            "renames the private directory and puts a link in its place: it gets its name back, now and at the start",
            arguments: ["0777", "2770"])
        func privateDirectory(mode: String) async throws {
            let setting = Setting(mode: mode, isServedByRoot: false)
            try prepare(setting)
            let before = outside()
            try await start(setting)
            try yard.drop("first", ["type": "slow"], as: People.anna)
            try await yard.standing("first", "running")
            let swap =
                "perl -e 'rename q(.jobspool), q(.taken) or die $!; symlink q(../outside), q(.jobspool) or die $!'"
            for isRunning in [true, false] {
                if !isRunning { yard.killDaemon() }
                // A daemon that looks in between may have given it its name back already.
                try await eventually("the swap") { yard.shell(as: People.bob, swap).status == 0 ? true : nil }
                if !isRunning { try await start(setting) }
                try await eventually("it to be back") {
                    yard.shell("[ ! -L .jobspool ] && [ ! -e .taken ]").status == 0 ? true : nil
                }
                try await eventually("that to be told") {
                    try yard.notices().contains { $0.contains("had renamed .jobspool to .taken") } ? true : nil
                }
            }
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go")
            // The attempt is the one that ran all the time.
            let result = try await yard.result("first")
            #expect(result["status"] == "completed")
            #expect(result["attempts"]?.array?.count == 1)
            expectNoLeak(before)
        }

        // MARK: Content

        @Test(
            "links to a file that is no request: what is wrong with it is not told, for that would tell what is in it")
        func linkedContent() async throws {
            let setting = Setting(mode: "1777", isServedByRoot: false)
            try prepare(setting)
            try await start(setting)
            // Where the kernel lets a file be linked by whoever may write it.
            try Yard.write("\"\(Self.secret)", toFile: "\(yard.root)/draft")
            chmod("\(yard.root)/draft", 0o666)
            #expect(yard.shell(as: People.bob, "ln ../draft job.json; ln ../draft plan.schedule.json").status == 0)
            let error = try await yard.result("job")["error"]
            #expect(error?["message"]?.string?.contains("hard links") == true)
            let plan = try await eventually("the schedule") { try yard.json("plan.schedule.status.json") }
            #expect(plan["problem"]?["message"]?.string?.contains("hard links") == true)
        }

        @Test("uses names that differ by case or normalisation only: each is a job of its own")
        func names() async throws {
            let setting = Setting(mode: "1777", isServedByRoot: false)
            try prepare(setting)
            try await start(setting)
            let names = [
                "Job", "job", "caf\u{E9}", "cafe\u{301}", "\u{212B}", "\u{C5}", "A\u{30A}", "jo\u{200B}b",
            ]
            for (index, name) in names.enumerated() {
                try yard.drop(
                    name, ["type": "t", "labels": ["n": "\(index)"]], as: index % 2 == 0 ? People.anna : People.bob)
            }
            for (index, name) in names.enumerated() {
                let result = try await yard.result(name)
                #expect(result["status"] == "completed")
                #expect(result["labels"]?["n"]?.string == "\(index)")
                #expect(result["submitted_by"]?.string == (index % 2 == 0 ? People.anna : People.bob).name)
            }
            let ids = try Set(names.map { try yard.json("\($0).result.json")?["job_id"]?.string })
            #expect(ids.count == names.count)
        }
    }
}
