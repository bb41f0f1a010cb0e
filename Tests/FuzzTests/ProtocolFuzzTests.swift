/// What clients and handlers write, and what the daemon reads of its own files: whatever the bytes are, it is read or refused, and a refusal
/// of what others write names the place. What a daemon wrote is read.
import Foundation
import JSONText
import SpoolProtocol
import TestSupport
import Testing

@testable import JobRunner

@Suite("Broken input", .serialized)
struct ProtocolFuzzTests {
    private static let fields = [
        "\"type\":", "\"params\":", "\"retry\":", "\"after\":", "\"labels\":", "\"request\":", "\"every_seconds\":",
        "\"cron\":",
        "\"time_zone\":", "\"not_before\":", "\"timeout_seconds\":", "\"max_attempts\":", "\"sequence\":",
        "\"progress\":",
    ]

    @Test("of requests is refused with a place, and what is read is written as it was")
    func request() throws {
        try Fuzzing.run(
            .request, "request", corpus: DecodingCheck.requests + Fuzzing.spool("ed.json"), words: Self.fields)
    }

    @Test("of schedules is refused with a place, and those that are read have their slots")
    func schedule() throws {
        let schedules = [
            #"{"every_seconds": 300, "if_missed": "all", "request": {"type": "t"}}"#,
            #"{"cron": "30 2 1-5/2 */3 mon,fri", "time_zone": "Europe/Berlin", "if_missed": "once", "request": {"type": "t"}}"#,
            #"{"cron": "@yearly", "description": "x", "request": {"type": "t", "params": {"a": [1]}}}"#,
        ]
        let words =
            Self.fields + ["*/", "-", "0 0 29 2 *", "59 23 31 12 7", "jan", "sun", "@hourly", "31536000", "315360000"]
        try Fuzzing.run(.schedule, "schedule", corpus: schedules, words: words)
    }

    @Test("of definitions is refused with the field's name")
    func definition() throws {
        let definitions = [
            #"{"command": ["/bin/sh", "-c", "x"], "params": {"a": 1}, "request_params": ["b"], "lane": "l", "on_busy": "queue"}"#,
            #"{"extends": "documents.sync", "timeout_seconds": 6, "stall_seconds": 5, "grace_seconds": 1, "dry_run": true}"#,
            #"{"command": ["x"], "environment": {"A": "b"}, "working_directory": "/", "allow": {"users": ["*"], "groups": []}}"#,
        ]
        try Fuzzing.run(.definition, "definition", corpus: definitions, words: Self.fields)
    }

