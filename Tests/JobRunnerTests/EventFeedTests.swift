/// The feed over rotations, deaths and failing disks: every number once, and what is open known.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Synchronization
import TestSupport
import Testing

@testable import JobRunner

@Suite("The feed of events", .timeLimit(.minutes(2)))
struct EventFeedTests {
    /// A spool of the test's own.
    final class Place: Sendable {
        let path: String

        init() throws {
            var template = Array("\(quickDirectory)/jobspool-feed-XXXXXX".utf8CString)
            try #require(mkdtemp(&template) != nil)
            path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }

        deinit {
            do {
                let root = try Directory.open(path)
                for entry in try root.entries() { try root.removeTree(entry) }
            } catch {
                print("left behind: \(path): \(error)")
            }
            rmdir(path)
        }

        /// The numbers of all events, in archived feeds by their names, and in the present one.
        func numbers() throws -> [Int64] {
            let root = try Directory.open(path)
            var files: [(Directory, FileName)] = []
            if try root.stat(FileName("archive")) != nil {
                let archive = try root.directory("archive")
                for feed in try archive.entries().compactMap({ ArchivedFeed($0) }).sorted(by: {
                    $0.lastSequence < $1.lastSequence
                }) {
                    files.append((archive, feed.fileName))
                    let last = try Self.numbers(archive.read(feed.fileName) ?? []).last
                    #expect(last == feed.lastSequence)
                }
            }
            files.append((root, FileName("spool.events.jsonl")))
            return try files.flatMap { try Self.numbers($0.0.read($0.1) ?? []) }
        }

        private static func numbers(_ bytes: [UInt8]) throws -> [Int64] {
            try bytes.split(separator: 0x0A).compactMap { try JSON(parsing: Array($0))["sequence"]?.int64 }
        }
    }

    /// A clock that is an hour further each time, so that no feed is too young.
    struct Hours: Clocks {
        private static let hours = Atomic<Int64>(0)
        func now() -> Timestamp { Timestamp(milliseconds: 1_767_792_792_000) }
        func monotonic() -> Double { Double(Self.hours.add(1, ordering: .relaxed).newValue) * 3600 }
    }

    func status(_ name: String, _ standing: Standing) throws -> JobStatus {
        let identity = JobIdentity(
            name: try JobName(name), jobID: Self.id(of: name), type: "t", description: "", lane: "default", sequence: 1,
            dryRun: false, submittedBy: "root", createdAt: Clock.now(), labels: [:])
        return JobStatus(
            identity: identity, standing: standing, updatedAt: Clock.now(), message: "",
            request: Fingerprint(size: 0, seconds: 0, nanoseconds: 0))
    }

    /// A `job_id` for each name.
    static func id(of name: String) -> String {
        let digits = name.utf8.map { String($0, radix: 16) }.joined()
        return "00000000-0000-4000-8000-" + (String(repeating: "0", count: 12) + digits).suffix(12)
    }

    func open(_ feed: EventFeed) -> [String: String?] {
        Dictionary(uniqueKeysWithValues: feed.open.all.map { ($0.name.string, $0.id?.string) })
    }

    /// A job that stays open, and others that come and go.
    func tell(_ feed: EventFeed, _ round: Int) throws {
        if round == 0 { feed.append(.accepted, try status("stays", .pending)) }
        feed.append(.accepted, try status("job\(round)", .pending))
        try feed.flush()
        feed.append(.completed, try status("job\(round)", .completed))
        feed.notice("round \(round)")
        try feed.flush()
    }

