/// Schedules of users who are neither the daemon's nor root.
import Glibc
import JSONText
import Testing

extension EndToEnd {
    @Suite("A user's schedules", .enabled(if: People.areHere, People.excuse))
    struct ScheduleLimitTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        private func open(_ options: String...) async throws {
            try yard.share(mode: "1777", owner: People.daemon)
            try yard.define(
                "slow", "while [ ! -e ../go ]; do sleep 0.02; done", ["lane": "slow", "allow": ["users": ["*"]]])
            try await yard.start(by: People.daemon.prefix + ["\(yard.root)/bin/jobspool"], options)
        }

        private func drop(_ names: String, as person: Person) throws {
            let text = #"{"every_seconds": 1, "request": {"type": "slow"}}"#
            let made = yard.shell(
                as: person,
                "for s in \(names); do echo '\(text)' > .$s.part && mv .$s.part $s.schedule.json || exit 1; done")
            try #require(made.status == 0, "\(made.output)")
        }

        @Test("drop nothing for which there is no room, and go on when there is some") func room() async throws {
            try await open("--max-pending-per-user", "3", "--rescan", "1")
            try drop("s1 s2 s3", as: People.bob)
            try await eventually("that to be told") {
                try yard.notices().contains { $0.contains("as many pending jobs as one user may have") } ? true : nil
            }
            try await eventually("the problem to be shown") {
                try yard.json("s1.schedule.status.json")?["problem"]?["code"] == "BUSY" ? true : nil
            }
            // For some slots more.
            try await ContinuousClock().sleep(for: .seconds(3))
            let requests = { yard.shell("ls | grep -c '^s[123]-[0-9TZ]*.json$'").output }
            // One runs, three wait, and of those that were due at the same moment each may have dropped one.
            #expect(try #require(Int(requests().dropLast())) <= 7)
            #expect(try yard.json("s1.schedule.status.json")?["state"] == "active")
            try Yard.write("", toFile: "\(yard.path)/.jobspool/work/go")
            try await eventually("more to be dropped") { (Int(requests().dropLast()) ?? 0) > 10 ? true : nil }
        }

        @Test("are so many that the daemon can serve them all; those of others are served whatever he drops")
        func number() async throws {
            try await open("--max-pending-per-user", "5")
            try drop("$(seq -f s%03g 101)", as: People.bob)
            try await eventually("the one that is too much to be told") {
                try yard.json("s101.schedule.status.json")?["problem"]?["code"] == "NOT_ALLOWED" ? true : nil
            }
            #expect(try yard.json("s101.schedule.status.json")?["state"] == "invalid")
            #expect(try yard.json("s100.schedule.status.json")?["state"] == "active")
            try drop("own", as: People.daemon)
            try await eventually("a slot of the daemon's user") {
                yard.shell("ls | grep -q '^own-.*Z.status.json$'").status == 0 ? true : nil
            }
            #expect(yard.shell(as: People.bob, "rm s001.schedule.json").status == 0)
            try await eventually("the last one to count", within: 30) {
                _ = yard.shell(as: People.bob, "touch s101.schedule.json")
                return try yard.json("s101.schedule.status.json")?["state"] == "active" ? true : nil
            }
        }
    }
}
