/// What others do in a shared spool: a second daemon, forged and planted files.
import Glibc
import JSONText
import Testing

extension EndToEnd {
    @Suite("A spool")
    struct NeighbourTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        @Test("is served by one daemon: a second one says who holds it, and exits with 69")
        func secondDaemon() async throws {
            try await yard.start()
            let second = yard.shell("timeout 20 \(Yard.executables)/jobspool serve .")
            #expect(second.status == 69)
            #expect(second.output.contains("process \(yard.daemon) on "))
            let missing = yard.shell("\(Yard.executables)/jobspool serve ./nowhere")
            #expect(missing.status == 66)
            #expect(missing.output.contains("mkdir -p"))
        }

        enum Plant: String, CaseIterable {
            case anothersFile =
                #"echo '{"v":1,"status":"completed","job_id":"x","name":"job"}' > .p; chown nobody .p; mv .p $F"#
            case link = "ln -s ../precious $F"
            case folder = "mkdir $F; touch $F/x"
            case hardLink = "chown nobody ../precious; ln ../precious $F"
        }

        @Test(
            "is not fooled by outputs that somebody planted: they change nothing, and the job runs",
            .enabled(if: geteuid() == 0, "needs root to make another user's files"), arguments: Plant.allCases)
        func planted(plant: Plant) async throws {
            try yard.define("t", "echo ran")
            try Yard.write("precious\n", toFile: "\(yard.root)/precious")
            try await yard.start()
            for suffix in ["status.json", "result.json", "log.jsonl", "errors.jsonl"] {
                #expect(yard.shell("F=job.\(suffix); \(plant.rawValue)").status == 0)
            }
            try yard.drop("job", ["type": "t"])
            try await eventually("the job to be over") {
                try yard.lines("spool.events.jsonl").first { $0["event"] == "completed" && $0["name"] == "job" }
            }
            #expect(try await yard.result("job")["status"] == "completed")
            #expect(try yard.messages("job") == ["ran"])
            #expect(Yard.readFile("\(yard.root)/precious") == "precious\n")
            try await yard.standing("job", "completed")
            let notices = try yard.lines("spool.events.jsonl").filter { $0["event"] == "noticed" }
            #expect(notices.count == 4)
            #expect(yard.shell("ls .jobspool/aside | wc -l").output == "4\n")
        }

        @Test(
            "lets others use the types that allow them, and no others",
            .enabled(if: geteuid() == 0, "needs root to make another user's files"))
        func permission() async throws {
            try yard.define("closed", "exit 0")
            try yard.define("open", "exit 0", ["allow": ["users": ["nobody"]]])
            try await yard.start()
            for type in ["closed", "open"] {
                #expect(
                    yard.shell("echo '{\"type\":\"\(type)\"}' > .p; chown nobody .p; mv .p \(type).json").status == 0)
            }
            let closed = try await yard.result("closed")
            #expect(closed["status"] == "rejected")
            #expect(closed["error"]?["code"] == "NOT_ALLOWED")
            let open = try await yard.result("open")
            #expect(open["status"] == "completed")
            #expect(open["submitted_by"] == "nobody")
        }

        @Test("has a status that is complete JSON however often it is read while it is written")
        func tornStatus() async throws {
            try yard.define(
                "busy",
                #"i=0; while [ ! -e ../go ]; do i=$((i+1)); echo "line $i"; [ $((i % 20)) != 0 ] || sleep 0.01; echo "{\"type\":\"progress\",\"current\":$i}"; done"#
            )
            try await yard.start()
            try yard.drop("job", ["type": "busy"])
            try await yard.standing("job", "running")
            var versions: Set<String> = []
            for _ in 0..<10_000 {
                let status = try #require(try yard.status("job"))
                versions.insert(try #require(status["updated_at"]?.string))
            }
            #expect(versions.count > 3)
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go")
            #expect(try await yard.result("job")["status"] == "completed")
        }

        @Test("leaves no descriptor, process or file behind after many jobs")
        func leaks() async throws {
            try yard.define("t", "echo x; echo y >&2")
            try await yard.start()
            func run(_ range: ClosedRange<Int>) async throws {
                for index in range { try yard.drop("job\(index)", ["type": "t"]) }
                for index in range { _ = try await yard.result("job\(index)", within: 60) }
                try await eventually("the last attempt to be cleaned up") {
                    yard.processesInside().isEmpty && yard.shell("ls .jobspool/attempts").output.isEmpty ? true : nil
                }
            }
            func descriptors() -> Int {
                Int(yard.shell("ls /proc/\(yard.daemon)/fd | wc -l").output.filter(\.isNumber)) ?? -1
            }
            try await run(1...20)
            let before = descriptors()
            try await run(21...150)
            // What is under way, as a status that is being written, goes by itself; what leaks stays.
            try await eventually("no more descriptors") { descriptors() <= before + 2 ? true : nil }
            try await eventually("no dead processes") {
                yard.shell("ps -o stat= --ppid \(yard.daemon) | grep -c Z").output == "0\n" ? true : nil
            }
            try await eventually("no temporary files") { yard.shell("ls .jobspool/tmp").output.isEmpty ? true : nil }
        }

        @Test("shows every type's last run, and remembers it over a restart")
        func summary() async throws {
            try yard.define("t", #"echo '{"type":"progress","counts":{"created":3}}'; [ ! -e ../bad ] || exit 1"#)
            try await yard.start()
            try yard.drop("one", ["type": "t"])
            _ = try await yard.result("one")
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/bad")
            try yard.drop("two", ["type": "t"])
            _ = try await yard.result("two")
            func summary() throws -> JSON? { try yard.json("spool.status.json")?["types"]?["t"] }
            try await eventually("the second run") { try summary()?["last_job"] == "two" ? true : nil }
            for _ in 1...2 {
                #expect(try summary()?["last_status"] == "failed")
                #expect(try summary()?["last_error"]?["code"] == "HANDLER_FAILED")
                #expect(try summary()?["counts"]?["created"] == 3)
                #expect(try summary()?["running"] == false)
                yard.killDaemon()
                try await yard.start()
            }
        }
    }
}
