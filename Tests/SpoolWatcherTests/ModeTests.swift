/// How the watcher chooses between inotify and polling, and that it says why.
import Glibc
import SpoolProtocol
import SpoolWatcher
import Testing

extension WatcherTests {
    @Suite(.serialized) struct ModeTests {
        private let fast = DirectoryWatcher.Options {
            $0.pollInterval = .milliseconds(10)
            $0.retryInterval = .milliseconds(10)
            $0.canaryDeadline = .seconds(1)
        }

        private func expectPolls(_ listener: Listener, because part: String) async throws {
            #expect(listener.watch.listening.mode == .polling)
            let reason = try #require(listener.watch.listening.reason)
            #expect(reason.contains(part))
            try await listener.expect("a poll") { $0.heard(.rescan(.timer)) }
            listener.forget()
            try await listener.expect("another poll") { $0.heard(.rescan(.timer)) }
        }

        @Test("Polling when asked for, without inotify")
        func forced() async throws {
            var options = fast
            options.forcedMode = .polling
            try await watching(options) { spool, listener in
                try await expectPolls(listener, because: "asked for")
                #expect(inotifyDescriptors().isEmpty)
                try write(to: spool("a.json"))
                #expect(!listener.heard("a.json"))
            }
        }

        @Test("Inotify when asked for, whatever the file system")
        func forcedInotify() async throws {
            var options = fast
            options.forcedMode = .inotify
            try await watching(options, seams: Faults().seams(.shared("nfs"))) { spool, listener in
                #expect(listener.watch.listening == .inotify)
                try write(to: spool("a.json"))
                try await listener.expect("the file") { $0.heard("a.json") }
            }
        }

        @Test("Polling where other hosts change the file system")
        func shared() async throws {
            try await watching(fast, seams: Faults().seams(.shared("nfs"))) { _, listener in
                try await expectPolls(listener, because: "nfs: inotify does not see changes made by other hosts")
            }
        }

        @Test("A polled directory that is replaced is noticed")
        func replacedWhilePolled() async throws {
            var options = fast
            options.forcedMode = .polling
            try await watching(options) { spool, listener in
                try check(rename(spool.path, spool.outside("old")), "rename")
                try check(mkdir(spool.path, 0o700), "mkdir")
                try await listener.expect("a rescan") { $0.heard(.rescan(.replaced)) }
                listener.forget()
                try await expectPolls(listener, because: "asked for")
            }
        }

        @Test("On an unknown file system a canary that is heard means inotify, and leaves no trace")
        func canaryHeard() async throws {
            try await watching(fast, seams: Faults().seams(.unknown)) { spool, listener in
                #expect(listener.watch.listening == .inotify)
                #expect(entries(of: spool.path).isEmpty)
                try write(to: spool("a.json"))
                try await listener.expect("the file") { $0.heard("a.json") }
                #expect(listener.heard.allSatisfy { $0 == .file("a.json") })
            }
        }

        @Test("A canary that is not heard means polling, until one is")
        func canarySilent() async throws {
            var options = fast
            options.rescanInterval = .milliseconds(300)
            let faults = Faults { $0.isDeafToCanaries = true }
            try await watching(options, seams: faults.seams(.unknown)) { spool, listener in
                #expect(entries(of: spool.path).isEmpty)
                try await expectPolls(listener, because: "did not report a file made here")
                faults.set { $0.isDeafToCanaries = false }
                #expect(await eventually { listener.watch.listening == .inotify })
                try write(to: spool("a.json"))
                try await listener.expect("the file") { $0.heard("a.json") }
            }
        }

        @Test("Where no canary can be made the directory is polled: a real directory of proc(5)")
        func canaryImpossible() async throws {
            let spool = try Spool()
            let watcher = DirectoryWatcher(
                path: "/proc/sys", privateDirectory: spool.privateDirectory, options: fast)
            try await watcher.watching { watch in
                #expect(watch.listening.reason?.contains("cannot try whether inotify works") == true)
                var wakeUps = watch.wakeUps.makeAsyncIterator()
                #expect(await wakeUps.next() == .rescan(.start))
                #expect(await wakeUps.next() == .rescan(.timer))
            }
        }

        @Test(
            "Without an instance or a watch the directory is polled, the remedy told, and inotify tried again",
            arguments: [
                (SourceError.tooManyInstances, "fs.inotify.max_user_instances"),
                (.tooManyWatches, "fs.inotify.max_user_watches"), (.tooManyOpenFiles, "1024"),
                (.failed(operation: "inotify_init", errno: ENOSYS), "inotify_init: Function not implemented"),
            ])
        func refused(error: SourceError, remedy: String) async throws {
            var options = fast
            options.rescanInterval = .milliseconds(300)
            let faults = Faults { $0.refusal = error }
            try await watching(options, seams: faults.seams()) { spool, listener in
                try await expectPolls(listener, because: remedy)
                faults.set { $0.refusal = nil }
                #expect(await eventually { listener.watch.listening == .inotify })
                listener.forget()
                try write(to: spool("a.json"))
                try await listener.expect("the file") { $0.heard("a.json") }
            }
        }

        @Test("A process with more than a thousand open files polls instead of being aborted")
        func manyDescriptors() async throws {
            var old = rlimit()
            try check(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &old), "getrlimit")
            var new = old
            new.rlim_cur = min(old.rlim_max, max(old.rlim_cur, 2048))
            try check(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &new), "setrlimit")
            try #require(new.rlim_cur >= 2048)
            var files: [Int32] = []
            defer {
                for file in files { close(file) }
                _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &old)
            }
            let spool = try Spool()
            while (files.last ?? 0) < 1100 {
                files.append(try check(open("/dev/null", O_RDONLY | O_CLOEXEC), "open"))
            }
            let watcher = DirectoryWatcher(
                path: spool.path, privateDirectory: spool.privateDirectory, options: fast)
            try await watcher.watching { watch in
                #expect(watch.listening.reason?.contains("1024") == true)
            }
        }
    }
}

struct FileSystemTests {
    @Test(
        "The file system's type tells whether others change it",
        arguments: [
            (0x6969, FileSystemKind.shared("nfs")), (0xFF53_4D42, .shared("cifs")), (0xFE53_4D42, .shared("smb")),
            (0x517B, .shared("smb")), (0x6573_5546, .shared("fuse")), (0x0102_1997, .shared("9p")),
            (0x5346_414F, .shared("afs")), (0x00C3_6400, .shared("ceph")), (0xEF53, .local), (0x0102_1994, .local),
            (0x794C_7630, .local), (0x5846_5342, .local), (0x9123_683E, .local), (0x9FA0, .unknown), (0, .unknown),
        ] as [(UInt32, FileSystemKind)])
    func table(type: UInt32, verdict: FileSystemKind) { #expect(FileSystemKind(type: type) == verdict) }

    @Test("Real paths")
    func paths() {
        #expect(FileSystemKind(path: "/proc") == .unknown)
        #expect(FileSystemKind(path: "/no/such/path") == .unknown)
        #expect(FileSystemKind(path: "/dev/shm") == .local)
    }
}
