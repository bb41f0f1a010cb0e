/// Publishing, logs, what others plant in a shared spool, and the lock.
import Foundation
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Synchronization
import Testing

final class Flag: Sendable {
    let isDone = Atomic(false)
}

@Suite("Publishing", .timeLimit(.minutes(2)))
struct PublishTests {
    let temporary: TemporarySpool
    static let status = SpoolFile.spoolStatus
    static let name = "spool.status.json"

    init() throws { temporary = try TemporarySpool() }

    static func document(_ number: Int) -> JSON {
        ["number": JSON(number), "filler": JSON(String(repeating: "x", count: number % 7919)), "again": JSON(number)]
    }

    @Test("replaces a file as a whole", arguments: [Spool.Durability.process, .power, .powerAfterDirectorySync])
    func replaces(_ durability: Spool.Durability) throws {
        let spool = try temporary.spool()
        try spool.publish(["a": 1], as: Self.status, durability)
        #expect(temporary.read(Self.name) == "{\n  \"a\": 1\n}\n")
        try spool.publish(["b": 2], as: Self.status, durability)
        #expect(temporary.read(Self.name) == "{\n  \"b\": 2\n}\n")
        #expect(try spool.readOwn(Self.status) == ["b": 2])
        #expect(try temporary.names() == [".jobspool", Self.name])
        #expect(try temporary.names(".jobspool/tmp") == [])
        #expect(try temporary.directory.stat(FileName(Self.name))?.mode == 0o644)
    }

    @Test("removes a file only as long as it is the one that was looked at") func removesWhatWasSeen() throws {
        let spool = try temporary.spool()
        let file = try #require(Self.status.fileName)
        try spool.publish(["a": 1], as: Self.status, .process)
        let first = try #require(try spool.root.stat(file))
        try spool.publish(["b": 2], as: Self.status, .process)
        #expect(try !spool.remove(file, ifStill: first))
        #expect(try spool.readOwn(Self.status) == ["b": 2])
        let second = try #require(try spool.root.stat(file))
        #expect(try spool.remove(file, ifStill: second))
        #expect(try temporary.names() == [".jobspool"])
        #expect(try !spool.remove(file, ifStill: second))
        #expect(try temporary.names(".jobspool/tmp") == [])
    }

    @Test("leaves a file that cannot be looked at, or not be removed, where it was", arguments: 2...3)
    func removesNothingUnknown(call: Int) throws {
        let fault = Fault(EACCES)
        let spool = try temporary.spool(fault.system)
        let file = try #require(Self.status.fileName)
        try spool.publish(["a": 1], as: Self.status, .process)
        let seen = try #require(try spool.root.stat(file))
        fault.fail(at: call)
        #expect(throws: SpoolError.self) { try spool.remove(file, ifStill: seen) }
        #expect(fault.hasFailed)
        fault.fail(at: 0)
        #expect(try spool.readOwn(Self.status) == ["a": 1])
        #expect(try temporary.names(".jobspool/tmp") == [])
    }

