/// Schedule files: every field, what is wrong with them and where; what they drop; and their status.
import JSONText
import Testing

@testable import SpoolProtocol

@Suite("A schedule")
struct ScheduleTests {
    private func read(_ text: String) throws(JobError) -> Schedule { try Schedule(parsing: Array(text.utf8)) }

    @Test("is read with every field") func fields() throws {
        let schedule = try read(
            """
            {"v": 1, "description": "Every working night", "cron": "30 2 * * 1-5", "time_zone": "Europe/Berlin",
             "if_missed": "once", "request": {"type": "t", "params": {"n": 18446744073709551616, "price": 1.10}, "priority": 5}}
            """)
        #expect(schedule.timing == .cron(try CronExpression("30 2 * * 1-5"), timeZone: "Europe/Berlin"))
        #expect(schedule.description == "Every working night")
        #expect(schedule.ifMissed == .once)
        #expect(schedule.request.priority == 5)
        let dropped = try JSON(parsing: schedule.requestBytes)
        #expect(dropped.text == #"{"type":"t","params":{"n":18446744073709551616,"price":1.10},"priority":5}"#)
        #expect(try Request(parsing: schedule.requestBytes) == schedule.request)
    }

    @Test("needs a time and a request, and has defaults for the rest") func defaults() throws {
        let every = try read(#"{"every_seconds": 300, "request": {"type": "t"}}"#)
        #expect(every.timing == .every(seconds: 300))
        #expect(every.ifMissed == .skip)
        #expect(every.description == nil)
        #expect(try read(#"{"every_seconds": 0, "request": {"type": "t"}}"#).timing == .off)
        let cron = try read(#"{"cron": "@daily", "request": {"type": "t"}}"#)
        #expect(cron.timing == .cron(try CronExpression("@daily"), timeZone: "UTC"))
    }

    @Test(
        "that is wrong says where, and the remedy",
        arguments: [
            (
                #"{"request": {"type": "t"}}"#, "every_seconds",
                "is missing: say when, by `every_seconds` (0 is off) or by `cron`"
            ),
            (#"{"every_seconds": 5}"#, "request", "is missing: say what to drop"),
            (#"{"every_seconds": 5, "cron": "@daily", "request": {"type": "t"}}"#, "cron", "remove one of them"),
            (#"{"every_seconds": 5, "time_zone": "UTC", "request": {"type": "t"}}"#, "time_zone", "belongs to `cron`"),
            (
                #"{"every_seconds": -1, "request": {"type": "t"}}"#, "every_seconds",
                "an integer from 0 to 315360000, not -1"
            ),
            (#"{"every_seconds": 0.5, "request": {"type": "t"}}"#, "every_seconds", "an integer"),
            (#"{"every_seconds": "5", "request": {"type": "t"}}"#, "every_seconds", "not \"5\""),
            (#"{"every": 5, "request": {"type": "t"}}"#, "every", "is not a known field"),
            (#"{"every_second": 5, "request": {"type": "t"}}"#, "every_second", "did you mean `every_seconds`?"),
            (#"{"cron": "30 2 * *", "request": {"type": "t"}}"#, "cron", "is no cron expression: has 4 fields"),
            (#"{"cron": "0 0 30 2 *", "request": {"type": "t"}}"#, "cron", "is no cron expression: never comes"),
            (#"{"cron": 5, "request": {"type": "t"}}"#, "cron", "must be a string"),
            (
                #"{"every_seconds": 5, "if_missed": "never", "request": {"type": "t"}}"#, "if_missed",
                "one of \"skip\", \"once\", \"all\""
            ),
            (#"{"every_seconds": 5, "request": "t"}"#, "request", "must be an object"),
            (#"{"every_seconds": 5, "request": {}}"#, "request.type", "is missing: name a job type"),
            (
                #"{"every_seconds": 5, "request": {"type": "t", "prams": {}}}"#, "request.prams",
                "did you mean `params`?"
            ),
            (
                #"{"every_seconds": 5, "request": {"type": "t", "labels": {"a": 1}}}"#, "request.labels.a",
                "must be a string"
            ),
            (
                #"{"every_seconds": 5, "request": {"type": "t", "retry": {"max": 1}}}"#, "request.retry.max",
                "is not a known field"
            ),
            (#"{"v": 2, "every_seconds": 5, "request": {"type": "t"}}"#, "v", "knows version 1 only"),
        ])
    func wrong(_ text: String, _ field: String, _ says: String) throws {
        let error = #expect(throws: JobError.self) { try read(text) }
        #expect(error?.code == "INVALID_SCHEDULE")
        #expect(error?.details["field"] == .string(field))
        #expect(error?.message.contains("`\(field)` ") ?? false, "\(error?.message ?? "")")
        #expect(error?.message.contains(says) ?? false, "\(error?.message ?? "")")
        let isAbsent = !text.contains("\"\(field.split(separator: ".").last ?? "")\"")
        #expect((error?.details["column"] == nil) == isAbsent)
    }

    @Test("of broken JSON, or of JSON that is no object, says so") func noObject() {
        let broken = #expect(throws: JobError.self) { try read(#"{"every_seconds": 5, "#) }
        #expect(broken?.details["truncated"] == true)
        #expect(broken?.details["field"] == nil)
        let array = #expect(throws: JobError.self) { try read("[]") }
        #expect(array?.message.contains("a schedule is an object such as {\"every_seconds\": 300") ?? false)
    }

    @Test("names its jobs after the slot, and has a name that leaves room for it") func names() throws {
        let slot = Samples.time("2026-01-07T13:33:12.000Z")
        #expect(try Schedule.jobName(Samples.name("219"), at: slot).string == "219-20260107T133312Z")
        let longest = Samples.name(String(repeating: "é", count: Schedule.maximumNameBytes / 2) + "x")
        #expect(longest.string.utf8.count == Schedule.maximumNameBytes)
        #expect(try Schedule.jobName(longest, at: slot).string.utf8.count == JobName.maximumBytes)
        let error = #expect(throws: JobError.self) { try Schedule.jobName(Samples.name("\(longest)x"), at: slot) }
        #expect(error?.message.contains("has 184 bytes") ?? false)
        #expect(error?.message.contains("shorten it to 183") ?? false)
    }

    @Test("drops a large request without making it too large by indenting it") func large() throws {
        let numbers = Array(repeating: "1", count: 300_000).joined(separator: ",")
        let schedule = try read(#"{"every_seconds": 5, "request": {"type": "t", "params": {"a": [\#(numbers)]}}}"#)
        #expect(schedule.requestBytes.count <= Request.maximumBytes)
        #expect(try Request(parsing: schedule.requestBytes) == schedule.request)
    }

    @Test("has a status that can be read back, with every field") func status() throws {
        var status = ScheduleStatus(
            name: Samples.name("nightly"), fingerprint: Fingerprint(size: 120, seconds: 1_767_792_792, nanoseconds: 5),
            now: Samples.time("2026-01-07T13:33:12.250Z"))
        let new = try #require(ScheduleStatus(json: status.json))
        #expect(new == status)
        status.state = .invalid
        status.description = "Every night"
        status.submittedBy = "anna"
        status.nextRunAt = Samples.time("2026-01-08T02:30:00.000Z")
        status.lastScheduledAt = Samples.time("2026-01-07T02:30:00.000Z")
        status.lastRun = ScheduleRun(Samples.status(.failed))
        status.bookmark.handledUntil = Samples.time("2026-01-07T02:30:00.000Z")
        status.bookmark.handledBefore = Samples.time("2026-01-07T05:30:00.000Z")
        status.bookmark.missed = 7
        status.bookmark.skipped = 6
        status.problem = Samples.error
        #expect(ScheduleStatus(json: try JSON(parsing: status.json.text)) == status)
        #expect(
            status.json.object?.keys
                == ContractTests.words(
                    """
                    v name state description submitted_by next_run_at last_scheduled_at last_run missed skipped problem \
                    updated_at since handled_until handled_before fingerprint
                    """))
        #expect(
            status.json["last_run"]?.object?.keys
                == ContractTests.words("name job_id status outcome started_at finished_at error"))
        for damaged in [Int64.max, -1] {
            status.bookmark.missed = damaged
            status.bookmark.skipped = damaged
            let bookmark = try #require(ScheduleStatus(json: status.json)).bookmark
            #expect(bookmark.missed == 0 && bookmark.skipped == 0, "they are added to")
        }
        #expect(ScheduleRun(name: Samples.name("x")).json["status"] == "dropped")
        #expect(ScheduleStatus(json: ["v": 1, "name": "nightly"]) == nil)
    }

    @Test("begins anew when its file is another one, but what has run stays told") func anew() {
        var status = ScheduleStatus(
            name: Samples.name("nightly"), fingerprint: Fingerprint(size: 1, seconds: 2, nanoseconds: 3),
            now: Samples.time("2026-01-07T13:33:12.250Z"))
        status.bookmark.missed = 7
        status.lastRun = ScheduleRun(name: Samples.name("nightly-1"))
        status.beginAnew(
            Fingerprint(size: 2, seconds: 2, nanoseconds: 3), now: Samples.time("2026-01-08T13:33:12.250Z"))
        #expect(status.bookmark == ScheduleBookmark(now: Samples.time("2026-01-08T13:33:12.000Z")))
        #expect(status.lastRun != nil)
    }
}
