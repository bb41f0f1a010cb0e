/// The fields of the files that other people's programs read: their names and their order are a promise.
import JSONText
import SpoolProtocol
import Testing

@Suite("The fields of")
struct ContractTests {
    static func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }

    @Test("a status are those of DESIGN, in its order, with others after them")
    func status() throws {
        let json = Samples.status(.running).json
        let design = Self.words(
            """
            v name job_id type description status outcome lane sequence attempt dry_run submitted_by created_at started_at \
            updated_at finished_at duration_seconds progress counts checkpoint message recent_logs error labels files
            """)
        let keys = try #require(json.object?.keys)
        #expect(Array(keys.prefix(design.count)) == design)
        #expect(
            keys.dropFirst(design.count) == [
                "request", "retry_at", "waiting_for", "joined", "scheduled_at", "schedule",
            ])
        #expect(json["v"] == 1)
        #expect(json["duration_seconds"] == 60.25)
        #expect(
            json["progress"]?.object?.keys
                == Self.words("phase processed total percent current rate_per_second eta_seconds bytes total_bytes"))
        #expect(json["counts"]?.object?.keys.prefix(5) == ["created", "updated", "skipped", "deleted", "failed"])
        #expect(json["error"]?.object?.keys == ["code", "message", "details"])
        #expect(
            json["files"] == [
                "request": "219.json", "status": "219.status.json", "log": "219.log.jsonl",
                "errors": "219.errors.jsonl", "result": "219.result.json", "cancel": "219.cancel.json",
            ])
        #expect(json["created_at"] == "2026-01-07T13:33:12.000Z")
    }

    @Test("a result hold the identity and the times of the status and what DESIGN adds")
    func result() throws {
        let keys = try #require(JobResult(status: Samples.status(.failed)).json.object?.keys)
        for key in Self.words(
            """
            v name job_id type description status outcome lane sequence dry_run submitted_by created_at started_at \
            finished_at duration_seconds attempts counts result error errors_total errors request labels
            """)
        {
            #expect(keys.contains(key))
        }
        #expect(Set(keys).count == keys.count)
    }

    @Test("a log line, an error line and an event line are those of DESIGN")
    func lines() throws {
        #expect(Samples.log.json.object?.keys == ["at", "level", "source", "attempt", "message"])
        #expect(Samples.itemError.json.object?.keys == ["at", "item", "code", "message", "retryable", "attempt"])
        let event = JobEvent(
            at: Samples.time("2026-01-07T13:33:12Z"), sequence: 7, kind: .failed, status: Samples.status(.failed))
        #expect(
            event.json.object?.keys
                == Self.words(
                    "at sequence event name job_id type status outcome lane job_sequence attempt error message"))
        #expect(event.json["event"] == "failed")
        #expect(event.json["status"] == "failed")
        #expect(event.json["sequence"] == 7)
        #expect(event.json["job_sequence"] == 9_223_372_036_854_775_807)
        let notice = JobEvent(at: Samples.time("2026-01-07T13:33:12Z"), sequence: 8, noticed: "bad name")
        #expect(notice.json.object?.keys == event.json.object?.keys)
        #expect(
            notice.json.text
                == #"{"at":"2026-01-07T13:33:12.000Z","sequence":8,"event":"noticed","name":null,"job_id":null,"type":null,"#
                + #""status":null,"outcome":null,"lane":null,"job_sequence":null,"attempt":0,"error":null,"message":"bad name"}"#
        )
    }

    @Test("a handler's input are those of DESIGN")
    func handlerRequest() throws {
        let request = HandlerRequest(
            jobID: "id", name: Samples.name("219"), type: try #require(JobType("t")),
            params: try #require(try JSON(parsing: #"{"b":1.10,"a":18446744073709551616}"#).object), dryRun: false,
            attempt: 2, checkpoint: ["k": 1], scheduledAt: nil)
        #expect(
            request.json.text
                == #"{"v":1,"job_id":"id","name":"219","type":"t","params":{"b":1.10,"a":18446744073709551616},"#
                + #""dry_run":false,"attempt":2,"checkpoint":{"k":1},"scheduled_at":null}"#)
    }

    @Test("errors have the codes of DESIGN, and one for schedules")
    func codes() {
        #expect(
            JobError.Code.allCases.map(\.rawValue)
                == Self.words(
                    """
                    INVALID_REQUEST UNKNOWN_TYPE NOT_ALLOWED BUSY DEPENDENCY_FAILED INVALID_PARAMS TIMEOUT STALLED \
                    INTERRUPTED CRASH_LOOP TOO_MANY_ERRORS HANDLER_FAILED HANDLER_NOT_FOUND INVALID_SCHEDULE JOB_NOT_FOUND \
                    JOB_NOT_COMPLETED
                    """))
        #expect(Standing.allCases.map(\.rawValue) == Self.words("pending running completed failed cancelled rejected"))
        #expect(Outcome.allCases.map(\.rawValue) == ["success", "partial"])
        #expect(OnBusy.allCases.map(\.rawValue) == ["queue", "reject", "join", "replace"])
        #expect(OnInterrupted.allCases.map(\.rawValue) == ["resume", "restart", "fail"])
    }
}

