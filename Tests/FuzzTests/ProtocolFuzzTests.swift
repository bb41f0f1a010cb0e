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

    @Test("of requests is refused with a place, and what is read is written as it was")
    func request() throws {
        try Fuzzing.run(
            "request", corpus: DecodingCheck.requests + Fuzzing.spool("ed.json"), words: Self.fields,
            DecodingCheck.request.problem)
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
        try Fuzzing.run("schedule", corpus: schedules, words: words, DecodingCheck.schedule.problem)
    }

    @Test("of definitions is refused with the field's name")
    func definition() throws {
        let definitions = [
            #"{"command": ["/bin/sh", "-c", "x"], "params": {"a": 1}, "request_params": ["b"], "lane": "l", "on_busy": "queue"}"#,
            #"{"extends": "documents.sync", "timeout_seconds": 6, "stall_seconds": 5, "grace_seconds": 1, "dry_run": true}"#,
            #"{"command": ["x"], "environment": {"A": "b"}, "working_directory": "/", "allow": {"users": ["*"], "groups": []}}"#,
        ]
        try Fuzzing.run("definition", corpus: definitions, words: Self.fields, DecodingCheck.definition.problem)
    }

    @Test("of control files counts for what can be read of it")
    func control() throws {
        try Fuzzing.run(
            "control", corpus: [#"{"reason": "maintenance"}"#, "", "{}"], DecodingCheck.control.problem)
    }

    @Test("of statuses and results is refused, or read and written without a change")
    func statuses() throws {
        try Fuzzing.run(
            "status", corpus: Fuzzing.spool(".status.json"), words: Self.fields, DecodingCheck.status.problem)
        try Fuzzing.run(
            "result", corpus: Fuzzing.spool(".result.json"), words: Self.fields, DecodingCheck.result.problem)
        let schedule =
            #"{"v":1,"name":"n","state":"active","description":"","submitted_by":"a","updated_at":"2026-01-07T13:33:12.000Z","since":"2026-01-07T13:33:12.000Z","handled_until":"2026-01-07T13:33:12.000Z","missed":1,"skipped":1,"next_run_at":null,"schedule":{"size":1,"mtime":"1.5"},"last_run":{"name":"n","status":"completed"},"problem":null}"#
        try Fuzzing.run(
            "schedule-status", corpus: [schedule], words: Self.fields, DecodingCheck.scheduleStatus.problem)
    }

    @Test("of logs, errors and events is passed over, or read and written without a change")
    func lines() throws {
        let lines = try Fuzzing.spool(".jsonl").flatMap { $0.split(separator: "\n").map { String($0) } }
        try Fuzzing.run("log-line", corpus: lines, words: Self.fields, DecodingCheck.line.problem)
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
        try Fuzzing.run("name", corpus: names, words: words, DecodingCheck.name.problem)
    }
}
