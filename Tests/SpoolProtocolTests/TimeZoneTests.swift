/// Time-zone files: rules for the future, damaged files, and every zone of the machine against Python's reading of it.
import Foundation
import TestSupport
import Testing

@testable import SpoolProtocol

@Suite("A time-zone file")
struct TimeZoneTests {
    @Test(
        "says by its footer what the offset is in any year",
        arguments: [
            ("UTC0", "2026-07-01T00:00:00Z", 0), ("<+0545>-5:45", "2026-07-01T00:00:00Z", 20_700),
            (Zones.berlin, "2026-03-29T00:59:59Z", 3600), (Zones.berlin, "2026-03-29T01:00:00Z", 7200),
            (Zones.berlin, "2026-10-25T00:59:59Z", 7200), (Zones.berlin, "2026-10-25T01:00:00Z", 3600),
            (Zones.berlin, "2099-07-01T00:00:00Z", 7200), (Zones.berlin, "9999-12-31T23:00:00Z", 3600),
            (Zones.newYork, "2026-01-01T00:00:00Z", -18_000), (Zones.newYork, "2026-11-01T05:59:59Z", -14_400),
            (Zones.lordHowe, "2026-01-01T00:00:00Z", 39_600), (Zones.lordHowe, "2026-06-01T00:00:00Z", 37_800),
            // Dublin's standard time is that of summer.
            ("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-01-01T00:00:00Z", 0),
            ("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-01T00:00:00Z", 3600),
            // Times outside of the day: Nuuk and Jerusalem.
            ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z", -7200),
            ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z", -3600),
            ("IST-2IDT,M3.4.4/26,M10.5.0", "2026-03-26T23:59:59Z", 7200),
            ("IST-2IDT,M3.4.4/26,M10.5.0", "2026-03-27T00:00:00Z", 10_800),
            // Days by number: J60 is always 1 March, 59 is 29 February in a leap year.
            ("AAA0BBB,J60/0,J300/0", "2028-02-29T23:59:59Z", 0), ("AAA0BBB,J60/0,J300/0", "2028-03-01T00:00:00Z", 3600),
            ("AAA0BBB,59/0,300/0", "2028-02-29T00:00:00Z", 3600), ("AAA0BBB,59/0,300/0", "2027-02-28T23:59:59Z", 0),
            // Daylight-saving time all the year round.
            ("XXX3EDT4,0/0,J365/23", "2026-01-01T04:00:00Z", -14_400),
            ("XXX3EDT4,0/0,J365/23", "2026-12-31T23:59:59Z", -14_400),
            ("XXX3EDT4,0/0,J365/23", "2027-01-01T03:30:00Z", -14_400),
        ])
    func footer(_ footer: String, _ time: String, _ offset: Int64) throws {
        #expect(try Zones.zone(footer).offset(at: Samples.time(time).wholeSeconds) == offset)
    }

    @Test(
        "with a footer that is no rule is refused",
        arguments: [
            "CET", "CE-1", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
            "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J300", "CET-1CEST,366,300", "CET-25", "CET-1:60", "CET-1x",
            "<CET-1",
            "CET-1CEST,M3.5.0/168,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0,", ":Europe/Berlin", "CET--1",
            "CET-1CEST,M3.5,M10.5.0",
        ])
    func badFooter(_ footer: String) {
        let problem = #expect(throws: TimeZoneRules.Problem.self) { try Zones.zone(footer) }
        #expect(problem?.description.contains("a rule that is none") ?? false)
    }

    @Test("may lack the footer, and then nothing changes any more") func noFooter() throws {
        #expect(try Zones.zone("").period(at: 0).end == TimeZoneRules.distantFuture)
    }

    @Test("that is cut off anywhere is refused, and so is what is none") func damaged() throws {
        let whole = Zones.file(footer: Zones.berlin)
        for length in 0..<whole.count {
            #expect(throws: TimeZoneRules.Problem.self) { try TimeZoneRules(tzif: Array(whole.prefix(length))) }
        }
        var other = whole
        other[0] = 0x74
        #expect(throws: TimeZoneRules.Problem.self) { try TimeZoneRules(tzif: other) }
        var huge = whole
        huge.replaceSubrange(32..<36, with: [0x7F, 0xFF, 0xFF, 0xFF])
        #expect(throws: TimeZoneRules.Problem.self) { try TimeZoneRules(tzif: huge) }
        var noTypes = whole
        noTypes[39] = 0
        #expect(throws: TimeZoneRules.Problem.self) { try TimeZoneRules(tzif: noTypes) }
    }

