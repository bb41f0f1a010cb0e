/// Nobody's memory grows without bound, and no hint is lost without a rescan.
import SpoolProtocol
import SpoolWatcher
import Testing

struct PendingHintsTests {
    private func drain(_ pending: inout PendingHints) -> [WakeUp] {
        var all: [WakeUp] = []
        while let hint = pending.take() { all.append(hint) }
        #expect(pending.isEmpty)
        return all
    }

    @Test("A name is pending once, in the order of its first hint, and may come again once taken")
    func once() {
        var pending = PendingHints(limit: 10)
        for name in ["b", "a", "b"] { pending.add(.file(name)) }
        #expect(pending.take() == .file("b"))
        pending.add(.file("b"))
        #expect(drain(&pending) == [.file("a"), .file("b")])
    }

    @Test("Past the limit one rescan stands for all names")
    func limit() {
        var pending = PendingHints(limit: 3)
        for name in ["a", "b", "c"] { pending.add(.file(name)) }
        #expect(!pending.isEmpty)
        pending.add(.file("d"))
        #expect(drain(&pending) == [.rescan(.overflow)])
    }

    @Test("A taken name does not count towards the limit")
    func takenDoesNotCount() {
        var pending = PendingHints(limit: 2)
        pending.add(.file("a"))
        pending.add(.file("b"))
        #expect(pending.take() == .file("a"))
        pending.add(.file("c"))
        #expect(drain(&pending) == [.file("b"), .file("c")])
    }

    @Test(
        "A pending rescan covers what else is to be looked at, but not a new directory",
        arguments: [
            ([.file("a"), .rescan(.timer), .file("b")], [.rescan(.timer)]),
            ([.rescan(.timer), .rescan(.timer), .rescan(.overflow)], [.rescan(.timer)]),
            ([.rescan(.overflow), .rescan(.replaced), .rescan(.timer)], [.rescan(.replaced)]),
            (
                [.rescan(.start), .rescan(.replaced), .file("a"), .rescan(.replaced)],
                [.rescan(.start), .rescan(.replaced)]
            ),
        ] as [([WakeUp], [WakeUp])])
    func rescans(added: [WakeUp], taken: [WakeUp]) {
        var pending = PendingHints(limit: 10)
        for hint in added { pending.add(hint) }
        #expect(drain(&pending) == taken)
    }

    @Test("A name hinted after a rescan was taken is not covered by it")
    func afterRescan() {
        var pending = PendingHints(limit: 10)
        pending.add(.rescan(.start))
        #expect(pending.take() == .rescan(.start))
        pending.add(.file("a"))
        #expect(drain(&pending) == [.file("a")])
    }
}
