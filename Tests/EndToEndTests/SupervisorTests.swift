/// Supervisors, which serve one attempt after another: nothing of one is left for the next, and whichever of them die, jobs go on.
import Glibc
import JSONText
import Testing

extension EndToEnd {
    @Suite("A supervisor")
    struct SupervisorTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        /// The fork server, and the supervisors that wait for an order: children of the daemon that work in no attempt's directory.
        private func idle() -> [pid_t] {
            yard.shell("pgrep -f 'jobspool-attempt --fork-server'").output.split(separator: "\n")
                .compactMap { pid_t($0) }.filter { isOfThisDaemon($0) }
        }

        private func isOfThisDaemon(_ process: pid_t) -> Bool {
            var process = process
            for _ in 0..<3 where process > 1 {
                guard let stat = Yard.readFile("/proc/\(process)/stat"), let end = stat.lastIndex(of: ")") else {
                    return false
                }
                process = stat[end...].split(separator: " ").dropFirst(2).first.flatMap { pid_t($0) } ?? 0
                if process == yard.daemon { return true }
            }
            return false
        }

        @Test("serves many attempts, each with its own environment, directory and outputs, and nothing else open")
        func reused() async throws {
            try yard.define(
                "t",
                """
                echo "supervisor $PPID"
                echo "descriptors $(cd /proc/$BASHPID/fd && echo *)"
                echo "variables $(env | grep -c ^JOBSPOOL_) $JOBSPOOL_JOB_ID"
                echo "mine ${MINE-none}"
                echo "error" >&2
                """)
            try yard.define("mine", "echo $MINE", ["environment": ["MINE": "only here"]])
            try await yard.start()
            var supervisors: Set<String> = []
            for number in 1...12 {
                try yard.drop("m\(number)", ["type": "mine"])
                _ = try await yard.result("m\(number)")
                #expect(try yard.messages("m\(number)") == ["only here"])
                try yard.drop("t\(number)", ["type": "t"])
                let result = try await yard.result("t\(number)")
                #expect(result["status"] == "completed")
                let messages = try yard.messages("t\(number)")
                supervisors.insert(try #require(messages.first))
                // 3 is the directory that the shell's own pattern reads.
                #expect(["descriptors 0 1 2", "descriptors 0 1 2 3"].contains(messages[1]))
                #expect(messages[2] == "variables 7 \(result["job_id"]?.string ?? "")")
                #expect(messages[3] == "mine none")
                #expect(try yard.messages("t\(number)", source: "stderr") == ["error"])
            }
            #expect(supervisors.count <= 3)
        }

        @Test("that dies while it waits, or the server of all of them, is replaced", arguments: [true, false])
        func replaced(serverToo: Bool) async throws {
            try yard.define("t", "echo here")
            try await yard.start()
            for round in 1...4 {
                try yard.drop("job\(round)", ["type": "t"])
                #expect(try await yard.result("job\(round)")["status"] == "completed")
                let processes = idle()
                #expect(processes.count >= 2)
                let server = try #require(processes.min { _, b in isChild(b, of: processes) })
                for process in processes where serverToo || process != server { kill(process, SIGKILL) }
                try await eventually("them to be gone") {
                    processes.allSatisfy { (!serverToo && $0 == server) || kill($0, 0) != 0 } ? true : nil
                }
            }
        }

        private func isChild(_ process: pid_t, of others: [pid_t]) -> Bool {
            guard let stat = Yard.readFile("/proc/\(process)/stat"), let end = stat.lastIndex(of: ")") else {
                return false
            }
            let parent = stat[end...].split(separator: " ").dropFirst(2).first.flatMap { pid_t($0) } ?? 0
            return others.contains(parent)
        }

        @Test("that stops what a handler has left behind keeps no other lane waiting, however short the handler was")
        func leftBehind() async throws {
            let program = "\(yard.root)/leave"
            try Yard.write(
                """
                #include <signal.h>
                #include <unistd.h>
                int main(void) {
                    signal(SIGTERM, SIG_IGN);
                    while (fork() == 0) for (;;) pause();
                    return 0;
                }
                """, toFile: "\(program).c")
            let compiled = yard.shell("gcc -static -o \(program) \(program).c 2>&1")
            try #require(compiled.status == 0, "\(compiled.output)")
            try yard.define(
                "leave", "", ["command": [.string(program)], "lane": "a", "grace_seconds": 5])
            try yard.define("t", "echo here", ["lane": "b"])
            try await yard.start()
            for round in 1...4 {
                try yard.drop("leave\(round)", ["type": "leave"])
                try await yard.standing("leave\(round)", "running")
                try yard.drop("other\(round)", ["type": "t"])
                #expect(try await yard.result("other\(round)")["status"] == "completed")
                #expect(!yard.exists("leave\(round).result.json"))
                #expect(try await yard.result("leave\(round)")["status"] == "completed")
            }
        }

        @Test("and its server go with a daemon that is killed, when no attempt is left")
        func gone() async throws {
            try yard.define("t", "while [ ! -e ../go ]; do sleep 0.02; done")
            try await yard.start()
            try yard.drop("job", ["type": "t"])
            try await yard.standing("job", "running")
            let supervisor = try #require(yard.supervisors().first)
            let waiting = idle().filter { $0 != supervisor }
            #expect(!waiting.isEmpty)
            yard.killDaemon()
            try await eventually("those that wait to go") { waiting.allSatisfy { kill($0, 0) != 0 } ? true : nil }
            #expect(kill(supervisor, 0) == 0)
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go")
            try await eventually("the attempt's to go") { kill(supervisor, 0) != 0 ? true : nil }
            try await yard.start()
            #expect(try await yard.result("job")["status"] == "completed")
        }
    }
}
