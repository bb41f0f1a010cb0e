/// What handlers say, and what becomes of it.
import JSONText
import SpoolProtocol
import TestSupport
import Testing

@Suite("A line of a handler's output")
struct HandlerLineTests {
    static func read(_ bytes: [UInt8]) -> HandlerLine { bytes.withUnsafeBufferPointer { HandlerLine($0) } }

    static func progress(_ change: (inout ProgressReport) -> Void) -> HandlerLine {
        var report = ProgressReport()
        change(&report)
        return .progress(report)
    }

    @Test(
        "is what its type says",
        arguments: [
            (
                #"{"type":"progress","phase":"copy","current":5,"total":10,"item":"a","bytes":1,"total_bytes":2,"counts":{"created":1}}"#,
                progress {
                    $0.phase = "copy"
                    $0.current = 5
                    $0.total = 10
                    $0.item = "a"
                    $0.bytes = 1
                    $0.totalBytes = 2
                    $0.counts = ["created": 1]
                }
            ),
            (#"{"type":"progress"}"#, progress { _ in }),
            (#" {"type":"progress","current":3} "#, progress { $0.current = 3 }),
            ("\t{\"type\":\"progress\",\"current\":3}\r", progress { $0.current = 3 }),
            (#"{"type":"log","level":"warning","message":"x"}"#, .log(.warning, "x")),
            (#"{"type":"log","message":"x"}"#, .log(.info, "x")),
            (#"{"type":"log","level":"fatal","message":"x"}"#, .log(.info, "x")),
            (#"{"type":"log","level":5,"message":{"a":1.10}}"#, .log(.info, #"{"a":1.10}"#)),
            (#"{"type":"log"}"#, .log(.info, "")), (#"{"type":"log","message":null}"#, .log(.info, "")),
            (
                #"{"type":"error","item":"a.pdf","code":"E","message":"m","retryable":true}"#,
                .error(item: "a.pdf", code: "E", message: "m", retryable: true)
            ),
            (#"{"type":"error"}"#, .error(item: "", code: "ERROR", message: "", retryable: false)),
            (
                #"{"type":"error","item":17,"code":5,"message":["x"],"retryable":"yes"}"#,
                .error(item: "17", code: "ERROR", message: #"["x"]"#, retryable: false)
            ),
            (#"{"type":"error","item":null}"#, .error(item: "", code: "ERROR", message: "", retryable: false)),
            (#"{"type":"checkpoint","value":{"at":18446744073709551616}}"#, .checkpoint(["at": bigNumber])),
            (#"{"type":"checkpoint"}"#, .checkpoint(.null)), (#"{"type":"result","value":[1]}"#, .result([1])),
            (#"{"type":"result","value":null}"#, .result(.null)),
            (
                #"{"type":"failure","code":"E","message":"m","details":{"k":1},"retryable":true}"#,
                .failure(JobError(code: "E", message: "m", details: ["k": 1]), retryable: true)
            ),
            (#"{"type":"failure"}"#, .failure(JobError(.handlerFailed, ""), retryable: false)),
            (#"{"type":"telemetry","x":1}"#, .ignored), (#"{"type":""}"#, .ignored),
        ])
    func report(_ text: String, _ line: HandlerLine) { #expect(Self.read(Array(text.utf8)) == line) }

    static var bigNumber: JSON {
        do { return try JSON(parsing: "18446744073709551616") } catch { preconditionFailure("\(error)") }
    }

    @Test(
        "that is no report is a log line as it stands",
        arguments: [
            "", "plain text", "  indented", "{", "{}", "{not json}", #"{"type":5}"#, #"{"Type":"log"}"#, "[1]", "null",
            #""type""#, #"{"type":"log","type":"log"}"#, #"{"type":"log"} trailing"#, "{\"type\":\"log\"",
            "x {\"type\":\"log\"}", "\u{FEFF}{\"type\":\"log\"}", "50%\r100%", "\u{0}",
        ])
    func plain(_ text: String) { #expect(Self.read(Array(text.utf8)) == .log(.info, text)) }

    @Test(
        "with members of the wrong type has them unknown",
        arguments: [
            #"{"type":"progress","phase":1,"current":"5","total":1.5,"item":[],"bytes":true,"total_bytes":{}}"#,
            #"{"type":"progress","current":9223372036854775808,"total":-9223372036854775809,"bytes":1e3}"#,
        ])
    func wrongTypes(_ text: String) { #expect(Self.read(Array(text.utf8)) == .progress(ProgressReport())) }

    @Test(
        "that is not UTF-8 is a log line with what can be read of it",
        arguments: [
            ([0x61, 0xFF, 0x62], "a\u{FFFD}b"), ([0xC3], "\u{FFFD}"),
            (
                Array(#"{"type":"log","message":""#.utf8) + [0xFF] + Array("\"}".utf8),
                "{\"type\":\"log\",\"message\":\"\u{FFFD}\"}"
            ),
        ] as [([UInt8], String)])
    func notUTF8(_ bytes: [UInt8], _ text: String) { #expect(Self.read(bytes) == .log(.info, text)) }

    @Test("that is nested deeper than what it becomes a part of may be is a log line", arguments: [0, 1])
    func deep(tooDeep: Int) throws {
        let depth = HandlerLine.maximumDepth - 1 + tooDeep
        let value = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        let line = #"{"type":"checkpoint","value":\#(value)}"#
        #expect(
            Self.read(Array(line.utf8)) == (tooDeep > 0 ? .log(.info, line) : .checkpoint(try JSON(parsing: value))))
    }

    @Test("of a megabyte is taken, and one that was cut is a log line", .timeLimit(.minutes(1)))
    func huge() {
        let text = String(repeating: "x", count: HandlerLine.maximumBytes - 31)
        let whole = Array("{\"type\":\"log\",\"message\":\"\(text)\"}".utf8)
        #expect(Self.read(whole) == .log(.info, text))
        let cut = Array(whole.dropLast())
        #expect(Self.read(cut) == .log(.info, String(decoding: cut, as: UTF8.self)))
        let spaces = [UInt8](repeating: 0x20, count: HandlerLine.maximumBytes)
        #expect(Self.read(spaces) == .log(.info, String(decoding: spaces, as: UTF8.self)))
        let deep = [UInt8](repeating: 0x5B, count: HandlerLine.maximumBytes)
        #expect(
            Self.read([0x7B, 0x22, 0x61, 0x22, 0x3A] + deep)
                == .log(.info, "{\"a\":" + String(decoding: deep, as: UTF8.self)))
    }
}

@Suite("Progress")
struct ProgressTests {
    static func report(_ current: Int64?, _ total: Int64?) -> ProgressReport {
        var report = ProgressReport()
        report.current = current
        report.total = total
        return report
    }

    @Test(
        "has a percentage of one decimal, rounded down, that is 100.0 only when all is done",
        arguments: [
            (0, 100, 0), (57, 100, 57), (29, 100, 29), (1, 3, 33.3), (2, 3, 66.6), (999, 1000, 99.9),
            (9999, 10_000, 99.9),
            (10_000, 10_000, 100), (11, 10, 100), (-5, 10, 0), (.min, 10, 0), (.max, .max, 100), (.max - 1, .max, 99.9),
            (1 << 53, 1 << 53 + 1, 99.9), (1, .max, 0),
        ] as [(Int64, Int64, Double)])
    func percent(_ current: Int64, _ total: Int64, _ percent: Double) {
        var progress = Progress()
        progress.take(Self.report(current, total), elapsed: 0, startedFrom: 0)
        #expect(progress.percent == percent)
        #expect(progress.json["percent"]?.double == percent)
        #expect((progress.json["percent"]?.text.split(separator: ".").dropFirst().first?.count ?? 0) <= 1)
    }

    @Test("has no percentage, rate or estimate where there is nothing to tell them from")
    func unknown() {
        var progress = Progress()
        #expect(
            progress.json.text
                == #"{"phase":null,"processed":null,"total":null,"percent":null,"current":null,"rate_per_second":null,"#
                + #""eta_seconds":null,"bytes":null,"total_bytes":null}"#)
        progress.take(Self.report(5, nil), elapsed: 0.1, startedFrom: 0)
        #expect(progress.percent == nil)
        #expect(progress.ratePerSecond == nil)
        #expect(progress.etaSeconds == nil)
        progress.take(Self.report(nil, 0), elapsed: 10, startedFrom: 0)
        #expect(progress.percent == nil)
        var negative = Progress()
        negative.take(Self.report(1, -5), elapsed: 0, startedFrom: 0)
        #expect(negative.percent == nil)
        var noCount = Progress()
        noCount.take(Self.report(nil, 10), elapsed: 10, startedFrom: 0)
        #expect(noCount.percent == nil)
        #expect(noCount.ratePerSecond == nil)
    }

    @Test("has a rate since the attempt's first report, and an estimate from it")
    func rate() {
        var progress = Progress()
        progress.take(Self.report(10, 100), elapsed: 0, startedFrom: 10)
        #expect(progress.ratePerSecond == nil)
        progress.take(Self.report(40, nil), elapsed: 4, startedFrom: 10)
        #expect(progress.ratePerSecond == 7.5)
        #expect(progress.etaSeconds == 8)
        progress.take(Self.report(100, nil), elapsed: 9, startedFrom: 10)
        #expect(progress.etaSeconds == 0)
        progress.take(Self.report(120, nil), elapsed: 10, startedFrom: 10)
        #expect(progress.etaSeconds == 0)
        // A new phase that counts from the beginning: the old rate says nothing of it.
        progress.take(Self.report(5, 50), elapsed: 11, startedFrom: 10)
        #expect(progress.ratePerSecond == nil)
        #expect(progress.etaSeconds == nil)
    }

    @Test("never goes back, whatever is reported", arguments: 0..<20 as Range<UInt64>)
    func monotone(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let values: [Int64?] = [nil, 0, 1, 2, 5, 50, 100, -1, .min, .max, .max - 1, 1 << 53]
        var progress = Progress()
        var last: Double = 0
        for _ in 0..<200 {
            let report = Self.report(
                values.randomElement(using: &random) ?? nil, values.randomElement(using: &random) ?? nil)
            let started = (values.randomElement(using: &random) ?? nil) ?? 0
            progress.take(report, elapsed: [0, 0.3, 1e9].randomElement(using: &random) ?? 0, startedFrom: started)
            let percent = progress.percent ?? 0
            #expect(percent >= last)
            #expect((0...100).contains(percent))
            #expect(progress.ratePerSecond.map { $0 >= 0 && $0.isFinite } ?? true)
            #expect(progress.etaSeconds.map { $0 >= 0 && $0.isFinite } ?? true)
            #expect(Progress(json: progress.json) == progress)
            last = percent
        }
    }

    @Test("keeps what a report does not say")
    func keeps() {
        var progress = Progress()
        var report = ProgressReport()
        report.phase = "copy"
        report.item = "a"
        report.bytes = 1
        report.totalBytes = 2
        progress.take(report, elapsed: 0, startedFrom: 0)
        progress.take(Self.report(1, 2), elapsed: 0, startedFrom: 0)
        #expect(progress.phase == "copy")
        #expect(progress.current == "a")
        #expect(progress.bytes == 1)
        #expect(progress.totalBytes == 2)
        #expect(progress.percent == 50)
        #expect(Progress(json: nil) == Progress())
    }
}

@Suite("Counts")
struct CountsTests {
    @Test("begin with the five of every job, in their order")
    func standard() {
        var counts = Counts()
        counts["unchanged"] += 2
        counts["created"] = 3
        #expect(counts.json.text == #"{"created":3,"updated":0,"skipped":0,"deleted":0,"failed":0,"unchanged":2}"#)
        #expect(counts["never"] == 0)
        #expect(Counts(json: counts.json) == counts)
        #expect(counts != Counts())
    }

    @Test("take over integers alone")
    func merge() {
        var counts = Counts()
        counts.merge(["created": 1, "updated": "2", "skipped": 1.5, "x": -1, "deleted": .null])
        #expect(counts.json.text == #"{"created":1,"updated":0,"skipped":0,"deleted":0,"failed":0,"x":-1}"#)
        for other in [nil, .null, [], "x"] as [JSON?] { counts.merge(other) }
        #expect(counts["created"] == 1)
    }

    @Test("are at most as many as a status can bear", .timeLimit(.minutes(1)))
    func limit() {
        var counts = Counts()
        counts.merge(.object(JSONObject((0..<100_000).map { ("k\($0)", JSON($0)) })))
        #expect(counts.json.object?.count == Counts.limit)
        counts.merge(["k0": 7, "failed": 1])
        #expect(counts["k0"] == 7)
        #expect(counts["failed"] == 1)
    }
}
