/// The lines of users' files, and what is held back of them.
import SpoolProtocol
import SpoolStorage
import Testing

@testable import JobRunner

@Suite("The files of several users")
struct HeldBackTests {
    private func name(_ text: String) throws -> JobName { try JobName(text) }

    @Test("are looked at in turns, each user's in the order in which they were heard of")
    func turns() throws {
        var names = NameBacklog()
        for index in 0..<1000 { names.append(FileName("bob\(index)")) }
        for index in 0..<2 { names.append(FileName("anna\(index)")) }
        try names.sort(upTo: 2000) { $0.string?.hasPrefix("bob") == true ? 1 : 2 }
        let first = (0..<6).compactMap { _ in names.takeFirst()?.string }
        #expect(first == ["bob0", "anna0", "bob1", "anna1", "bob2", "bob3"])
        #expect(names.count == 996)
        #expect(names.contains(FileName("bob4")))
        #expect(!names.contains(FileName("anna1")))
    }

    @Test("stay when it cannot be told whose they are")
    func untold() throws {
        var names = NameBacklog()
        names.append(FileName("a"))
        #expect(throws: SpoolError.self) {
            try names.sort(upTo: 10) { _ throws(SpoolError) in throw SpoolError(.stat, "a", code: 5) }
        }
        #expect(names.count == 1)
        #expect(names.takeFirst() == nil)
        try names.sort(upTo: 10) { _ in 1 }
        #expect(names.takeFirst() == FileName("a"))
        #expect(names.isEmpty)
    }

    @Test("are held back in order, and let go as there is room")
    func order() throws {
        var held = HeldBack()
        for index in 0..<5 { #expect(held.hold(try name("j\(index)"), of: 1) == (index == 0)) }
        #expect(held.hold(try name("j0"), of: 1) == false)
        #expect(held.count(of: 1) == (5, false))
        #expect(held.contains(try name("j4"), of: 1))
        let room = held.release(of: 1, room: 2)
        #expect(room.names == [try name("j0"), try name("j1")])
        // These have not been looked at: they count.
        #expect(held.release(of: 1, room: 2).names == [])
        // However often it is asked about it: a request is looked at twice.
        for _ in 1...2 { #expect(!held.hasToQueue(try name("j0"), of: 1)) }
        #expect(held.hasToQueue(try name("new"), of: 1))
        #expect(!held.hasToQueue(try name("new"), of: 2))
        held.forget(try name("j0"))
        held.forget(try name("j1"))
        #expect(held.hasToQueue(try name("j0"), of: 1))
        #expect(held.release(of: 1, room: 9).names == [try name("j2"), try name("j3"), try name("j4")])
        #expect(held.owners == [])
    }

    @Test("of which there are too many to remember are looked for again once those that are remembered have gone")
    func more() throws {
        var held = HeldBack()
        for index in 0...HeldBack.limit { _ = held.hold(try name("j\(index)"), of: 1) }
        #expect(held.count(of: 1) == (HeldBack.limit, true))
        let first = held.release(of: 1, room: 10)
        #expect(first.names.count == 10)
        #expect(!first.isMore)
        for name in first.names { held.forget(name) }
        let rest = held.release(of: 1, room: .max)
        #expect(rest.names.count == HeldBack.limit - 10)
        #expect(rest.isMore)
        #expect(held.owners == [])
    }

    @Test("bring notices only so often, and say how many were left out")
    func notices() {
        var limit = NoticeLimit()
        let told = (0..<1000).count { _ in limit.takes(at: 5) }
        #expect(told == Int(NoticeLimit.burst))
        #expect(limit.takeOmitted(at: 5) == nil)
        #expect(limit.takeOmitted(at: 6) == 900)
        #expect(limit.takeOmitted(at: 100) == nil)
        let isTold = limit.takes(at: 100)
        #expect(isTold)
    }
}