    @Test("of random bytes is refused or read, but harms nobody") func random() {
        var random = SeededGenerator(seed: 1)
        let whole = Zones.file(footer: Zones.berlin)
        for _ in 0..<2000 {
            var bytes = whole
            for _ in 0..<3 {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            do {
                _ = try TimeZoneRules(tzif: bytes).offset(at: 1_800_000_000)
            } catch {
                // Refused.
            }
        }
    }

    @Test("of version 1 has no footer, and ends with its last change") func version1() throws {
        var bytes = Zones.file(footer: Zones.berlin)
        bytes[4] = 0
        // One change: at 1, to an offset of 2 seconds.
        bytes[35] = 1
        bytes.replaceSubrange(44..<52, with: [0, 0, 0, 1, 0] + [0, 0, 0])
        bytes[48] = 0
        let zone = try TimeZoneRules(tzif: bytes + [UInt8](repeating: 0, count: 8))
        #expect(zone.period(at: 4_000_000_000).start == 1)
        #expect(zone.period(at: 4_000_000_000).end == TimeZoneRules.distantFuture)
        #expect(zone.period(at: 0).end == 1)
    }

    @Test(
        "that counts leap seconds is refused, with the remedy",
        .enabled(if: FileManager.default.fileExists(atPath: "\(Zones.directory)/right/Europe/Berlin"), "needs tzdata"))
    func leapSeconds() {
        let problem = #expect(throws: TimeZoneRules.Problem.self) { try Zones.installed("right/Europe/Berlin") }
        #expect(problem?.description.contains("without \"right/\"") ?? false)
    }

    /// For each zone a line: its name, and instants with the offset that Python's zoneinfo gives. Instants are spread from
    /// 1850 to 2250, and where two neighbours differ, the second of a change between them and the one before it are added.
    private static let script = """
        import datetime, os, zoneinfo
        root = zoneinfo.TZPATH[0]
        def offset(zone, t):
            return int((datetime.datetime.fromtimestamp(t, zone).utcoffset()).total_seconds())
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(f for f in folders if f not in ("right", "posix"))
            for file in sorted(files):
                path = os.path.join(folder, file)
                with open(path, "rb") as f:
                    if f.read(4) != b"TZif": continue
                with open(path, "rb") as f:
                    zone = zoneinfo.ZoneInfo.from_file(f)
                samples = []
                last = None
                for t in range(-3786825600, 8835984000, 40000003):
                    o = offset(zone, t)
                    if last is not None and last[1] != o:
                        low, high = last[0], t
                        while high - low > 1:
                            middle = (low + high) // 2
                            if offset(zone, middle) == last[1]: low = middle
                            else: high = middle
                        samples += [(low, last[1]), (high, offset(zone, high))]
                    samples.append((t, o))
                    last = (t, o)
                print(os.path.relpath(path, root), *(f"{t}:{o}" for t, o in samples))
        """

    private static func python() throws -> String? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil
    }

    @Test(
        "of every zone of this machine says what Python says of it, at changes to the second",
        .enabled(if: Zones.areInstalled, "needs tzdata"))
    func asPython() throws {
        let output = try #require(try Self.python(), "there is no python3 of 3.9 or later: install python3")
        let lines = output.split(separator: "\n")
        #expect(lines.count > 300)
        for line in lines {
            let words = line.split(separator: " ")
            let zone = try Zones.installed(String(words[0]))
            for word in words.dropFirst() {
                let numbers = word.split(separator: ":").compactMap { Int64($0) }
                let offset = zone.offset(at: numbers[0])
                if offset != numbers[1] { Issue.record("\(words[0]) at \(numbers[0]): \(offset), not \(numbers[1])") }
            }
        }
    }
}