    @Test("has all numbers over many rotations and restarts, and knows what is open from the feeds before")
    func rotations() throws {
        let place = try Place()
        try Clock.$replacement.withValue(Hours()) {
            for restart in 0..<4 {
                let feed = try EventFeed(try Spool.open(place.path), rotationSize: 500)
                if restart > 0 { #expect(open(feed) == ["stays": Self.id(of: "stays")]) }
                for round in 0..<5 { try tell(feed, restart * 5 + round) }
                #expect(open(feed).count == 1)
                #expect(feed.lastSequence == Int64(1 + (restart + 1) * 15))
            }
        }
        let numbers = try place.numbers()
        #expect(numbers == Array(1...61))
        #expect(try Directory.open("\(place.path)/archive").entries().count > 10)
    }

    @Test(
        "uses no number twice when a power cut has taken lines away; none is left out when the daemon had stopped",
        arguments: [0, 1, 6, 16])
    func powerCut(linesLeft: Int) throws {
        let place = try Place()
        let spool = try Spool.open(place.path)
        func feed(linesLeft: Int? = nil) throws -> EventFeed {
            if let linesLeft {
                let file = FileName("spool.events.jsonl")
                let lines = try #require(try spool.root.read(file)).split(separator: 0x0A).prefix(linesLeft)
                let size = lines.reduce(0) { $0 + $1.count + 1 }
                try spool.root.open(file, O_WRONLY).truncate(to: Int64(size))
            }
            let feed = try EventFeed(spool, rotationSize: 1 << 20)
            try feed.skipLost()
            return feed
        }
        var first = try feed()
        try spool.markBoot("first")
        #expect(first.lastSequence == 0, "a new spool's feed begins with 1")
        for round in 0..<5 { try tell(first, round) }
        try first.end()
        // A clean start of the machine.
        first = try feed()
        #expect(first.lastSequence == 16)
        for round in 5..<8 { try tell(first, round) }
        let told = first.lastSequence
        // All that it told after the clean stop is lost, and more, or less.
        let second = try feed(linesLeft: linesLeft)
        #expect(second.lastSequence > told)
        second.notice("goes on")
        try second.flush()
        #expect(try place.numbers() == (0..<linesLeft).map { Int64($0 + 1) } + [second.lastSequence])
    }

    @Test("is not begun anew before it is ten seconds old")
    func life() throws {
        let place = try Place()
        let feed = try EventFeed(try Spool.open(place.path), rotationSize: 1)
        for round in 0..<5 { try tell(feed, round) }
        #expect(try Directory.open("\(place.path)/archive").entries().count == 1)
        #expect(try place.numbers() == Array(1...16))
    }

    @Test(
        "has every number once after a death or a failure at any call, and goes on",
        arguments: [true, false], [EIO, ENOSPC])
    func faults(dies: Bool, code: Int32) throws {
        for target in 1... {
            let place = try Place()
            let calls = Atomic(0)
            let isOn = Atomic(true)
            let system = SystemCalls { _, _ in
                guard isOn.load(ordering: .relaxed) else { return nil }
                let call = calls.add(1, ordering: .relaxed).newValue
                return call == target || dies && call > target ? code : nil
            }
            let context = "\(dies ? "died" : "failed") at call \(target)"
            try Clock.$replacement.withValue(Hours()) {
                isOn.store(false, ordering: .relaxed)
                var feed = try EventFeed(try Spool.open(place.path, system: system), rotationSize: 300)
                isOn.store(true, ordering: .relaxed)
                for round in 0..<3 {
                    do {
                        try tell(feed, round)
                    } catch let error as SpoolError {
                        #expect(error.code == code)
                        if dies { break }
                    }
                }
                isOn.store(false, ordering: .relaxed)
                if dies {
                    let spool = try Spool.open(place.path)
                    try spool.clearTemporary()
                    feed = try EventFeed(spool, rotationSize: 300)
                }
                let before = try place.numbers()
                #expect(before == Array(1..<Int64(before.count + 1)), "\(context)")
                for round in 3..<6 { try tell(feed, round) }
                let numbers = try place.numbers()
                #expect(numbers == Array(1...feed.lastSequence), "\(context)")
                if numbers.count == 19 { #expect(open(feed).count == 1, "\(context)") }
                // And once more with nothing but the files.
                let last = try EventFeed(try Spool.open(place.path), rotationSize: 300)
                #expect(last.lastSequence == feed.lastSequence, "\(context)")
                #expect(open(last) == open(feed), "\(context)")
            }
            if calls.load(ordering: .relaxed) < target {
                #expect(target > 30)
                break
            }
        }
    }

    @Test(
        "is rotated where files cannot have second names, also when the new one cannot be made at first",
        arguments: [EPERM, EOPNOTSUPP])
    func noLinks(_ code: Int32) throws {
        let place = try Place()
        let isArchived = Atomic(false)
        let failures = Atomic(0)
        let system = SystemCalls { operation, path in
            if operation == .link { return code }
            if operation == .rename, path.contains("/archive/") { isArchived.store(true, ordering: .relaxed) }
            guard operation == .open, path.contains("/.jobspool/tmp/"), isArchived.load(ordering: .relaxed) else {
                return nil
            }
            isArchived.store(false, ordering: .relaxed)
            return failures.add(1, ordering: .relaxed).newValue < 3 ? ENOSPC : nil
        }
        try Clock.$replacement.withValue(Hours()) {
            let feed = try EventFeed(try Spool.open(place.path, system: system), rotationSize: 300)
            for round in 0..<9 { do { try tell(feed, round) } catch is SpoolError {} }
            #expect(failures.load(ordering: .relaxed) > 3)
            #expect(try place.numbers() == Array(1...feed.lastSequence))
        }
    }

    @Test("that somebody gave a second name is kept, and not written to", arguments: ["feed", "archive/feed"])
    func secondName(_ name: String) throws {
        let place = try Place()
        let spool = try Spool.open(place.path)
        try tell(try EventFeed(spool, rotationSize: 1 << 20), 0)
        _ = try spool.openArchive()
        try #require(link("\(place.path)/spool.events.jsonl", "\(place.path)/\(name)") == 0)
        let feed = try EventFeed(spool, rotationSize: 1 << 20)
        #expect(feed.lastSequence == 4)
        #expect(open(feed).count == 1)
        try tell(feed, 1)
        #expect(try place.numbers() == Array(1...7))
        #expect(try Directory.open(place.path).read(FileName(name))?.count { $0 == 0x0A } == 4)
    }

    @Test("of a daemon that kept no record is read back from the newest archived feed")
    func noRecord() throws {
        let place = try Place()
        let spool = try Spool.open(place.path)
        try tell(try EventFeed(spool, rotationSize: 1), 0)
        try spool.home.remove(FileName("feed"))
        let feed = try EventFeed(spool, rotationSize: 1 << 20)
        #expect(feed.lastSequence == 4)
        #expect(open(feed) == ["stays": Self.id(of: "stays")])
    }

    @Test("goes on with its numbers when archived feeds have been deleted")
    func deleted() throws {
        let place = try Place()
        try tell(try EventFeed(try Spool.open(place.path), rotationSize: 1), 0)
        try Directory.open(place.path).removeTree(FileName("archive"))
        let feed = try EventFeed(try Spool.open(place.path), rotationSize: 1 << 20)
        #expect(feed.lastSequence == 4)
        #expect(open(feed).count == 1)
    }
}
