/// The jobs that wait, as they come and go by the thousand.
import JSONText
import SpoolProtocol
import Testing

@testable import JobRunner

@Suite("The jobs that wait")
struct PendingJobsTests {
    private func job(_ name: String, _ sequence: Int64) throws -> PendingJob {
        PendingJob(
            name: try JobName(name), id: try #require(JobID("e7ce24bb-23c2-4e93-9e8f-27b30bd30910")),
            type: try #require(JobType("t")), lane: "default", sequence: sequence,
            request: Fingerprint(size: 1, seconds: 1, nanoseconds: 1), owner: 0,
            createdAt: Timestamp(milliseconds: 1_767_792_792_000))
    }

    @Test("take no more room than they are many, while an old one waits and others come and go") func room() throws {
        var pending = PendingJobs()
        pending.put(try job("old", 1))
        for sequence in 2...Int64(20_000) {
            let name = "job\(sequence)"
            pending.put(try job(name, sequence))
            #expect(pending.oldest()?.name.string == "old")
            pending.remove(try JobName(name))
        }
        #expect(pending.agesKept < 100)
        pending.put(try job("next", 30_000))
        pending.remove("old")
        #expect(pending.oldest()?.name.string == "next")
        pending.remove("next")
        #expect(pending.oldest() == nil)
    }

    @Test("count in their lane's queue only while they wait for nothing else") func queue() throws {
        var pending = PendingJobs()
        var waiting = try job("a", 1)
        pending.put(waiting)
        #expect(pending.counts(waiting.queueEntry))
        waiting.waiting = .retry(Timestamp(milliseconds: 1_767_792_793_000))
        pending.put(waiting)
        #expect(!pending.counts(waiting.queueEntry))
        waiting.waiting = nil
        pending.put(waiting)
        #expect(pending.counts(waiting.queueEntry))
    }
}
