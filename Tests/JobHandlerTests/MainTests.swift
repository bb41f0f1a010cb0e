import Glibc
import JSONText
import Synchronization
import Testing

@testable import JobHandler

@Suite struct MainTests {
    struct Unexpected: Error, CustomStringConvertible {
        let description = "the moon is full"
    }

    @Test func aJobThatCompletesEndsWithItsResult() async throws {
        let outcome = try await handle { job in
            job.progress { $0.current = 1 }
            job.progress { $0.current = 2 }
            return ["done": true]
        }
        #expect(outcome.exit == .completed)
        #expect(outcome.lines.compactMap { $0["current"]?.int } == [1, 2])
        #expect(outcome.lines.last == ["type": "result", "value": ["done": true]])
        #expect(outcome.errors.isEmpty)
    }

    @Test(arguments: [
        (JobFailure("SOURCE_EMPTY", "no"), HandlerExit.failed, "SOURCE_EMPTY"),
        (JobFailure("NO_SPACE", "full", exit: .temporary), .temporary, "NO_SPACE"),
        (JobFailure.invalidParams(field: "params.x", "no"), .invalidParams, "INVALID_PARAMS"),
    ])
    func aFailureIsTheLastLine(failure: JobFailure, exit: HandlerExit, code: String) async throws {
        let outcome = try await handle { job in
            job.log("before")
            throw failure
        }
        #expect(outcome.exit == exit)
        #expect(outcome.lines.map { $0["type"]?.string } == ["log", "failure"])
        #expect(outcome.lines.last?["code"]?.string == code)
        #expect(outcome.lines.last?["message"]?.string == "no" || code == "NO_SPACE")
    }

