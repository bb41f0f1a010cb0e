/// What clients and handlers write, and what the daemon reads of its own files: whatever the bytes are, it is read or refused, and a refusal
/// names the place.
import Foundation
import JSONText
import SeededRandom
import SpoolProtocol
import Testing

@Suite("Broken input", .serialized)
struct ProtocolFuzzTests {
    private static let fields = [
        "\"type\":", "\"params\":", "\"retry\":", "\"after\":", "\"labels\":", "\"request\":", "\"every_seconds\":",
        "\"cron\":",
        "\"time_zone\":", "\"not_before\":", "\"timeout_seconds\":", "\"max_attempts\":", "\"sequence\":",
        "\"progress\":",
    ]

    private static func lacksPlace(_ error: JobError) -> String? {
        if error.message.isEmpty { return "no message" }
        return error.details["line"] == nil && error.details["field"] == nil ? "no place in: \(error.message)" : nil
    }

    private static let requests = [
        #"{"type": "documents.sync", "params": {"path": "a", "n": 18446744073709551616}, "dry_run": true, "priority": 5}"#,
        #"{"v": 1, "type": "t", "on_busy": "join", "not_before": "2026-01-07T13:33:12.5+01:00", "after": ["a", "b"]}"#,
        #"{"type": "t", "timeout_seconds": 0.5, "retry": {"max_attempts": 3, "backoff_seconds": 60}, "labels": {"a": "é\n"}}"#,
    ]

    @Test("of requests is refused with a place, and what is read is written as it was")
    func request() throws {
        try Fuzzing.run("request", corpus: Self.requests + Fuzzing.spool("ed.json"), words: Self.fields) { bytes in
            do throws(JobError) {
                let request = try Request(parsing: bytes)
                _ = request.workHash
                return try Request(parsing: request.json.bytes) == request ? nil : "it is not what was written"
            } catch {
                return Self.lacksPlace(error)
            }
        }
    }