    @Test("of control files counts for what can be read of it")
    func control() throws {
        try Fuzzing.run(.control, "control", corpus: [#"{"reason": "maintenance"}"#, "", "{}"])
    }

    @Test("of statuses and results is refused, or read and written without a change")
    func statuses() throws {
        try Fuzzing.run(.status, "status", own: Fuzzing.spool(".status.json"), words: Self.fields)
        try Fuzzing.run(.result, "result", own: Fuzzing.spool(".result.json"), words: Self.fields)
        let schedule =
            #"{"v":1,"name":"n","state":"active","description":"","submitted_by":"a","updated_at":"2026-01-07T13:33:12.000Z","since":"2026-01-07T13:33:12.000Z","handled_until":"2026-01-07T13:33:12.000Z","missed":1,"skipped":1,"next_run_at":null,"fingerprint":{"size":1,"mtime":"1.500000000"},"last_run":{"name":"n","status":"completed"},"problem":null}"#
        try Fuzzing.run(.scheduleStatus, "schedule-status", own: [schedule], words: Self.fields)
    }

    @Test("of logs and errors is passed over, or read and written without a change")
    func lines() throws {
        let lines = try Fuzzing.lines("log.jsonl") + Fuzzing.lines("errors.jsonl")
        try Fuzzing.run(.line, "log-line", own: lines, words: Self.fields)
    }

    @Test("of feeds is passed over, and what is read of them is kept as it is")
    func feeds() throws {
        let feed = try Fuzzing.spool("events.jsonl")
        let record = try DecodingCheck.read(feed: Array(feed.joined().utf8))
        #expect(record.lastSequence == 17)
        #expect(Set(record.open.names.map(\.string)) == ["pending", "running"])
        let lines = try Fuzzing.lines("events.jsonl")
        // Pieces of a few lines, which take less time than whole ones.
        let pieces = (0..<lines.count - 2).map { lines[$0...$0 + 2].joined(separator: "\n") + "\n" }
        try Fuzzing.run(.feed, "feed", own: feed + pieces, words: Self.fields)
        let kept =
            #"{"v":1,"sequence":17,"open":{"a":{"job_id":"e7ce24bb-23c2-4e93-9e8f-27b30bd30910","status":"pending"},"b":{"job_id":null,"status":"running"}}}"#
        try Fuzzing.run(.feedRecord, "feed-record", own: [kept], words: Self.fields + ["\"open\":", "\"status\":"])
    }

    /// No daemon writes such numbers: the files would have to be damaged in just this way.
    @Test("of feeds leaves numbers for the events to come")
    func numbers() throws {
        let largest = Array(#"{"sequence":9223372036854775807}"#.utf8)
        let read = try DecodingCheck.read(feed: largest).lastSequence
        let kept = try DecodingCheck.read(saved: largest).lastSequence
        let negative = try DecodingCheck.read(saved: Array(#"{"sequence":-5}"#.utf8)).lastSequence
        #expect(read == 0)
        #expect(kept == 0)
        #expect(negative == 0)
    }

    @Test("of attempts' records counts for nothing, or is read and written without a change")
    func attempts() throws {
        let of = #""of":"\#(DecodingCheck.attempt)""#
        let began = #"{\#(of),"started_at":"2026-01-07T13:33:12.000Z"}"#
        let ends = [#""exit_status":0"#, #""signal":9"#, #""not_started":{"code":"X","message":"m","details":{}}"#]
        let records = ends.map {
            began + "\n" + #"{\#(of),"finished_at":"2026-01-07T13:33:12.000Z","left_behind":1,"stdout_bytes":5,\#($0)}"#
                + "\n"
        }
        try Fuzzing.run(
            .attemptRecord, "attempt-record", own: records + [began], words: ["{\(of)", "\"exit_status\":", "\n"])
    }

    @Test("of JSON is refused, or read and written without a change")
    func json() throws {
        try Fuzzing.run(.json, "json", corpus: [#"{"a": [1.10, -0, 1e5, "\u00e9\ud83d\ude00", null, true], "b": {}}"#])
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
        try Fuzzing.run("handler-line", corpus: lines, words: words, reads: DecodingCheck.handlerLine.reads) { bytes in
            let line = bytes.withUnsafeBufferPointer { HandlerLine($0) }
            if case .progress(let report) = line {
                let elapsed = ([0, 0.3, 1e9, 1e-300] as [Double]).randomElement(using: &random) ?? 0
                progress.take(report, elapsed: elapsed, startedFrom: .random(in: .min ... .max, using: &random))
                counts.merge(report.counts)
                return DecodingCheck.problem(with: progress, counts)
            }
            return DecodingCheck.handlerLine.problem(with: bytes)
        }
    }

    @Test("of names is a file of the spool, or passed over")
    func names() throws {
        let names = [
            "219.json", "a.status.json", "b.cancel.json", "c.schedule.status.json", "spool.pause.json", "é.result.json",
            "219~e7ce24bb-23c2-4e93-9e8f-27b30bd30910", "spool.events-00000000000000000017.jsonl", ".x", "y~",
        ]
        let words = [".json", ".status", ".cancel", ".schedule", ".result", "/", "spool", "~", ".jsonl"]
        try Fuzzing.run(.name, "name", corpus: names, words: words)
    }
}
