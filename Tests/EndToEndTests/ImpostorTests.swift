/// A spool for several users, one of whom makes his files look like others', or keeps the daemon from his own.
import Glibc
import JSONText
import SpoolStorage
import Testing

extension EndToEnd {
    @Suite("A neighbour's file", .enabled(if: People.areHere, People.excuse))
    struct ImpostorTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        private func open(_ options: String...) async throws {
            try yard.share(mode: "1777", owner: People.daemon)
            try yard.define("t", "echo ran", ["allow": ["users": ["*"]]])
            try yard.define(
                "slow", "trap 'exit 0' TERM; while [ ! -e ../go ]; do sleep 0.02; done",
                ["lane": "slow", "allow": ["users": ["*"]]])
            // In the lane of those.
            try yard.define(
                "closed", "jq -r .params.say",
                ["lane": "slow", "allow": ["users": [.string(People.anna.name)]]])
            try await start(options)
        }

        private func start(_ options: [String] = []) async throws {
            try await yard.start(by: People.daemon.prefix + ["\(yard.root)/bin/jobspool"], options)
        }

        private func go() throws { try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go") }

        // MARK: Leases

        /// Holds a write lease on a file of bob's (fcntl(2), F_SETLEASE), and takes it again whenever it is to be given back.
        private func lease(_ file: String) async throws -> pid_t {
            let program = """
                import fcntl, signal, sys, time
                file = open(sys.argv[1], "r+")
                def take():
                    for _ in range(1000):
                        try:
                            return fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
                        except OSError:
                            time.sleep(0.001)
                def renew(*_):
                    fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
                    take()
                signal.signal(signal.SIGIO, renew)
                take()
                open("../leased", "w").close()
                while True: signal.pause()
                """
            try Yard.write(program, toFile: "\(yard.root)/lease.py")
            unlink("\(yard.root)/leased")
            chmod(yard.root, 0o777)
            let command = People.bob.prefix + ["/bin/sh", "-c", "cd spool && exec python3 ../lease.py \(file)"]
            let process = try yard.spawn(command)
            try await eventually("the lease") { access("\(yard.root)/leased", F_OK) == 0 ? true : nil }
            return process
        }

        @Test(
            "that is held by a lease keeps neither other jobs from starting nor the daemon from coming back",
            arguments: ["pending", "dropped"])
        func leased(moment: String) async throws {
            try await open()
            if moment == "pending" {
                try yard.drop("block", ["type": "slow"], as: People.bob)
                try await yard.standing("block", "running")
                try yard.drop("x", ["type": "slow", "priority": 100], as: People.bob)
                try await yard.standing("x", "pending")
            } else {
                // Of which the daemon hears by the name that it then has.
                #expect(yard.shell(as: People.bob, "echo '{\"type\": \"t\"}' > .x").status == 0)
            }
            let holder = try await lease(moment == "pending" ? "x.json" : ".x")
            defer { waitpid(holder, nil, 0) }
            defer { kill(holder, SIGKILL) }
            if moment == "dropped" { #expect(yard.shell(as: People.bob, "mv .x x.json").status == 0) }
            if moment == "pending" { try go() }
            for index in 1...3 {
                try yard.drop("honest\(index)", ["type": "t"], as: People.anna)
                let result = try await yard.result("honest\(index)")
                #expect(result["status"] == "completed")
            }
            if moment == "dropped" {
                let result = try await yard.result("x")
                #expect(result["status"] == "rejected")
                #expect(result["error"]?["message"]?.string?.contains("lease") == true)
            }
            yard.killDaemon()
            try await start()
            try yard.drop("later", ["type": "t"], as: People.anna)
            #expect(try await yard.result("later")["status"] == "completed")
            guard moment == "pending" else { return }
            kill(holder, SIGKILL)
            // It is looked at again by itself.
            #expect(try await yard.result("x")["status"] == "completed")
        }

        // MARK: Size and times

        @Test("of another's size and times does not take the place of a request that was accepted")
        func version() async throws {
            try await open("--settle", "1")
            try yard.drop("block", ["type": "slow"], as: People.anna)
            try await yard.standing("block", "running")
            try yard.drop("a", ["type": "closed", "params": ["say": "good"]], as: People.anna)
            try await yard.standing("a", "pending")
            let forged = try #require(yard.read("a.json")).replacing("good", with: "evil")
            let made = yard.shell(
                as: People.bob,
                "printf %s '\(forged)' > .evil; touch -r a.json .evil; stat -c %s.%Y a.json .evil | uniq | wc -l")
            #expect(made.output == "1\n")
            #expect(yard.shell("rm a.json && mv .evil a.json").status == 0)
            try go()
            let result = try await yard.result("a")
            #expect(result["status"] == "rejected")
            #expect(result["submitted_by"]?.string == People.bob.name)
            #expect(!(yard.read("a.log.jsonl") ?? "").contains("evil"))
        }

        @Test("of the same does not do so after a restart, nor does it make its owner the job's")
        func restart() async throws {
            try await open("--on-stop", "leave")
            try yard.drop("a", ["type": "slow"], as: People.anna)
            try await yard.standing("a", "running")
            try yard.drop("b", ["type": "closed", "params": ["say": "good"]], as: People.anna)
            try await yard.standing("b", "pending")
            #expect(try await yard.stopDaemon() == 0)
            let forged = try #require(yard.read("b.json")).replacing("good", with: "evil")
            #expect(
                yard.shell(
                    as: People.bob, "echo '{\"type\": \"t\"}' > .a; printf %s '\(forged)' > .b; touch -r b.json .b"
                )
                .status == 0)
            #expect(yard.shell("rm a.json b.json && mv .a a.json && mv .b b.json").status == 0)
            try await start()
            #expect(yard.shell(as: People.bob, "touch a.cancel.json").status == 0)
            try await eventually("that to be told") {
                try yard.notices().contains { $0.contains("\(People.bob.name) may not cancel a") } ? true : nil
            }
            #expect(try yard.status("a")?["status"] == "running")
            #expect(yard.shell(as: People.anna, "touch a.cancel.json").status == 0)
            let job = try #require(try yard.status("a")?["job_id"]?.string)
            try await eventually("anna's job to be cancelled") {
                try yard.lines("spool.events.jsonl").contains {
                    $0["job_id"]?.string == job && $0["event"] == "cancelled"
                }
                    ? true : nil
            }
            try go()
            #expect(try await yard.result("b")["status"] == "rejected")
            #expect(!(yard.read("b.log.jsonl") ?? "").contains("evil"))
        }

        @Test("whose content has been changed while its job waited, and its times put back, is another request")
        func content() async throws {
            try await open()
            try yard.define("work", "jq -r .params.n", ["lane": "slow", "allow": ["users": ["*"]]])
            try yard.drop("block", ["type": "slow"], as: People.anna)
            try await yard.standing("block", "running")
            try yard.drop("p", ["type": "work", "params": ["n": 1]], as: People.bob)
            try await yard.standing("p", "pending")
            try yard.drop("c", ["type": "work", "params": ["n": 1], "on_busy": "join"], as: People.anna)
            let joined = try await yard.standing("c", "pending")
            #expect(joined["waiting_for"]?.isNull == false)
            #expect(
                yard.shell(
                    as: People.bob,
                    "touch -r p.json .t; sed -i.bak s/1/2/ p.json; rm -f p.json.bak; touch -r .t p.json; jq -c .params p.json"
                ).output == "{\"n\":2}\n")
            try go()
            #expect(try await yard.result("c")["status"] == "completed")
            #expect(try yard.messages("c") == ["1"])
            #expect(try await yard.result("p")["status"] == "completed")
            #expect(try yard.messages("p") == ["2"])
        }

