import JSONText
import Testing

@testable import jobspool_records

/// Values of a cursor field at the ends of what numbers can be.
@Suite struct CursorTests {
    @Test(arguments: ["1e999", "-1e999", "123456789e999999"])
    func aNumberBeyondAllNumbersIsNoCursor(text: String) throws {
        #expect(Cursor(try JSON(parsing: text)) == nil)
    }

    @Test(arguments: ["5e1234", "-1e999", "0x1p99999"])
    func aTextThatIsNoFiniteNumberIsAText(text: String) throws {
        #expect(try #require(Cursor(.string(text))).meaning == .text(text))
    }

    @Test(arguments: [
        ("-9223372036854775808", 1, "-9223372036854775808"), ("-9223372036854775800", 60, "-9223372036854775808"),
        ("9223372036854775807", 60, "9223372036854715807"), ("-1.7e308", 3_153_600_000, "-1.7e+308"),
    ])
    func whatIsMadeEarlierStaysANumber(cursor: String, seconds: Int, expected: String) throws {
        #expect(try #require(Cursor(JSON(parsing: cursor))).earlier(by: seconds)?.json.text == expected)
    }

    @Test func aBookmarkStaysBehindANumberBeyondAllNumbers() async throws {
        let scratch = try Scratch()
        try scratch.write("a.ndjson", "{\"id\": 1, \"n\": 1e999}\n{\"id\": 2, \"n\": 7}\n")
        let incremental: JSONObject = ["mode": "incremental", "cursor_field": "n", "lookback_seconds": 5]
        #expect(try scratch.sync("a.ndjson", incremental).counts == "2 0 0 0 0")
        try scratch.write("a.ndjson", "{\"id\": 3, \"n\": 1}\n{\"id\": 4, \"n\": 2}\n{\"id\": 5, \"n\": 9}\n")
        let next = try scratch.sync("a.ndjson", incremental)
        #expect(next.counts == "2 0 0 0 0", "\(next.errors)")
    }
}
