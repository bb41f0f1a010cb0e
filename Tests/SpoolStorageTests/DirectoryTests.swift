/// Directories by their descriptors, whatever is in them.
import Foundation
import Glibc
import SpoolProtocol
import SpoolStorage
import Testing

@Suite("A directory", .timeLimit(.minutes(5)))
struct DirectoryTests {
    let temporary: TemporarySpool
    var directory: Directory { temporary.directory }

    init() throws { temporary = try TemporarySpool() }

    @Test("lists names of any bytes")
    func entries() throws {
        let names = [
            FileName("plain"), FileName("new\nline"), FileName(bytes: [0xFF, 0xFE]), FileName("-rf"), FileName(" "),
            FileName("\u{E9}"), FileName("e\u{301}"), FileName(bytes: [UInt8](repeating: 0xC3, count: 255)),
            FileName(".hidden"), FileName("..."), FileName(String(repeating: "x", count: 255)),
        ]
        for name in names { _ = try directory.open(name, O_WRONLY | O_CREAT | O_EXCL) }
        #expect(try directory.entries().sorted() == names.sorted())
        // A second time, too: the listing does not move the directory's own position.
        #expect(try directory.entries().count == names.count)
    }

    @Test("has as many entries as were put there")
    func manyEntries() throws {
        for number in 0..<3000 { _ = try directory.open(FileName("\(number).json"), O_WRONLY | O_CREAT) }
        #expect(Set(try directory.entries()) == Set((0..<3000).map { FileName("\($0).json") }))
    }

    @Test("neither waits for nor follows nor reads what is no regular file")
    func notFiles() throws {
        try temporary.write("secret", "target")
        try temporary.make(FileName("fifo")) { mkfifo($0, 0o600) }
        try temporary.make(FileName("socket")) { mknod($0, S_IFSOCK | 0o600, 0) }
        try temporary.make(FileName("directory")) { mkdir($0, 0o700) }
        try temporary.link(to: "target", "link")
        try temporary.link(to: "nowhere", "dangling")
        try temporary.link(to: "itself", "itself")
        let kinds: [(String, FileStat.Kind, Int32)] = [
            ("fifo", .fifo, ENOTSUP), ("socket", .socket, ENXIO), ("directory", .directory, EISDIR),
            ("link", .link, ELOOP), ("dangling", .link, ELOOP), ("itself", .link, ELOOP),
        ]
        for (name, kind, code) in kinds {
            let file = FileName(name)
            #expect(try directory.stat(file)?.kind == kind)
            let error = #expect(throws: SpoolError.self) { try directory.read(file) }
            #expect(error?.code == code, "\(name): \(error.map { "\($0)" } ?? "")")
            #expect(error?.path == "\(temporary.path)/\(name)")
            #expect(throws: SpoolError.self) { _ = try directory.open(file, O_WRONLY | O_CREAT | O_EXCL) }
        }
        #expect(temporary.read("target") == "secret")
        let device = #expect(throws: SpoolError.self) { try Directory.open("/dev").read(FileName("zero")) }
        #expect(device?.code == ENOTSUP)
    }