        // MARK: Hard links

        @Test("with a second name neither cancels nor pauses in its owner's name", arguments: ["cancel", "pause"])
        func hardLink(what: String) async throws {
            try await open("--settle", "2")
            try yard.drop("first", ["type": "slow"], as: People.anna)
            try await yard.standing("first", "running")
            // Root's, and bob may write it: then the kernel lets him link it.
            #expect(yard.shell("echo '{}' > .draft; chmod 666 .draft").status == 0)
            let file = what == "cancel" ? "first.cancel.json" : "spool.pause.json"
            #expect(yard.shell(as: People.bob, "ln .draft \(file)").status == 0)
            try await eventually("that to be told") {
                try yard.notices().contains { $0.contains("hard links") } ? true : nil
            }
            #expect(try yard.status("first")?["status"] == "running")
            #expect(try yard.json("spool.status.json")?["paused"]?.isNull == true)
            try yard.drop("second", ["type": "t"], as: People.anna)
            #expect(try await yard.result("second")["status"] == "completed")
            // A client that links a file of its own into place, and then removes the first name.
            let own = what == "cancel" ? People.anna : People.daemon
            #expect(yard.shell(as: own, "echo '{}' > .mine; ln .mine \(file); sleep 0.1; rm .mine").status == 0)
            if what == "cancel" {
                #expect(try await yard.result("first")["status"] == "cancelled")
            } else {
                try await eventually("the pause") {
                    try yard.json("spool.status.json")?["paused"]?.isNull == false ? true : nil
                }
            }
        }

