import Glibc
import JSONText
import Testing

@testable import JobHandler

/// A handler that has another one do a part of its job.
@Suite struct OtherHandlerTests {
    /// An executable that is a line of shell.
    private func script(_ text: String) throws -> String {
        var template = Array("/tmp/jobspool-other-XXXXXX".utf8CString)
        let file = mkstemp(&template)
        try #require(file >= 0)
        let bytes = Array("#!/bin/bash\n\(text)\n".utf8)
        try #require(write(file, bytes, bytes.count) == bytes.count)
        fchmod(file, 0o700)
        close(file)
        return template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    private func run(
        _ text: String, attachment: [UInt8] = [], stop: Bool = false,
        failed: @escaping @Sendable (ItemError) throws -> Void = { _ in }
    ) async throws -> Outcome {
        let path = try script(text)
        defer { unlink(path) }
        return try await handle(stop: stop) { job in
            let result = try OtherHandler(program: path).run(
                "part", params: ["a": 1], attachment: attachment, in: job,
                progress: { line in job.progress { $0.current = line["current"]?.int } },
                failed: { error in
                    job.report(error)
                    try failed(error)
                })
            return ["part": result ?? .null]
        }
    }

    @Test func whatItSaysBecomesThisJobs() async throws {
        let outcome = try await run(
            #"""
            echo '{"type": "log", "level": "warning", "message": "mind"}'
            echo '{"type": "progress", "current": 5}'
            echo '{"type": "error", "item": "x", "code": "BAD", "message": "no", "retryable": true}'
            echo 'plain words'
            echo '{"type": "checkpoint", "value": 1}'
            printf '{"type": "result", "value": [%s]}' "$(jq -c '[.params, .type, .dry_run]' <&0)"
            """#)
        #expect(outcome.exit == .completed)
        #expect(
            outcome.lines == [
                ["type": "log", "level": "warning", "message": "mind"], ["type": "progress", "current": 5],
                ["type": "error", "item": "x", "code": "BAD", "message": "no", "retryable": true],
                ["type": "log", "level": "info", "message": "plain words"],
                ["type": "result", "value": ["part": [[["a": 1], "part", false]]]],
            ])
    }

    @Test func itFindsItsAttachment() async throws {
        let bytes = [UInt8](repeating: 0x61, count: 300_000)
        let outcome = try await run(
            "printf '{\"type\": \"result\", \"value\": %s}\\n' $(wc -c <\(OtherHandler.attachment))", attachment: bytes)
        #expect(outcome.lines.last?["value"] == ["part": 300_000])
    }

    @Test(arguments: [
        (
            #"echo '{"type": "failure", "code": "NOPE", "message": "m", "details": {"a": 1}}'; exit 1"#, "NOPE",
            HandlerExit.failed
        ),
        (#"echo '{"type": "failure", "code": "LATER", "message": "m"}'; exit 75"#, "LATER", .temporary),
        (#"echo '{"type": "failure", "code": "WRONG", "message": "m"}'; exit 64"#, "WRONG", .invalidParams),
        ("exit 3", "HANDLER_FAILED", .failed), ("kill -9 $$", "HANDLER_FAILED", .failed),
        ("exit 75", "HANDLER_FAILED", .temporary),
    ])
    func itsFailureIsThisJobs(text: String, code: String, exit: HandlerExit) async throws {
        let outcome = try await run(text)
        #expect(outcome.exit == exit)
        #expect(outcome.lines.last?["code"]?.string == code)
    }

    @Test func itIsAskedToStopWhenThisJobIs() async throws {
        let outcome = try await run(
            "trap 'echo stopping; exit 143' TERM; echo ready; while :; do sleep 0.05; done", stop: true)
        #expect(outcome.exit == .stopped)
    }

    @Test func itIsStoppedWhenAnItemErrorIsOneTooMany() async throws {
        let outcome = try await run(
            #"echo '{"type": "error", "item": "x", "code": "BAD", "message": "no"}'; while :; do sleep 0.05; done"#,
            failed: { _ in throw JobFailure("TOO_MANY_ERRORS", "enough") })
        #expect(outcome.exit == .failed)
        #expect(outcome.lines.last?["code"] == "TOO_MANY_ERRORS")
    }

    @Test func whatIsNotThereIsToldByName() async throws {
        let outcome = try await handle { job in
            try OtherHandler(program: "/no/such/handler").run(
                "part", params: [:], in: job, progress: { _ in }, failed: { _ in })
        }
        #expect(outcome.exit == .internalError)
        #expect(outcome.lines.last?["message"]?.string?.contains("/no/such/handler") ?? false)
        #expect(OtherHandler(besideThis: "no-such-handler") == nil)
    }
}
