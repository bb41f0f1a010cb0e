/// What has to hold of whatever bytes are decoded: for the tests here, which break what is well-formed, and for libFuzzer (../fuzz.sh),
/// which looks for ways through the code.
import Glibc
import JSONText
import SpoolProtocol

/// What is decoded, with a letter that stands before an input of libFuzzer's.
enum DecodingCheck: Character, CaseIterable {
    case request = "r"
    case schedule = "s"
    case definition = "d"
    case control = "c"
    case status = "t"
    case result = "o"
    case scheduleStatus = "u"
    case line = "l"
    case handlerLine = "h"
    case name = "n"
    case json = "j"
    case feed = "f"
    case feedRecord = "k"
    case attemptRecord = "a"

    /// What is wrong; nil: nothing.
    func problem(with bytes: [UInt8]) -> String? {
        switch self {
        case .request: Self.request(bytes)
        case .schedule: Self.schedule(bytes)
        case .definition: Self.definition(bytes)
        case .control: Pause(since: .latest, by: "anna", content: bytes).json.text.isEmpty ? "no text" : nil
        case .status:
            Self.settles(bytes, JobStatus.init(json:)) { status in
                _ = status.durationSeconds
                return status.json
            }
        case .result:
            Self.settles(bytes, JobResult.init(json:)) { result in
                var summary = TypeSummary()
                summary.take(result.status)
                return result.json
            }
        case .scheduleStatus: Self.settles(bytes, ScheduleStatus.init(json:), \.json)
        case .line:
            Self.settles(bytes, LogEntry.init(json:), \.json) ?? Self.settles(bytes, ItemError.init(json:), \.json)
        case .handlerLine: Self.handlerLine(bytes)
        case .name: Self.name(bytes)
        case .json: Self.settles(bytes, { $0 }, { $0 })
        case .feed: Self.feed(bytes)
        case .feedRecord: Self.feedRecord(bytes)
        case .attemptRecord: Self.attemptRecord(bytes)
        }
    }

    /// Whether it is read, and not refused or passed over: what a daemon wrote has to be.
    func reads(_ bytes: [UInt8]) -> Bool {
        switch self {
        case .request: (try? Request(parsing: bytes)) != nil
        case .schedule: (try? Schedule(parsing: bytes)) != nil
        case .definition: Self.value(bytes, \.object).flatMap { try? DefinitionFile(decoding: $0) } != nil
        case .control: Pause(since: .latest, by: "anna", content: bytes).reason != nil
        case .status: Self.value(bytes, JobStatus.init(json:)) != nil
        case .result: Self.value(bytes, JobResult.init(json:)) != nil
        case .scheduleStatus: Self.value(bytes, ScheduleStatus.init(json:)) != nil
        case .line: Self.value(bytes, LogEntry.init(json:)) != nil || Self.value(bytes, ItemError.init(json:)) != nil
        case .handlerLine:
            bytes.withUnsafeBufferPointer { HandlerLine($0) } != .log(.info, String(decoding: bytes, as: UTF8.self))
        case .name: SpoolFile(FileName(bytes: bytes)).fileName != nil
        case .json: (try? JSON(parsing: bytes)) != nil
        case .feed: Self.reads(feed: bytes)
        case .feedRecord: Self.reads(saved: bytes)
        case .attemptRecord: Self.reads(attemptRecord: bytes)
        }
    }

    private static func value<Value>(_ bytes: [UInt8], _ read: (JSON) -> Value?) -> Value? {
        (try? JSON(parsing: bytes)).flatMap(read)
    }

    // MARK: Refused with a place, or read

    private static func lacksPlace(_ error: JobError) -> String? {
        if error.message.isEmpty { return "no message" }
        return error.details["line"] == nil && error.details["field"] == nil ? "no place in: \(error.message)" : nil
    }

    private static func request(_ bytes: [UInt8]) -> String? {
        do throws(JobError) {
            let request = try Request(parsing: bytes)
            _ = request.workHash
            return try Request(parsing: request.json.bytes) == request ? nil : "it is not what was written"
        } catch {
            return lacksPlace(error)
        }
    }

