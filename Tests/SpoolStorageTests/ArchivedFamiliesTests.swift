/// Looking archived families up, and deleting them; and the lock between those who move families.
import Foundation
import Glibc
import SpoolProtocol
import SpoolStorage
import Testing

@Suite("The archive", .timeLimit(.minutes(2)))
struct ArchivedFamiliesTests {
    let temporary: TemporarySpool
    let spool: Spool

    init() throws {
        temporary = try TemporarySpool()
        spool = try temporary.spool()
    }

    static func time(_ text: String) throws -> Timestamp { try #require(Timestamp(text)) }

    /// Archives a run that ended at a time.
    @discardableResult
    func archive(_ name: String, _ ended: String, jobID: String = makeUUID()) throws -> FinishedFamily {
        let ended = try Self.time(ended)
        let family = try FinishedFamily(temporary, name, jobID: jobID, ended: ended)
        try family.age(to: ended)
        guard case .archived = try spool.archive(family.name, cutoff: .latest, .bystander) else {
            throw Tool.Failure(description: "\(name) is not archived")
        }
        return family
    }

    func mkdirs(_ path: String) throws { try Tool.run(["mkdir", "-p", "\(temporary.path)/\(path)"]) }

    /// What else may be in there.
    func addForeignThings() throws {
        let id = makeUUID()
        try mkdirs("elsewhere/219~\(id)")
        for path in [
            "archive/notes", "archive/2026/01/07/219", "archive/2026/01/07/219~x", "archive/20260107",
            "archive/2026/1/7/219~\(id)", "archive/2026/13/01/219~\(id)", "archive/9999/02/30/219~\(id)",
            "archive/.2026/01/07/219~\(id)",
        ] { try mkdirs(path) }
        for path in [
            "archive/README", "archive/2027", "archive/2026/02", "archive/2026/01/31", "archive/spool.events-1.json",
        ] {
            try temporary.write("mine", path)
        }
        try temporary.link(to: "\(temporary.path)/elsewhere", "archive/2028")
        try temporary.link(to: "\(temporary.path)/elsewhere", "archive/2026/01/09")
        try temporary.link(to: "\(temporary.path)/elsewhere/219~\(id)", "archive/2026/01/07/link~\(id)")
        try temporary.link(to: "/etc/passwd", "archive/spool.events-2.jsonl")
    }

    func foreignThings() throws -> String {
        let script =
            "cd '\(temporary.path)' && find . -path ./.jobspool -prune -o ! -name list -print | grep -v '~' | sort >list"
        try Tool.run(["sh", "-c", script])
        return temporary.read("list") ?? ""
    }

    // MARK: Look-up

    @Test("finds the newest run of a name, and every run by its identifier")
    func finds() throws {
        let old = try archive("219", "2025-12-31T23:59:59.999Z")
        let first = try archive("219", "2026-01-07T10:00:00.001Z", jobID: "00000000-0000-4000-8000-00000000000f")
        let second = try archive("219", "2026-01-07T10:00:00.002Z", jobID: "00000000-0000-4000-8000-000000000001")
        let other = try archive("218", "2026-01-08T00:00:00Z")
        try archive("219~219", "2026-03-01T00:00:00Z")
        try addForeignThings()
        let families = try spool.archivedFamilies()
        #expect(try families.newest(of: old.name)?.jobID == second.jobID)
        #expect(try families.runs(of: old.name, limit: 9).map(\.jobID) == [second, first, old].map(\.jobID))
        #expect(try families.runs(of: old.name, limit: 2).map(\.jobID) == [second, first].map(\.jobID))
        #expect(try families.newest(of: other.name)?.path == "\(temporary.path)/archive/2026/01/08/218~\(other.jobID)")
        #expect(try families.newest(of: JobName("217")) == nil)
        let several: Set = [old.name, other.name, try JobName("217")]
        #expect(
            try families.newest(of: several).mapValues(\.jobID) == [old.name: second.jobID, other.name: other.jobID])
        for family in [old, first, second, other] {
            #expect(try families.family(jobID: family.jobID.uppercased())?.name == family.name)
        }
        #expect(try families.family(jobID: makeUUID()) == nil)
        #expect(
            try Set(families.families(jobIDs: [old.jobID, makeUUID(), other.jobID]).map(\.jobID)) == [
                old.jobID, other.jobID,
            ])
        #expect(
            try families.newest(of: old.name)?.open()?.read(FileName("219.log.jsonl"))
                == Array("log of \(second.jobID)\n".utf8))
    }

    @Test(
        "is empty where there is none, and one that is a link, a file or another's is none",
        arguments: ["", "link", "file", "another's"])
    func none(_ kind: String) throws {
        try archive("219", "2026-01-07T10:00:00Z")
        try Tool.run(["mv", "\(temporary.path)/archive", "\(temporary.path)/moved"])
        switch kind {
        case "link": try temporary.link(to: "moved", "archive")
        case "file": try temporary.write("", "archive")
        case "another's":
            guard geteuid() == 0 else { return }
            try Tool.run(["mv", "\(temporary.path)/moved", "\(temporary.path)/archive"])
            try temporary.giveAway("archive")
        default: break
        }
        let families = try spool.archivedFamilies()
        #expect(try families.days().isEmpty)
        #expect(try families.newest(of: JobName("219")) == nil)
        #expect(try families.feeds().isEmpty)
    }

    @Test("lists its days, the newest first, and those alone")
    func days() throws {
        for day in ["2026-01-07", "2024-02-29", "2026-01-10", "2025-12-31"] { try archive("x", "\(day)T12:00:00Z") }
        try addForeignThings()
        let days = try spool.archivedFamilies().days().map { $0.components.joined(separator: "/") }
        #expect(
            days.filter { $0 != "2026/01/09" && $0 != "2026/01/31" } == [
                "2026/01/10", "2026/01/07", "2025/12/31", "2024/02/29",
            ])
        // A link or a file that has a day's name holds nothing.
        for day in ["09", "31"] {
            let day = try #require(ArchiveDay(FileName("2026"), FileName("01"), FileName(day)))
            #expect(try spool.archivedFamilies().families(on: day).isEmpty)
        }
    }

    // MARK: Deleting

    @Test("says which families and feeds are old: of most days by the day, of one day by each result")
    func expired() throws {
        let families = try [
            archive("a", "2026-01-06T23:59:59.999Z"), archive("b", "2026-01-07T00:00:00Z"),
            archive("c", "2026-01-07T12:00:00Z"), archive("d", "2026-01-07T12:00:00.001Z"),
            archive("e", "2026-01-08T00:00:00Z"),
        ]
        let cutoff = try Self.time("2026-01-07T12:00:00Z")
        try addForeignThings()
        // Of a day that is past its results are not asked.
        try families[0].age("\(FinishedFamily.day)/../06/a~\(families[0].jobID)/a.result.json", to: .latest)
        let archived = try spool.archivedFamilies()
        let names = try archived.days().flatMap { try archived.expired(on: $0, cutoff: cutoff) }.map(\.name.string)
        #expect(names.sorted() == ["a", "b", "c"])

        for (number, time) in [
            (7, "2026-01-07T12:00:00Z"), (100, "2026-01-07T12:00:01Z"), (12, "2025-01-01T00:00:00Z"),
        ] {
            try temporary.write("{}\n", "archive/spool.events-\(number).jsonl")
            try families[0].age("archive/spool.events-\(number).jsonl", to: try Self.time(time))
        }
        #expect(try archived.feeds().map(\.lastSequence) == [2, 7, 12, 100])
        #expect(try archived.expiredFeeds(cutoff: cutoff).map(\.lastSequence) == [7, 12])
    }

    @Test("loses a family and empty days by a deletion, and nothing that somebody else put there")
    func deletes() throws {
        try archive("219", "2026-01-07T10:00:00Z")
        try archive("218", "2026-01-07T10:00:00Z")
        try archive("219", "2025-12-31T10:00:00Z")
        try addForeignThings()
        let before = try foreignThings()
        let archived = try spool.archivedFamilies()
        for day in try archived.days() {
            for family in try archived.families(on: day) where family.name.string != "218" {
                // A link that is named like a family is none.
                #expect(try spool.delete(family) == (family.name.string == "219"))
                #expect(try !spool.delete(family))
            }
            try spool.removeIfEmpty(day)
        }
        #expect(try archived.days().contains { $0.components == ["2026", "01", "07"] })
        #expect(try archived.newest(of: JobName("218")) != nil)
        #expect(try archived.newest(of: JobName("219")) == nil)
        #expect(try temporary.names(".jobspool/trash") == [])
        let gone = ["./archive/2025", "./archive/2025/12", "./archive/2025/12/31"]
        #expect(
            try foreignThings()
                == before.split(separator: "\n").filter { !gone.contains(String($0)) }.map { "\($0)\n" }.joined())
        #expect(FileManager.default.fileExists(atPath: "/etc/passwd"))
    }

    @Test("still has a family whole, or not at all, when whoever deletes it dies at any moment")
    func killedDeletion() throws {
        for call in 1... {
            let temporary = try TemporarySpool()
            let family = try FinishedFamily(temporary)
            _ = try temporary.spool().archive(family.name, cutoff: .latest, .bystander)
            let fault = Fault(EIO, lasts: true)
            let spool = try temporary.spool(fault.system)
            let archived = try #require(try spool.archivedFamilies().newest(of: family.name))
            fault.fail(at: call)
            do throws(SpoolError) {
                try spool.delete(archived)
                try spool.removeIfEmpty(archived.day)
            } catch {
                #expect(error.code == EIO)
            }
            let died = fault.hasFailed
            #expect([[], Set(family.files)].contains(family.files(in: family.archived)), "call \(call)")
            try temporary.spool().clearTrash()
            try family.checkNothingIsLeft("call \(call)")
            guard died else {
                #expect(call > 20)
                #expect(try temporary.names("archive") == [])
                break
            }
        }
    }

    @Test("leaves in the trash what cannot be removed, and nothing else") func trash() throws {
        let temporary = try TemporarySpool()
        let home = try temporary.spool().home
        for name in ["1", "2", "3"] {
            let family = try home.makeDirectory("trash", mode: 0o700).makeDirectory(name, mode: 0o700)
            try family.open(FileName("file"), O_WRONLY | O_CREAT).write([])
        }
        let refuse = SystemCalls(fault: { operation, path in
            operation == .unlink && path.hasSuffix("trash/2/file") ? EACCES : nil
        })
        try Spool.open(temporary.path, system: refuse).clearTrash()
        #expect(try temporary.names(".jobspool/trash") == ["2"])
    }

    // MARK: The lock

    @Test("is changed by one process at a time; another one is waited for, but not for ever")
    func lock() throws {
        let family = try FinishedFamily(temporary)
        try spool.completeArchiving()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["flock", "\(temporary.path)/.jobspool/archiving", "sh", "-c", "echo held; read line"]
        let (stdin, stdout) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        try process.run()
        #expect(String(decoding: stdout.fileHandleForReading.availableData, as: UTF8.self) == "held\n")
        let error = #expect(throws: SpoolError.self) { try spool.archive(family.name, cutoff: .latest, .bystander) }
        #expect(error?.code == EWOULDBLOCK)
        #expect(error?.operation == .lock)
        #expect(throws: SpoolError.self) { try spool.archiveFamily(of: family.name) }
        #expect(try !family.checkIsWhole(""))
        try stdin.fileHandleForWriting.close()
        process.waitUntilExit()
        guard case .archived = try spool.archive(family.name, cutoff: .latest, .bystander) else {
            Issue.record("not archived")
            return
        }
    }
}
