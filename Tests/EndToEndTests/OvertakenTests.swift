/// A request that changes while its job runs is another one, whatever becomes of the daemon meanwhile.
import Glibc
import JSONText
import Testing

extension EndToEnd {
    @Suite("A request that changes while its job runs")
    struct OvertakenTests {
        @Test("is taken up by the next daemon, however long ago it came", arguments: ["stop", "kill"])
        func restart(how: String) async throws {
            // A daemon may be quicker than who kills it, and has begun with the next run then: that is another case.
            for _ in 1...20 { if try await isOver(how, Yard()) { return } }
            Issue.record("no daemon was killed between the result and the next run")
        }

        /// - Returns: false: the daemon was too quick.
        private func isOver(_ how: String, _ yard: Yard) async throws -> Bool {
            try yard.define("t", "trap 'exit 0' TERM; jq -r .params.n; while [ ! -e ../go ]; do sleep 0.02; done")
            try await yard.start()
            try yard.drop("a", ["type": "t", "params": ["n": 1]])
            let first = try await yard.standing("a", "running")["job_id"]?.string
            try yard.drop("a", ["type": "t", "params": ["n": 2]])
            // Longer ago than what a change and a result may be apart and still be looked at closely.
            try await ContinuousClock().sleep(for: .seconds(2.5))
            if how == "stop" {
                #expect(try await yard.stopDaemon() == 0)
            } else {
                // It dies as soon as the result is there, if not before it has heard of the change.
                let killer = try yard.spawn([
                    "/bin/sh", "-c", "while [ ! -e spool/a.result.json ]; do :; done; kill -9 \(yard.daemon)",
                ])
                try Yard.write("", toFile: yard(".jobspool/work/go"))
                waitpid(killer, nil, 0)
                yard.killDaemon()
            }
            let ended = try yard.json("a.result.json")?["job_id"]?.string
            if how == "kill", ended != first { return false }
            #expect(ended == first)
            try Yard.write("", toFile: yard(".jobspool/work/go"))
            try await yard.start()
            _ = try await yard.result("a", after: first)
            #expect(try yard.messages("a") == ["2"])
            return true
        }
    }
}
