/// Processes of an attempt that are hard to find or to stop: no other attempt runs beside them, and somebody hears of them.
import Glibc
import JSONText
import Testing

extension EndToEnd {
    @Suite("Who lives on")
    struct LeftBehindTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        /// Beside the working directory of their type.
        private func process(_ file: String) throws -> pid_t? {
            yard.read(".jobspool/work/\(file)").flatMap { pid_t($0.filter { !$0.isWhitespace }) }
        }

        @Test(
            "is found when the supervisor was killed, though it shows by nothing whose it is", arguments: [true, false])
        func hidden(daemonDies: Bool) async throws {
            try yard.define(
                "t",
                """
                if [ $JOBSPOOL_ATTEMPT = 1 ]; then echo $$ > ../pid; exec env -i sleep 1000 >/dev/null 2>&1; fi
                grep -qa sleep /proc/$(cat ../pid)/cmdline 2>/dev/null && echo beside || echo alone
                """)
            try await yard.start()
            try yard.drop("job", ["type": "t"])
            try await eventually("the handler") {
                try process("pid").flatMap { Yard.readFile("/proc/\($0)/comm") == "sleep\n" ? true : nil }
            }
            try await yard.standing("job", "running")
            if daemonDies { yard.killDaemon() }
            let supervisors = yard.supervisors()
            #expect(supervisors.count == 1)
            for supervisor in supervisors { kill(supervisor, SIGKILL) }
            if daemonDies { try await yard.start() }
            let result = try await yard.result("job")
            #expect(result["status"] == "completed")
            #expect(result["attempts"]?.array?.count == 2)
            #expect(try yard.messages("job") == ["alone"])
            #expect(try yard.messages("job", source: "daemon").contains { $0.contains("the supervisor was killed") })
        }

        @Test(
            "and cannot be stopped keeps its lane, and everybody is told who it is",
            .enabled(if: People.areHere, People.excuse))
        func unstoppable() async throws {
            try yard.share(mode: "1777", owner: nil)
            // What sudo(8) does.
            let tool = "\(yard.root)/become-root"
            try #require(yard.shell("cp $(command -v setpriv) \(tool) && chmod 4755 \(tool)").status == 0)
            // No file system that takes set-user-ID for nothing.
            try #require(yard.shell(as: People.daemon, "\(tool) --reuid=0 id -ru").output == "0\n")
            let all: JSON = ["users": ["*"]]
            try yard.define(
                "t",
                """
                \(tool) --reuid=0 sleep 1000 & until grep -q sleep /proc/$!/comm; do :; done
                echo $! > ../pid
                """, ["grace_seconds": 0.1, "allow": all])
            try yard.define("next", "exit 0", ["allow": all])
            try await yard.start(as: People.daemon)
            try yard.drop("job", ["type": "t"], as: People.anna)
            let process = try await eventually("the process") { try self.process("pid") }
            defer { kill(process, SIGKILL) }
            try yard.drop("next", ["type": "next"], as: People.anna)
            let who = "\(process) (sleep) of root, who cannot be stopped"
            try await eventually("that to be told", within: 40) {
                try yard.notices().contains { $0.hasPrefix("job does not end") && $0.contains(who) } ? true : nil
            }
            try await eventually("the log to tell it") {
                try yard.messages("job", source: "daemon").contains { $0.contains(who) } ? true : nil
            }
            #expect(try yard.status("next")?["status"] == "pending")
            #expect(!yard.exists("job.result.json"))
            kill(process, SIGKILL)
            #expect(try await yard.result("job")["status"] == "completed")
            #expect(try await yard.result("next")["status"] == "completed")
        }
    }
}
