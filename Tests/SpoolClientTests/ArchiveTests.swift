/// Finished jobs that are in the archive, or on their way there, as a client finds them.
import Glibc
import JSONText
import SpoolClient
import SpoolProtocol
import SpoolStorage
import Synchronization
import Testing

@Suite("An archived job")
struct ArchiveTests {
    private let spool: TestSpool
    private let name: JobName

    init() throws {
        spool = try TestSpool()
        name = try JobName("219")
    }

    /// Runs a job to its end and archives it.
    @discardableResult
    private func archive(
        _ name: String, _ sequence: Int64, _ standing: Standing = .completed, type: String = "documents.sync"
    ) throws -> String {
        try spool.end(
            try spool.makeStatus(name, standing, for: try spool.drop(name, type: type), sequence: sequence, type: type))
        try spool.append("log of \(sequence)\n", "\(name).log.jsonl")
        return try spool.archive(name)
    }

    private func run(_ script: String) throws -> CommandRunner.Ended { try CommandRunner.run(script, in: spool.path) }

    // MARK: Finding

    @Test(
        "is found by its name, its request's file name and its job_id",
        arguments: ["219", "219.json", TestSpool.jobID(1), "00000000-0000-4000-8000-000000000001"])
    func found(reference: String) throws {
        let path = try archive("219", 1)
        let view = try spool.client.result(of: try spool.client.find(reference))
        #expect(view.jobID == TestSpool.jobID(1))
        #expect(view.archivedPath == path)
        #expect(view.json["archived"]?.string == path)
        #expect(view.json["status"] == "completed")
        #expect(view.resultJSON?["archived"]?.string == path)
        #expect(try spool.client.name(for: reference) == name)
        let ended = try run(
            "jobspool status --json \(reference) | jq -r .archived; jobspool status \(reference); jobspool result \(reference); jobspool logs \(reference); jobspool logs -f \(reference); jobspool wait \(reference)"
        )
        #expect(ended.status == 0)
        #expect(ended.output.split(separator: "\n").count { $0.contains(path) } == 4, "\(ended.output)")
        #expect(ended.output.split(separator: "\n").count { $0.contains("log of 1") } == 2, "\(ended.output)")
    }

    @Test("is the newest of its name, and comes after what the spool has of the name; by its job_id it is itself")
    func order() throws {
        let old = try archive("219", 1, .failed)
        let new = try archive("219", 2, .cancelled)
        #expect(try spool.client.status(of: name).archivedPath == new)
        #expect(try spool.client.status(of: try spool.client.find(TestSpool.jobID(1))).archivedPath == old)
        try spool.publish(try spool.makeStatus("219", .running, for: try spool.drop("219"), sequence: 3))
        #expect(try spool.client.status(of: name).standing == .running)
        #expect(try spool.client.status(of: try spool.client.find(TestSpool.jobID(2))).standing == .cancelled)
        #expect(try run("jobspool result \(TestSpool.jobID(1))").status == 1)
        #expect(try run("jobspool wait \(TestSpool.jobID(2))").status == 3)
        #expect(try run("jobspool result 219").status == 6)
        let error = #expect(throws: SpoolClientError.self) { try spool.client.find("218") }
        #expect(error?.message == "there is no job 218 in the spool, nor in its archive")
    }

    @Test(
        "counts only when it belongs to the daemon's user",
        .enabled(if: geteuid() == 0, "only root can give a file away"))
    func planted() throws {
        let path = try archive("219", 1)
        #expect(lchown("\(path)/219.result.json", 65534, 65534) == 0)
        #expect(throws: SpoolClientError.self) { try spool.client.status(of: name) }
        #expect(lchown("\(path)/219.result.json", 0, 0) == 0)
        #expect(throws: Never.self) { try spool.client.status(of: name) }
        #expect(lchown("\(spool.path)/archive", 65534, 65534) == 0)
        #expect(throws: SpoolClientError.self) { try spool.client.status(of: name) }
    }

    // MARK: Listing

    @Test("is listed by its end, with the same filters, and with no more read than a limit needs")
    func lists() throws {
        for (index, name) in ["c", "a", "b"].enumerated() {
            try archive(name, Int64(index + 1), type: name == "a" ? "x" : "y")
        }
        try archive("d", 4, .failed, type: "x")
        try spool.drop("present")
        func names(_ filter: ListFilter) throws -> [String] { try spool.client.list(filter).jobs.map(\.name.string) }
        #expect(try names(ListFilter(archived: true)) == ["d", "b", "a", "c"])
        #expect(try names(ListFilter()) == ["present"])
        #expect(try names(ListFilter(type: "x", archived: true)) == ["d", "a"])
        #expect(try names(ListFilter(standings: ["completed"], archived: true)) == ["b", "a", "c"])
        #expect(try names(ListFilter(limit: 0, archived: true)) == [])
        // What comes after the limit is not read.
        let oldest = try #require(try ArchivedFamilies(spool.root, owner: nil).newest(of: JobName("c")))
        try #require(try oldest.open()).open(FileName("c.result.json"), O_WRONLY | O_TRUNC).write(Array("{".utf8))
        let past = [timespec(tv_sec: 1000, tv_nsec: 0), timespec(tv_sec: 1000, tv_nsec: 0)]
        #expect(utimensat(AT_FDCWD, "\(oldest.path)/c.result.json", past, 0) == 0)
        #expect(try spool.client.list(ListFilter(limit: 3, archived: true)).problems.isEmpty)
        #expect(try spool.client.list(ListFilter(archived: true)).problems.map(\.name.string) == ["c"])
        let ended = try run(
            "jobspool list --archived --limit 2 --json | jq -r '.[].name'; jobspool list --archived --status failed | wc -l"
        )
        #expect(ended.output == "d\nb\n2\n")
    }

