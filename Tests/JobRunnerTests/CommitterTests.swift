/// What gets to the disk together: each with all that it needs, whatever becomes of the others.
import Glibc
import SpoolProtocol
import SpoolStorage
import Synchronization
import Testing

@testable import JobRunner

@Suite("What is committed together", .timeLimit(.minutes(5)))
struct CommitterTests {
    @Test("is reported one by one: a status that the disk does not take spares no other the sync of the directory")
    func failing() async throws {
        let (reports, directorySyncs) = try await commitTogether(failure: ENOSPC)
        #expect(reports.map(\.name) == ["first", "shown", "unshown", "last"])
        #expect(reports.map(\.error) == [nil, nil, ENOSPC, nil])
        #expect(directorySyncs == 2)
    }

    @Test("is reported in order of acceptance, whether the first status was there before or not")
    func inOrder() async throws {
        let (reports, _) = try await commitTogether(failure: nil)
        #expect(reports.map(\.name) == ["first", "shown", "unshown", "last"])
        #expect(reports.allSatisfy { $0.error == nil })
    }

    @Test("is results that others follow, a few milliseconds later; many at once, or one alone, wait for nothing")
    func results() async throws {
        let files = try SpoolFiles()
        let mailbox = Mailbox()
        let threads = ThreadPool(name: "committer")
        defer { threads.end() }
        let committer = Committer(try Spool.open(files.path), mailbox, threads)
        func commit(_ name: String) throws {
            var status = try JobStatus.sample(name)
            status.standing = .completed
            committer.commit(ResultOrder(result: JobResult(status: status), part: .resultAndStatus))
        }
        var reports = mailbox.news.makeAsyncIterator()
        func next() async -> [String] {
            guard case .committed(let some)? = await reports.next() else { return [] }
            return some.map(\.name.string)
        }
        try commit("a")
        #expect(committer.begin(moreToCome: true) == Committer.patience)
        try commit("b")
        #expect(committer.begin(moreToCome: true) == nil)
        #expect(try files.result(of: JobName("a")) == nil)
        #expect(committer.begin() == nil)
        #expect(await next() == ["a", "b"])
        let many = (1...Committer.enough).map { "c\($0)" }
        for name in many { try commit(name) }
        #expect(committer.begin(moreToCome: true) == nil)
        #expect(await next() == many)
        try commit("d")
        #expect(committer.begin(moreToCome: false) == nil)
        #expect(await next() == ["d"])
        for name in ["a", "b", "d"] + many { #expect(try files.result(of: JobName(name)) != nil) }
    }

    /// One job by itself, and then three whose statuses partly are in their places already.
    /// - Parameter failure: of every file that is made from the second job on.
    private func commitTogether(
        failure: Int32?
    ) async throws -> (reports: [(name: String, error: Int32?)], directorySyncs: Int) {
        let files = try SpoolFiles()
        let path = files.path
        let isReleased = Mutex(false)
        let directorySyncs = Mutex(0)
        let system = SystemCalls(fault: { operation, place in
            switch operation {
            case .sync where place == path:
                directorySyncs.withLock { $0 += 1 }
                // The first one holds up what comes after it, so that it comes together.
                while !isReleased.withLock(\.self) { _ = poll(nil, 0, 1) }
                return nil
            case .open where place.contains("/.jobspool/tmp/"): return isReleased.withLock(\.self) ? failure : nil
            default: return nil
            }
        })
        let mailbox = Mailbox()
        let threads = ThreadPool(name: "committer")
        defer { threads.end() }
        let committer = Committer(try Spool.open(path, system: system), mailbox, threads)
        committer.commit(AcceptanceOrder(status: try .sample("first"), isShown: true))
        committer.begin()
        try await eventually("the first to be synced") { directorySyncs.withLock { $0 == 1 } }
        committer.commit(AcceptanceOrder(status: try .sample("shown"), isShown: true))
        committer.commit(AcceptanceOrder(status: try .sample("unshown"), isShown: false))
        committer.commit(AcceptanceOrder(status: try .sample("last"), isShown: true))
        committer.begin()
        isReleased.withLock { $0 = true }
        var reports: [(name: String, error: Int32?)] = []
        for await news in mailbox.news {
            guard case .accepted(let some) = news else { continue }
            reports += some.map { (name: $0.name.string, error: $0.error?.code) }
            if reports.count >= 4 { break }
        }
        return (reports, directorySyncs.withLock(\.self))
    }
}
