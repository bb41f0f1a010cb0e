/// Moving finished families to the archive, with somebody dying, failing or writing at every moment of it.
import Foundation
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Testing

@Suite("Archiving a family", .timeLimit(.minutes(5)))
struct ArchiveTests {
    // A lease that is broken sends it.
    init() { signal(SIGIO, SIG_IGN) }

    func archive(_ spool: Spool, _ name: JobName, cutoff: Timestamp = .latest) throws(SpoolError) -> ArchiveOutcome {
        try spool.archive(name, cutoff: cutoff, .bystander)
    }

    @Test("moves it with its request to the day on which the job ended")
    func moves() throws {
        let temporary = try TemporarySpool()
        let family = try FinishedFamily(temporary)
        guard case .archived(let run, requestIsNew: false) = try archive(temporary.spool(), family.name) else {
            Issue.record("not archived")
            return
        }
        #expect(run.jobID == family.jobID)
        #expect(try family.checkIsWhole(""))
        #expect(try temporary.names() == [".jobspool", "archive"])
        try family.checkNothingIsLeft("")
        guard case .notDue = try archive(temporary.spool(), family.name) else {
            Issue.record("archived twice")
            return
        }
    }

    // MARK: What stays

    @Test("leaves what is not over for long enough, by the time of the result")
    func notDue() throws {
        let temporary = try TemporarySpool()
        let family = try FinishedFamily(temporary)
        try family.age(to: FinishedFamily.ended)
        let spool = try temporary.spool()
        let before = Timestamp(milliseconds: FinishedFamily.ended.milliseconds - 1)
        guard case .notDue = try archive(spool, family.name, cutoff: before) else {
            throw SpoolError(.rename, "", code: 0)
        }
        #expect(try !family.checkIsWhole(""))
        guard case .archived = try archive(spool, family.name, cutoff: FinishedFamily.ended) else {
            Issue.record("due, and not archived")
            return
        }
    }

    enum News: CaseIterable { case request, cancel, running, anotherRun, noStatus }

    @Test("leaves one whose name has something new", arguments: News.allCases)
    func inUse(_ news: News) throws {
        let temporary = try TemporarySpool()
        let family = try FinishedFamily(temporary)
        switch news {
        case .request: try temporary.write("{\"type\": \"another\"}", "219.json")
        case .cancel: try temporary.write("", "219.cancel.json")
        case .running:
            try temporary.write("{\"job_id\": \"\(family.jobID)\", \"status\": \"running\"}", "219.status.json")
        case .anotherRun:
            try temporary.write("{\"job_id\": \"\(makeUUID())\", \"status\": \"completed\"}", "219.status.json")
        case .noStatus: unlink("\(temporary.path)/219.status.json")
        }
        let before = try temporary.names()
        let spool = try temporary.spool()
        guard case .inUse = try archive(spool, family.name) else {
            Issue.record("archived")
            return
        }
        #expect(try temporary.names().filter { $0 != ".jobspool" } == before)
        // The daemon knows that it has finished with a job, whatever the status says.
        let outcome = try spool.archive(family.name, cutoff: .latest, .daemon)
        switch (news, outcome) {
        case (.running, .archived), (.noStatus, .archived), (.request, .inUse), (.cancel, .inUse),
            (.anotherRun, .inUse):
            break
        default: Issue.record("\(news): \(outcome)")
        }
    }

    @Test("leaves what is no result of the daemon's", .enabled(if: geteuid() == 0, "only root can give a file away"))
    func planted() throws {
        let temporary = try TemporarySpool()
        let family = try FinishedFamily(temporary)
        try temporary.giveAway("219.result.json")
        guard case .notDue = try archive(temporary.spool(), family.name) else {
            Issue.record("archived")
            return
        }
        #expect(family.files(in: ".").count == 5)
    }

    @Test("leaves it whole when its request may not be moved", arguments: [EPERM, EACCES, EBUSY, EXDEV])
    func immovable(_ code: Int32) throws {
        let temporary = try TemporarySpool()
        let family = try FinishedFamily(temporary)
        let fault = Fault(code, only: .rename)
        let spool = try temporary.spool(fault.system)
        fault.fail(at: 1)
        guard case .immovable(_, let why) = try archive(spool, family.name) else {
            Issue.record("archived")
            return
        }
        #expect(why.contains("219.json"))
        #expect(try !family.checkIsWhole(""))
        try family.checkNothingIsLeft("")
    }