    // MARK: Cancelling and running again

    @Test("has nothing to cancel, though a new run of its name is under way")
    func cancel() throws {
        try archive("219", 1)
        #expect(try run("jobspool cancel 219").status == 7)
        try spool.publish(try spool.makeStatus("219", .running, for: try spool.drop("219"), sequence: 2))
        #expect(try run("jobspool cancel \(TestSpool.jobID(1))").status == 7)
        #expect(try !spool.exists("219.cancel.json"))
        #expect(try run("jobspool cancel 219").status == 0)
    }

    @Test("runs again by its archived request, dropped anew")
    func retry() throws {
        let path = try archive("219", 1)
        let text = try Directory.open(path).read(FileName("219.json"))
        let submission = try spool.client.retry(name)
        #expect(try spool.root.read(FileName("219.json")) == text)
        #expect(submission.fingerprint == (try spool.version("219")))
        #expect(try spool.client.status(of: name).standingText == "dropped")
        // By its job_id, while the name is taken by then.
        let refused = try run("jobspool retry \(TestSpool.jobID(1))")
        #expect(refused.status == 73)
        #expect(refused.diagnostics.contains("JOB_EXISTS"))
        #expect(!refused.diagnostics.contains("--replace"), "`retry` has no such option")
        // What it advises works.
        let advice = try #require(refused.diagnostics.split(separator: "`").first { $0.hasPrefix("jobspool submit ") })
        #expect(try run("\(advice)".replacing("NAME", with: "220")).status == 0)
        #expect(try spool.root.read(FileName("220.json")) == text)
        #expect(try Directory.open(path).read(FileName("219.json")) == text)
    }

    @Test("does not run again without its request", arguments: ["gone", "a link"])
    func requestGone(kind: String) throws {
        let path = try archive("219", 1)
        unlink("\(path)/219.json")
        if kind == "a link" { #expect(symlink("/etc/passwd", "\(path)/219.json") == 0) }
        let error = #expect(throws: SpoolClientError.self) { try spool.client.retry(name) }
        #expect(error?.code == "REQUEST_GONE")
        #expect(try !spool.exists("219.json"))
    }

    // MARK: On the way

    /// What the spool shows at each moment of an archiving: the calls of an archiver in a thread of its own, each after a look.
    @Test("is never not found, nor taken for running, at any moment of its way to the archive")
    func onItsWay() throws {
        for call in 1...60 {
            let spool = try TestSpool()
            let version = try spool.drop("219")
            try spool.end(try spool.makeStatus("219", .completed, for: version))
            try spool.append("one\n", "219.log.jsonl")
            let client = spool.client
            var watch = try client.watch(name)
            var log = try client.logs(of: name)
            #expect(try log.next().count == 1)
            // Dies on the way, as one who is slow seems to.
            let stopped = try archiveUntil(call, spool.path)
            let isThere = try spool.exists("219.result.json")
            let isArchived = try ArchivedFamilies(spool.root, owner: nil).newest(of: name) != nil
            if isThere || isArchived {
                #expect(try client.status(of: name).standing == .completed, "call \(call)")
                #expect(try client.find(TestSpool.jobID(1)).name == name, "call \(call)")
                guard case .over(let view, _) = try watch.look() else {
                    Issue.record("not over after call \(call)")
                    continue
                }
                if let path = view.archivedPath {
                    // Somebody who follows the log goes on where it is now.
                    try spool.append("two\n", "\(path.dropFirst(spool.path.utf8.count + 1))/219.log.jsonl")
                    try log.follow(view)
                    #expect(try log.next().count == 1, "call \(call)")
                }
            }
            if !stopped { return }
        }
        Issue.record("never came to the end")
    }

    private func archiveUntil(_ call: Int, _ path: String) throws -> Bool {
        let counter = Atomic(0)
        // The opening is not counted.
        let isOn = Atomic(false)
        let system = SystemCalls { _, _ in
            isOn.load(ordering: .relaxed) && counter.add(1, ordering: .relaxed).newValue >= call ? EIO : nil
        }
        let spool = try Spool.open(path, system: system)
        isOn.store(true, ordering: .relaxed)
        do throws(SpoolError) {
            _ = try spool.archive(name, cutoff: .latest, .daemon)
            return false
        } catch {
            return true
        }
    }

    @Test("is found while it is being moved by another process, 60 times")
    func moving() async throws {
        let (spool, name) = (spool, name)
        let archiver = try Spool.open(spool.path)
        for round in 1...60 {
            let id = TestSpool.jobID(Int64(round))
            try spool.end(try spool.makeStatus("219", .completed, for: try spool.drop("219"), sequence: Int64(round)))
            var watch = try spool.client.watch(name)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try archiver.archive(name, cutoff: .latest, .daemon) }
                for _ in 0..<3 { #expect(try spool.client.result(of: spool.client.find(id)).jobID == id) }
                guard case .over = try watch.look() else { throw SpoolError(.rename, "not over", code: 0) }
                #expect(try spool.client.status(of: name).jobID == id)
                try await group.waitForAll()
            }
        }
    }

    @Test("is waited for by the version of its request, though its name has new ones")
    func version() throws {
        let first = try spool.client.submit(Request(type: JobType("x")!), name: name)
        var watch = try spool.client.watch(first)
        try spool.end(try spool.makeStatus("219", .failed, for: first.fingerprint))
        try spool.archive("219")
        let second = try spool.client.submit(Request(type: JobType("x")!), name: name)
        var watchSecond = try spool.client.watch(second)
        guard case .over(let view, let result) = try watch.look(), case .underWay = try watchSecond.look() else {
            Issue.record("the wrong run")
            return
        }
        #expect(result.status.standing == .failed)
        #expect(view.archivedPath != nil)
    }
}
