import Glibc
import JSONText
import Synchronization
import Testing

@testable import JobHandler

@Suite struct ReporterTests {
    /// A clock that stands still until the test moves it.
    private final class Clock: Sendable {
        let nanoseconds = Atomic<UInt64>(0)
    }

    @Test func progressIsHeldBackAndTheLastOneComesOut() throws {
        let output = try ScratchFile()
        let clock = Clock()
        let reporter = Reporter(
            descriptor: output.descriptor, now: { clock.nanoseconds.load(ordering: .relaxed) })
        for item in 1...1000 {
            clock.nanoseconds.add(1_000_000, ordering: .relaxed)
            reporter.progress { $0.current = item }
        }
        reporter.flush()
        let currents = try output.lines.map { try #require($0["current"]?.int) }
        // One second: the first at once, then one every 100 ms, then the last.
        #expect(currents == [1, 101, 201, 301, 401, 501, 601, 701, 801, 901, 1000])
    }

    /// What a handler says before it waits for something, and nothing comes after.
    @Test func whatIsHeldBackComesOutSoon() async throws {
        let output = try ScratchFile()
        let clock = Clock()
        let reporter = Reporter(
            descriptor: output.descriptor, now: { clock.nanoseconds.load(ordering: .relaxed) })
        for item in 1...3 { reporter.progress { $0.current = item } }
        clock.nanoseconds.store(1_000_000_000, ordering: .relaxed)
        // Tests that start programs may have all threads for long.
        let deadline = ContinuousClock.now + .seconds(100)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await reporter.keepFlushing() }
            while try output.lines.count < 2, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(1))
            }
            group.cancelAll()
        }
        #expect(try output.lines.map { $0["current"]?.int } == [1, 3])
    }

    @Test func aJobThatWaitsHasToldHowFarItIs() async throws {
        let output = try ScratchFile()
        let name = "script-\(UInt64.random(in: .min ... .max))"
        Scripted.script.withLock { scripts in
            scripts[name] = { job in
                for item in 1...3 { job.progress { $0.current = item } }
                // Tests that start programs may have all threads for long.
                let deadline = ContinuousClock.now + .seconds(100)
                while try output.lines.last?["current"] != 3, ContinuousClock.now < deadline {
                    try await Task.sleep(for: .milliseconds(1))
                }
                return try .bool(output.lines.last?["current"] == 3)
            }
        }
        let input = try ScratchFile(#"{"v":1,"params":{"script":"\#(name)"}}"#)
        _ = await JobHandlerMain.run(
            types: ["scripted": Scripted.self], arguments: ["bin/handler", "scripted"], input: input.descriptor,
            output: output.descriptor, errors: STDERR_FILENO, isStopRequested: { false })
        #expect(try output.lines.last?["value"] == true)
    }

    @Test func aNewPhaseIsToldAtOnce() throws {
        let output = try ScratchFile()
        let reporter = Reporter(descriptor: output.descriptor, now: { 0 })
        for phase in ["scan", "scan", "copy", "copy", "delete"] { reporter.progress { $0.phase = phase } }
        #expect(try output.lines.map { $0["phase"]?.string } == ["scan", "copy", "delete"])
    }

    @Test func nothingIsFlushedTwice() throws {
        let output = try ScratchFile()
        let reporter = Reporter(descriptor: output.descriptor)
        reporter.progress { $0.current = 1 }
        reporter.flush()
        reporter.flush()
        #expect(try output.lines.count == 1)
    }

    @Test func linesOfSeveralThreadsNeverMix() async throws {
        let output = try ScratchFile()
        let reporter = Reporter(descriptor: output.descriptor, interval: 0)
        let job = Job(request: JobRequest(), reporter: reporter, isStopRequested: { false })
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for number in 0..<200 {
                        job.log("\(task) \(number) " + String(repeating: "x", count: 5000))
                        job.progress { $0.item = String(repeating: "y", count: 3000) }
                    }
                }
            }
        }
        let logs = try output.lines.compactMap { $0["message"]?.string }
        #expect(logs.count == 1600)
        for task in 0..<8 {
            let own = logs.filter { $0.hasPrefix("\(task) ") }.map { $0.split(separator: " ")[1] }
            #expect(own == (0..<200).map { "\($0)" })
        }
    }

    /// A pipe takes a large line in several pieces.
    @Test func aLineThatIsTakenInPiecesArrivesWhole() async throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let (reading, writing) = (ends[0], ends[1])
        let message = String(repeating: "z", count: (1 << 20) - 100)
        async let received = Self.readAll(reading)
        let reporter = Reporter(descriptor: writing)
        Job(request: JobRequest(), reporter: reporter, isStopRequested: { false }).log(message)
        close(writing)
        #expect(try JSON(parsing: await received.dropLast())["message"]?.string == message)
        #expect(reporter.failure == nil)
    }

    private static func readAll(_ descriptor: Int32) async -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = read(descriptor, &buffer, buffer.count), count > 0 { bytes += buffer[..<count] }
        close(descriptor)
        return bytes
    }

    @Test func everyKindOfLineHasItsMembers() throws {
        let output = try ScratchFile()
        let reporter = Reporter(descriptor: output.descriptor)
        let job = Job(request: JobRequest(), reporter: reporter, isStopRequested: { false })
        job.progress { progress in
            progress.phase = "copy"
            progress.current = 1
            progress.total = 2
            progress.item = "a\nb"
            progress.bytes = 3
            progress.totalBytes = 4
            progress.counts = [("created", 1)]
        }
        job.log("hello", level: .warning)
        job.report(ItemError(item: "x", code: "IO_ERROR", message: "why", retryable: true))
        job.checkpoint(["n": 1])
        try job.result([1, 2])
        job.failure(JobFailure("SOURCE_EMPTY", "gone", details: ["n": 0]))
        let expected: [JSON] = [
            [
                "type": "progress", "phase": "copy", "current": 1, "total": 2, "item": "a\nb", "bytes": 3,
                "total_bytes": 4, "counts": ["created": 1],
            ],
            ["type": "log", "level": "warning", "message": "hello"],
            ["type": "error", "item": "x", "code": "IO_ERROR", "message": "why", "retryable": true],
            ["type": "checkpoint", "value": ["n": 1]], ["type": "result", "value": [1, 2]],
            ["type": "failure", "code": "SOURCE_EMPTY", "message": "gone", "details": ["n": 0]],
        ]
        #expect(try output.lines == expected)
    }

    @Test func whatIsNotKnownIsNotWritten() throws {
        var progress = JobProgress()
        progress.current = 0
        #expect(progress.json == ["type": "progress", "current": 0])
    }

    /// The daemon would cut the line, and take it for one of the log: an item that failed would be lost.
    @Test(arguments: ["a", "\u{1}", "ä"]) func aTextThatIsTooLongIsReportedByItsBeginning(unit: String) throws {
        let output = try ScratchFile()
        let reporter = Reporter(descriptor: output.descriptor)
        let long = String(repeating: unit, count: 2 << 20)
        for texts in [(long, "short"), (long, long), ("short", "short")] {
            reporter.write { text in
                ["type": "error", "item": .string(text(texts.0)), "message": .string(text(texts.1))]
            }
        }
        let lines = try output.lines
        #expect(lines.map { $0["type"] } == ["error", "error", "error"])
        #expect(lines.allSatisfy { $0.line.count <= LineTooLong.limit })
        #expect(lines[0]["item"]?.string?.hasPrefix(String(repeating: unit, count: 20_000)) == true)
        #expect(lines[0]["item"]?.string?.hasSuffix("… (\(long.utf8.count) bytes)") == true)
        #expect(lines[0]["message"] == "short")
        #expect(lines[2]["item"] == "short")
    }

    /// A record's key may be of any length.
    @Test func progressOfAnItemThatIsTooLongIsReportedByItsBeginning() throws {
        let output = try ScratchFile()
        let reporter = Reporter(descriptor: output.descriptor)
        reporter.progress { progress in
            progress.current = 3
            progress.item = String(repeating: "k", count: 2 << 20)
        }
        let lines = try output.lines
        try #require(lines.count == 1)
        #expect(lines[0].line.count <= LineTooLong.limit)
        #expect(lines[0]["type"] == "progress")
        #expect(lines[0]["current"] == 3)
        #expect(lines[0]["item"]?.string?.hasSuffix("k… (\(2 << 20) bytes)") == true)
    }
}
