/// The numbers in which jobs are accepted, and what is damaged of what is kept of them.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Testing

@testable import JobRunner

@Suite("Numbers of acceptance")
struct AcceptanceNumbersTests {
    @Test("go on from what is kept, and from what files show; numbers that no daemon comes to count for nothing")
    func damaged() throws {
        let files = try SpoolFiles()
        let spool = try Spool.open(files.path)
        for (kept, first) in [("", 1), ("41\n", 42), ("9223372036854775807\n", 1), ("-7\n", 1), ("x", 1)]
            as [(String, Int64)]
        {
            try spool.publish(Array(kept.utf8), as: FileName("sequence"), in: spool.home, .process)
            var numbers = try AcceptanceNumbers(spool)
            #expect(try numbers.next() == first, "\(kept)")
            numbers.saw(.max)
            numbers.saw(.min)
            #expect(try numbers.next() == first + 1)
            numbers.saw(5000)
            #expect(try numbers.next() == 5001)
        }
    }

    @Test("of attempts and interruptions are those that a job can have") func attempts() throws {
        for count in [Int.max, Int.min, -1] {
            let attempt: JSON = [
                "attempt": JSON(count), "started_at": "2026-01-07T13:33:12.000Z",
                "finished_at": "2026-01-07T13:33:13.000Z", "ending": "failed",
            ]
            let history = JobHistory(json: ["attempts": [attempt], "interruptions_without_progress": JSON(count)])
            #expect(history.attempts.isEmpty)
            #expect((0...1_000_000).contains(history.interruptionsWithoutProgress))
        }
    }
}
