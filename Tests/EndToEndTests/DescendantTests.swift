/// What a handler forks and forgets: the supervisor takes it in while the handler runs, and tells of the end to nobody twice.
import Glibc
import JSONText
import Testing

extension EndToEnd {
    @Suite("A handler's descendants")
    struct DescendantTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        /// By proc_pid_stat(5): its state and its parent.
        private func stat(_ process: pid_t) -> (state: Substring, parent: pid_t)? {
            guard let text = Yard.readFile("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else {
                return nil
            }
            let fields = text[end...].split(separator: " ").dropFirst()
            return fields.dropFirst().first.flatMap { pid_t($0) }.map { (fields.first ?? "", $0) }
        }

        private func zombies(of parent: pid_t) -> Int {
            yard.shell("ls /proc").output.split(separator: "\n").compactMap { pid_t($0) }
                .count { stat($0).map { $0.state == "Z" && $0.parent == parent } ?? false }
        }

        @Test("that end while it runs are reaped while it runs", arguments: [1, 2])
        func reaped(rounds: Int) async throws {
            // `exec` lets the last round's supervisor be one that has served before.
            try yard.define("forks", "for i in $(seq 200); do (sleep 0.01 &); done; echo forked; exec sleep 20")
            try yard.define("t", "exit 0")
            try await yard.start()
            for round in 1..<rounds {
                try yard.drop("t\(round)", ["type": "t"])
                _ = try await yard.result("t\(round)")
            }
            try yard.drop("job", ["type": "forks"])
            try await eventually("the forks") { try yard.messages("job") == ["forked"] ? true : nil }
            let supervisor = try #require(
                yard.supervisors().first { stat($0)?.parent != yard.daemon } ?? yard.supervisors().first)
            try await eventually("zombies to go", within: 10) { zombies(of: supervisor) == 0 ? true : nil }
            #expect(!yard.exists("job.result.json"))
            #expect(try await yard.result("job", within: 40)["status"] == "completed")
        }

        @Test("that have left its group are asked to stop before they are killed, also when their parent ends first")
        func strays() async throws {
            try yard.define(
                "t",
                """
                # timeout(1) and its command are a group of their own.
                timeout 100 bash -c 'trap "sleep 0.3; echo asked; exit" TERM; echo ready; while :; do sleep 0.05; done'
                """, ["grace_seconds": 15])
            try await yard.start()
            try yard.drop("job", ["type": "t"])
            try await eventually("the handler") { try yard.messages("job") == ["ready"] ? true : nil }
            try yard.write("", to: "job.cancel.json")
            #expect(try await yard.result("job")["status"] == "cancelled")
            // A child that bash has just forked when TERM comes answers, too.
            #expect(Set(try yard.messages("job")) == ["ready", "asked"])
        }

        @Test("that outlive it take neither its success from it, nor its time", arguments: [0, 75])
        func late(status: Int) async throws {
            try yard.define(
                "t", "bash -c 'trap \"\" TERM; sleep 100; sleep 100' & echo done; exit \(status)",
                ["grace_seconds": 3, "stall_seconds": 1, "retry": ["max_attempts": 1]])
            try await yard.start()
            try yard.drop("job", ["type": "t", "timeout_seconds": 2])
            if status != 0 {
                // By the time of day a daemon that returns would say that it was over.
                try await eventually("the handler") { try yard.messages("job") == ["done"] ? true : nil }
                yard.killDaemon()
                try await yard.start()
            }
            let result = try await yard.result("job")
            #expect(result["status"] == (status == 0 ? "completed" : "failed"), "\(result.text)")
            if status != 0 { #expect(result["error"]?["code"] == "HANDLER_FAILED") }
            #expect(try yard.messages("job", source: "daemon").contains { $0.contains("left behind") })
        }

        @Test("are asked to stop once each, as it is") func once() async throws {
            let program = "\(yard.root)/count"
            try Yard.write(
                """
                #include <signal.h>
                #include <stdio.h>
                #include <unistd.h>
                static volatile int count;
                static void on_term(int signal) { count++; }
                int main(void) {
                    const struct sigaction action = {.sa_handler = on_term};
                    sigaction(SIGTERM, &action, NULL);
                    // Many children, so that it takes a while to find them.
                    for (int i = 0; i < 300; i++) if (fork() == 0) for (;;) pause();
                    puts("ready");
                    fflush(stdout);
                    while (count == 0) pause();
                    for (int i = 0; i < 20; i++) usleep(10000);
                    printf("%d\\n", count);
                    return 0;
                }
                """, toFile: "\(program).c")
            let compiled = yard.shell("gcc -o \(program) \(program).c 2>&1")
            try #require(compiled.status == 0, "\(compiled.output)")
            try yard.define("count", "", ["command": [.string(program)], "grace_seconds": 2])
            try await yard.start()
            for round in 1...3 {
                try yard.drop("job\(round)", ["type": "count"])
                try await eventually("the handler") { try yard.messages("job\(round)") == ["ready"] ? true : nil }
                try yard.write("", to: "job\(round).cancel.json")
                #expect(try await yard.result("job\(round)")["status"] == "cancelled")
                #expect(try yard.messages("job\(round)") == ["ready", "1"])
            }
        }
    }
}