@Suite("What the daemon wrote is read back:")
struct RoundTripTests {
    @Test("a status", arguments: Standing.allCases)
    func status(_ standing: Standing) {
        let status = Samples.status(standing)
        #expect(JobStatus(json: status.json) == status)
    }

    @Test("a status of a job that has not started")
    func pending() throws {
        let status = JobStatus(
            identity: Samples.identity, standing: .pending, updatedAt: Samples.time("2026-01-07T13:33:12Z"),
            message: "",
            request: Fingerprint(size: 0, seconds: 0, nanoseconds: 0))
        #expect(JobStatus(json: status.json) == status)
        #expect(status.json["duration_seconds"] == .null)
        #expect(status.json["started_at"] == .null)
    }

    @Test(
        "a status of a job whose request is from the year 10000 or from before the year 0",
        arguments: [Int64.min, .max])
    func farAway(_ seconds: Int64) throws {
        var identity = Samples.identity
        let request = Fingerprint(size: 1, seconds: seconds, nanoseconds: 1)
        identity.createdAt = request.modifiedAt
        let status = JobStatus(
            identity: identity, standing: .running, updatedAt: identity.createdAt, message: "", request: request)
        #expect(JobStatus(json: status.json) == status)
    }

    @Test("a result", arguments: Standing.allCases)
    func result(_ standing: Standing) throws {
        let result = JobResult(
            status: Samples.status(standing), attempts: [Samples.attempt], result: ["files": [1, 2]], errorsTotal: 101,
            errors: [Samples.itemError])
        let again = JobResult(json: result.json)
        guard standing.isOver else {
            #expect(again == nil, "a result exists exactly when the job is over")
            return
        }
        // The last log lines are the status's alone.
        var expected = result
        expected.status.recentLogs = []
        expected.status.waitingFor = nil
        #expect(again == expected)
        #expect(again?.json.text == result.json.text)
    }

    @Test("log lines, error lines and attempts")
    func lines() {
        #expect(LogEntry(json: Samples.log.json) == Samples.log)
        #expect(ItemError(json: Samples.itemError.json) == Samples.itemError)
        for ending in AttemptRecord.Ending.allCases {
            var attempt = Samples.attempt
            attempt.ending = ending
            attempt.exitStatus = nil
            attempt.signal = 9
            attempt.error = nil
            #expect(AttemptRecord(json: attempt.json) == attempt)
        }
        #expect(AttemptRecord(json: Samples.attempt.json) == Samples.attempt)
        #expect(JobError(json: Samples.error.json) == Samples.error)
        #expect(JobError(json: .null) == nil)
    }

    @Test("who serves a spool")
    func daemon() {
        var identity = DaemonIdentity(
            pid: 7, host: "h", user: "u", startedAt: Samples.time("2026-01-07T13:33:12Z"), version: "1.0")
        #expect(DaemonIdentity(json: identity.json) == identity)
        identity.typesDirectory = "/etc/types"
        #expect(DaemonIdentity(json: identity.json) == identity)
        #expect(DaemonIdentity(json: nil) == nil)
        #expect(DaemonIdentity(json: ["pid": 7]) == nil)
    }

    @Test(
        "not what lacks what every status has",
        arguments: ["name", "job_id", "sequence", "created_at", "status", "updated_at", "request"])
    func incomplete(_ key: String) throws {
        var object = try #require(Samples.status(.completed).json.object)
        object[key] = nil
        #expect(JobStatus(json: .object(object)) == nil)
        #expect(JobResult(json: .object(object)) == nil)
        object[key] = true
        #expect(JobStatus(json: .object(object)) == nil)
    }

    @Test("a summary of a type's last run")
    func summary() {
        #expect(
            TypeSummary().json.text
                == #"{"running":false,"running_jobs":[],"last_run":null,"last_finished":null,"last_job":null,"#
                + #""last_job_id":null,"last_status":"idle","last_outcome":null,"last_error":null,"#
                + #""last_duration_seconds":null,"counts":null}"#)
        var summary = TypeSummary()
        summary.running = ["219"]
        summary.take(Samples.status(.completed))
        summary.lastError = Samples.error
        #expect(summary.json["running"] == true)
        #expect(summary.json["last_status"] == "completed")
        #expect(summary.json["last_outcome"] == "partial")
        #expect(summary.json["last_duration_seconds"] == 60)
        #expect(summary.json["last_error"]?["code"] == "TIMEOUT")
        var restored = TypeSummary(json: summary.json)
        restored.running = ["219"]
        #expect(restored == summary)
    }
}