    @Test("of schedules is refused with a place, and those that are read have their slots")
    func schedule() throws {
        let schedules = [
            #"{"every_seconds": 300, "if_missed": "all", "request": {"type": "t"}}"#,
            #"{"cron": "30 2 1-5/2 */3 mon,fri", "time_zone": "Europe/Berlin", "if_missed": "once", "request": {"type": "t"}}"#,
            #"{"cron": "@yearly", "description": "x", "request": {"type": "t", "params": {"a": [1]}}}"#,
        ]
        let zone = try TimeZoneRules(
            tzif: Array(try Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/Europe/Berlin"))))
        let times = try [Timestamp.earliest, Timestamp.latest, #require(Timestamp("2026-03-29T01:00:00Z"))]
        let words =
            Self.fields + ["*/", "-", "0 0 29 2 *", "59 23 31 12 7", "jan", "sun", "@hourly", "31536000", "315360000"]
        try Fuzzing.run("schedule", corpus: schedules, words: words) { bytes in
            do throws(JobError) {
                let schedule = try Schedule(parsing: bytes)
                _ = schedule.requestBytes
                let rule = try schedule.slotRule { _ in zone }
                for now in times {
                    var bookmark = ScheduleBookmark(now: now)
                    for seconds in [0, 3600, 1e9, -1e9] {
                        bookmark =
                            SchedulePlan(rule, schedule.ifMissed, bookmark, now: now.adding(seconds: seconds)).bookmark
                    }
                }
                return nil
            } catch {
                return Self.lacksPlace(error)
            }
        }
    }

    @Test("of definitions is refused with the field's name")
    func definition() throws {
        let definitions = [
            #"{"command": ["/bin/sh", "-c", "x"], "params": {"a": 1}, "request_params": ["b"], "lane": "l", "on_busy": "queue"}"#,
            #"{"extends": "documents.sync", "timeout_seconds": 6, "stall_seconds": 5, "grace_seconds": 1, "dry_run": true}"#,
            #"{"command": ["x"], "environment": {"A": "b"}, "working_directory": "/", "allow": {"users": ["*"], "groups": []}}"#,
        ]
        try Fuzzing.run("definition", corpus: definitions, words: Self.fields) { bytes in
            do {
                guard let object = try JSON(parsing: bytes).object else { return nil }
                let file = try DefinitionFile(decoding: object)
                guard let type = JobType("t"), let definition = Definition(type: type, file.extending(file)) else {
                    return nil
                }
                for request in Self.requests {
                    _ = try? definition.params(for: try Request(parsing: Array(request.utf8)))
                }
                return definition.json.text.isEmpty ? "no text" : nil
            } catch let error as JSONFieldError {
                return error.path.isEmpty ? "no place in: \(error)" : nil
            } catch let error as JSONSyntaxError {
                return error.line < 1 || error.column < 1 ? "no place in: \(error)" : nil
            }
        }
    }

    @Test("of control files counts for what can be read of it")
    func control() throws {
        try Fuzzing.run("control", corpus: [#"{"reason": "maintenance"}"#, "", "{}"]) { bytes in
            let pause = Pause(since: .latest, by: "anna", content: bytes)
            return pause.json.text.isEmpty ? "no text" : nil
        }
    }

    /// What is read is written, read again, and is the same.
    private static func settles<Value>(_ bytes: [UInt8], _ read: (JSON) -> Value?, _ write: (Value) -> JSON) -> String?
    {
        guard let json = try? JSON(parsing: bytes), let value = read(json) else { return nil }
        let once = write(value)
        guard let parsed = try? JSON(parsing: once.indented), parsed == once else {
            return "what is written is not read: \(once.text)"
        }
        guard let again = read(parsed) else { return "what is written is none: \(once.text)" }
        // What no JSON can say (1e400) is lost the first time, and nothing after that.
        guard let twice = read(write(again)) else { return "what is written again is none" }
        return write(twice) == write(again) ? nil : "it changes when it is written: \(once.text)"
    }

    @Test("of statuses and results is refused, or read and written without a change")
    func statuses() throws {
        try Fuzzing.run("status", corpus: Fuzzing.spool(".status.json"), words: Self.fields) { bytes in
            Self.settles(bytes, JobStatus.init(json:)) { status in
                _ = status.durationSeconds
                return status.json
            }
        }
        try Fuzzing.run("result", corpus: Fuzzing.spool(".result.json"), words: Self.fields) { bytes in
            Self.settles(bytes, JobResult.init(json:)) { result in
                var summary = TypeSummary()
                summary.take(result.status)
                return result.json
            }
        }
        let schedule =
            #"{"v":1,"name":"n","state":"active","description":"","submitted_by":"a","updated_at":"2026-01-07T13:33:12.000Z","since":"2026-01-07T13:33:12.000Z","handled_until":"2026-01-07T13:33:12.000Z","missed":1,"skipped":1,"next_run_at":null,"schedule":{"size":1,"mtime":"1.5"},"last_run":{"name":"n","status":"completed"},"problem":null}"#
        try Fuzzing.run("schedule-status", corpus: [schedule], words: Self.fields) { bytes in
            Self.settles(bytes, ScheduleStatus.init(json:), \.json)
        }
    }

    @Test("of logs, errors and events is passed over, or read and written without a change")
    func lines() throws {
        let lines = try Fuzzing.spool(".jsonl").flatMap { $0.split(separator: "\n").map { String($0) } }
        try Fuzzing.run("log-line", corpus: lines, words: Self.fields) { bytes in
            Self.settles(bytes, LogEntry.init(json:), \.json) ?? Self.settles(bytes, ItemError.init(json:), \.json)
        }
    }

    @Test("of handlers is a log line or a report, and progress follows whatever it says")
    func handlerLines() throws {
        let lines = [
            #"{"type": "progress", "phase": "copy", "current": 5, "total": 9, "item": "x", "bytes": 1, "total_bytes": 2, "counts": {"created": 1}}"#,
            #"{"type": "error", "item": 5, "code": "E", "message": "no", "retryable": true}"#, "plain text",
            #"{"type": "failure", "code": "X", "message": "m", "details": {"a": 1}}"#,
            #"{"type": "checkpoint", "value": [1.10]}"#,
            #"{"type": "log", "level": "warning", "message": "m"}"#, #"{"type": "result", "value": {"n": 1}}"#,
        ]
        var progress = Progress()
        var counts = Counts()
        var random = SeededGenerator(seed: Fuzzing.seed)
        let words = ["\"current\":", "\"total\":", "\"counts\":", "\"type\":\"progress\","]
        try Fuzzing.run("handler-line", corpus: lines, words: words) { bytes in
            let line = bytes.withUnsafeBufferPointer { HandlerLine($0) }
            if case .progress(let report) = line {
                let elapsed = ([0, 0.3, 1e9, 1e-300] as [Double]).randomElement(using: &random) ?? 0
                progress.take(report, elapsed: elapsed, startedFrom: .random(in: .min ... .max, using: &random))
                counts.merge(report.counts)
                if let percent = progress.percent, !(0...100).contains(percent) { return "percent is \(percent)" }
                _ = try JSON(parsing: progress.json.bytes)
                _ = try JSON(parsing: counts.json.bytes)
            }
            return nil
        }
    }

    @Test("of names is a file of the spool, or passed over")
    func names() throws {
        let names = [
            "219.json", "a.status.json", "b.cancel.json", "c.schedule.status.json", "spool.pause.json", "é.result.json",
            "219~e7ce24bb-23c2-4e93-9e8f-27b30bd30910", "spool.events-00000000000000000017.jsonl", ".x", "y~",
        ]
        let words = [".json", ".status", ".cancel", ".schedule", ".result", "/", "spool", "~", ".jsonl"]
        try Fuzzing.run("name", corpus: names, words: words) { bytes in
            let file = FileName(bytes: bytes)
            _ = ArchivedName(file)
            _ = ArchivedFeed(file)
            _ = ArchiveDay(file, file, file)
            _ = Timestamp(String(decoding: bytes, as: UTF8.self))
            guard let name = SpoolFile(file).fileName else { return nil }
            // What is one of a job's files is that very file.
            return name == file ? nil : "it stands for \(name)"
        }
    }
}
