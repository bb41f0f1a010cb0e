/// A request that changes while its job runs is another one, whatever becomes of the daemon meanwhile.
import Glibc
import JSONText
import Testing

extension EndToEnd {
    @Suite("A request that changes while its job runs")
    struct OvertakenTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        @Test("is taken up by the next daemon, however long ago it came", arguments: ["stop", "kill"])
        func restart(how: String) async throws {
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
            // One that is quicker than that has begun with the next run.
            let ended = try yard.json("a.result.json")?["job_id"]?.string
            #expect(ended == first || how == "kill" && ended == nil)
            try Yard.write("", toFile: yard(".jobspool/work/go"))
            try await yard.start()
            _ = try await yard.result("a", after: first)
            #expect(Set(try yard.messages("a")) == ["2"])
        }
    }
}
