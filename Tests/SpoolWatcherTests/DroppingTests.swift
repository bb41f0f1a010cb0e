/// Every way to drop a file, for real: each must make a hint for its name.
import Glibc
import SpoolProtocol
import SpoolWatcher
import Testing

extension WatcherTests {
    @Suite(.serialized) struct DroppingTests {
        struct Way: Sendable, CustomTestStringConvertible {
            let testDescription: String
            /// What is there before the watch hears anything.
            var before: @Sendable (Spool) throws -> Void = { _ in }
            let drop: @Sendable (Spool) throws -> Void
            /// Names other than `a.json` that must be hinted.
            var also: [String] = []
        }

        static let ways = [
            Way(testDescription: "rename in the spool") {
                try write(to: $0(".a.tmp"))
                try check(rename($0(".a.tmp"), $0("a.json")), "rename")
            },
            Way(testDescription: "rename from another directory") {
                try write(to: $0.outside("a"))
                try check(rename($0.outside("a"), $0("a.json")), "rename")
            },
            Way(testDescription: "rename over a file", before: { try write(to: $0("a.json")) }) {
                try write(to: $0.outside("a"))
                try check(rename($0.outside("a"), $0("a.json")), "rename")
            },
            Way(testDescription: "cp") {
                try write(to: $0.outside("a"))
                try run("/bin/cp", $0.outside("a"), $0("a.json"))
            },
            Way(testDescription: "cp -a") {
                try write(to: $0.outside("a"))
                try run("/bin/cp", "-a", $0.outside("a"), $0("a.json"))
            },
            Way(testDescription: "redirection") { try run("/bin/sh", "-c", "echo '{}' > \($0("a.json"))") },
            Way(testDescription: "redirection over a file", before: { try write(to: $0("a.json")) }) {
                try run("/bin/sh", "-c", "echo '{}' > \($0("a.json"))")
            },
            Way(testDescription: "append", before: { try write(to: $0("a.json")) }) {
                try run("/bin/sh", "-c", "echo '{}' >> \($0("a.json"))")
            },
            Way(testDescription: "link(2)") {
                try write(to: $0.outside("a"))
                try check(link($0.outside("a"), $0("a.json")), "link")
            },
            Way(testDescription: "symbolic link") { try check(symlink("/dev/null", $0("a.json")), "symlink") },
            Way(testDescription: "touch", before: { try write(to: $0("a.json")) }) {
                try run("/usr/bin/touch", $0("a.json"))
            },
            Way(testDescription: "touch of a new file") { try run("/usr/bin/touch", $0("a.json")) },
            Way(testDescription: "chmod", before: { try write(to: $0("a.json")) }) {
                try check(chmod($0("a.json"), 0o640), "chmod")
            },
            Way(
                testDescription: "an editor's save with a backup", before: { try write(to: $0("a.json")) },
                drop: {
                    try check(rename($0("a.json"), $0("a.json~")), "rename")
                    try write("{\"saved\":1}", to: $0("a.json"))
                    try check(unlink($0("a.json~")), "unlink")
                }, also: ["a.json~"]),
            Way(testDescription: "delete", before: { try write(to: $0("a.json")) }) {
                try check(unlink($0("a.json")), "unlink")
            },
            Way(testDescription: "move away", before: { try write(to: $0("a.json")) }) {
                try check(rename($0("a.json"), $0.outside("a")), "rename")
            },
        ]

        @Test("A dropped, changed or removed file is hinted", arguments: ways)
        func drop(way: Way) async throws {
            try await watching { spool, listener in
                try way.before(spool)
                // What came before is heard by now: the marker was made after it.
                try write(to: spool("marker"))
                try await listener.expect("the marker") { $0.heard("marker") }
                listener.forget()

                try way.drop(spool)
                for name in ["a.json"] + way.also { try await listener.expect("\(name)") { $0.heard(name) } }
            }
        }

        @Test("A slow writer is hinted when it creates and again when it closes")
        func slowWriter() async throws {
            try await watching { spool, listener in
                let file = try check(open(spool("a.json"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o644), "open")
                try await listener.expect("the creation") { $0.heard("a.json") }
                listener.forget()
                try check(Int32(write(file, "{}", 2)), "write")
                try write(to: spool("marker"))
                try await listener.expect("the marker") { $0.heard("marker") }
                #expect(!listener.heard("a.json"), "writing alone makes no hint")
                close(file)
                try await listener.expect("the end") { $0.heard("a.json") }
            }
        }

        struct Name: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let bytes: [UInt8]

            init(_ testDescription: String, _ bytes: some Sequence<UInt8>) {
                self.testDescription = testDescription
                self.bytes = Array(bytes)
            }
        }

        @Test(
            "Names are bytes",
            arguments: [
                Name("not UTF-8", [0xFF, 0xFE, 0x2E]), Name("a newline", "a\nb.json".utf8),
                Name("only a newline", [0x0A]),
                Name("quotes", "'\"\\ .json".utf8), Name("composed", [0xC3, 0xA9]),
                Name("decomposed", [0x65, 0xCC, 0x81]),
                Name("255 letters", repeatElement(0x78, count: 255)),
                Name("255 halves", repeatElement(0xC3, count: 255)),
                Name("a format", "%w%f%s.json".utf8), Name("a padded length", "sixteen.letters.".utf8),
            ])
        func names(name: Name) async throws {
            try await watching { spool, listener in
                let path = Array(spool("").utf8CString.dropLast()) + name.bytes.map { CChar(bitPattern: $0) } + [0]
                close(try check(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644), "open"))
                try await listener.expect("the name") { $0.heard(.file(FileName(bytes: name.bytes))) }
                #expect(listener.heard.allSatisfy { $0 == .file(FileName(bytes: name.bytes)) })
            }
        }

        @Test("What is there before the watch is covered by the rescan at the start")
        func before() async throws {
            let spool = try Spool()
            try write(to: spool("a.json"))
            try await DirectoryWatcher(path: spool.path, privateDirectory: spool.privateDirectory).watching { watch in
                var wakeUps = watch.wakeUps.makeAsyncIterator()
                #expect(await wakeUps.next() == .rescan(.start))
                #expect(watch.listening == .inotify)
                try write(to: spool("b.json"))
                #expect(await wakeUps.next() == .file("b.json"))
            }
        }

        @Test("A directory that appears makes a hint: it may bear a request's name")
        func directory() async throws {
            try await watching { spool, listener in
                try check(mkdir(spool("a.json"), 0o700), "mkdir")
                try await listener.expect("the directory") { $0.heard("a.json") }
            }
        }

        @Test("Names of no interest and canaries make no hint")
        func interest() async throws {
            let options = DirectoryWatcher.Options { $0.isOfInterest = { !$0.bytes.ends(with: ".status.json") } }
            try await watching(options) { spool, listener in
                try write(to: spool("a.status.json"))
                try check(mkdir(spool("directory.status.json"), 0o700), "mkdir")
                try write(to: spool(".jobspool-canary-1-x"))
                try write(to: spool("a.json"))
                try await listener.expect("the last") { $0.heard("a.json") }
                #expect(listener.heard.allSatisfy { $0 == .file("a.json") })
            }
        }
    }
}

extension WakeUp {
    static func file(_ name: String) -> WakeUp { .file(FileName(name)) }
}

extension [UInt8] {
    func ends(with suffix: String) -> Bool { self.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) }
}