    @Test("has nothing where there is nothing")
    func absent() throws {
        #expect(try directory.stat(FileName("x")) == nil)
        #expect(try directory.read(FileName("x")) == nil)
        #expect(try directory.remove(FileName("x")) == false)
        try directory.removeTree(FileName("x"))
        #expect(throws: SpoolError(.open, "\(temporary.path)/x", code: ENOENT)) { try directory.directory("x") }
        #expect(throws: SpoolError(.open, "\(temporary.path)/x", code: ENOENT)) {
            try Directory.open("\(temporary.path)/x")
        }
    }

    @Test("says what was tried, on what, and why it failed")
    func description() {
        let error = SpoolError(.rename, "/spool/a", code: ENOSPC)
        #expect(error.description == "rename /spool/a: No space left on device")
        #expect(error.isOutOfSpace)
        #expect(SpoolError(.write, "", code: EDQUOT).isOutOfSpace)
        #expect("\(SpoolError(.open, "/spool/a", code: EMFILE))".hasSuffix("see `ulimit -n`)"))
        #expect(!SpoolError(.write, "", code: EIO).isOutOfSpace)
    }

    @Test("stays the same one when another is put in its place")
    func replaced() throws {
        try temporary.make(FileName("inner")) { mkdir($0, 0o700) }
        let inner = try directory.directory("inner")
        try directory.rename(FileName("inner"), to: directory, FileName("moved"))
        try temporary.make(FileName("inner")) { mkdir($0, 0o700) }
        _ = try inner.open(FileName("file"), O_WRONLY | O_CREAT)
        #expect(try temporary.names("moved") == ["file"])
        #expect(try temporary.names("inner") == [])
        #expect(try inner.stat().isSameFile(as: try #require(try directory.stat(FileName("moved")))))
        try directory.removeTree(FileName("moved"))
        #expect(try inner.entries() == [])
        let error = #expect(throws: SpoolError.self) { _ = try inner.open(FileName("file"), O_WRONLY | O_CREAT) }
        #expect(error?.code == ENOENT)
    }

    @Test("is not opened through a link")
    func linkedDirectory() throws {
        try temporary.make(FileName("inner")) { mkdir($0, 0o700) }
        try temporary.link(to: "inner", "link")
        #expect(throws: SpoolError(.open, "\(temporary.path)/link", code: ENOTDIR)) { try directory.directory("link") }
        #expect(throws: SpoolError.self) { try directory.makeDirectory("link", mode: 0o700) }
        // What people name is followed.
        #expect(try Directory.open("\(temporary.path)/link").entries() == [])
    }

    @Test("is removed with all below it, but nothing that links lead to")
    func removeTree() throws {
        try temporary.write("kept", "outside-file")
        try temporary.make(FileName("outside")) { mkdir($0, 0o700) }
        try temporary.write("kept", "outside/file")
        try temporary.make(FileName("tree")) { mkdir($0, 0o700) }
        try temporary.make(FileName("tree/deep")) { mkdir($0, 0o700) }
        try temporary.make(FileName(bytes: Array("tree/".utf8) + [0xFF, 0x0A])) { mkdir($0, 0o700) }
        try temporary.make(FileName(bytes: Array("tree/".utf8) + [0xFF, 0x0A] + Array("/x".utf8))) { mkdir($0, 0o700) }
        try temporary.make(FileName("tree/deep/fifo")) { mkfifo($0, 0o600) }
        try temporary.write("x", "tree/deep/file")
        try temporary.link(to: "../outside", "tree/link-to-directory")
        try temporary.link(to: "../outside-file", "tree/link-to-file")
        try temporary.make(FileName("tree/hard")) { Glibc.link("\(temporary.path)/outside-file", $0) }
        try directory.removeTree(FileName("tree"))
        #expect(try temporary.names() == ["outside", "outside-file"])
        #expect(temporary.read("outside/file") == "kept")
        #expect(temporary.read("outside-file") == "kept")

        try temporary.link(to: "outside", "link")
        try directory.removeTree(FileName("link"))
        #expect(temporary.read("outside/file") == "kept")
        try directory.removeTree(FileName("outside-file"))
        #expect(try temporary.names() == ["outside"])
    }

    @Test("is made with its mode, or opened where there is one")
    func makeDirectory() throws {
        _ = try directory.makeDirectory("new", mode: 0o700)
        _ = try directory.makeDirectory("new", mode: 0o700)
        #expect(try directory.stat(FileName("new"))?.mode == 0o700)
        try temporary.write("", "file")
        #expect(throws: SpoolError(.open, "\(temporary.path)/file", code: ENOTDIR)) {
            try directory.makeDirectory("file", mode: 0o700)
        }
    }

    @Test("renames over what is there, and not over a directory")
    func rename() throws {
        try temporary.write("new", "a")
        try temporary.write("old", "b")
        try directory.rename(FileName("a"), to: directory, FileName("b"))
        #expect(temporary.read("b") == "new")
        try temporary.make(FileName("c")) { mkdir($0, 0o700) }
        let error = #expect(throws: SpoolError.self) {
            try directory.rename(FileName("b"), to: directory, FileName("c"))
        }
        #expect(error?.code == EISDIR)
        #expect(error?.operation == .rename)
    }

    @Test("passes a failing listing on, for each of its calls", arguments: [EIO, EACCES, ENOMEM])
    func listingFails(_ code: Int32) throws {
        try temporary.write("", "a")
        let fault = Fault(code)
        let broken = try Directory.open(temporary.path, system: fault.system)
        var failures = 0
        for call in 1... {
            fault.fail(at: call)
            do throws(SpoolError) {
                _ = try broken.entries()
            } catch {
                #expect(error.code == code)
                failures += 1
            }
            if !fault.hasFailed { break }
        }
        // open, fdopendir, and readdir for ".", "..", "a" and the end
        #expect(failures == 6)
    }
}

@Suite("A descriptor", .timeLimit(.minutes(5)))
struct DescriptorTests {
    let temporary: TemporarySpool

    init() throws { temporary = try TemporarySpool() }

