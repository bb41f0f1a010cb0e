/// Times as the spool's files write them.
import Foundation
import JSONText
import SpoolProtocol
import TestSupport
import Testing

@Suite("A timestamp")
struct TimestampTests {
    @Test(
        "is written in UTC with milliseconds and read back",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1, "1970-01-01T00:00:00.001Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (1_767_792_792_000, "2026-01-07T13:33:12.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"), (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (4_107_456_000_000, "2100-02-28T00:00:00.000Z"),
            (-2_208_988_800_000, "1900-01-01T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"), (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        ] as [(Int64, String)])
    func written(_ milliseconds: Int64, _ text: String) {
        #expect(Timestamp(milliseconds: milliseconds).description == text)
        #expect(Timestamp(text)?.milliseconds == milliseconds)
    }

    @Test(
        "is read with offsets, fractions and the letters in lower case",
        arguments: [
            ("2026-01-07T13:33:12Z", "2026-01-07T13:33:12.000Z"), ("2026-01-07t13:33:12z", "2026-01-07T13:33:12.000Z"),
            ("2026-01-07 13:33:12Z", "2026-01-07T13:33:12.000Z"),
            ("2026-01-07T13:33:12+01:00", "2026-01-07T12:33:12.000Z"),
            ("2026-01-07T13:33:12-05:30", "2026-01-07T19:03:12.000Z"),
            ("2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00.000Z"),
            ("2024-02-29T23:30:00-01:00", "2024-03-01T00:30:00.000Z"),
            ("2026-01-07T13:33:12-00:00", "2026-01-07T13:33:12.000Z"),
            ("2026-01-07T13:33:12.5Z", "2026-01-07T13:33:12.500Z"),
            ("2026-01-07T13:33:12.05Z", "2026-01-07T13:33:12.050Z"),
            ("2026-01-07T13:33:12.123456789123456789123456789Z", "2026-01-07T13:33:12.123Z"),
            ("2026-01-07T13:33:12.9999Z", "2026-01-07T13:33:12.999Z"),
            ("1969-12-31T23:59:59.25Z", "1969-12-31T23:59:59.250Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000Z"),
        ])
    func read(_ text: String, _ canonical: String) { #expect(Timestamp(text)?.description == canonical) }

    @Test(
        "is nothing else",
        arguments: [
            "", "2026", "2026-01-07", "2026-01-07T13:33Z", "2026-01-07T13:33:12", "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z",
            "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-07T24:00:00Z", "2026-01-07T23:60:00Z",
            "2026-01-07T23:59:61Z", "2026-01-07T13:33:12.Z", "2026-01-07T13:33:12,5Z", "2026-01-07T13:33:12+0100",
            "2026-01-07T13:33:12+24:00", "2026-01-07T13:33:12+01:60", "2026-01-07T13:33:12Z ",
            " 2026-01-07T13:33:12Z", "2026-1-7T13:33:12Z", "+2026-01-07T13:33:12Z", "-026-01-07T13:33:12Z",
            "12026-01-07T13:33:12Z", "2026/01/07T13:33:12Z", "2026-01-07T13:33:12ZZ", "2026-01-07T1３:33:12Z",
            "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2026-01-07T13:33:12.5", "1767792792",
        ])
    func refused(_ text: String) { #expect(Timestamp(text) == nil) }

    @Test("is read back the same for any time", arguments: [1, 2, 3, 4] as [UInt64])
    func roundTrip(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let range = Timestamp.earliest.milliseconds...Timestamp.latest.milliseconds
            let time = Timestamp(milliseconds: .random(in: range, using: &random))
            #expect(Timestamp(time.description) == time, "\(time)")
        }
    }

    @Test("of a time that RFC 3339 cannot say is the nearest that it can", arguments: [Int64.min, .max])
    func extremes(_ value: Int64) {
        let nearest = value > 0 ? Timestamp.latest : .earliest
        #expect(Timestamp(milliseconds: value) == nearest)
        #expect(Timestamp(seconds: value, nanoseconds: 999_999_999) == nearest)
        #expect(Timestamp(seconds: value / 1000, nanoseconds: 0) == nearest)
        #expect(Timestamp(nearest.description) == nearest)
        #expect(nearest.adding(seconds: value > 0 ? 1 : -1) == nearest)
        #expect(Timestamp.latest.seconds(since: .earliest) == 315_569_519_999.999)
    }

    @Test(
        "counts seconds and nanoseconds as stat(2) gives them",
        arguments: [
            (0, 0, 0), (0, 999_999_999, 999), (-1, 250_000_000, -750), (1_767_792_792, 1_000_000, 1_767_792_792_001),
        ]
            as [(Int64, Int64, Int64)])
    func stat(_ seconds: Int64, _ nanoseconds: Int64, _ milliseconds: Int64) {
        #expect(Timestamp(seconds: seconds, nanoseconds: nanoseconds).milliseconds == milliseconds)
    }

    @Test("is moved by any number of seconds, and by infinitely many")
    func adding() {
        let time = Timestamp(milliseconds: 1000)
        #expect(time.adding(seconds: 0.0014).milliseconds == 1001)
        #expect(time.adding(seconds: -2).milliseconds == -1000)
        #expect(time.adding(seconds: 1e300) == .latest)
        #expect(time.adding(seconds: .infinity) == .latest)
        #expect(time.adding(seconds: -.infinity) == .earliest)
        #expect(time.adding(seconds: .nan) == .earliest)
    }

    @Test("is never before an earlier one: clocks are set back")
    func since() {
        let (early, late) = (Timestamp(milliseconds: 1000), Timestamp(milliseconds: 2500))
        #expect(late.seconds(since: early) == 1.5)
        #expect(early.seconds(since: late) == 0)
        #expect(early < late)
    }

    @Test(
        "agrees with date(1)",
        arguments: [
            0, 86_399, 951_782_400, 1_767_792_792, 4_107_542_399, -1, -2_208_988_801, 253_402_300_799, -62_135_596_800,
        ]
            as [Int64])
    func date(_ seconds: Int64) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["date", "-u", "-d", "@\(seconds)", "+%Y-%m-%dT%H:%M:%S.000Z"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(Timestamp(milliseconds: seconds * 1000).description + "\n" == text)
    }
}

@Suite("A fingerprint")
struct FingerprintTests {
    @Test(
        "is written as stat -c %.9Y writes it and read back",
        arguments: [
            (0, 0, "0.000000000"), (1_767_792_792, 5, "1767792792.000000005"), (-1, 250_000_000, "-0.750000000"),
            (-2, 250_000_000, "-1.750000000"), (-2, 0, "-2.000000000"),
            (.max, 999_999_999, "9223372036854775807.999999999"),
            (.min, 1, "-9223372036854775807.999999999"), (.min, 0, "-9223372036854775808.000000000"),
        ] as [(Int64, Int64, String)])
    func roundTrip(_ seconds: Int64, _ nanoseconds: Int64, _ mtime: String) {
        let fingerprint = Fingerprint(size: 7, seconds: seconds, nanoseconds: nanoseconds)
        #expect(fingerprint.json == ["size": 7, "mtime": .string(mtime)])
        #expect(Fingerprint(json: fingerprint.json) == fingerprint)
        #expect(Timestamp(fingerprint.modifiedAt.description) == fingerprint.modifiedAt)
    }

    @Test(
        "is nil for what is none",
        arguments: [
            nil, .null, ["size": 1], ["mtime": "1.000000000"], ["size": 1, "mtime": 1], ["size": 1, "mtime": "1"],
            ["size": 1, "mtime": "1.5"], ["size": 1, "mtime": "1.-00000005"], ["size": 1, "mtime": "x.000000000"],
            ["size": 1, "mtime": "-9223372036854775808.000000001"], ["size": 1.5, "mtime": "1.000000000"],
        ] as [JSON?])
    func refused(_ json: JSON?) { #expect(Fingerprint(json: json) == nil) }
}
