/// A spool for several users, served by one of them, with real users: who may do what to whose jobs.
import Glibc
import JSONText
import SpoolStorage
import Testing

extension EndToEnd {
    @Suite("A shared spool", .enabled(if: People.areHere, People.excuse))
    struct PermissionTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        static let modes = ["1777", "3770"]

        private func open(_ mode: String = "1777", umask: String = "022", _ options: String...) async throws {
            try yard.share(mode: mode, owner: People.daemon)
            try yard.define("t", "echo ran", ["allow": ["users": ["*"]]])
            // Until there is a file ../go beside the types' work directories.
            try yard.define("slow", "while [ ! -e ../go ]; do sleep 0.02; done", ["allow": ["users": ["*"]]])
            try await yard.start(as: People.daemon, umask: umask, options)
        }

        private func go() throws { try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go") }

        // MARK: Types

        @Test("lets users use the types that allow them, by name or by a group, and no others", arguments: modes)
        func types(mode: String) async throws {
            try yard.share(mode: mode, owner: People.daemon)
            try yard.define("user", "exit 0", ["allow": ["users": [.string(People.anna.name)]]])
            try yard.define("group", "exit 0", ["allow": ["users": [], "groups": [.string(People.staff)]]])
            try yard.define("all", "exit 0", ["allow": ["users": ["*"]]])
            try yard.define("none", "exit 0")
            try await yard.start(as: People.daemon)
            let allowed = [("user", true, false), ("group", true, false), ("all", true, true), ("none", false, false)]
            for (type, anna, bob) in allowed {
                for (person, isAllowed) in [(People.anna, anna), (People.bob, bob), (People.daemon, true)] {
                    let name = "\(type)-\(person.name)"
                    try yard.drop(name, ["type": .string(type)], as: person)
                    let result = try await yard.result(name)
                    #expect(
                        result["status"]?.string == (isAllowed ? "completed" : "rejected"), "\(name): \(result.text)")
                    #expect(result["submitted_by"]?.string == person.name)
                    guard !isAllowed else { continue }
                    let error = try #require(result["error"])
                    #expect(error["code"] == "NOT_ALLOWED")
                    #expect(error["details"]?["user"]?.string == person.name)
                    #expect(error["details"]?["rule"] == "allow")
                    #expect(error["message"]?.string?.contains("`allow`") == true)
                    let read = yard.shell(as: person, "cat \(name).result.json | jq -r .error.code")
                    #expect(read.output == "NOT_ALLOWED\n")
                }
            }
            // Root may use them all.
            try yard.drop("none-root", ["type": "none"])
            #expect(try await yard.result("none-root")["status"] == "completed")
        }

