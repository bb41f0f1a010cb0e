/// What gets to the disk together: each with all that it needs, whatever becomes of the others.
import Glibc
import SpoolProtocol
import SpoolStorage
import Synchronization
import Testing

@testable import JobRunner

@Suite("What is committed together", .timeLimit(.minutes(1)))
struct CommitterTests {
    @Test("is reported one by one: a status that the disk does not take spares no other the sync of the directory")
    func mixed() async throws {
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
            case .open where place.contains("/.jobspool/tmp/"): return isReleased.withLock(\.self) ? ENOSPC : nil
            default: return nil
            }
        })
        let mailbox = Mailbox()
        let committer = Committer(try Spool.open(path, system: system), mailbox)
        committer.commit(AcceptanceOrder(status: try .sample("first"), isShown: true))
        try await eventually("the first to be synced") { directorySyncs.withLock { $0 == 1 } }
        committer.commit(AcceptanceOrder(status: try .sample("unshown"), isShown: false))
        committer.commit(AcceptanceOrder(status: try .sample("shown"), isShown: true))
        isReleased.withLock { $0 = true }
        var errors: [String: Int32] = [:]
        for await news in mailbox.news {
            guard case .accepted(let reports) = news else { continue }
            for report in reports { errors[report.name.string] = report.error?.code ?? 0 }
            if errors.count == 3 { break }
        }
        #expect(errors == ["first": 0, "unshown": ENOSPC, "shown": 0])
        #expect(directorySyncs.withLock(\.self) == 2)
    }
}
