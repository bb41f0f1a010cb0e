import Glibc
import JSONText
import JobHandler
import Testing

@testable import jobspool_records

/// Files that somebody writes to while they are read.
@Suite struct GrowingFileTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func records(_ range: ClosedRange<Int>) -> [String] {
        range.map { #"{"id": \#($0), "x": "\#(String(repeating: "x", count: 600))"}"# }
    }

    /// The job waits for somebody to read what it says of its batches, and is in the middle of the file meanwhile.
    private func readHalf(_ source: JSON) throws -> Child {
        let params = scratch.params(["source": source, "batch_size": 10])
        let request: JSON = ["params": .object(params), "job_id": "1"]
        let child = try Child([products + "/jobspool-records", "records.sync"], input: request.text)
        #expect(child.read(until: "batch 2/").contains("batch 2/"))
        return child
    }

    @Test(
        arguments: [
            "tail -n 1 a.ndjson | sed 's/5000/5001/' >>a.ndjson", "sed 's/x/y/g' a.ndjson >b; cat b >a.ndjson",
            "truncate -s 2M a.ndjson",
        ])
    func oneThatIsWrittenToIsNotTakenForWhole(script: String) throws {
        try scratch.write("a.ndjson", records(1...5000).map { $0 + "\n" }.joined())
        let child = try readHalf(.string("\(scratch.path)/a.ndjson"))
        try scratch.sh(script)
        let (status, rest) = try child.finish()
        #expect(status == 75, "the job's retries are for this")
        #expect(rest.contains(#""code":"SOURCE_CHANGED""#))
        // The next attempt reads all of it.
        #expect(try scratch.sync("a.ndjson", job: "1").exit == 0)
        #expect(try scratch.sql("SELECT COUNT(*) FROM t") + "\n" == scratch.sh("wc -l <a.ndjson"))
    }

    /// Nothing is read of what follows it.
    @Test func anArrayIsNotTakenForWholeEither() throws {
        try scratch.write("a.json", #"{"data": ["# + records(1...5000).joined(separator: ",\n") + #"], "more": 1}"#)
        let child = try readHalf(["file": .string("\(scratch.path)/a.json"), "array": "data"])
        try scratch.sh("echo >>a.json")
        #expect(try child.finish().rest.contains(#""code":"SOURCE_CHANGED""#))
    }

    @Test(arguments: ["rm a.ndjson", "mv b.ndjson a.ndjson", "ln a.ndjson c.ndjson; chmod 600 a.ndjson"])
    func oneThatIsReplacedByRenamingIsReadWhole(script: String) throws {
        try scratch.write("a.ndjson", records(1...5000).map { $0 + "\n" }.joined())
        try scratch.write("b.ndjson", "")
        let child = try readHalf(.string("\(scratch.path)/a.ndjson"))
        try scratch.sh(script)
        #expect(try child.finish().status == 0)
        #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "5000")
    }

    /// Before a mirror deletes anything, as it plans with the whole of its source.
    @Test func theEndOfAFileThatHasGrownIsNone() throws {
        try scratch.write("a.ndjson", String(repeating: "x", count: 100))
        let buffer = try FileBuffer("\(scratch.path)/a.ndjson", capacity: 64)
        #expect(try buffer.more())
        try scratch.sh("printf x >>a.ndjson")
        let error = #expect(throws: JobFailure.self) {
            while try buffer.more() { buffer.start = buffer.end }
        }
        #expect(error?.code == "SOURCE_CHANGED")
    }

    @Test func aPipeEndsWhereItsWriterEndsIt() throws {
        try scratch.sh("mkfifo a.ndjson")
        let writer = open("\(scratch.path)/a.ndjson", O_RDWR | O_CLOEXEC)
        let buffer = try FileBuffer("\(scratch.path)/a.ndjson")
        #expect(Glibc.write(writer, "{}\n", 3) == 3)
        #expect(try buffer.more())
        close(writer)
        #expect(try !buffer.more())
        #expect(buffer.count == 3)
    }
}
