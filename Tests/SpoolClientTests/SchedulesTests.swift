import JSONText
import SpoolClient
import SpoolProtocol
import Testing

@Suite("Schedules, by their files")
struct SchedulesTests {
    private let spool: TestSpool

    init() throws { spool = try TestSpool() }

    private func write(_ name: String, _ text: String) throws -> Fingerprint {
        try spool.write(text, "\(name).schedule.json")
        return try spool.version("\(name).schedule")
    }

    private func publish(
        _ name: String, _ version: Fingerprint, _ change: (inout ScheduleStatus) -> Void = { _ in }
    ) throws {
        var status = ScheduleStatus(
            name: try JobName(name), fingerprint: version, now: Timestamp(milliseconds: 1_767_792_792_000))
        change(&status)
        try spool.publish(status.json, .scheduleStatus(status.name))
    }

    private static let right = #"{"every_seconds": 300, "request": {"type": "t"}}"#

    @Test("are listed with their next and last runs, and what is wrong with them")
    func list() throws {
        try publish("a", try write("a", Self.right)) { status in
            status.nextRunAt = Timestamp("2026-01-07T13:38:12Z")
            status.lastScheduledAt = Timestamp("2026-01-07T13:33:12Z")
            status.lastRun = ScheduleRun(name: status.name)
            status.lastRun?.standing = .completed
            status.lastRun?.outcome = .partial
        }
        try publish("b", try write("b", Self.right)) { $0.state = .paused }
        try publish("c", try write("c", Self.right)) { status in
            status.state = .invalid
            status.problem = JobError(.unknownType, "there is no type \"t\"")
        }
        _ = try write("d", Self.right)
        try publish("e", try write("e", Self.right)) { $0.nextRunAt = Timestamp("2026-01-07T13:38:12Z") }
        _ = try write("e", #"{"every_seconds": 300, "request": {"type": "t", "prams": {}}}"#)
        let ended = try CommandRunner.run("jobspool schedules", in: spool.path)
        #expect(ended.status == 0)
        let rows = ended.output.split(separator: "\n").map { $0.split(separator: "  ").map { $0.drop { $0 == " " } } }
        #expect(rows[0] == ["NAME", "NEXT RUN", "LAST RUN", "LAST STATUS", "PROBLEM"])
        #expect(rows[1] == ["a", "2026-01-07 13:38:12Z", "2026-01-07 13:33:12Z", "partial"])
        #expect(rows[2].prefix(3) == ["b", "paused", "–"])
        #expect(rows[3].last == #"UNKNOWN_TYPE: there is no type "t""#)
        #expect(rows[4].prefix(2) == ["d", "unseen"])
        #expect(rows[4].count == 4)
        #expect(rows[5][1] == "unseen")
        #expect(rows[5].last?.contains("did you mean `params`?") ?? false)
        #expect(rows.count == 6)
        #expect(ended.diagnostics.contains("no daemon serves the spool: nothing is dropped"))
    }

    @Test("are told as JSON as the daemon wrote them") func json() throws {
        try publish("a", try write("a", Self.right))
        _ = try write("b", "{")
        let ended = try CommandRunner.run("jobspool schedules --json", in: spool.path)
        let views = try #require(try JSON(parsing: ended.output).array)
        #expect(views[0].text == (try JSON(parsing: try #require(try spool.read("a.schedule.status.json")))).text)
        #expect(views[1]["state"] == "unseen")
        #expect(views[1]["problem"]?["code"] == "INVALID_SCHEDULE")
        #expect(views.count == 2)
    }

    @Test("are none where there are none") func none() throws {
        let ended = try CommandRunner.run("jobspool schedules; jobspool schedules --json", in: spool.path)
        #expect(ended.output == "[]\n")
        #expect(ended.diagnostics.contains("no schedules"))
    }

    @Test(
        "are checked before a daemon sees them",
        arguments: [
            (right, 0, ": right, of type t, next at 2"),
            (#"{"every_seconds": 0, "request": {"type": "t"}}"#, 0, "of type t, off"),
            (
                #"{"cron": "30 2 29 2 *", "time_zone": "Europe/Berlin", "request": {"type": "t"}}"#, 0,
                "-02-29 01:30:00Z"
            ),
            (
                #"{"cron": "0 0 30 2 *", "request": {"type": "t"}}"#, 65,
                ":1:2: `cron` is no cron expression: never comes"
            ),
            (#"{"every_seconds": 5, "request": {"type": "t", "x": 1}}"#, 65, ":1:47: `request.x` is not a known field"),
            (
                #"{"cron": "@daily", "time_zone": "UCT+1", "request": {"type": "t"}}"#, 65,
                "`time_zone` \"UCT+1\" is no time zone"
            ),
            ("[]", 65, "a schedule is an object such as"),
        ])
    func check(text: String, status: Int32, says: String) throws {
        _ = try write("s", text)
        let ended = try CommandRunner.run("cd \"$JOBSPOOL_DIR\"; jobspool check s.schedule.json", in: spool.path)
        #expect(ended.status == status)
        #expect(ended.output.hasPrefix("s.schedule.json:"))
        #expect(ended.output.contains(says), "\(ended.output)")
    }

    @Test("of a name that leaves no room for a slot's time are told so") func longName() throws {
        let name = String(repeating: "n", count: 184)
        _ = try write(name, Self.right)
        let ended = try CommandRunner.run("cd \"$JOBSPOOL_DIR\"; jobspool check \(name).schedule.json", in: spool.path)
        #expect(ended.status == 65)
        #expect(ended.output.contains("shorten it to 183"))
    }
}
