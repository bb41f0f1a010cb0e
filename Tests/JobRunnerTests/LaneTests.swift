/// What is told of a lane, and when: a job may start before the result of the one before it is on the disk, and nobody sees it earlier.
import JSONText
import SpoolProtocol
import Testing

@testable import JobRunner

@Suite("A lane")
struct LaneTests {
    @Test("is free as soon as the attempt has ended, and tells of the next start after the end before it")
    func order() throws {
        let (a, b, c) = (try JobStatus.sample("a"), try JobStatus.sample("b"), try JobStatus.sample("c"))
        var lane = Lane()
        #expect(lane.isFree)
        let first = lane.begin(a, isKnown: false, isHeld: false)
        #expect(first)
        #expect(!lane.isFree)
        for (ended, next) in [(a, b), (b, c)] {
            lane.end(ended.identity.name)
            lane.awaitResult(of: ended.identity.name)
            #expect(lane.isFree)
            let mayBeTold = lane.begin(next, isKnown: false, isHeld: false)
            #expect(!mayBeTold)
        }
        lane.leave(a.identity.name)
        let held = lane.takeTellable { _ in true }
        let afterA = lane.takeTellable { _ in false }
        let nothing = lane.takeTellable { _ in false }
        #expect(held == nil)
        #expect(afterA == b)
        #expect(nothing == nil)
        #expect(lane.hasResultsUnderWay)
        lane.leave(b.identity.name)
        let afterB = lane.takeTellable { _ in false }
        #expect(afterB == c)
        #expect(!lane.hasResultsUnderWay)
        #expect(lane.running == [c.identity.name])
    }

    @Test("whose results get to the disk in another order tells each start before its own end")
    func disorder() throws {
        let (a, b) = (try JobStatus.sample("a"), try JobStatus.sample("b"))
        var lane = Lane()
        _ = lane.begin(a, isKnown: false, isHeld: false)
        lane.end(a.identity.name)
        lane.awaitResult(of: a.identity.name)
        _ = lane.begin(b, isKnown: false, isHeld: false)
        lane.end(b.identity.name)
        lane.awaitResult(of: b.identity.name)
        let start = lane.takeStart(of: "id-b")
        #expect(start == b)
        lane.leave(b.identity.name)
        lane.leave(a.identity.name)
        let nothing = lane.takeTellable { _ in false }
        #expect(nothing == nil)
    }

    @Test("is taken as long as one of several attempts of an earlier daemon is")
    func adopted() throws {
        let (a, b) = (try JobStatus.sample("a"), try JobStatus.sample("b"))
        var lane = Lane()
        for status in [b, a] {
            let mayBeTold = lane.begin(status, isKnown: true, isHeld: false)
            #expect(mayBeTold)
        }
        lane.end(a.identity.name)
        #expect(!lane.isFree)
        lane.end(b.identity.name)
        #expect(lane.isFree)
    }
}