    /// One that has changes between summer and winter.
    private static let zone: TimeZoneRules? = {
        guard let file = fopen("/usr/share/zoneinfo/Europe/Berlin", "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, file)
        return try? TimeZoneRules(tzif: Array(bytes[..<count]))
    }()

    private static func schedule(_ bytes: [UInt8]) -> String? {
        guard let zone else { return "there is no time zone to try it with: install tzdata" }
        do throws(JobError) {
            let schedule = try Schedule(parsing: bytes)
            _ = schedule.requestBytes
            let rule = try schedule.slotRule { _ in zone }
            for now in [Timestamp.earliest, .latest, Timestamp("2026-03-29T01:00:00Z") ?? .latest] {
                var bookmark = ScheduleBookmark(now: now)
                for seconds in [0, 3600, 1e9, -1e9] {
                    let plan = SchedulePlan(rule, schedule.ifMissed, bookmark, now: now.adding(seconds: seconds))
                    bookmark = plan.bookmark
                }
            }
            return nil
        } catch {
            return lacksPlace(error)
        }
    }

    static let requests = [
        #"{"type": "documents.sync", "params": {"path": "a", "n": 18446744073709551616}, "dry_run": true, "priority": 5}"#,
        #"{"v": 1, "type": "t", "on_busy": "join", "not_before": "2026-01-07T13:33:12.5+01:00", "after": ["a", "b"]}"#,
        #"{"type": "t", "timeout_seconds": 0.5, "retry": {"max_attempts": 3, "backoff_seconds": 60}, "labels": {"a": "é\n"}}"#,
    ]

    private static func definition(_ bytes: [UInt8]) -> String? {
        do {
            guard let object = try JSON(parsing: bytes).object else { return nil }
            let file = try DefinitionFile(decoding: object)
            guard let type = JobType("t"), let definition = Definition(type: type, file.extending(file)) else {
                return nil
            }
            for request in requests { _ = try? definition.params(for: try Request(parsing: Array(request.utf8))) }
            return definition.json.text.isEmpty ? "no text" : nil
        } catch let error as JSONFieldError {
            return error.path.isEmpty ? "no place in: \(error)" : nil
        } catch let error as JSONSyntaxError {
            return error.line < 1 || error.column < 1 ? "no place in: \(error)" : nil
        } catch {
            return "\(error)"
        }
    }

    // MARK: Read and written

    /// What is read is written, read again, and is the same.
    private static func settles<Value>(
        _ bytes: [UInt8], _ read: (JSON) -> Value?, _ write: (Value) -> JSON
    ) -> String? {
        guard let value = value(bytes, read) else { return nil }
        let once = write(value)
        guard let parsed = try? JSON(parsing: once.indented), parsed == once else {
            return "what is written is not read: \(once.text)"
        }
        guard let again = read(parsed) else { return "what is written is none: \(once.text)" }
        // What no JSON can say (1e400) is lost the first time, and nothing after that.
        guard let twice = read(write(again)) else { return "what is written again is none" }
        return write(twice) == write(again) ? nil : "it changes when it is written: \(once.text)"
    }

    /// A line of a handler's, and progress that has heard of it twice.
    private static func handlerLine(_ bytes: [UInt8]) -> String? {
        let line = bytes.withUnsafeBufferPointer { HandlerLine($0) }
        guard case .progress(let report) = line else { return nil }
        var progress = Progress()
        var counts = Counts()
        for (elapsed, start) in [(0, .min), (0.3, .max), (1e9, 0), (1e-300, -1)] as [(Double, Int64)] {
            progress.take(report, elapsed: elapsed, startedFrom: start)
            counts.merge(report.counts)
            if let problem = problem(with: progress, counts) { return problem }
        }
        return nil
    }

    static func problem(with progress: Progress, _ counts: Counts) -> String? {
        if let percent = progress.percent, !(0...100).contains(percent) { return "percent is \(percent)" }
        guard (try? JSON(parsing: progress.json.bytes)) != nil, (try? JSON(parsing: counts.json.bytes)) != nil else {
            return "what is written is not read: \(progress.json.text) \(counts.json.text)"
        }
        return nil
    }

    private static func name(_ bytes: [UInt8]) -> String? {
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
