/// The directory is moved, deleted or replaced: the one that the path leads to is heard, and a rescan is told.
import Glibc
import SpoolProtocol
import SpoolWatcher
import Testing

extension WatcherTests {
    @Suite(.serialized) struct ReplacedTests {
        private let options = DirectoryWatcher.Options { $0.retryInterval = .milliseconds(10) }

        private func expectReplaced(_ spool: Spool, _ listener: Listener) async throws {
            try await listener.expect("a rescan") { $0.heard(.rescan(.replaced)) }
            listener.forget()
            try write(to: spool("new.json"))
            try await listener.expect("a file in the new directory") { $0.heard("new.json") }
            #expect(listener.watch.listening == .inotify)
        }

        @Test("Deleted and made again at once")
        func deleted() async throws {
            try await watching(options) { spool, listener in
                try check(rmdir(spool.path), "rmdir")
                try check(mkdir(spool.path, 0o700), "mkdir")
                try await expectReplaced(spool, listener)
            }
        }

        @Test("Deleted, missing for a while, and made again")
        func missing() async throws {
            try await watching(options) { spool, listener in
                try check(rmdir(spool.path), "rmdir")
                #expect(await eventually { inotifyDescriptors().isEmpty }, "it looks for the directory")
                #expect(listener.heard.isEmpty)
                try check(mkdir(spool.path, 0o700), "mkdir")
                try await expectReplaced(spool, listener)
            }
        }

        @Test("Deleted with its contents while somebody holds it open, which raises no event of its own")
        func deletedWhileOpen() async throws {
            try await watching(options) { spool, listener in
                try check(mkdir(spool(".jobspool"), 0o700), "mkdir")
                let held = try check(open(spool.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open")
                defer { close(held) }
                try run("/bin/rm", "-r", spool.path)
                try check(mkdir(spool.path, 0o700), "mkdir")
                try await expectReplaced(spool, listener)
            }
        }

        @Test("Moved away, and a new one made; the old one is not heard any more")
        func movedAway() async throws {
            try await watching(options) { spool, listener in
                try check(rename(spool.path, spool.outside("old")), "rename")
                try check(mkdir(spool.path, 0o700), "mkdir")
                try await listener.expect("a rescan") { $0.heard(.rescan(.replaced)) }
                try write(to: spool.outside("old/lost.json"))
                try await expectReplaced(spool, listener)
                #expect(!listener.heard("lost.json"))
            }
        }

        @Test("Replaced by a rename of another directory over it")
        func renamedOver() async throws {
            try await watching(options) { spool, listener in
                try check(mkdir(spool.outside("other"), 0o700), "mkdir")
                try write(to: spool.outside("other/there.json"))
                try check(rename(spool.outside("other"), spool.path), "rename")
                try await expectReplaced(spool, listener)
            }
        }

        @Test("Moved away and back: heard as before")
        func movedBack() async throws {
            try await watching(options) { spool, listener in
                try check(rename(spool.path, spool.outside("old")), "rename")
                try check(rename(spool.outside("old"), spool.path), "rename")
                try write(to: spool("a.json"))
                try await listener.expect("a hint or a rescan") { $0.heard("a.json") || $0.heard(.rescan(.replaced)) }
                listener.forget()
                try write(to: spool("b.json"))
                try await listener.expect("the file") { $0.heard("b.json") }
            }
        }

        @Test("A symbolic link led to another directory is noticed by the slow timer")
        func link() async throws {
            let spool = try Spool()
            try check(mkdir(spool.outside("other"), 0o700), "mkdir")
            let path = spool.outside("link")
            try check(symlink(spool.path, path), "symlink")
            let options = DirectoryWatcher.Options { $0.rescanInterval = .seconds(1) }
            let watcher = DirectoryWatcher(path: path, privateDirectory: spool.privateDirectory, options: options)
            try await watcher.watching { watch in
                let listener = Listener(watch)
                async let listening: Void = listener.listen()
                try write(to: path + "/a.json")
                try await listener.expect("a file behind the link") { $0.heard("a.json") || $0.heard(.rescan(.start)) }
                try check(unlink(path), "unlink")
                try check(symlink(spool.outside("other"), path), "symlink")
                try await listener.expect("a rescan") { $0.heard(.rescan(.replaced)) }
                try write(to: spool.outside("other/b.json"))
                try await listener.expect("a file in the other directory") { $0.heard("b.json") }
                watch.stop()
                await listening
            }
        }

        @Test("Replaced many times, no descriptor is lost")
        func manyTimes() async throws {
            try await watching(options) { spool, listener in
                for _ in 1...30 {
                    try check(rmdir(spool.path), "rmdir")
                    try check(mkdir(spool.path, 0o700), "mkdir")
                    try await listener.expect("a rescan") { $0.heard(.rescan(.replaced)) }
                    listener.forget()
                }
                #expect(await eventually { inotifyDescriptors().count == 1 })
                try write(to: spool("a.json"))
                try await listener.expect("the file") { $0.heard("a.json") }
            }
        }
    }
}