    @Test("leaves it whole when it cannot come into the archive", arguments: ["file", "forbidden", "elsewhere"])
    func unreachable(what: String) throws {
        let temporary = try TemporarySpool()
        let family = try FinishedFamily(temporary)
        let spool = try temporary.spool(
            SystemCalls(fault: { operation, path in
                what == "forbidden" && operation == .makeDirectory && path.contains("/archive/") ? EACCES : nil
            }))
        _ = try spool.openArchive()
        if what == "file" { try temporary.write("", "archive/2026") }
        if what == "elsewhere" {
            // Only root can mount something.
            guard geteuid() == 0, try Tool.status(["mount", "-t", "tmpfs", "x", "\(temporary.path)/archive"]) == 0
            else { return }
        }
        defer { if what == "elsewhere" { umount2("\(temporary.path)/archive", 2) } }
        guard case .immovable(_, let why) = try archive(spool, family.name) else {
            Issue.record("archived")
            return
        }
        #expect(why.contains("archive"))
        #expect(try !family.checkIsWhole(""))
        #expect(try spool.home.directory("archiving").entries().isEmpty)
    }

    @Test(
        "is not tried where a sticky directory keeps the request",
        .enabled(if: geteuid() == 0, "only root can give a file away"))
    func sticky() throws {
        let temporary = try TemporarySpool()
        _ = try FinishedFamily(temporary)
        try temporary.giveAway("219.json")
        let stat = try #require(try temporary.directory.stat(FileName("219.json")))
        #expect(try !temporary.directory.forbids(1000, toMove: stat))
        chmod(temporary.path, 0o1777)
        #expect(try temporary.directory.forbids(1000, toMove: stat))
        // The file's owner, root, and the directory's owner.
        #expect(try !temporary.directory.forbids(65534, toMove: stat))
        #expect(try !temporary.directory.forbids(0, toMove: stat))
        chown(temporary.path, 1000, 1000)
        #expect(try !temporary.directory.forbids(1000, toMove: stat))
        chown(temporary.path, 0, 0)
    }

    @Test("of a request that is a directory, a link or a FIFO moves that, too")
    func strangeRequests() throws {
        for kind in ["directory", "link", "fifo"] {
            let temporary = try TemporarySpool()
            let family = try FinishedFamily(temporary)
            unlink("\(temporary.path)/219.json")
            switch kind {
            case "directory": try temporary.make(FileName("219.json")) { mkdir($0, 0o700) }
            case "link": try temporary.link(to: "/etc/passwd", "219.json")
            default: try temporary.make(FileName("219.json")) { mkfifo($0, 0o600) }
            }
            let stat = try #require(try temporary.directory.stat(FileName("219.json")))
            let result: JSON = [
                "job_id": .string(family.jobID), "status": "rejected", "updated_at": "2026-01-07T00:00:00.000Z",
                "request": stat.fingerprint.json,
            ]
            try temporary.write(result.text, "219.result.json")
            try temporary.write(result.text, "219.status.json")
            guard case .archived = try archive(temporary.spool(), family.name) else {
                Issue.record("\(kind) is not archived")
                return
            }
            #expect(try temporary.names() == [".jobspool", "archive"])
            #expect(try temporary.names(family.archived).count == 5)
        }
    }

    @Test("makes way for a family that was copied back from the archive and ran its course again")
    func copiedBack() throws {
        let temporary = try TemporarySpool()
        let family = try FinishedFamily(temporary)
        let spool = try temporary.spool()
        _ = try archive(spool, family.name)
        try Tool.run(["sh", "-c", "cp -a '\(temporary.path)/\(family.archived)/'* '\(temporary.path)/'"])
        guard case .archived = try archive(spool, family.name) else {
            Issue.record("not archived again")
            return
        }
        #expect(try family.checkIsWhole(""))
        #expect(spool.takeNotices().count == 1)
        #expect(try temporary.names(".jobspool/aside").count == 1)
    }

    // MARK: Dying

