/// What the daemon reads of its own private files when it starts: the feed's lines, what it kept of the feeds before, the records of
/// attempts. It reads them before it serves anybody, so that a trap there would keep it from ever starting again.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage

// libFuzzer's program is made of the runner's files themselves.
#if canImport(JobRunner)
    @testable import JobRunner
#endif

extension DecodingCheck {
    /// A spool that is not served, gone when the program ends by itself.
    private static let spool: Spool? = {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/jobspool-fuzz-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return nil }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        setenv("JOBSPOOL_FUZZ_SPOOL", path, 1)
        atexit { system("rm -rf \"$JOBSPOOL_FUZZ_SPOOL\"") }
        return try? Spool.open(path)
    }()

    /// What was told by feeds of which this is what the daemon kept; nil: nothing was.
    private static func told(saved: [UInt8]?) throws -> FeedRecord {
        guard let spool else { throw Missing() }
        let kept = FileName("feed")
        if let saved {
            try spool.publish(saved, as: kept, in: spool.home, .process)
        } else {
            unlink("\(spool.home.path)/\(kept)")
        }
        return try FeedRecord(before: FileName("spool.events.jsonl"), in: spool)
    }

    private struct Missing: Error {}

    static func read(feed: [UInt8]) throws -> FeedRecord {
        var record = try told(saved: nil)
        record.read(feed[...])
        return record
    }

    static func read(saved: [UInt8]) throws -> FeedRecord { try told(saved: saved) }

    /// Whether each line has a number.
    static func reads(feed: [UInt8]) -> Bool {
        feed.split(separator: 0x0A).allSatisfy { line in (try? read(feed: Array(line)))?.lastSequence ?? 0 > 0 }
    }

    static func reads(saved: [UInt8]) -> Bool { (try? read(saved: saved))?.lastSequence ?? 0 > 0 }

    private static func isSame(_ one: FeedRecord, _ other: FeedRecord) -> Bool {
        one.lastSequence == other.lastSequence && one.open.count == other.open.count
            && one.open.all.allSatisfy { other.open[$0.name] == $0 }
    }

    /// A record is kept as it is.
    private static func problem(with record: FeedRecord) throws -> String? {
        guard let spool else { return "there is no spool to try it in" }
        try record.save(in: spool)
        guard isSame(try FeedRecord(before: FileName("spool.events.jsonl"), in: spool), record) else {
            return "what is kept of it is another one: \(spool.home.path)/feed"
        }
        return record.open.all.contains { $0.standing?.isOver ?? true } ? "what is over is open" : nil
    }

    static func feed(_ bytes: [UInt8]) -> String? {
        do {
            let record = try read(feed: bytes)
            // In two parts, as a feed is read that is larger than what is read at a time.
            if let end = bytes[..<(bytes.count / 2)].lastIndex(of: 0x0A) {
                var parts = try read(feed: Array(bytes[...end]))
                parts.read(bytes[(end + 1)...])
                if !isSame(parts, record) { return "in two parts it says something else" }
            }
            return try problem(with: record)
        } catch {
            return "\(error)"
        }
    }

    static func feedRecord(_ bytes: [UInt8]) -> String? {
        do {
            return try problem(with: read(saved: bytes))
        } catch {
            return "\(error)"
        }
    }

    // MARK: Attempts

    static let attempt = "e7ce24bb-23c2-4e93-9e8f-27b30bd30910.1"

    static func reads(attemptRecord: [UInt8]) -> Bool {
        AttemptRecordState(attemptRecord, of: attempt) != .notStarted
    }

    static func attemptRecord(_ bytes: [UInt8]) -> String? {
        guard case .ended(let record) = AttemptRecordState(bytes, of: attempt) else { return nil }
        let line = AttemptRecordState.endedLine(of: attempt, record)
        return AttemptRecordState(line, of: attempt) == .ended(record) ? nil : "it changes when it is written"
    }
}
