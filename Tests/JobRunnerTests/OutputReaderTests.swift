/// Lines of a growing file, whatever way they come.
import Glibc
import SpoolProtocol
import SpoolStorage
import Testing

@testable import JobRunner

@Suite("An output reader")
struct OutputReaderTests {
    /// Writes the pieces one after the other, reads after each, and returns the lines and the rest.
    private func lines(_ pieces: [String]) throws -> [String] {
        var lines: [String] = []
        try withFile { file, reader in
            let take: (UnsafeBufferPointer<UInt8>) -> Void = { lines.append(String(decoding: $0, as: UTF8.self)) }
            for piece in pieces {
                try file.write(Array(piece.utf8))
                while try reader.readLines(take) {}
            }
            reader.finish(take)
        }
        return lines
    }

    private func withFile(_ body: (borrowing Descriptor, inout OutputReader) throws -> Void) throws {
        var template = Array("/tmp/jobspool-output-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let directory = try Directory.open(path)
        let name = FileName("stdout")
        let file = try directory.open(name, O_RDWR | O_CREAT | O_APPEND)
        var reader = try OutputReader(directory, name)
        defer {
            unlink("\(path)/\(name)")
            rmdir(path)
        }
        try body(file, &reader)
    }

    @Test(
        "hands every line over once and whole",
        arguments: [
            (["one\ntwo\n"], ["one", "two"]), (["on", "e\ntw", "o\n"], ["one", "two"]), (["\n\n"], ["", ""]),
            (["one\n", "rest"], ["one", "rest"]), ([], []),
        ] as [([String], [String])])
    func whole(pieces: [String], expected: [String]) throws {
        #expect(try lines(pieces) == expected)
    }

    @Test("cuts a line that is too long, and goes on with the next", arguments: [1, 7])
    func cut(times: Int) throws {
        let long = String(repeating: "x", count: HandlerLine.maximumBytes)
        let found = try lines(Array(repeating: long, count: times) + ["end\nnext\n"])
        #expect(found == [long, "next"])
    }

    @Test(
        "begins anew in a file that has been emptied, whatever it says then",
        arguments: [
            (["one\n", "two\n"], ["one", "two"], 1), (["one\n", "1\n"], ["one", "1"], 1),
            (["one\n", "three\nfour\n"], ["one", "three", "four"], 1), (["one", "two\n"], ["one", "two"], 1),
            (["one\n", "", "one\n"], ["one", "one"], 1), (["", "one\n"], ["one"], 0),
            ([String(repeating: "long\n", count: 2000), "no\n"], Array(repeating: "long", count: 2000) + ["no"], 1),
        ] as [([String], [String], Int)])
    func emptied(contents: [String], expected: [String], beginnings: Int) throws {
        try withFile { file, reader in
            var lines: [String] = []
            var seen = 0
            let take: (UnsafeBufferPointer<UInt8>) -> Void = { lines.append(String(decoding: $0, as: UTF8.self)) }
            for content in contents {
                try file.truncate(to: 0)
                try file.write(Array(content.utf8))
                while try reader.readLines(take) { if reader.takeBeginning() { seen += 1 } }
            }
            reader.finish(take)
            #expect(lines == expected)
            #expect(seen == beginnings)
        }
    }

    @Test("goes back to the line that somebody who does not append has written over", arguments: [0, 3])
    func overwritten(from end: Int) throws {
        try withFile { file, reader in
            var lines: [String] = []
            let take: (UnsafeBufferPointer<UInt8>) -> Void = { lines.append(String(decoding: $0, as: UTF8.self)) }
            try file.write(Array(String(repeating: "line\n", count: 2000).utf8))
            while try reader.readLines(take) {}
            lines = []
            // Linux appends with pwrite(2), too, as long as O_APPEND is set.
            _ = fcntl(file.raw, F_SETFL, 0)
            try #require(pwrite(file.raw, "LI", 2, 5 * off_t(1999 - end)) == 2)
            while try reader.readLines(take) {}
            #expect(lines == ["LIne"] + Array(repeating: "line", count: end))
            let hasBegunAnew = reader.takeBeginning()
            #expect(hasBegunAnew)
        }
    }

    @Test("takes a line of just the greatest length whole")
    func justFits() throws {
        let long = String(repeating: "x", count: HandlerLine.maximumBytes)
        #expect(try lines([long, "\n", "next\n"]) == [long, "next"])
    }
}
