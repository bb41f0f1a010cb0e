/// Beginnings and ends: what cannot begin says why, what ends does so at once and leaves nothing behind.
import Glibc
import SpoolProtocol
import SpoolWatcher
import TestSupport
import Testing

extension WatcherTests {
    @Suite(.serialized) struct EndTests {
        struct Stop: Error, Equatable {}

        /// Three ways of waiting, each longer than the deadline below.
        enum Wait: CaseIterable { case inotify, polling, missing }

        private func options(_ wait: Wait) -> DirectoryWatcher.Options {
            DirectoryWatcher.Options {
                $0.forcedMode = wait == .polling ? .polling : .inotify
                $0.pollInterval = .seconds(60)
                $0.retryInterval = .seconds(60)
            }
        }

        private func prepare(_ wait: Wait, _ spool: Spool) async throws {
            guard wait == .missing else { return }
            try check(rmdir(spool.path), "rmdir")
            #expect(await eventually { inotifyDescriptors().isEmpty })
        }

        @Test("A cancelled task ends the watch at once", arguments: Wait.allCases)
        func cancelled(wait: Wait) async throws {
            let spool = try Spool()
            let watcher = DirectoryWatcher(
                path: spool.path, privateDirectory: spool.privateDirectory, options: options(wait))
            let started = Shared(0)
            let clock = ContinuousClock()
            let asked = try await withThrowingTaskGroup { group in
                group.addTask {
                    try await watcher.watching { watch in
                        for await _ in watch.wakeUps { started.increment() }
                    }
                }
                #expect(await eventually { started.value > 0 })
                try await prepare(wait, spool)
                let asked = clock.now
                group.cancelAll()
                try await group.waitForAll()
                return asked
            }
            #expect(clock.now - asked < .seconds(5))
            #expect(await eventually { sleepsOfWatchingThread() == nil })
            #expect(inotifyDescriptors().isEmpty)
        }

        @Test("Stopping ends the sequence and the thread at once", arguments: Wait.allCases)
        func stopped(wait: Wait) async throws {
            let clock = ContinuousClock()
            var asked = clock.now
            try await watching(options(wait)) { spool, listener in
                try await prepare(wait, spool)
                asked = clock.now
                listener.watch.stop()
                listener.watch.stop()
            }
            #expect(clock.now - asked < .seconds(5))
            #expect(await eventually { sleepsOfWatchingThread() == nil })
        }

        @Test("An error of the body is thrown, and a new watch may begin")
        func bodyFails() async throws {
            let spool = try Spool()
            let watcher = DirectoryWatcher(path: spool.path, privateDirectory: spool.privateDirectory)
            await #expect(throws: Stop()) { try await watcher.watching { _ in throw Stop() } }
            let first = try await watcher.watching { watch in
                var wakeUps = watch.wakeUps.makeAsyncIterator()
                return await wakeUps.next()
            }
            #expect(first == .rescan(.start))
        }

        @Test("A second watch in the same process is refused")
        func second() async throws {
            try await watching { _, _ in
                let other = try Spool()
                let watcher = DirectoryWatcher(path: other.path, privateDirectory: other.privateDirectory)
                await #expect(throws: WatcherError.alreadyWatching) { try await watcher.watching { _ in } }
            }
        }

        @Test("A directory that is not there is an error")
        func noDirectory() async throws {
            let spool = try Spool()
            try write(to: spool("file"))
            for path in [spool("none"), spool("file")] {
                let watcher = DirectoryWatcher(path: path, privateDirectory: spool.privateDirectory)
                await #expect(throws: WatcherError.noDirectory(path)) { try await watcher.watching { _ in } }
                let other = DirectoryWatcher(path: spool.path, privateDirectory: path)
                await #expect(throws: WatcherError.noDirectory(path)) { try await other.watching { _ in } }
            }
        }

        @Test("What one watch did not read does not come up in the next")
        func stale() async throws {
            // Held at the first event, so that the next read takes many, and again inside what that read took.
            let (taken, written, stopped) = (Shared(0), Shared(0), Shared(0))
            let options = DirectoryWatcher.Options {
                $0.isOfInterest = { _ in
                    taken.increment()
                    (taken.value < 10 ? written : stopped).hold()
                    return true
                }
            }
            try await watching(options, in: quickDirectory) { spool, listener in
                for number in 0..<3000 { try write(to: spool("\(number)")) }
                written.increment()
                #expect(await eventually { taken.value == 10 })
                listener.watch.stop()
                stopped.increment()
            }
            try await watching { spool, listener in
                try write(to: spool("new"))
                try await listener.expect("the new file") { $0.heard("new") }
                #expect(listener.heard.allSatisfy { $0 == .file("new") })
            }
        }

        @Test("Children do not inherit the descriptor, and the private directory is left empty")
        func leavesNothing() async throws {
            try await watching { spool, _ in
                let descriptors = inotifyDescriptors()
                #expect(descriptors.count == 1)
                for descriptor in descriptors { #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0) }
                #expect(entries(of: spool.privateDirectory).isEmpty)
            }
        }

        @Test("With nothing happening the thread sleeps")
        func idle() async throws {
            try await watching { spool, listener in
                try write(to: spool("a"))
                try await listener.expect("the file") { $0.heard("a") }
                var (sleeps, since) = (-1, ContinuousClock.now)
                // Time is what is measured here; on a busy machine it takes a while to come to rest.
                #expect(
                    await eventually(within: .seconds(60)) {
                        let now = sleepsOfWatchingThread() ?? -1
                        if now != sleeps || now < 0 { (sleeps, since) = (now, .now) }
                        return ContinuousClock.now - since > .milliseconds(1500)
                    })
            }
        }

        @Test("The slow timer rescans, even while uninteresting files keep the thread busy")
        func slowTimer() async throws {
            let options = DirectoryWatcher.Options {
                $0.rescanInterval = .seconds(1)
                $0.isOfInterest = { _ in false }
            }
            try await watching(options) { spool, listener in
                try await listener.expect("a rescan") { _ in
                    (try? write(to: spool("a"))) != nil && listener.heard(.rescan(.timer))
                }
                listener.forget()
                try await listener.expect("a rescan without any event") { $0.heard(.rescan(.timer)) }
            }
        }
    }
}
