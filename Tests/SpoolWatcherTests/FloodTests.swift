/// More at once than the kernel, the thread or the consumer can hold: every name is hinted, or a rescan comes after it.
import Glibc
import SpoolProtocol
import SpoolWatcher
import TestSupport
import Testing

extension WatcherTests {
    @Suite(.serialized) struct FloodTests {
        @Test("The kernel's queue overflows while the thread does not read: a rescan, and the watch goes on")
        func overflow() async throws {
            let limit = try #require(Int(contents(of: "/proc/sys/fs/inotify/max_queued_events").dropLast()))
            try #require(limit < 100_000, "this test would take too many files")
            let held = Shared(1)
            let options = DirectoryWatcher.Options { options in
                options.isOfInterest = { _ in
                    while held.value > 0 { usleep(1000) }
                    return true
                }
                options.pendingLimit = .max
            }
            try await watching(options, in: quickDirectory) { spool, listener in
                defer { held.value = 0 }
                // Two events each, and one read's worth in the library's buffer.
                for number in 0..<(limit / 2 + 4096) { try write(to: spool("\(number).json")) }
                held.value = 0
                try await listener.expect("a rescan") { $0.heard(.rescan(.overflow)) }
                try write(to: spool("after.json"))
                try await listener.expect("a later file") { $0.heard("after.json") }
            }
        }

        @Test("20,000 names: each is hinted, or a rescan came after it", arguments: [10_000, 100])
        func burst(pendingLimit: Int) async throws {
            let count = 20_000
            try await watching(DirectoryWatcher.Options { $0.pendingLimit = pendingLimit }, in: quickDirectory) {
                spool, listener in
                for number in 0..<count { try write(to: spool("\(number)")) }
                try write(to: spool("last"))
                try await listener.expect("the last name, or a rescan", within: .seconds(60)) {
                    $0.heard.last == .file("last") || $0.heard.last == .rescan(.overflow)
                }
                let heard = listener.heard
                let lastRescan = heard.lastIndex(of: .rescan(.overflow)) ?? -1
                var positions: [FileName: Int] = [:]
                for case (let position, .file(let name)) in heard.enumerated() { positions[name] = position }
                var predecessor = -1
                for number in 0..<count {
                    if let position = positions[FileName("\(number)")] {
                        predecessor = position
                    } else if lastRescan < predecessor {
                        Issue.record("\(number) was neither hinted nor covered")
                    }
                }
            }
        }

        @Test("A consumer that takes nothing costs bounded memory, and then finds one rescan")
        func slowConsumer() async throws {
            let spool = try Spool(in: quickDirectory)
            let heard = Shared(0)
            let options = DirectoryWatcher.Options { options in
                options.pendingLimit = 1000
                options.isOfInterest = { _ in
                    heard.increment()
                    return true
                }
            }
            let watcher = DirectoryWatcher(
                path: spool.path, privateDirectory: spool.privateDirectory, options: options)
            try await watcher.watching { watch in
                var wakeUps = watch.wakeUps.makeAsyncIterator()
                #expect(await wakeUps.next() == .rescan(.start))
                for number in 0..<1200 { try write(to: spool("\(number)")) }
                #expect(await eventually { heard.value >= 2400 })
                #expect(await wakeUps.next() == .rescan(.overflow))
                // The last hint may have been heard, and not yet be there.
                try write(to: spool("after"))
                var late: [WakeUp?] = []
                while late.count < 3, late.last != .file("after") { late.append(await wakeUps.next()) }
                #expect([[.file("after")], [.file("1199"), .file("after")]].contains(late))
            }
        }

        @Test(
            "An overflow or a failed read leads to a rescan and a new watch",
            arguments: [
                SourceEvent.overflow, .failed(errno: EIO), .gone,
            ])
        func reopened(event: SourceEvent) async throws {
            let faults = Faults()
            let options = DirectoryWatcher.Options { $0.retryInterval = .milliseconds(10) }
            try await watching(options, seams: faults.seams()) { spool, listener in
                faults.set { $0.next = [event] }
                try write(to: spool("wakes.json"))
                let expected = event == .gone ? WakeUp.rescan(.replaced) : .rescan(.overflow)
                try await listener.expect("a rescan") { _ in
                    // The thread may have been inside the real wait when the event was planned.
                    (try? write(to: spool("wakes.json"))) != nil && listener.heard(expected)
                }
                #expect(faults.openings == 2)
                listener.forget()
                try write(to: spool("after.json"))
                try await listener.expect("a later file") { $0.heard("after.json") }
            }
        }
    }
}