    @Test("never shows a reader anything but a complete file, 10,000 times")
    func atomic() async throws {
        let spool = try temporary.spool()
        try spool.publish(Self.document(0), as: Self.status, .process)
        let writer = Flag()
        let directory = temporary.directory
        try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                var reads = 0
                var last = 0
                while !writer.isDone.load(ordering: .acquiring) || reads == 0 {
                    let bytes = try #require(try directory.read(FileName(Self.name)))
                    let number = try #require(try JSON(parsing: bytes)["number"]?.int)
                    #expect(number >= last)
                    last = number
                    reads += 1
                }
                return reads
            }
            group.addTask {
                defer { writer.isDone.store(true, ordering: .releasing) }
                for number in 1...10_000 { try spool.publish(Self.document(number), as: Self.status, .process) }
                return 0
            }
            let reads = try await group.reduce(0, +)
            #expect(reads > 100)
        }
        #expect(try spool.readOwn(Self.status) == Self.document(10_000))
    }

    @Test(
        "that fails at any of its calls leaves the old file or the new one, whole, and nothing else",
        arguments: [ENOSPC, EIO, EINTR, EACCES, EDQUOT, EMFILE], [false, true])
    func faults(_ code: Int32, _ lasts: Bool) throws {
        // A call that is interrupted for ever is none.
        let fault = Fault(code, lasts: lasts && code != EINTR)
        let spool = try temporary.spool(fault.system)
        let (old, new): (JSON, JSON) = (["file": "old"], ["file": "new"])
        for call in 1... {
            fault.fail(at: 0)
            try spool.publish(old, as: Self.status, .power)
            fault.fail(at: call)
            var failed = false
            do throws(SpoolError) {
                try spool.publish(new, as: Self.status, .power)
            } catch {
                failed = true
                #expect(error.code == code)
            }
            let wasReached = fault.hasFailed
            fault.fail(at: 0)
            let file = try #require(try spool.readOwn(Self.status))
            #expect([old, new].contains(file))
            if !failed { #expect(file == new) }
            #expect(failed == (wasReached && code != EINTR))
            #expect(try temporary.names() == [".jobspool", Self.name], "call \(call)")
            if !lasts { #expect(try temporary.names(".jobspool/tmp") == [], "call \(call)") }
            guard wasReached else {
                // open, write, fdatasync, rename, fsync
                #expect(call == 6)
                break
            }
        }
        try spool.clearTemporary()
        #expect(try temporary.names(".jobspool/tmp") == [])
    }

    @Test("that fails names the operation", arguments: [.open, .write, .syncData, .rename] as [SystemOperation])
    func operations(_ operation: SystemOperation) throws {
        let fault = Fault(ENOSPC, only: operation)
        let spool = try temporary.spool(fault.system)
        fault.fail(at: 1)
        let error = #expect(throws: SpoolError.self) { try spool.publish([:], as: Self.status, .power) }
        #expect(error?.operation == operation)
        #expect(error?.isOutOfSpace == true)
        #expect(temporary.read(Self.name) == nil)
    }

    @Test("replaces a link and never writes through it")
    func link() throws {
        let spool = try temporary.spool()
        try temporary.write("precious", "target")
        try temporary.link(to: "target", Self.name)
        try spool.publish(["a": 1], as: Self.status, .process)
        #expect(temporary.read("target") == "precious")
        #expect(try temporary.directory.stat(FileName(Self.name))?.kind == .file)
        try temporary.make(FileName("hard")) { Glibc.link("\(temporary.path)/\(Self.name)", $0) }
        try spool.publish(["a": 2], as: Self.status, .process)
        #expect(temporary.read("hard") == "{\n  \"a\": 1\n}\n")
    }

    @Test("does not replace a directory: it is moved aside first, and told")
    func directory() throws {
        let spool = try temporary.spool()
        try temporary.make(FileName(Self.name)) { mkdir($0, 0o700) }
        try spool.publish([:], as: Self.status, .process)
        #expect(try temporary.names(".jobspool/aside").first?.hasPrefix("\(Self.name)~") == true)
        #expect(try temporary.names(".jobspool/tmp") == [])
        #expect(spool.takeNotices().count == 1)
        #expect(spool.takeNotices().isEmpty)
        #expect(temporary.read(Self.name) == "{}\n")
    }

    @Test("into a spool that was moved goes where the spool is now")
    func moved() throws {
        try temporary.make(FileName("inner")) { mkdir($0, 0o700) }
        let spool = try Spool.open("\(temporary.path)/inner")
        try temporary.directory.rename(FileName("inner"), to: temporary.directory, FileName("moved"))
        try temporary.make(FileName("inner")) { mkdir($0, 0o700) }
        try spool.publish(["a": 1], as: Self.status, .power)
        #expect(try temporary.names("moved") == [".jobspool", Self.name])
        #expect(try temporary.names("inner") == [])
    }
}

@Suite("The spool's private directory", .timeLimit(.minutes(5)))
struct HomeTests {
    let temporary: TemporarySpool

    init() throws { temporary = try TemporarySpool() }

    @Test("is made with what it needs, for its user alone, and opened again")
    func made() throws {
        _ = try temporary.spool()
        _ = try temporary.spool()
        #expect(try temporary.names() == [".jobspool"])
        #expect(try temporary.names(".jobspool") == ["attempts", "scheduled", "spare", "tmp", "work"])
        #expect(try temporary.directory.stat(FileName(".jobspool"))?.mode == 0o700)
    }

    @Test("is closed to others when it was open to them", arguments: [".jobspool", ".jobspool/tmp"])
    func tightened(_ name: String) throws {
        _ = try temporary.spool()
        try temporary.make(FileName(name)) { chmod($0, 0o777) }
        _ = try temporary.spool()
        #expect(try temporary.directory.stat(FileName(name))?.mode == 0o700)
    }

    @Test(
        "is refused when it belongs to somebody else",
        .enabled(if: geteuid() == 0, "only root can give a directory away"),
        arguments: ["", "/tmp", "/attempts", "/work"])
    func anothers(_ inner: String) throws {
        _ = try temporary.spool()
        try temporary.giveAway(".jobspool\(inner)")
        let error = #expect(throws: Spool.Unfit.self) { _ = try temporary.spool() }
        #expect(error?.description.contains("\(temporary.path)/.jobspool\(inner) belongs to another user") == true)
    }

    @Test("is no link and no file", arguments: [true, false])
    func noDirectory(_ isLink: Bool) throws {
        try temporary.make(FileName("elsewhere")) { mkdir($0, 0o700) }
        if isLink { try temporary.link(to: "elsewhere", ".jobspool") } else { try temporary.write("", ".jobspool") }
        let error = #expect(throws: SpoolError.self) { _ = try temporary.spool() }
        #expect(error?.code == ENOTDIR)
        #expect(try temporary.names("elsewhere") == [])
    }

    @Test("is opened after a failure at any call", arguments: [ENOSPC, EIO, EINTR, EACCES])
    func faults(_ code: Int32) throws {
        for call in 1... {
            let fresh = try TemporarySpool()
            let fault = Fault(code)
            fault.fail(at: call)
            do {
                _ = try fresh.spool(fault.system)
                #expect(code == EINTR || !fault.hasFailed)
            } catch let error as SpoolError {
                #expect(error.code == code)
            }
            try fresh.spool().publish([:], as: .spoolStatus, .power)
            #expect(fresh.read("spool.status.json") == "{}\n")
            if !fault.hasFailed {
                #expect(call > 10)
                break
            }
        }
    }

    @Test("is cleared of what an earlier daemon left half-written")
    func clearTemporary() throws {
        let spool = try temporary.spool()
        try temporary.write("half", ".jobspool/tmp/1-1")
        try temporary.make(FileName(".jobspool/tmp/directory")) { mkdir($0, 0o700) }
        try temporary.write("", ".jobspool/tmp/directory/file")
        try temporary.make(FileName(bytes: Array(".jobspool/tmp/".utf8) + [0xFF])) { mkdir($0, 0o700) }
        try spool.clearTemporary()
        #expect(try temporary.names(".jobspool/tmp") == [])
    }
}

@Suite("An output of the daemon", .timeLimit(.minutes(5)))
struct OwnFileTests {
    let temporary: TemporarySpool
    let spool: Spool
    let log = FileName("a.log.jsonl")

    init() throws {
        temporary = try TemporarySpool()
        spool = try temporary.spool()
    }

    /// Appends to a log that is taken up again; false when it is not.
    func canReopen(_ name: FileName, andWrite text: String = "") throws -> Bool {
        guard let file = try spool.reopenLog(name) else { return false }
        try file.write(Array(text.utf8))
        return true
    }

    @Test("is made anew and appended to, and taken up again")
    func logs() throws {
        #expect(try !canReopen(log))
        let first = try spool.createLog(log)
        try first.write(Array("one\n".utf8))
        #expect(try canReopen(log, andWrite: "two\n"))
        #expect(temporary.read("a.log.jsonl") == "one\ntwo\n")
        try first.write(Array("three\n".utf8))
        #expect(temporary.read("a.log.jsonl") == "one\ntwo\nthree\n")
        _ = try spool.createLog(log)
        #expect(temporary.read("a.log.jsonl") == "")
        #expect(try temporary.names(".jobspool/tmp") == [])
    }

    @Test("that is made takes the place of what was planted and leaves what that led to alone")
    func plantedLog() throws {
        try temporary.write("precious", "target")
        try temporary.link(to: "target", "a.log.jsonl")
        #expect(try !spool.isOwn(log))
        #expect(try !canReopen(log))
        try spool.createLog(log).write(Array("one\n".utf8))
        #expect(temporary.read("target") == "precious")
        #expect(temporary.read("a.log.jsonl") == "one\n")
        #expect(try spool.isOwn(log))

        try temporary.make(FileName("b.log.jsonl")) { Glibc.link("\(temporary.path)/target", $0) }
        // It belongs to the right user, and what it holds may be read; but it is never written to.
        #expect(try spool.isOwn(FileName("b.log.jsonl")))
        #expect(try !canReopen(FileName("b.log.jsonl")))
        try spool.createLog(FileName("b.log.jsonl")).write(Array("one\n".utf8))
        #expect(temporary.read("target") == "precious")
    }

    @Test("is no FIFO, socket, directory or link, and none of them is waited for")
    func notFiles() throws {
        try temporary.make(FileName("fifo.status.json")) { mkfifo($0, 0o600) }
        try temporary.make(FileName("socket.status.json")) { mknod($0, S_IFSOCK | 0o600, 0) }
        try temporary.make(FileName("directory.status.json")) { mkdir($0, 0o700) }
        try temporary.write("{}", "target")
        try temporary.link(to: "target", "link.status.json")
        for word in ["fifo", "socket", "directory", "link", "absent"] {
            let file = SpoolFile.status(try JobName(word))
            let name = try #require(file.fileName)
            #expect(try !spool.isOwn(name))
            #expect(try spool.readOwn(file) == nil)
            #expect(try !canReopen(name))
        }
    }

    @Test("of another user counts for nothing", .enabled(if: geteuid() == 0, "only root can give a file away"))
    func anothers() throws {
        let status = SpoolFile.status(try JobName("a"))
        try spool.publish(["a": 1], as: status, .process)
        #expect(try spool.readOwn(status) == ["a": 1])
        try temporary.giveAway("a.status.json")
        #expect(try !spool.isOwn(FileName("a.status.json")))
        #expect(try spool.readOwn(status) == nil)
        #expect(try !canReopen(FileName("a.status.json")))
        let aside = try #require(try spool.moveAside(FileName("a.status.json")))
        #expect(FileManager.default.contents(atPath: aside) != nil)
        #expect(temporary.read("a.status.json") == nil)
    }

    @Test("that is no JSON counts for nothing")
    func noJSON() throws {
        try temporary.write("{\"a\": ", "a.status.json")
        #expect(try spool.readOwn(.status(try JobName("a"))) == nil)
    }

    @Test("that is in the way and goes by itself is in nobody's way, and not told of") func goesByItself() throws {
        #expect(try spool.moveAside(FileName("a.status.json")) == nil)
        #expect(spool.takeNotices().isEmpty)
    }

    @Test("of several names may be somebody else's, whatever it is, where others may write") func links() throws {
        let root = temporary.directory
        try temporary.link(to: "nowhere", "link")
        #expect(linkat(root.raw, "link", root.raw, "again", 0) == 0)
        _ = try root.makeDirectory("directory", mode: 0o755).makeDirectory("inner", mode: 0o755)
        let (link, directory) = (
            try #require(try root.stat(FileName("again"))), try #require(try root.stat(FileName("directory")))
        )
        chmod(temporary.path, 0o755)
        #expect(try !root.mayBeForeign(link))
        chmod(temporary.path, 0o1777)
        #expect(try root.mayBeForeign(link))
        #expect(try !root.mayBeForeign(directory))
    }

    @Test("that is in the way is moved aside under any name, never deleted")
    func moveAside() throws {
        let names = [
            FileName("plain"), FileName(String(repeating: "x", count: 255)), FileName(bytes: [0xFF, 0x0A]),
            FileName("é" + String(repeating: "é", count: 126)),
        ]
        for _ in 0..<2 {
            for name in names {
                try temporary.directory.open(name, O_WRONLY | O_CREAT | O_EXCL).write(name.bytes)
                _ = try spool.moveAside(name)
                #expect(try temporary.directory.stat(name) == nil)
            }
        }
        try temporary.link(to: "/etc/shadow", "link")
        _ = try spool.moveAside(FileName("link"))
        let aside = try spool.home.directory("aside")
        #expect(try aside.entries().count == 9)
        let contents = try aside.entries().filter { !$0.description.hasPrefix("link") }.map { try aside.read($0) }
        #expect(Set(contents) == Set(names.map(\.bytes)))
        #expect(try spool.moveAside(FileName("absent")) == nil)
    }

    @Test(
        "that cannot be made leaves nothing behind, and what was there as it was", arguments: [ENOSPC, EIO, EACCES],
        [true, false])
    func createLogFails(_ code: Int32, isThere: Bool) throws {
        let fault = Fault(code)
        let broken = try temporary.spool(fault.system)
        if isThere { try spool.createLog(log).write(Array("old\n".utf8)) }
        for call in 1... {
            fault.fail(at: call)
            do throws(SpoolError) {
                _ = try broken.createLog(log)
            } catch {
                #expect(error.code == code)
                #expect(try temporary.names() == [".jobspool"] + (isThere ? ["a.log.jsonl"] : []))
                if isThere { #expect(temporary.read("a.log.jsonl") == "old\n") }
            }
            #expect(try temporary.names(".jobspool/tmp") == [])
            if !fault.hasFailed {
                // In its place; or beside it, and renamed.
                #expect(call == (isThere ? 4 : 2))
                #expect(temporary.read("a.log.jsonl") == "")
                break
            }
        }
    }
}

@Suite("The lock", .timeLimit(.minutes(5)))
struct SpoolLockTests {
    let temporary: TemporarySpool
    var path: String { "\(temporary.path)/.jobspool/lock" }

    static var identity: DaemonIdentity {
        DaemonIdentity(
            pid: 4711, host: "host", user: "anna", startedAt: Timestamp(milliseconds: 1_767_792_792_000), version: "1.0"
        )
    }

    init() throws { temporary = try TemporarySpool() }

    /// Holds the lock in another process until that is killed.
    static let holder = """
        import fcntl, sys
        lock = open(sys.argv[1], "w")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock.write(sys.argv[2])
        lock.flush()
        print("held", end="", flush=True)
        sys.stdin.read()
        """

    func hold(_ content: String) throws -> (Process, Pipe) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", Self.holder, path, content]
        let (stdin, stdout) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        try process.run()
        let said = String(decoding: stdout.fileHandleForReading.availableData, as: UTF8.self)
        if said != "held" {
            throw Tool.Failure(description: "python3 does not hold the lock (it says \"\(said)\"): install it")
        }
        return (process, stdin)
    }

    @Test("held by another process is refused with its holder, and free when that is killed")
    func held() throws {
        let spool = try temporary.spool()
        let (process, stdin) = try hold(Self.identity.json.text)
        let held = #expect(throws: SpoolLock.Held.self) { _ = try SpoolLock(spool, as: Self.identity) }
        #expect(held?.holder == Self.identity)
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        #expect(throws: Never.self) { _ = try SpoolLock(spool, as: Self.identity) }
        try stdin.fileHandleForWriting.close()
    }

    @Test(
        "held by one that has not said who it is, or only half, is refused without a holder",
        arguments: ["", "{\"pid\": 4"])
    func torn(_ content: String) throws {
        let spool = try temporary.spool()
        let (process, stdin) = try hold(content)
        let held = #expect(throws: SpoolLock.Held.self) { _ = try SpoolLock(spool, as: Self.identity) }
        #expect(held != nil)
        #expect(held?.holder == nil)
        try stdin.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    @Test("keeps other processes out, says who holds it, and is free again")
    func holds() async throws {
        let spool = try temporary.spool()
        // What an earlier, longer identity left does not shine through.
        try temporary.write(String(repeating: "x", count: 5000), ".jobspool/lock")
        do {
            let lock = try SpoolLock(spool, as: Self.identity)
            #expect(try Tool.status(["flock", "-n", path, "true"]) == 1)
            #expect(DaemonIdentity(json: try JSON(parsing: temporary.read(".jobspool/lock") ?? "")) == Self.identity)
            let held = #expect(throws: SpoolLock.Held.self) { _ = try SpoolLock(spool, as: Self.identity) }
            #expect(held?.holder == Self.identity)
            _ = consume lock
        }
        // -w: a process that is being started elsewhere may hold a copy of the descriptor for a moment.
        #expect(try Tool.status(["flock", "-w", "10", path, "true"]) == 0)
    }

    @Test("that could not be written is not held", arguments: [ENOSPC, EIO, EACCES])
    func faults(_ code: Int32) throws {
        let fault = Fault(code)
        let spool = try temporary.spool(fault.system)
        for call in 1... {
            fault.fail(at: call)
            do {
                _ = try SpoolLock(spool, as: Self.identity)
            } catch let error as SpoolError {
                #expect(error.code == code)
            }
            #expect(try Tool.status(["flock", "-w", "10", path, "true"]) == 0)
            if !fault.hasFailed {
                // open, flock, ftruncate, write
                #expect(call == 5)
                break
            }
        }
    }
}
