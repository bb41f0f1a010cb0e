/// A sticky spool that does not belong to the daemon's user, where it can move nothing of others: what they put in the way stops the
/// job that it is in the way of, and nothing else.
import Glibc
import JSONText
import SpoolStorage
import Testing

extension EndToEnd {
    @Suite("A sticky spool of another user", .enabled(if: People.areHere, People.excuse))
    struct ForeignSpoolTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        private func open(_ prepare: String = ":") async throws {
            try yard.share(mode: "1777", owner: nil)
            try yard.define("t", "echo ran", ["allow": ["users": ["*"]]])
            try yard.define("brief", "sleep 0.6", ["allow": ["users": ["*"]]])
            try yard.define("slow", "while [ ! -e ../go ]; do sleep 0.02; done; echo ran", ["allow": ["users": ["*"]]])
            try #require(yard.shell(as: People.bob, prepare).status == 0)
            try await start()
        }

        private func start() async throws {
            try await yard.start(as: People.daemon, ["--rescan", "1"])
        }

        private func go() throws { try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go") }

        /// Other jobs go on, for longer than a few rescans, and the daemon does not try and complain again and again.
        private func expectCalm() async throws {
            let before = yard.daemonLog.split(separator: "\n").count
            for index in 1...5 { try yard.drop("other\(index)", ["type": "brief"], as: People.anna) }
            for index in 1...5 { #expect(try await yard.result("other\(index)")["status"] == "completed") }
            let lines = yard.daemonLog.split(separator: "\n").dropFirst(before)
            #expect(lines.filter { $0.contains(" error ") || $0.contains(" warning ") }.count <= 1, "\(lines)")
            #expect(try yard.json("spool.status.json")?["trouble"] == .null)
        }

        @Test("is told of by the daemon when it starts, and by the doctor, with the remedy")
        func told() async throws {
            try await open()
            #expect(yard.daemonLog.contains("Remedy: chown \(People.daemon.name)"))
            let doctor = yard.shell(as: People.daemon, "jobspool doctor \(yard.path)")
            #expect(doctor.output.contains("remedy: chown \(People.daemon.name)"))
            #expect(doctor.output.contains("ok        canary"))
            #expect(doctor.status == 2, "\(doctor.output)")
            let stranger = yard.shell(as: People.anna, "jobspool doctor \(yard.path)")
            #expect(stranger.output.contains("unchecked canary"))
            #expect(!yard.shell("ls -a").output.contains("doctor-"))
        }

        @Test(
            "with a planted status or log: the request is rejected, and says whose file is in the way",
            arguments: ["status.json", "log.jsonl", "errors.jsonl"], ["echo '{}' >", "mkdir"])
        func planted(suffix: String, how: String) async throws {
            try await open()
            #expect(yard.shell(as: People.bob, "\(how) job.\(suffix)").status == 0)
            try yard.drop("job", ["type": "t"], as: People.anna)
            let result = try await yard.result("job")
            #expect(result["status"] == "rejected")
            let message = result["error"]?["message"]?.string ?? ""
            #expect(message.contains("job.\(suffix) belongs to \(People.bob.name)"), "\(message)")
            #expect(message.contains("choose another name"))
            if suffix == "status.json" { try await expectCalm() }
            // When the file has gone the request can be had again.
            #expect(yard.shell(as: People.bob, "rm -r job.\(suffix)").status == 0)
            #expect(yard.shell(as: People.anna, "touch job.json").status == 0)
            #expect(try await yard.result("job", after: result["job_id"]?.string)["status"] == "completed")
        }

        @Test("with a planted result: the request is left alone, which is told once, until the file has gone")
        func plantedResult() async throws {
            try await open()
            #expect(yard.shell(as: People.bob, "mkdir job.result.json").status == 0)
            try yard.drop("job", ["type": "t"], as: People.anna)
            try await eventually("a notice") {
                try yard.notices().first { $0.contains("job.result.json belongs to \(People.bob.name)") }
            }
            try await expectCalm()
            #expect(try yard.notices().count { $0.contains("job.result.json") } == 1)
            #expect(!yard.exists("job.status.json"))
            #expect(yard.shell(as: People.bob, "rmdir job.result.json").status == 0)
            #expect(try await yard.result("job")["status"] == "completed")
        }

        @Test(
            "with a result planted while the job runs: its end is kept, its lane is free, and a restart loses nothing")
        func plantedLater() async throws {
            try await open()
            try yard.drop("job", ["type": "slow"], as: People.anna)
            try await yard.standing("job", "running")
            #expect(yard.shell(as: People.bob, "mkdir job.result.json").status == 0)
            try go()
            let status = try await eventually("the status to say so") {
                try yard.status("job").flatMap {
                    $0["message"]?.string?.contains("its result cannot be written") == true ? $0 : nil
                }
            }
            #expect(status["status"] == "running")
            #expect(status["finished_at"] == .null)
            try await expectCalm()
            // The daemon can be stopped all the same.
            #expect(try await yard.stopDaemon() == 0)
            try await start()
            try await expectCalm()
            #expect(yard.shell(as: People.bob, "rmdir job.result.json").status == 0)
            let result = try await yard.result("job")
            #expect(result["status"] == "completed")
            #expect(try yard.messages("job") == ["ran"])
            #expect(result["attempts"]?.array?.count == 1)
            try await yard.standing("job", "completed")
        }

        @Test("with a log planted after the acceptance: the job runs, and its lines are lost with its directory")
        func plantedLog() async throws {
            try await open()
            try yard.drop("first", ["type": "slow"], as: People.anna)
            try await yard.standing("first", "running")
            try yard.drop("job", ["type": "t"], as: People.anna)
            try await yard.standing("job", "pending")
            #expect(yard.shell(as: People.bob, "echo mine > job.log.jsonl; echo mine > job.errors.jsonl").status == 0)
            try go()
            #expect(try await yard.result("job")["status"] == "completed")
            #expect(yard.read("job.log.jsonl") == "mine\n")
            try await expectCalm()
        }

        @Test("with a cancel file that the daemon may not remove: it has its effect once, or none")
        func cancel() async throws {
            try await open()
            try yard.drop("job", ["type": "slow"], as: People.anna)
            try await yard.standing("job", "running")
            // Another's has none.
            #expect(yard.shell(as: People.bob, ": > job.cancel.json").status == 0)
            try await eventually("it to be refused") {
                try yard.notices().first { $0.contains("\(People.bob.name) may not cancel job") }
            }
            try await expectCalmBesideRunningJob()
            #expect(yard.shell(as: People.bob, "rm job.cancel.json").status == 0)
            #expect(yard.shell(as: People.anna, ": > job.cancel.json").status == 0)
            let first = try await yard.result("job")
            #expect(first["status"] == "cancelled")
            try await eventually("that it cannot be removed to be told") {
                try yard.notices().first { $0.contains("job.cancel.json cannot be removed") }
            }
            try await expectCalm()
            // It is still there, and counts for nothing.
            try go()
            #expect(yard.shell(as: People.anna, "touch job.json").status == 0)
            let second = try await yard.result("job", after: first["job_id"]?.string)
            #expect(second["status"] == "completed")
            #expect(yard.exists("job.cancel.json"))
            #expect(try yard.notices().count { $0.contains("job.cancel.json") } == 1)
        }

        private func expectCalmBesideRunningJob() async throws {
            let before = yard.daemonLog.split(separator: "\n").count
            try yard.define("aside", "sleep 2.5", ["lane": "aside"])
            try yard.drop("aside", ["type": "aside"], as: People.daemon)
            #expect(try await yard.result("aside")["status"] == "completed")
            let lines = yard.daemonLog.split(separator: "\n").dropFirst(before)
            #expect(!lines.contains { $0.contains(" error ") || $0.contains(" warning ") }, "\(lines)")
        }

        @Test("is paused by its owner, who is neither the daemon's user nor root")
        func pausedByOwner() async throws {
            try yard.share(mode: "1777", owner: People.bob)
            try yard.define("t", "echo ran", ["allow": ["users": ["*"]]])
            try await start()
            #expect(yard.shell(as: People.bob, "jobspool pause --reason mine").status == 0)
            try await eventually("the pause") {
                try yard.json("spool.status.json")?["paused"]?["by"]?.string == People.bob.name ? true : nil
            }
            #expect(yard.shell(as: People.anna, "jobspool pause").status == 77)
            try yard.drop("job", ["type": "t"], as: People.anna)
            try await yard.standing("job", "pending")
            #expect(yard.shell(as: People.bob, "jobspool resume").status == 0)
            #expect(try await yard.result("job")["status"] == "completed")
        }

        @Test(
            "with a planted spool.status.json: jobs run, and that it cannot be written is told once",
            arguments: ["mkdir", "mkfifo", "ln -s /etc/passwd", "truncate -s 1T"])
        func plantedSpoolStatus(how: String) async throws {
            try yard.share(mode: "1777", owner: nil)
            try yard.define("brief", "sleep 0.6", ["allow": ["users": ["*"]]])
            #expect(yard.shell(as: People.bob, "\(how) spool.status.json").status == 0)
            let log = "\(yard.root)/daemon.log"
            let daemon = try yard.spawn(
                People.daemon.prefix + ["\(yard.root)/bin/jobspool", "serve", "spool", "--types", "types"], output: log)
            for index in 1...3 { try yard.drop("job\(index)", ["type": "brief"], as: People.anna) }
            for index in 1...3 { #expect(try await yard.result("job\(index)")["status"] == "completed") }
            // It tries again when it stops.
            kill(daemon, SIGTERM)
            try await eventually("the daemon to end") { waitpid(daemon, nil, WNOHANG) == daemon ? true : nil }
            let lines = (Yard.readFile(log) ?? "").split(separator: "\n")
            #expect(lines.count { $0.contains(" error ") } == 1, "\(lines)")
        }

        @Test(
            "with a planted feed: the daemon does not start, and says what is in the way",
            arguments: ["mkdir", "mkfifo", "ln -s /etc/passwd"])
        func plantedFeed(how: String) async throws {
            try yard.share(mode: "1777", owner: nil)
            #expect(yard.shell(as: People.bob, "\(how) spool.events.jsonl").status == 0)
            let ended = yard.shell(as: People.daemon, "timeout 20 jobspool serve . --types ../types")
            #expect(ended.status == 77, "\(ended.output)")
            #expect(ended.output.contains("spool.events.jsonl belongs to \(People.bob.name)"), "\(ended.output)")
            #expect(ended.output.contains("chown \(People.daemon.name)"), "\(ended.output)")
        }

        @Test(
            "with a planted archive and pause file: jobs run, and run again",
            arguments: [": >", "mkfifo", "truncate -s 1T"])
        func plantedSpoolFiles(how: String) async throws {
            try yard.share(mode: "1777", owner: nil)
            try yard.define("t", "echo ran", ["allow": ["users": ["*"]]])
            try yard.define("brief", "sleep 0.6", ["allow": ["users": ["*"]]])
            #expect(yard.shell(as: People.bob, "mkdir archive; \(how) spool.pause.json").status == 0)
            try await start()
            try yard.drop("job", ["type": "t"], as: People.anna)
            let first = try await yard.result("job")["job_id"]?.string
            #expect(yard.shell(as: People.anna, "touch job.json").status == 0)
            let second = try await yard.result("job", after: first)
            #expect(second["status"] == "completed")
            // The first run's files wait until there is an archive.
            #expect(yard.shell("ls .jobspool/archiving").output.contains("job~\(first ?? "?")"))
            #expect(yard.shell(as: People.bob, "rm -r archive").status == 0)
            #expect(try await yard.stopDaemon() == 0)
            try await start()
            try await eventually("the first run to be in the archive") {
                yard.shell("ls archive/*/*/*/").output.contains("job~\(first ?? "?")") ? true : nil
            }
        }
    }
}
