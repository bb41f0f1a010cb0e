import JSONText
import Testing

@testable import jobspool_records

/// The pure parts: canonical JSON, hashes, cursors, numbers, content lines, normal forms.
@Suite struct ValueTests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ), (String(repeating: "a", count: 64), "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"),
        (String(repeating: "a", count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ])
    func theHashIsSHA256(text: String, hex: String) {
        let hash = SHA256.hash(Array(text.utf8))
        #expect(hash.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() == hex)
    }

    @Test func hashesOfAllLengthsAreThoseOfSha256sum() throws {
        let scratch = try Scratch()
        var expected = ""
        for length in 0..<200 {
            let bytes = (0..<length).map { UInt8(0x61 + ($0 * 7 + length) % 26) }
            try scratch.write("\(length)", String(decoding: bytes, as: UTF8.self))
            expected +=
                SHA256.hash(bytes).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() + "\n"
        }
        #expect(try scratch.sh("for i in {0..199}; do sha256sum $i; done | cut -c1-64") == expected)
    }

    @Test func membersAreSortedByTheirUTF16CodeUnits() {
        let names = [
            "\u{20ac}", "\r", "\u{fb33}", "1", "\u{1f600}", "\u{80}", "\u{f6}", "", "10", "\u{d7ff}", "\u{e000}",
            "\u{ffff}", "\u{10ffff}",
        ]
        for a in names {
            for b in names {
                #expect(
                    CanonicalJSON.precedes(a.utf8, b.utf8) == Array(a.utf16).lexicographicallyPrecedes(Array(b.utf16)),
                    "\(a) \(b)")
            }
        }
    }

    @Test func textsAreEscapedAsLittleAsPossible() {
        var bytes: [UInt8] = []
        let text =
            String(String.UnicodeScalarView((0..<0x21).map { Unicode.Scalar($0) })) + "\"\\/\u{7f}\u{2028}é😀 and so on"
        CanonicalJSON.write(text: Array(text.utf8), to: &bytes)
        let written = String(decoding: bytes, as: UTF8.self)
        #expect(
            written
                == #""\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010\u0011\u0012\u0013\u0014"#
                + #"\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f \"\\/"#
                + "\u{7f}\u{2028}é😀 and so on\"")
    }

    @Test(arguments: [
        ("1", "2"), ("9", "10"), ("\"9\"", "\"10\""), ("1.5", "2"), ("-2", "-1.5"), ("\"a\"", "\"b\""),
        ("\"2026-01-01\"", "\"2026-01-02\""), ("\"2026-01-01T10:00:00+02:00\"", "\"2026-01-01T08:00:00.5Z\""),
        ("\"2026-01-01 10:00\"", "\"2026-01-01T10:00:01\""), ("\"20260101T100000Z\"", "\"20260101T100001Z\""),
        ("9223372036854775806", "9223372036854775807"),
    ])
    func cursorsAreCompared(a: String, b: String) throws {
        let earlier = try #require(Cursor(JSON(parsing: a)))
        let later = try #require(Cursor(JSON(parsing: b)))
        #expect(earlier.isBefore(later))
        #expect(!later.isBefore(earlier))
        #expect(!earlier.isBefore(earlier))
    }

    @Test(arguments: ["null", "true", "{}", "[]", "\"\""])
    func whatHasNoOrderIsNoCursor(text: String) throws {
        #expect(Cursor(try JSON(parsing: text)) == nil)
    }

    @Test(arguments: [
        ("\"2026-03-01T00:00:10Z\"", 20, "\"2026-02-28T23:59:50Z\""), ("\"2024-03-01\"", 1, "\"2024-02-29\""),
        ("\"2026-01-01 00:00:00.250+05:30\"", 86400, "\"2025-12-31 00:00:00.250+05:30\""),
        ("\"20260101T000000Z\"", 1, "\"20251231T235959Z\""),
        ("\"2026-01-01T10:00\"", 3600, "\"2026-01-01T09:00\""),
        ("\"1970-01-01T00:00:00Z\"", 1, "\"1969-12-31T23:59:59Z\""),
        ("1700000000", 60, "1699999940"), ("1700000000000", 60, "1699999940000"),
        ("\"1700000000\"", 60, "\"1699999940\""),
        ("\"0001-01-01\"", 86400, "\"0000-12-31\""),
    ])
    func cursorsAreMadeEarlierInTheirOwnForm(cursor: String, seconds: Int, expected: String) throws {
        #expect(try #require(Cursor(JSON(parsing: cursor))).earlier(by: seconds)?.json.text == expected)
    }

    @Test func aTextCanNotBeMadeEarlier() throws {
        #expect(try #require(Cursor("abc")).earlier(by: 1) == nil)
    }

    @Test(arguments: [
        "2026-13-01", "2026-01-32", "2026-01", "2026-01-01T", "2026-01-01T1", "2026-01-01T10:61",
        "2026-01-01T10:00:00+1", "2026-01-01x", "",
    ])
    func whatIsNoTimeIsToldFromOne(text: String) {
        #expect(CivilTime(text) == nil)
    }

    @Test func timesAreWhatDateSaysTheyAre() throws {
        let scratch = try Scratch()
        let times = [
            "1600-02-29T12:00:00Z", "1899-12-31T23:59:59Z", "2000-02-29T00:00:00Z", "2100-03-01T00:00:00Z",
            "2026-11-21T11:40:00Z",
        ]
        for (time, seconds) in zip(times, [1, 86_399, 5_000_000, 400_000_000, 12_345_678_901]) {
            let judged = try scratch.sh(
                "date -u -d \"$(date -u -d '\(time)' +%F' '%T) UTC - \(seconds) seconds\" +%FT%TZ"
            ).dropLast()
            #expect(CivilTime(time)?.earlier(by: seconds).text == String(judged))
        }
    }

    @Test(
        arguments: [
            ("0", .integer(0)), ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .text),
            ("1.5", .real(1.5)),
            ("1.10", .real(1.1)), ("1e2", .real(100)), ("-0.0", .real(0)), ("1E-7", .real(1e-7)), ("0.1", .real(0.1)),
            ("0.10000000000000001", .text), ("123456789012345680000", .real(0x1.ac53a7e04bcdap66)), ("1e400", .text),
            ("179769313486231570000e291", .text), ("1.7976931348623157e308", .real(1.7976931348623157e308)),
            ("5e-324", .real(.leastNonzeroMagnitude)), ("4e-324", .text),
            ("1e99999999999999999999", .text),
        ] as [(String, NumberStorage)])
    func aNumberIsKeptInTheFormThatLosesNoDigit(text: String, storage: NumberStorage) {
        #expect(NumberStorage(text) == storage)
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy"), ("\u{ff}\u{0}", "w78A"),
    ])
    func bytesBecomeBase64(text: String, encoded: String) {
        #expect(Base64.encode(Array(text.utf8)[...]) == encoded)
    }

    @Test(
        arguments: [
            ([0x61], true), ([0xC3, 0xA9], true), ([0xC3], false), ([0xC0, 0x80], false), ([0xED, 0xA0, 0x80], false),
            ([0xF0, 0x9F, 0x98, 0x80], true),
            ([0xF4, 0x90, 0x80, 0x80], false), ([0xE0, 0x80, 0x80], false), ([0xFF], false), ([0xE2, 0x82], false),
            (Array("12345678é12345678".utf8), true), (Array("1234567890".utf8) + [0x80], false),
        ] as [([UInt8], Bool)])
    func utf8IsToldFromOtherBytes(bytes: [UInt8], isValid: Bool) {
        #expect(bytes.withUnsafeBufferPointer { UTF8Check.isValid($0) } == isValid)
    }

    @Test(
        arguments: [
            ("SUMMARY:a:b;c", "SUMMARY", [], "a:b;c"), ("dtstart;tzid=X:1", "DTSTART", ["TZID=X"], "1"),
            (#"ATTENDEE;CN="a;b:c,d";ROLE=CHAIR:mailto:x@y"#, "ATTENDEE", ["CN=a;b:c,d", "ROLE=CHAIR"], "mailto:x@y"),
            ("X-A;P=^^^'^n^x:", "X-A", ["P=^\"\n^x"], ""),
            (#"DESCRIPTION:a\, b\; c\\ d\ne\N"#, "DESCRIPTION", [], "a, b; c\\ d\ne\n"),
            (#"URL:http://x/\n"#, "URL", [], #"http://x/\n"#), (#"X-B;VALUE=URI:\n"#, "X-B", ["VALUE=URI"], #"\n"#),
        ] as [(String, String, [String], String)])
    func contentLinesAreTakenApart(text: String, name: String, parameters: [String], meaning: String) throws {
        let line = try #require(ContentLine(Array(text.utf8)))
        #expect(line.name == name)
        #expect(line.parameters.map { "\($0.name)=\($0.value)" } == parameters)
        #expect(line.meaning == meaning)
    }

    @Test(arguments: ["", "NAME", ":x", "A;B:x", "A;B=\"x:y", "a b:c"])
    func whatIsNoContentLineIsToldFromOne(text: String) {
        #expect(ContentLine(Array(text.utf8)) == nil)
    }

    @Test(
        arguments: [
            (Normalizer.exact, " A ", " A "), (.lower, " ÄB c ", "äb c"), (.sku, "ab-12 / 3.x", "AB123X"),
            (.sku, "--", nil),
            (.email, " Anna@Example.ORG ", "anna@example.org"), (.email, "Anna <mailto:Anna@x.org>", "anna@x.org"),
            (.email, "anna", nil),
            (.email, "a@b@c", nil), (.email, "@x", nil), (.phone, "+49 (0)30 123-456", "4930123456"),
            (.phone, "0049 30 123456", "4930123456"),
            (.phone, "Tel. +49 30 123456 ext. 7", "4930123456"), (.phone, "030 123456", "030123456"),
            (.phone, "12", nil), (.phone, "none", nil),
        ] as [(Normalizer, String, String?)])
    func valuesAreNormalized(normalizer: Normalizer, value: String, expected: String?) {
        #expect(normalizer.normalize(value) == expected)
    }

    @Test func aPhoneNumberGetsTheCodeOfItsCountry() {
        for value in ["030 123456", "+49 30 123456", "0049 (30) 123456", "30/123456"] {
            #expect(Normalizer.phone.normalize(value, country: "49") == "4930123456")
        }
    }
}

/// The quick parser of objects against the general one.
@Suite struct JSONRecordTests {
    private func records(_ lines: [String], quick: Bool) -> [String] {
        var batch = RecordBatch(limit: 10000)
        let parser = JSONRecordParser(LayoutCache())
        for (number, line) in lines.enumerated() {
            // A parser that has seen no record has no layout to be quick with.
            let fresh = quick ? parser : JSONRecordParser(LayoutCache())
            Array(line.utf8).withUnsafeBufferPointer { fresh.append($0, at: Place(number: number + 1), to: &batch) }
        }
        return (0..<batch.count).map { record in
            if let problem = batch.problem(record) { return "\(problem.code) \(problem.message)" }
            do {
                return JSON.object(try batch.object(record)).text
            } catch {
                return "\(error)"
            }
        }
    }

    @Test func bothMakeTheSameOfEveryText() {
        let values = [
            "1", "-0", "1.5e+10", "01", "1.", ".5", "-", "1e", "true", "false", "null", "tru", "nul", "\"\"", "\"a\"",
            "\"é😀\"", "\"\\n\\t\\\"\\\\\\/\\b\\f\\r\"",
            "\"\\u00e9\\u20AC\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\u12\"", "\"\\x\"", "\"\u{1}\"", "\"open",
            "[]", "{}", "[1, {\"b\": 2, \"a\": [\"]\", \"\\\"\"]}]",
            "[1", "{\"x\": 1, \"x\": 2}", "[01]", " 7 ", "", "7 8",
        ]
        var lines: [String] = []
        for value in values {
            lines.append("{\"id\": 1, \"v\": \(value)}")
            lines.append(" {\"id\":1 , \"v\"\n:\(value)\t} ")
            lines.append("{\"v\": \(value), \"id\": 1}")
            lines.append("{\"id\": 1, \"v\": \(value)} x")
            lines.append("{\"id\": 1, \"v\": \(value), }")
        }
        #expect(records(lines, quick: true) == records(lines, quick: false))
    }
}
