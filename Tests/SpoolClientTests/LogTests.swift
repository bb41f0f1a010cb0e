import SpoolClient
import SpoolProtocol
import SpoolStorage
import Testing

@Suite("Reading a log")
struct LogTests {
    private let spool: TestSpool
    private var reader: LogReader

    init() throws {
        spool = try TestSpool()
        reader = try spool.client.logs(of: try JobName("219"))
    }

    private mutating func next() throws -> [String] {
        try reader.next().map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("gives each line once, as it is finished, also of a file that comes later") mutating func lines() throws {
        #expect(try next() == [])
        try spool.append("one\ntw", "219.log.jsonl")
        #expect(try next() == ["one"])
        try spool.append("o\n\nthree", "219.log.jsonl")
        #expect(try next() == ["two", ""])
        #expect(try next() == [])
        #expect(reader.remainder() == Array("three".utf8))
        #expect(reader.remainder() == nil)
    }

    @Test("begins anew with the log of a new run") mutating func replaced() throws {
        try spool.append("old\nhalf", "219.log.jsonl")
        #expect(try next() == ["old"])
        try spool.append("new\n", ".new.tmp")
        try spool.root.rename(FileName(".new.tmp"), to: spool.root, FileName("219.log.jsonl"))
        #expect(try next() == ["new"])
    }

    @Test("begins anew with a log that became shorter") mutating func truncated() throws {
        try spool.append("one\ntwo\n", "219.log.jsonl")
        #expect(try next() == ["one", "two"])
        try spool.write("a\n", "219.log.jsonl")
        #expect(try next() == ["a"])
    }

    @Test("reads more than fits into one piece") mutating func large() throws {
        let lines = (0..<200_000).map { "line number \($0)" }
        try spool.append(lines.joined(separator: "\n") + "\n", "219.log.jsonl")
        #expect(try next() == lines)
    }
}
