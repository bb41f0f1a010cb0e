import Glibc
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

    @Test("reads a line that was cut off and written anew, whole and once", arguments: ["two", "two and more"])
    mutating func mended(line: String) throws {
        try spool.append("one\ntwo and a h", "219.log.jsonl")
        #expect(try next() == ["one"])
        #expect(try next() == [])
        // A daemon that returns cuts off what is no whole line.
        try spool.root.open(FileName("219.log.jsonl"), O_WRONLY).truncate(to: 4)
        try spool.append("\(line)\nthree\nfour", "219.log.jsonl")
        #expect(try next() == [line, "three"])
        #expect(reader.remainder() == Array("four".utf8))
    }

    @Test("gives what is long in parts, and a line longer than a part whole") mutating func parts() throws {
        let long = String(repeating: "x", count: 3 << 20)
        try spool.append((0..<200_000).map { "line \($0)\n" }.joined() + long + "\nlast\n", "219.log.jsonl")
        var counts: [Int] = []
        var last: [[UInt8]] = []
        while let part = try reader.nextPart() {
            counts.append(part.count)
            last = part
        }
        #expect(counts.count > 2 && counts.reduce(0, +) == 200_002, "\(counts)")
        #expect(last.suffix(2) == [Array(long.utf8), Array("last".utf8)])
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