    @Test func anErrorNobodyExplainedIsAHandlerFailure() async throws {
        let outcome = try await handle { _ in throw Unexpected() }
        #expect(outcome.exit == .internalError)
        #expect(
            outcome.lines == [
                ["type": "failure", "code": "HANDLER_FAILED", "message": "the moon is full", "details": [:]]
            ])
    }

    @Test func aJobThatIsAskedToStopReportsItsCheckpointAndSaysSo() async throws {
        let outcome = try await handle(stop: true) { job in
            #expect(job.isStopping)
            job.progress { $0.current = 7 }
            job.checkpoint(7)
            try job.checkStopping()
            Issue.record("the job went on")
            return nil
        }
        #expect(outcome.exit == .stopped)
        #expect(outcome.exit.rawValue == 143)
        #expect(outcome.lines.map { $0["type"]?.string } == ["progress", "checkpoint"])
    }

    /// What the daemon reads of a line.
    private static let limit = 1 << 20

    @Test func aResultThatJustFitsInALineIsReported() async throws {
        let room = Self.limit - #"{"type":"result","value":""}"#.utf8.count
        let outcome = try await handle { _ in .string(String(repeating: "x", count: room)) }
        #expect(outcome.exit == .completed)
        #expect(outcome.lines.last?["value"]?.string?.utf8.count == room)
    }

    @Test func aResultThatTheDaemonWouldCutFailsTheJob() async throws {
        let room = Self.limit - #"{"type":"result","value":""}"#.utf8.count
        let outcome = try await handle { job in
            job.progress { $0.current = 7 }
            return .string(String(repeating: "x", count: room + 1))
        }
        #expect(outcome.exit == .failed)
        #expect(outcome.lines.map { $0["type"]?.string } == ["progress", "failure"])
        let failure = try #require(outcome.lines.last)
        #expect(failure["code"]?.string == "RESULT_TOO_LARGE")
        let message = try #require(failure["message"]?.string)
        #expect(message.contains("1048577 bytes") && message.contains("1048576"), "\(message)")
        #expect(message.contains("to a file"))
        #expect(failure["details"] == ["bytes": 1_048_577, "limit": 1_048_576])
    }

    @Test func aCheckpointThatTheDaemonWouldCutIsGivenBackAndTold() async throws {
        let given = Mutex<JobFailure?>(nil)
        let outcome = try await handle { job in
            #expect(job.checkpoint(1) == nil)
            let failure = job.checkpoint(.string(String(repeating: "x", count: Self.limit)))
            given.withLock { $0 = failure }
            return nil
        }
        #expect(outcome.exit == .completed)
        let failure = try #require(given.withLock { $0 })
        #expect(failure.code == "CHECKPOINT_TOO_LARGE")
        #expect(failure.message.contains("1048608 bytes"), "\(failure)")
        #expect(outcome.lines.map { $0["type"]?.string } == ["checkpoint", "log"])
        #expect(outcome.lines.last?["level"] == "error")
        #expect(outcome.lines.last?["message"]?.string == "\(failure)")
    }

    @Test func aJobThatFinishesAfterAllIsComplete() async throws {
        #expect(try await handle(stop: true) { _ in ["n": 1] }.exit == .completed)
    }

    @Test func theTypeInTheArgumentWinsOverTheRequests() async throws {
        let outcome = try await handle(#"{"type": "projects.documents", "params": {"script": "x", "limit": 11}}"#)
        #expect(outcome.lines.last?["details"]?["field"]?.string == "params.limit")
    }

    @Test(arguments: [
        ("", ["handler"], "INVALID_REQUEST", "no request on standard input"),
        ("{}", ["handler"], "INVALID_REQUEST", "no `type`"),
        ("{}", ["handler", "scripted", "more"], "INVALID_REQUEST", "usage: handler [TYPE] < request.json"),
        ("{}", ["handler", "scriptd"], "UNKNOWN_TYPE", "did you mean scripted?"),
        (#"{"type": "other"}"#, ["handler"], "UNKNOWN_TYPE", "It has scripted."),
        ("{}", ["handler", "scripted"], "INVALID_PARAMS", "`params.script` is missing: the name of the script"),
        (
            #"{"params": {"script": "x", "limt": 1}}"#, ["handler", "scripted"], "INVALID_PARAMS",
            "`params.limt` is not a known field; did you mean `limit`?"
        ),
        ("nonsense", ["handler", "scripted"], "INVALID_REQUEST", "is no JSON"),
    ])
    func aWrongCallIsExplainedOnBothOutputs(
        request: String, arguments: [String], code: String, message: String
    ) async throws {
        let outcome = try await handle(request, arguments: arguments)
        #expect(outcome.exit.rawValue == 64)
        let failure = try #require(outcome.lines.last)
        #expect(failure["type"]?.string == "failure")
        #expect(failure["code"]?.string == code)
        #expect(failure["message"]?.string?.contains(message) == true)
        #expect(outcome.errors.hasPrefix("handler: "))
        #expect(outcome.errors.contains(message))
    }

    @Test func aReaderThatWentAwayStopsTheJobQuietly() async throws {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        close(ends[0])
        let writing = ends[1]
        defer { close(writing) }
        let errors = try ScratchFile()
        Scripted.script.withLock {
            $0["broken-pipe"] = { job in
                #expect(!job.isStopping)
                job.log("anybody?")
                try job.checkStopping()
                Issue.record("the job went on")
                return nil
            }
        }
        let input = try ScratchFile(#"{"params": {"script": "broken-pipe"}}"#)
        let exit = await JobHandlerMain.run(
            types: ["scripted": Scripted.self], arguments: ["handler", "scripted"], input: input.descriptor,
            output: writing, errors: errors.descriptor, isStopRequested: { false })
        #expect(exit == .temporary)
        #expect(errors.text.isEmpty)
    }

    @Test func anOutputThatCannotBeWrittenIsTold() async throws {
        let full = open("/dev/full", O_WRONLY)
        try #require(full >= 0)
        defer { close(full) }
        let errors = try ScratchFile()
        let input = try ScratchFile(#"{"params": {"script": "full"}}"#)
        Scripted.script.withLock { $0["full"] = { _ in 1 } }
        let exit = await JobHandlerMain.run(
            types: ["scripted": Scripted.self], arguments: ["handler", "scripted"], input: input.descriptor,
            output: full, errors: errors.descriptor, isStopRequested: { false })
        #expect(exit == .temporary)
        #expect(errors.text == "handler: write standard output: No space left on device\n")
    }

    @Test func helpIsPrintedAndNothingRuns() async throws {
        let output = try ScratchFile()
        let input = try ScratchFile()
        let exit = await JobHandlerMain.run(
            types: ["scripted": Scripted.self], arguments: ["handler", "--help"], input: input.descriptor,
            output: output.descriptor, errors: output.descriptor, isStopRequested: { false })
        #expect(exit == .completed)
        #expect(output.text.hasPrefix("usage: handler [TYPE] < request.json\n"))
    }
}