        @Test("runs handlers as the daemon's user, with that user's groups and nobody else's")
        func handlers() async throws {
            try yard.share(mode: "1777", owner: People.daemon)
            try yard.define(
                "who", "id -un; id -u; id -gn; id -Gn | tr ' ' '\\n' | sort | tr '\\n' ' '; echo; umask",
                ["allow": ["users": ["*"]]])
            try await yard.start(as: People.daemon, umask: "027")
            for person in [People.anna, People.daemon] {
                try yard.drop(person.name, ["type": "who"], as: person)
                _ = try await yard.result(person.name)
                #expect(
                    try yard.messages(person.name) == [
                        People.daemon.name, "\(People.daemon.number)", People.group,
                        [People.group, People.droppers].sorted().joined(separator: " ") + " ", "0027",
                    ])
            }
        }

        @Test(
            "shows status, result and log to all who may look, whatever the daemon's umask", arguments: ["022", "077"])
        func readable(umask: String) async throws {
            try await open("3770", umask: umask)
            try yard.define(
                "bad", #"echo '{"type":"error","item":"x","code":"E","message":"m"}'"#, ["allow": ["users": ["*"]]])
            try yard.drop("job", ["type": "bad"], as: People.anna)
            let first = try await yard.result("job")["job_id"]?.string
            for suffix in ["status.json", "result.json", "log.jsonl", "errors.jsonl"] {
                #expect(yard.shell(as: People.bob, "cat job.\(suffix)").status == 0, "\(suffix)")
            }
            #expect(
                yard.shell(as: People.bob, "cat spool.status.json spool.events.jsonl && jobspool status").status == 0)
            #expect(yard.shell(as: People.anna, "touch job.json").status == 0)
            _ = try await yard.result("job", after: first)
            #expect(yard.shell(as: People.bob, "cat archive/*/*/*/job~*/job.result.json").status == 0)
            #expect(yard.shell(as: People.bob, "ls .jobspool").status != 0)
        }

        // MARK: Cancel

        enum Canceller: String, CaseIterable { case submitter, other, root, daemon }

        private func cancel(_ job: String, _ who: Canceller) throws {
            let script = "echo '{\"reason\": \"enough\"}' > .$$.part; mv .$$.part \(job).cancel.json"
            let done =
                switch who {
                case .submitter: yard.shell(as: People.anna, script)
                case .other: yard.shell(as: People.bob, script)
                case .root: yard.shell(script)
                case .daemon: yard.shell(as: People.daemon, script)
                }
            try #require(done.status == 0, "\(done.output)")
        }

        @Test(
            "lets a job be cancelled by its submitter, the daemon's user and root; another's cancel file is moved aside, and told",
            arguments: Canceller.allCases, ["running", "pending"])
        func cancelling(who: Canceller, standing: String) async throws {
            try await open()
            try yard.drop("first", ["type": "slow"], as: People.anna)
            try await yard.standing("first", "running")
            try yard.drop("second", ["type": "slow"], as: People.anna)
            try await yard.standing("second", "pending")
            let job = standing == "running" ? "first" : "second"
            try cancel(job, who)
            if who == .other {
                try await eventually("the cancel file to be moved aside") {
                    yard.exists("\(job).cancel.json") ? nil : true
                }
                try await eventually("that to be told") {
                    try yard.notices().contains { $0.contains("\(People.bob.name) may not cancel \(job)") } ? true : nil
                }
                #expect(yard.shell("ls .jobspool/aside").output.hasPrefix("\(job).cancel.json~"))
                try go()
                #expect(try await yard.result(job)["status"] == "completed")
            } else {
                let result = try await yard.result(job)
                #expect(result["status"] == "cancelled")
                let by = [.submitter: People.anna.name, .root: "root", .daemon: People.daemon.name][who] ?? ""
                #expect(result["message"]?.string?.contains("by \(by): enough") == true)
                try await eventually("the cancel file to be removed") { yard.exists("\(job).cancel.json") ? nil : true }
            }
        }

        @Test("keeps what a cancel file says that comes after the job's end from doing anything")
        func lateCancel() async throws {
            try await open()
            try yard.drop("job", ["type": "t"], as: People.anna)
            let first = try await yard.result("job")["job_id"]?.string
            for who in [People.anna, People.bob] {
                #expect(yard.shell(as: who, ": > job.cancel.json").status == 0)
                try await eventually("the cancel file to be removed") { yard.exists("job.cancel.json") ? nil : true }
            }
            #expect(yard.shell(as: People.anna, "touch job.json").status == 0)
            #expect(try await yard.result("job", after: first)["status"] == "completed")
        }

        @Test("says in the command who may cancel what")
        func command() async throws {
            try await open()
            try yard.drop("job", ["type": "slow"], as: People.anna)
            try await yard.standing("job", "running")
            #expect(yard.shell(as: People.anna, "jobspool doctor job").output.contains("job is running"))
            #expect(yard.shell(as: People.anna, "timeout 30 jobspool cancel --wait job").status == 0)
            #expect(try await yard.result("job")["status"] == "cancelled")
        }

        // MARK: Requests

        @Test("keeps another user's request as it is: it cannot be touched, changed or removed", arguments: modes)
        func anothersRequest(mode: String) async throws {
            try await open(mode)
            try yard.drop("job", ["type": "t"], as: People.anna)
            let first = try await yard.result("job")["job_id"]?.string
            for script in ["touch job.json", "echo '{}' > job.json", "rm -f job.json", "mv job.json mine.json"] {
                #expect(yard.shell(as: People.bob, script).status != 0, "\(script)")
            }
            #expect(yard.shell(as: People.bob, "jobspool retry job").status != 0)
            #expect(yard.shell(as: People.anna, "jobspool retry --wait job").status == 0)
            let second = try await yard.result("job", after: first)
            #expect(second["submitted_by"]?.string == People.anna.name)
            #expect(try yard.lines("spool.events.jsonl").count { $0["event"] == "accepted" } == 2)
        }

        @Test("says of a request that the daemon may not read what to do, and takes it then")
        func unreadable() async throws {
            try await open("1777")
            #expect(yard.shell(as: People.anna, "umask 077; echo '{\"type\":\"t\"}' > job.json").status == 0)
            #expect(
                yard.shell(as: People.bob, "jobspool doctor job --json | jq -r .reason").output == "will_be_rejected\n")
            let rejected = try await yard.result("job")
            #expect(rejected["status"] == "rejected")
            #expect(rejected["error"]?["message"]?.string?.contains("chmod a+r") == true)
            #expect(yard.shell(as: People.anna, "chmod a+r job.json; touch job.json").status == 0)
            let result = try await yard.result("job", after: rejected["job_id"]?.string)
            #expect(result["status"] == "completed")
        }

        @Test("takes a hard link for nobody's request: whoever made it need not be the file's owner")
        func hardLink() async throws {
            try await open("1777", "--settle", "2")
            try yard.define("closed", "echo secret")
            // Root's file, which bob may write and therefore link.
            try Yard.write(#"{"type": "closed"}"#, toFile: "\(yard.root)/draft")
            chmod("\(yard.root)/draft", 0o666)
            #expect(yard.shell(as: People.bob, "ln ../draft job.json").status == 0)
            let result = try await yard.result("job")
            #expect(result["status"] == "rejected")
            #expect(result["error"]?["message"]?.string?.contains("hard links") == true)
            #expect(!yard.exists("job.log.jsonl"))
            // Nor is a schedule.
            try Yard.write(
                #"{"every_seconds": 1, "request": {"type": "closed"}}"#, toFile: "\(yard.root)/draft")
            #expect(yard.shell(as: People.bob, "ln ../draft nightly.schedule.json").status == 0)
            let schedule = try await eventually("the schedule to be looked at") {
                try yard.json("nightly.schedule.status.json")
            }
            #expect(schedule["state"] == "invalid")
            #expect(schedule["problem"]?["message"]?.string?.contains("hard links") == true)
            // A writer that links a temporary file into place removes the other name.
            #expect(
                yard.shell(
                    as: People.anna, "echo '{\"type\":\"t\"}' > .x.part; ln .x.part mine.json; sleep 0.1; rm .x.part"
                ).status == 0)
            #expect(try await yard.result("mine")["status"] == "completed")
        }

        // MARK: Pause

        @Test("is paused by its owner, the daemon's user and root, and by nobody else")
        func pausing() async throws {
            try await open()
            let pauses = [(People.bob as Person?, false), (People.daemon, true), (nil, true)]
            for (index, (person, counts)) in pauses.enumerated() {
                func run(_ script: String) -> (status: Int32, output: String) {
                    person.map { yard.shell(as: $0, script) } ?? yard.shell(script)
                }
                #expect(run("echo '{\"reason\": \"test\"}' > spool.pause.json").status == 0)
                if counts {
                    try await eventually("the pause") {
                        try yard.json("spool.status.json")?["paused"]?["by"]?.string == person?.name ?? "root"
                            ? true : nil
                    }
                } else {
                    try await eventually("the pause to be refused") {
                        try yard.notices().contains { $0.contains("may not pause") } && !yard.exists("spool.pause.json")
                            ? true : nil
                    }
                    #expect(run("jobspool pause").status == 77)
                }
                try yard.drop("job\(index)", ["type": "t"], as: People.anna)
                if counts {
                    try await yard.standing("job\(index)", "pending")
                    #expect(
                        yard.shell(as: People.anna, "jobspool doctor job\(index) --json | jq -r .reason").output
                            == "paused\n")
                    #expect(run("rm spool.pause.json").status == 0)
                }
                #expect(try await yard.result("job\(index)")["status"] == "completed")
            }
        }

        // MARK: Planted files

        enum Plant: String, CaseIterable {
            case file = "echo '{}' > $F"
            case folder = "mkdir $F; touch $F/x"
            case link = "ln -s /etc/passwd $F"
            case fifo = "mkfifo $F"
        }

        @Test(
            "moves aside what another user planted under the names of a job's files, and runs the job",
            arguments: Plant.allCases)
        func planted(plant: Plant) async throws {
            try await open()
            for suffix in ["status.json", "result.json", "log.jsonl", "errors.jsonl"] {
                #expect(yard.shell(as: People.bob, "F=job.\(suffix); \(plant.rawValue)").status == 0)
            }
            #expect(yard.shell(as: People.bob, "F=archive; \(plant.rawValue)").status == 0)
            try yard.drop("job", ["type": "t"], as: People.anna)
            // By the feed: until the daemon has looked, the result's name stands for what was planted.
            let first = try await eventually("the job to be over") {
                try yard.lines("spool.events.jsonl").first { $0["event"] == "completed" }?["job_id"]?.string
            }
            #expect(try yard.messages("job") == ["ran"])
            // The second run needs the archive.
            #expect(yard.shell(as: People.anna, "touch job.json").status == 0)
            #expect(try await yard.result("job", after: first)["status"] == "completed")
            #expect(yard.shell("ls archive/*/*/*/ | grep -c '^job~'").output == "1\n")
            #expect(try yard.notices().count { $0.contains("not the daemon's own but \(People.bob.name)'s") } == 5)
            #expect(yard.daemonLog.contains(" error ") == false, "\(yard.daemonLog)")
        }

        @Test("moves aside what is planted while the job runs")
        func plantedLater() async throws {
            try await open()
            try yard.drop("job", ["type": "slow"], as: People.anna)
            try await yard.standing("job", "running")
            #expect(
                yard.shell(as: People.bob, "mkdir job.result.json; touch job.result.json/x; mkdir job.errors.jsonl")
                    .status == 0)
            try go()
            try await eventually("the job to be over") {
                try yard.lines("spool.events.jsonl").first { $0["event"] == "completed" }
            }
            #expect(try await yard.result("job")["status"] == "completed")
            #expect(yard.daemonLog.contains(" error ") == false, "\(yard.daemonLog)")
        }
    }
}