        @Test("that pauses the spool goes on doing so when it gets a second name") func linkedPause() async throws {
            try await open("--settle", "0.2", "--rescan", "1")
            #expect(yard.shell(as: People.daemon, "jobspool pause --reason x").status == 0)
            try await eventually("the pause") {
                try yard.json("spool.status.json")?["paused"]?.isNull == false ? true : nil
            }
            #expect(yard.shell("ln spool.pause.json .copy").status == 0)
            // For some looks at the whole directory.
            try await ContinuousClock().sleep(for: .seconds(2.5))
            try yard.drop("a", ["type": "t"], as: People.anna)
            try await yard.standing("a", "pending")
            #expect(try yard.json("spool.status.json")?["paused"]?.isNull == false)
            #expect(yard.exists("spool.pause.json"))
            #expect(yard.shell("rm .copy spool.pause.json").status == 0)
            #expect(try await yard.result("a")["status"] == "completed")
        }

        // MARK: The limit

        @Test(
            "that others of his jobs wait for is not held back, in whatever order they come", arguments: [true, false])
        func heldBack(isNeededFirst: Bool) async throws {
            try await open("--max-pending-per-user", "5")
            try yard.drop("block", ["type": "slow"], as: People.anna)
            try await yard.standing("block", "running")
            let names = ["p1", "p2", "p3", "p4"]
            let last: JSON = ["type": "slow", "after": .array(names.map { .string($0) })]
            let drops =
                isNeededFirst
                ? [("c", last)] + names.map { ($0, ["type": "slow"] as JSON) }
                : names.map { ($0, ["type": "slow"] as JSON) } + [("c", last)]
            if !isNeededFirst {
                // Then the first ones are held back as well.
                for index in 1...5 { try yard.drop("other\(index)", ["type": "slow"], as: People.bob) }
                try await yard.standing("other5", "pending")
            }
            for (name, request) in isNeededFirst ? drops : drops.reversed() {
                try yard.drop(name, request, as: People.bob)
            }
            try go()
            for (name, _) in drops { #expect(try await yard.result(name)["status"] == "completed", "\(name)") }
        }

        @Test("is held back all the same when each of his jobs waits for the next one") func chain() async throws {
            try await open("--max-pending-per-user", "5")
            let dropped = yard.shell(
                as: People.bob,
                "for i in $(seq 0 1299); do echo '{\"type\": \"t\", \"after\": [\"c'$((i + 1))'\"]}' > .c; mv .c c$i.json; done"
            )
            #expect(dropped.status == 0)
            try await eventually("requests to be held back") {
                let user = try yard.json("spool.status.json")?["held_back"]?.array?.first
                return user?["held_back"]?.int ?? 0 > 200 ? true : nil
            }
            // Each counts twice, for it names another one.
            let accepted = yard.shell("ls | grep -c 'c[0-9]*.status.json'").output
            #expect(try (900...1010).contains(#require(Int(accepted.dropLast()))), "\(accepted)")
        }
    }
}