    /// Archives with everything failing from the N-th call on, as for one who dies there; false when N is past the end.
    func die(_ temporary: TemporarySpool, at call: Int, _ body: (Spool) throws -> Void) throws -> Bool {
        let fault = Fault(EIO, lasts: true)
        let spool = try temporary.spool(fault.system)
        fault.fail(at: call)
        do {
            try body(spool)
        } catch let error as SpoolError {
            #expect(error.code == EIO)
        }
        return fault.hasFailed
    }

    @Test("killed at any moment leaves a job that is over, and the next daemon makes it one whole family")
    func killed() throws {
        for call in 1... {
            let temporary = try TemporarySpool()
            let family = try FinishedFamily(temporary)
            let died = try die(temporary, at: call) { _ = try archive($0, family.name) }
            #expect(try !family.isRunnable, "call \(call)")
            try temporary.spool().completeArchiving()
            try family.checkIsWhole("call \(call)")
            #expect(try !family.isRunnable, "call \(call)")
            try family.checkNothingIsLeft("call \(call)")
            guard died else {
                #expect(call > 30)
                break
            }
        }
    }

    @Test("killed at any moment, and again while that is completed, still ends as one whole family")
    func killedTwice() throws {
        for call in stride(from: 1, through: 60, by: 2) {
            for again in stride(from: 1, through: 60, by: 3) {
                let temporary = try TemporarySpool()
                let family = try FinishedFamily(temporary)
                guard try die(temporary, at: call, { _ = try archive($0, family.name) }) else { return }
                let died = try die(temporary, at: again) { try $0.completeArchiving() }
                #expect(try !family.isRunnable, "calls \(call), \(again)")
                try temporary.spool().completeArchiving()
                try family.checkIsWhole("calls \(call), \(again)")
                try family.checkNothingIsLeft("calls \(call), \(again)")
                if !died { break }
            }
        }
    }

    @Test("that fails at any call can be tried again", arguments: [EIO, ENOSPC, EDQUOT, EINTR, EMFILE])
    func fails(_ code: Int32) throws {
        for call in 1... {
            let temporary = try TemporarySpool()
            let family = try FinishedFamily(temporary)
            let fault = Fault(code)
            let spool = try temporary.spool(fault.system)
            fault.fail(at: call)
            do throws(SpoolError) {
                _ = try archive(spool, family.name)
                #expect(code == EINTR || !fault.hasFailed)
            } catch {
                #expect(error.code == code)
            }
            let wasReached = fault.hasFailed
            fault.fail(at: 0)
            #expect(try !family.isRunnable, "call \(call)")
            try spool.completeArchiving()
            try family.checkIsWhole("call \(call)")
            _ = try archive(spool, family.name)
            #expect(try family.checkIsWhole("call \(call)"))
            try family.checkNothingIsLeft("call \(call)")
            if !wasReached { break }
        }
    }

    @Test("to make way for a new run, killed at any moment, leaves that run to be started and the old family whole")
    func killedForNewRun() throws {
        for call in 1... {
            let temporary = try TemporarySpool()
            let family = try FinishedFamily(temporary)
            try temporary.write("{\"type\": \"another\"}", "219.json")
            let died = try die(temporary, at: call) { try $0.archiveFamily(of: family.name) }
            #expect(try family.isRunnable)
            try temporary.spool().completeArchiving()
            #expect(try family.isRunnable)
            let isArchived = try family.checkIsWhole(withRequest: false, "call \(call)")
            #expect(temporary.read("219.json") == "{\"type\": \"another\"}")
            try family.checkNothingIsLeft("call \(call)")
            guard died else {
                #expect(isArchived)
                break
            }
        }
    }

    @Test("to make way for a new run goes on where a prune was killed, with the old request")
    func newRunAfterKill() throws {
        for call in 1... {
            let temporary = try TemporarySpool()
            let family = try FinishedFamily(temporary)
            guard try die(temporary, at: call, { _ = try archive($0, family.name) }) else { break }
            try temporary.write("{\"type\": \"another\"}", ".219.tmp")
            rename("\(temporary.path)/.219.tmp", "\(temporary.path)/219.json")
            let spool = try temporary.spool()
            try spool.archiveFamily(of: family.name)
            try spool.completeArchiving()
            #expect(temporary.read("219.json") == "{\"type\": \"another\"}")
            #expect(try family.isRunnable)
            #expect(family.files(in: family.archived).isSuperset(of: family.outputs), "call \(call)")
            try family.checkNothingIsLeft("call \(call)")
        }
    }
}
