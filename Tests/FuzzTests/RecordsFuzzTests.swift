/// The parsers of the records' files: broken ones have problems at places, and no parser ends the process or reads for ever.
import Foundation
import JSONText
import Testing

@testable import JobHandler
@testable import jobspool_records

@Suite("Broken records", .serialized)
struct RecordsFuzzTests {
    private static let directory = NSTemporaryDirectory()

    private static func read(
        _ bytes: [UInt8], in path: String, _ make: (FileBuffer) -> any FileParser
    ) throws -> String? {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        try #require(file >= 0)
        let written = bytes.withUnsafeBytes { write(file, $0.baseAddress, bytes.count) }
        close(file)
        try #require(written == bytes.count)
        do {
            let parser = make(try FileBuffer(path, capacity: 16))
            var batch = RecordBatch(limit: 7)
            var rounds = 0
            var isMore = true
            while isMore {
                isMore = try parser.read(into: &batch)
                for record in 0..<batch.count where batch.problem(record) == nil {
                    _ = try JSON(parsing: JSON.object(try batch.object(record)).bytes)
                }
                batch.removeAll()
                rounds += 1
                if rounds > bytes.count + 2 { return "it has no end" }
            }
            _ = try make(try FileBuffer(path, capacity: 16)).count()
            return nil
        } catch let failure as JobFailure {
            return failure.message.isEmpty ? "no message" : nil
        }
    }

    private static func run(
        _ name: String, corpus: [String], words: [String], _ make: (FileBuffer) -> any FileParser
    ) throws {
        let path = directory + "jobspool-fuzz-file-\(getpid())"
        defer { unlink(path) }
        try Fuzzing.run(name, corpus: corpus, words: words) { try read($0, in: path, make) }
    }

    @Test("in CSV")
    func csv() throws {
        let files = [
            "id,name\n1,Anna\n2,\"B \"\"b\"\", c\"\n", "a;b\r\n1;\r\n\r\n\"x\ny\";2\r\n", "\u{FEFF}id\n\u{E9}\n",
        ]
        for delimiter in [",", ";"].map({ UInt8(ascii: Unicode.Scalar($0)!) }) {
            try Self.run("csv", corpus: files, words: ["\"\"", "\",", "\r"]) {
                CSVParser($0, file: 0, delimiter: delimiter, fields: nil, LayoutCache())
            }
        }
    }

    @Test("in JSON")
    func json() throws {
        let files = [
            #"[{"id": 1, "a": "x\u00e9"}, {"id": 2.50, "b": {"c": [1, null, true]}}]"#,
            #"{"d": {"items": [{"id": 1}]}}"#,
        ]
        for array in [[], ["d", "items"]] {
            try Self.run("json-array", corpus: files, words: ["\"d\":", "\"items\":", "}]", "{\"id\":"]) {
                JSONArrayParser($0, file: 0, array: array, LayoutCache())
            }
        }
    }

    @Test("in NDJSON")
    func ndjson() throws {
        let files = ["{\"id\": 1, \"a\": \"\\ud83d\\ude00\"}\n{\"id\": 2}\n", "\n\r\n{\"id\":\"\\n\"}"]
        try Self.run("ndjson", corpus: files, words: ["\\u", "\\ud83d", "\"id\":"]) {
            NDJSONParser($0, file: 0, LayoutCache())
        }
    }

    @Test("in iCalendar")
    func calendar() throws {
        let files = [
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;TZID=Europe/Berlin:20260101T100000\r\nSUMMARY;X=\"a:b\":x\\, y\r\n z\r\nBEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:2\nEND:VEVENT\nEND:VCALENDAR",
        ]
        let words = ["BEGIN:VEVENT\r\n", "END:VEVENT\r\n", "\r\n ", ";X=", ":\"", "BEGIN:", "END:"]
        try Self.run("icalendar", corpus: files, words: words) { CalendarParser($0, file: 0, LayoutCache()) }
        try Fuzzing.run(
            "content-line", corpus: ["DTSTART;TZID=\"a^nb\",c;V=1:x\\;y\\n", "A:b"], words: ["^n", "^^", "^'"]
        ) { bytes in
            _ = ContentLine(bytes)
            return nil
        }
    }

    @Test("in the links of answers")
    func links() throws {
        let headers = [#"<https://e/x?page=2>; rel="next", </y>; rel="prev last"; title="a\"b""#, "<x>;rel=next"]
        try Fuzzing.run("link-header", corpus: headers, words: ["<", ">", ";", "rel=", ","]) { bytes in
            _ = LinkHeader.next([String(decoding: bytes, as: UTF8.self)])
            return nil
        }
    }
}
