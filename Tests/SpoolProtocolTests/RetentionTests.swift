/// How long finished jobs stay, and the names of what is in the archive.
import SpoolProtocol
import Testing

@Suite("A retention time")
struct RetentionTimeTests {
    @Test(
        "is a whole number and a unit, 0, or never",
        arguments: [
            ("7d", 604_800, "7d"), ("12h", 43_200, "12h"), ("24h", 86_400, "1d"), ("90m", 5400, "90m"),
            ("30s", 30, "30s"), ("0", 0, "0"), ("0s", 0, "0"), ("007d", 604_800, "7d"),
            ("36600d", 3_162_240_000, "36600d"),
            ("never", nil, "never"),
        ] as [(String, Int64?, String)])
    func right(text: String, seconds: Int64?, shown: String) throws {
        let time = try RetentionTime(text)
        #expect(time == seconds.map { .seconds($0) } ?? .never)
        #expect(time.description == shown)
        #expect(try RetentionTime(time.description) == time)
    }

    @Test(
        "is nothing else, and the error says what to write",
        arguments: [
            "", "7", "d", "7 d", "7D", "-1d", "+1d", "1.5h", "1h30m", "7days", "never ", "Never", "∞", "7\u{301}d",
            "7d\n",
            "99999999999999999999d", "９d",
        ])
    func wrong(text: String) {
        let problem = #expect(throws: RetentionTime.Problem.self) { try RetentionTime(text) }
        #expect(problem?.description.contains("never") == true)
    }

    @Test(
        "of more than a hundred years is never", arguments: ["36601d", "9223372036854775807d", "9223372036854775807s"])
    func tooLong(text: String) {
        let problem = #expect(throws: RetentionTime.Problem.self) { try RetentionTime(text) }
        #expect(problem?.description.contains("write never") == true)
    }

    @Test("says up to which time what ended is due")
    func cutoff() throws {
        let now = try #require(Timestamp("2026-01-07T13:33:12Z"))
        #expect(RetentionTime.never.cutoff(at: now) == nil)
        #expect(RetentionTime.seconds(0).cutoff(at: now) == now)
        #expect(RetentionTime.seconds(86_400).cutoff(at: now) == Timestamp("2026-01-06T13:33:12Z"))
        #expect(try RetentionTime("36600d").cutoff(at: .earliest) == .earliest)
    }

    @Test(
        "gives the pace at which the daemon looks",
        arguments: [
            ("7d", "never", 3600), ("0", "never", 1), ("1s", "never", 1), ("1m", "never", 15), ("never", "never", 3600),
            ("7d", "8s", 2), ("5h", "never", 3600), ("2h", "1h", 900),
        ] as [(String, String, Double)])
    func interval(archive: String, delete: String, seconds: Double) throws {
        let retention = Retention(
            archiveAfter: try RetentionTime(archive), deleteArchivedAfter: try RetentionTime(delete))
        #expect(retention.interval == seconds)
    }
}

@Suite("The archive's names")
struct ArchivePathTests {
    static let id = "e7ce24bb-23c2-4e93-9e8f-27b30bd30910"

    @Test(
        "of a family are the job's name and identifier",
        arguments: ["219", "a~b", "~", "x~\(id)", "é", String(repeating: "n", count: 200)])
    func family(_ text: String) throws {
        let family = try #require(ArchivedName(try JobName(text), jobID: Self.id))
        #expect(family.fileName == FileName("\(text)~\(Self.id)"))
        #expect(family.fileName.bytes.count <= 255)
        #expect(ArchivedName(family.fileName) == family)
    }

    @Test(
        "are no family's otherwise",
        arguments: [
            "", "219", "~\(id)", "219~", "219~\(id)~", "219~\(id).bak", "219~x", ".hidden~\(id)", "a\nb~\(id)",
            "219~e7ce24bb-23c2-4e93-9e8f-27b30bd3091g", "219~e7ce24bb.23c2.4e93.9e8f.27b30bd30910", "spool~\(id)",
            "219~../../../../../../../../../../../../..", "219~e7ce24bb-23c2-4e93-9e8f-27b30bd30910\u{301}",
            String(repeating: "n", count: 201) + "~\(id)",
        ])
    func foreign(_ text: String) { #expect(ArchivedName(FileName(text)) == nil) }

    @Test("are never made of an identifier that leads elsewhere", arguments: ["", "..", "a/b", "\(id)/", "x"])
    func foreignID(_ id: String) throws { #expect(ArchivedName(try JobName("219"), jobID: id) == nil) }

    @Test("of days are those that exist", arguments: ["2026/01/07", "2024/02/29", "0000/01/01", "9999/12/31"])
    func days(_ path: String) throws {
        let parts = path.split(separator: "/").map { FileName(String($0)) }
        let day = try #require(ArchiveDay(parts[0], parts[1], parts[2]))
        #expect(day.components.joined(separator: "/") == path)
        let time = try #require(Timestamp("\(path.replacing("/", with: "-"))T23:59:59.999Z"))
        #expect(ArchiveDay(of: time) == day)
    }

    @Test(
        "of no day that exists are somebody else's",
        arguments: ["2025/02/29", "2026/13/01", "2026/00/01", "2026/1/07", "26/01/07", "2026/01/7a", "2026/01/-1"])
    func noDays(_ path: String) {
        let parts = path.split(separator: "/").map { FileName(String($0)) }
        #expect(ArchiveDay(parts[0], parts[1], parts[2]) == nil)
    }

    @Test(
        "of a day tell whether what ended on it is due",
        arguments: [
            ("2026-01-06T23:59:59.999Z", .notDue), ("2026-01-07T00:00:00Z", .mixed),
            ("2026-01-07T23:59:59.999Z", .mixed),
            ("2026-01-08T00:00:00Z", .due), ("2025-12-31T12:00:00Z", .notDue), ("2027-01-01T00:00:00Z", .due),
        ] as [(String, ArchiveDay.Age)])
    func age(cutoff: String, expected: ArchiveDay.Age) throws {
        let day = try #require(ArchiveDay(FileName("2026"), FileName("01"), FileName("07")))
        #expect(day.age(at: try #require(Timestamp(cutoff))) == expected)
    }

    @Test("of a feed have the number of its last event", arguments: [0, 1, 4711, Int64.max])
    func feed(_ number: Int64) {
        let feed = ArchivedFeed(lastSequence: number)
        #expect(feed.fileName == FileName("spool.events-\(number).jsonl"))
        #expect(ArchivedFeed(feed.fileName) == feed)
    }

    @Test(
        "are no feed's otherwise",
        arguments: [
            "spool.events.jsonl", "spool.events-.jsonl", "spool.events-1.json", "spool.events--1.jsonl",
            "spool.events-01.jsonl", "spool.events-+1.jsonl", "spool.events-1.jsonl.gz", "x-1.jsonl",
            "spool.events-99999999999999999999.jsonl",
        ])
    func noFeed(_ text: String) { #expect(ArchivedFeed(FileName(text)) == nil) }
}