    @Test("reads from an offset and up to a limit")
    func read() throws {
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let file = try temporary.directory.open(FileName("f"), O_RDWR | O_CREAT)
        try file.write(bytes)
        #expect(try file.read(limit: .max) == bytes)
        #expect(try file.read(from: 70_000, limit: .max) == Array(bytes[70_000...]))
        #expect(try file.read(from: 199_990, limit: 5) == Array(bytes[199_990..<199_995]))
        #expect(try file.read(limit: 65_537) == Array(bytes[..<65_537]))
        #expect(try file.read(limit: 0) == [])
        #expect(try file.read(from: 1_000_000, limit: 5) == [])
        #expect(try temporary.directory.read(FileName("f"), limit: 3) == Array(bytes[..<3]))
        try file.truncate(to: 2)
        #expect(try file.read(limit: .max) == Array(bytes[..<2]))
        try file.syncData()
        try file.write([])
        #expect(try file.stat().size == 2)
    }

    @Test("retries what a signal interrupted, and nothing else", arguments: [EINTR, EIO, ENOSPC, EAGAIN])
    func interrupted(_ code: Int32) throws {
        let fault = Fault(code)
        let directory = try Directory.open(temporary.path, system: fault.system)
        let file = try directory.open(FileName("f"), O_RDWR | O_CREAT | O_TRUNC)
        fault.fail(at: 1)
        do throws(SpoolError) {
            try file.write([1, 2, 3])
            #expect(code == EINTR)
            #expect(try file.read(limit: 9) == [1, 2, 3])
        } catch {
            #expect(code != EINTR)
            #expect(error == SpoolError(.write, "\(temporary.path)/f", code: code))
        }
    }

    @Test("says what stat(2) says")
    func stat() throws {
        try temporary.write("12345", "f")
        try temporary.make(FileName("g")) { Glibc.link("\(temporary.path)/f", $0) }
        try temporary.make(FileName("f")) { chmod($0, 0o640) }
        var times = [timespec(tv_sec: 5, tv_nsec: 0), timespec(tv_sec: 1_767_792_792, tv_nsec: 123_456_789)]
        try temporary.make(FileName("f")) { utimensat(AT_FDCWD, $0, &times, 0) }
        let file = try temporary.directory.open(FileName("f"), O_RDONLY)
        let stat = try file.stat()
        #expect(stat.fingerprint == Fingerprint(size: 5, seconds: 1_767_792_792, nanoseconds: 123_456_789))
        #expect(stat.size == 5)
        #expect(stat.mode == 0o640)
        #expect(stat.owner == geteuid())
        #expect(stat.links == 2)
        #expect(stat.kind == .file)
        #expect(stat.isSameFile(as: try #require(try temporary.directory.stat(FileName("g")))))
        #expect(!stat.isSameFile(as: try temporary.directory.stat()))
    }

    @Test("takes the farthest modification times that a file can have", arguments: [Int.min, -1, .max])
    func farTimes(_ seconds: Int) throws {
        try temporary.write("", "f")
        var times = [timespec(tv_sec: 0, tv_nsec: 0), timespec(tv_sec: seconds, tv_nsec: 999_999_999)]
        try temporary.make(FileName("f")) { utimensat(AT_FDCWD, $0, &times, 0) }
        let fingerprint = try #require(try temporary.directory.stat(FileName("f"))).fingerprint
        #expect(Timestamp(fingerprint.modifiedAt.description) == fingerprint.modifiedAt)
        #expect(Fingerprint(json: fingerprint.json) == fingerprint)
    }
}

@Suite("Users, clocks and identifiers")
struct UsersTests {
    @Test("a user has a name, or else the number")
    func names() {
        #expect(Users.name(of: 0) == "root")
        #expect(Users.name(of: 3_999_999_999) == "3999999999")
    }

    @Test("a user belongs to groups by name")
    func groups() {
        #expect(Users.isMember(0, ofAny: ["nosuchgroup", "root"]))
        #expect(!Users.isMember(0, ofAny: ["nosuchgroup"]))
        #expect(!Users.isMember(0, ofAny: []))
        #expect(!Users.isMember(3_999_999_999, ofAny: ["root"]))
        #expect(Users.isMember(65534, ofAny: ["nogroup", "nobody"]))
    }

    @Test("a UUID is one of version 4, and another each time")
    func uuids() {
        let all = (0..<2000).map { _ in makeUUID() }
        #expect(Set(all).count == all.count)
        for uuid in all {
            #expect(uuid.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
        }
    }

    @Test("the clocks go forward")
    func clocks() {
        let (first, firstTime) = (Clock.monotonic(), Clock.now())
        #expect(Clock.monotonic() >= first)
        #expect(firstTime.milliseconds > 1_700_000_000_000)
    }
}
