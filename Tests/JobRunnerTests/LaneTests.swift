/// What is told of a lane, and when: a job may start before the result of the one before it is on the disk, and nobody sees it earlier.
import JSONText
import SpoolProtocol
import Testing

@testable import JobRunner

@Suite("A lane")
struct LaneTests {
    private func status(_ name: String) throws -> JobStatus {
        let time = Timestamp(milliseconds: 1_767_792_792_000)
        let identity = JobIdentity(
            name: try JobName(name), jobID: "id-\(name)", type: "t", description: "", lane: "default", sequence: 1,
            dryRun: false, submittedBy: "anna", createdAt: time, labels: [:], slot: nil)
        return JobStatus(
            identity: identity, standing: .running, updatedAt: time, message: "Running",
            request: Fingerprint(size: 1, seconds: 1, nanoseconds: 1))
    }

    @Test("is free as soon as the attempt has ended, and tells of the next start after the end before it")
    func order() throws {
        let (a, b, c) = (try status("a"), try status("b"), try status("c"))
        var lane = Lane()
        #expect(lane.isFree)
        let first = lane.begin(a, isKnown: false)
        #expect(first)
        #expect(!lane.isFree)
        for (ended, next) in [(a, b), (b, c)] {
            lane.end(ended.identity.name)
            lane.awaitResult(of: ended.identity.name)
            #expect(lane.isFree)
            let mayBeTold = lane.begin(next, isKnown: false)
            #expect(!mayBeTold)
        }
        let afterA = lane.leave(a.identity.name)
        #expect(afterA == b)
        #expect(lane.hasResultsUnderWay)
        let afterB = lane.leave(b.identity.name)
        #expect(afterB == c)
        #expect(!lane.hasResultsUnderWay)
        #expect(lane.running == [c.identity.name])
    }

    @Test("whose results get to the disk in another order tells each start before its own end")
    func disorder() throws {
        let (a, b) = (try status("a"), try status("b"))
        var lane = Lane()
        _ = lane.begin(a, isKnown: false)
        lane.end(a.identity.name)
        lane.awaitResult(of: a.identity.name)
        _ = lane.begin(b, isKnown: false)
        lane.end(b.identity.name)
        lane.awaitResult(of: b.identity.name)
        let start = lane.takeStart(of: "id-b")
        #expect(start == b)
        let afterB = lane.leave(b.identity.name)
        let afterA = lane.leave(a.identity.name)
        #expect(afterB == nil)
        #expect(afterA == nil)
    }

    @Test("is taken as long as one of several attempts of an earlier daemon is")
    func adopted() throws {
        let (a, b) = (try status("a"), try status("b"))
        var lane = Lane()
        for status in [b, a] { #expect(lane.begin(status, isKnown: true)) }
        lane.end(a.identity.name)
        #expect(!lane.isFree)
        lane.end(b.identity.name)
        #expect(lane.isFree)
    }
}
