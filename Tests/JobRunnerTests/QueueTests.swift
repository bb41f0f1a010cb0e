/// The order of jobs, the names to look at, and what a supervisor's record says.
import JSONText
import SpoolProtocol
import Testing

@testable import JobRunner

@Suite("A queue")
struct QueueTests {
    private func entry(_ name: String, _ priority: Int, _ sequence: Int64) throws -> LaneQueue.Entry {
        LaneQueue.Entry(priority: priority, sequence: sequence, name: try JobName(name))
    }

    @Test("gives higher priority first, then the earlier acceptance, and passes over what no longer waits")
    func order() throws {
        var queue = LaneQueue()
        for entry in [try entry("c", 0, 3), try entry("b", 0, 2), try entry("gone", 9, 1), try entry("a", 5, 4)] {
            queue.insert(entry)
        }
        var order: [String] = []
        while let entry = queue.peek(where: { $0.name.string != "gone" }) {
            queue.removeFirst()
            order.append(entry.name.string)
        }
        #expect(order == ["a", "b", "c"])
    }

    @Test("of names holds each once, in the order of hearing, and again after it was taken")
    func names() throws {
        var names = NameBacklog()
        for name in ["a", "b", "a"] { names.append(FileName(name)) }
        try names.sort(upTo: 10) { _ in 0 }
        #expect(names.takeFirst() == FileName("a"))
        names.append(FileName("a"))
        try names.sort(upTo: 10) { _ in 0 }
        #expect(names.count == 2)
        #expect(names.takeFirst() == FileName("b"))
        #expect(names.takeFirst() == FileName("a"))
        #expect(names.isEmpty)
        #expect(names.takeFirst() == nil)
    }
}

@Suite("A supervisor's record")
struct RecordTests {
    private let time = Timestamp(milliseconds: 1_767_792_792_000)

    @Test(
        "says how the attempt ended",
        arguments: [
            .exited(0), .exited(75), .signalled(9), .notStarted(JobError(.handlerNotFound, "no")),
        ] as [AttemptEnd])
    func ended(end: AttemptEnd) {
        let record = ExitRecord(end: end, finishedAt: time, leftBehind: 2)
        let bytes =
            AttemptRecordState.startedLine(of: "x/1", at: time) + AttemptRecordState.endedLine(of: "x/1", record)
        #expect(AttemptRecordState(bytes, of: "x/1") == .ended(record))
        // A directory that is used again: what is another attempt's counts for nothing.
        #expect(AttemptRecordState(bytes, of: "y/1") == .notStarted)
        #expect(AttemptRecordState(bytes, of: "x/2") == .notStarted)
    }

    @Test("that is torn says only what is whole")
    func torn() {
        let started = AttemptRecordState.startedLine(of: "x/1", at: time)
        let ended = AttemptRecordState.endedLine(
            of: "x/1", ExitRecord(end: .exited(0), finishedAt: time, leftBehind: 0))
        for length in 0..<(ended.count - 1) {
            #expect(AttemptRecordState(started + ended.prefix(length), of: "x/1") == .started)
        }
        #expect(AttemptRecordState(started.dropLast(3) + [], of: "x/1") == .notStarted)
        #expect(AttemptRecordState([], of: "x/1") == .notStarted)
    }
}
