import JSONText
import SpoolProtocol
import SpoolStorage
import Testing

@testable import SpoolClient

@Suite("A finding about a spool")
struct DoctorTests {
    private static let now = Timestamp(milliseconds: 1_767_792_792_000)

    /// "warning directory, ok private"
    private static func brief(_ findings: [Finding]) -> [String] {
        findings.map { "\($0.verdict.word) \($0.check.rawValue)" }
    }

    @Test("has a remedy exactly when something is wrong or unknown") func remedies() {
        #expect(Finding.ok(.space, "x").verdict.remedy == nil)
        for finding in [
            Finding.unchecked(.space, "x", remedy: "y"), .warning(.space, "x", remedy: "y"),
            .problem(.space, "x", remedy: "y"),
        ] {
            #expect(finding.verdict.remedy == "y")
            #expect(finding.json["remedy"] == "y")
            #expect(finding.json["severity"]?.string == finding.verdict.word)
        }
    }

    // MARK: Directories

    struct Place: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let mode: UInt32
        var owner: UInt32 = 10
        var home: (owner: UInt32, mode: UInt32, isDirectory: Bool)? = (10, 0o700, true)
        var archive: (owner: UInt32, isDirectory: Bool)?
        let findings: [String]
    }

    @Test(
        "says who may do what in it, and what could go wrong there",
        arguments: [
            Place(testDescription: "a user's own", mode: 0o755, findings: ["ok directory", "ok private"]),
            Place(testDescription: "not served yet", mode: 0o755, home: nil, findings: ["ok directory"]),
            Place(testDescription: "for all", mode: 0o1777, findings: ["ok directory", "ok private"]),
            Place(testDescription: "for a group", mode: 0o3770, findings: ["ok directory", "ok private"]),
            Place(
                testDescription: "for all, not sticky", mode: 0o777,
                findings: ["warning directory", "ok directory", "ok private"]),
            Place(
                testDescription: "sticky, and another's than the daemon's", mode: 0o1777, owner: 0,
                findings: ["warning directory", "ok directory", "ok private"]),
            Place(
                testDescription: "where the daemon may not write", mode: 0o755, owner: 0,
                findings: ["problem directory", "ok directory", "ok private"]),
            Place(
                testDescription: "with a private directory that is open", mode: 0o755, home: (10, 0o755, true),
                findings: ["ok directory", "warning private"]),
            Place(
                testDescription: "with a file in its place", mode: 0o755, home: (10, 0o644, false),
                findings: ["ok directory", "problem private"]),
            Place(
                testDescription: "with an archive", mode: 0o755, archive: (10, true),
                findings: ["ok directory", "ok private", "ok archive"]),
            Place(
                testDescription: "with another's archive", mode: 0o1777, archive: (11, true),
                findings: ["ok directory", "ok private", "warning archive"]),
            Place(
                testDescription: "with a link in its place", mode: 0o1777, archive: (10, false),
                findings: ["ok directory", "ok private", "warning archive"]),
        ])
    func access(place: Place) {
        func access(_ owner: UInt32, _ mode: UInt32, _ isDirectory: Bool) -> FileAccess {
            FileAccess(owner: owner, group: 20, mode: mode, isDirectory: isDirectory)
        }
        let facts = DirectoryFacts(
            path: "/s", root: access(place.owner, place.mode, true),
            home: place.home.map { access($0.owner, $0.mode, $0.isDirectory) },
            archive: place.archive.map { access($0.owner, 0o755, $0.isDirectory) },
            caller: Account(user: 30, groups: [20]), daemon: place.home.map { Account(user: $0.owner, groups: []) })
        #expect(Self.brief(facts.findings) == place.findings)
    }

    @Test("tells of an archive on another file system, where nothing can be moved to") func archiveElsewhere() {
        let access = FileAccess(owner: 10, group: 20, mode: 0o755, isDirectory: true)
        let facts = DirectoryFacts(
            path: "/s", root: access, home: nil, archive: access, archiveIsElsewhere: true,
            caller: Account(user: 10, groups: []), daemon: nil)
        #expect(Self.brief(facts.findings).last == "warning archive")
    }

    // MARK: The disk

    @Test(
        "knows when room becomes scarce",
        arguments: [
            (100 << 30, 200 << 30, "ok"), (4 << 30, 200 << 30, "warning"), (300 << 20, 1 << 30, "ok"),
            (200 << 20, 1 << 30, "warning"), (20 << 20, 1 << 30, "problem"), (40 << 30, 10 << 40, "ok"),
            (0, 0, "problem"),
        ] as [(UInt64, UInt64, String)])
    func space(free: UInt64, total: UInt64, word: String) {
        let space = DiskSpace(free: free, total: total, freeFiles: nil, totalFiles: 0)
        #expect(Self.brief(space.findings) == ["\(word) space", "ok files"])
    }

    @Test(
        "knows when inodes become scarce",
        arguments: [
            (1_000_000, 2_000_000, "ok"), (90_000, 2_000_000, "warning"), (5000, 6000, "warning"),
            (999, 999, "problem"),
        ]
            as [(UInt64, UInt64, String)])
    func inodes(free: UInt64, total: UInt64, word: String) {
        let space = DiskSpace(free: 1 << 40, total: 1 << 40, freeFiles: free, totalFiles: total)
        #expect(Self.brief(space.findings) == ["ok space", "\(word) files"])
    }

    @Test(
        "shows sizes as people say them",
        arguments: [
            (0, "0 bytes"), (1023, "1023 bytes"), (1024, "1 KiB"), (1536, "1.5 KiB"), (300 << 20, "300 MiB"),
            (3 << 40, "3 TiB"),
            (UInt64.max, "16777215 TiB"),
        ] as [(UInt64, String)])
    func sizes(bytes: UInt64, text: String) { #expect(DiskSpace.shown(bytes: bytes) == text) }

    // MARK: The daemon

    private static let daemon = DaemonIdentity(pid: 7, host: "h", user: "jobs", startedAt: now, version: "1")

    struct Served: Sendable {
        let presence: DaemonPresence
        var state = "running"
        var troubleAge: Double?
        var pause: DaemonFacts.PauseFacts?
        let findings: [String]
    }

    @Test(
        "says who serves the spool, and what keeps jobs from starting",
        arguments: [
            Served(presence: .running(daemon), findings: ["ok daemon"]),
            Served(presence: .running(nil), findings: ["ok daemon"]),
            Served(presence: .stopped(last: nil), findings: ["problem daemon"]),
            Served(presence: .stopped(last: daemon), state: "stopped", findings: ["problem daemon"]),
            Served(presence: .stopped(last: daemon), troubleAge: 1, findings: ["problem daemon"]),
            Served(presence: .unknown(last: nil, updatedAt: nil), findings: ["unchecked daemon"]),
            Served(presence: .unknown(last: daemon, updatedAt: now), findings: ["unchecked daemon"]),
            Served(presence: .running(daemon), state: "stopping", findings: ["ok daemon", "warning daemon"]),
            Served(presence: .running(daemon), troubleAge: 10, findings: ["ok daemon", "problem daemon"]),
            Served(presence: .running(daemon), troubleAge: 1000, findings: ["ok daemon", "warning daemon"]),
            Served(presence: .running(daemon), troubleAge: 100_000, findings: ["ok daemon"]),
            Served(
                presence: .running(daemon), pause: .counts(Pause(since: now, by: "anna", content: [])),
                findings: ["ok daemon", "warning pause"]),
            Served(
                presence: .running(daemon), pause: .countsForNothing(owner: "bob", isLink: false),
                findings: ["ok daemon", "warning pause"]),
        ])
    func served(row: Served) {
        var document: JSONObject = [
            "v": 1, "updated_at": .string(Self.now.description), "daemon": ["state": .string(row.state)],
        ]
        if let age = row.troubleAge {
            document["trouble"] = "write x: No space left on device"
            document["trouble_at"] = .string(Self.now.adding(seconds: -age).description)
        }
        let facts = DaemonFacts(
            path: "/s", presence: row.presence, overview: SpoolOverview(.object(document)), pause: row.pause,
            now: Self.now)
        #expect(Self.brief(facts.findings) == row.findings)
    }

    @Test("tells a daemon that was killed from one that was stopped") func killed() {
        for (state, words) in [("stopped", "has stopped"), ("running", "was killed")] {
            let overview = SpoolOverview(["daemon": ["state": .string(state)]])
            let facts = DaemonFacts(
                path: "/s", presence: .stopped(last: Self.daemon), overview: overview, pause: nil, now: Self.now)
            #expect(facts.findings.first?.message.contains(words) == true)
        }
    }

    // MARK: A canary

    @Test(
        "is not tried with a canary where nobody would see it, or remove it",
        arguments: [
            (0o1777, 10, 30, true, nil), (0o1777, 10, 30, false, .noDaemon), (0o755, 10, 30, true, .notWritable),
            (0o1777, 0, 30, true, .notRemovable), (0o1777, 0, 10, true, nil), (0o777, 0, 30, true, nil),
            (0o755, 10, 0, true, nil), (0o1777, 0, 0, true, .notRemovable),
        ] as [(UInt32, UInt32, UInt32, Bool, Canary.Reason?)])
    func canaryObstacle(mode: UInt32, owner: UInt32, caller: UInt32, isServed: Bool, reason: Canary.Reason?) {
        let facts = DirectoryFacts(
            path: "/s", root: FileAccess(owner: owner, group: 20, mode: mode, isDirectory: true), home: nil,
            archive: nil,
            caller: Account(user: caller, groups: []), daemon: Account(user: 10, groups: []))
        #expect(Canary.obstacle(facts, daemonIsRunning: isServed) == reason)
    }

    // MARK: What is left

    @Test("about what is left of attempts passes over those that may be under way") func attempts() {
        let old = Self.now.adding(seconds: -100)
        let left = PrivateFacts.left(
            of: [("over", old), ("unfinished", old), ("new", Self.now)], unfinished: ["unfinished"], now: Self.now)
        #expect(left == ["over"])
        let facts = PrivateFacts(asidePath: "/s/.jobspool/aside", aside: [], leftAttempts: left)
        #expect(Self.brief(facts.findings(now: Self.now)) == ["ok aside", "warning attempts"])
    }

    @Test("lists a few names and counts the rest") func lists() {
        #expect(listed(["a"]) == "a")
        #expect(listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more")
        #expect(counted(1, "file") == "1 file")
        #expect(counted(2, "file") == "2 files")
    }

    @Test(
        "says spans roughly",
        arguments: [
            (-1, "0 s"), (119.9, "119 s"), (120, "2 min"), (7200, "2 h"), (172_800, "2 days"),
            (.infinity, "11574074 days"),
        ]
            as [(Double, String)])
    func spans(seconds: Double, text: String) { #expect(roughly(seconds: seconds) == text) }
}
