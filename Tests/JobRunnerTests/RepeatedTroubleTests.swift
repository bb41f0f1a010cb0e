/// What is tried again and again, each time by a temporary file of another name, is complained about once; other trouble at once.
import Glibc
import SpoolProtocol
import SpoolStorage
import Synchronization
import Testing

@testable import JobRunner

@Suite("Trouble that lasts", .timeLimit(.minutes(5)))
struct RepeatedTroubleTests {
    /// Calls that fail, and how often they have been tried.
    private final class Trouble: Sendable {
        private let state = Mutex<(code: Int32?, tries: Int)>((nil, 0))

        func set(_ code: Int32?) { state.withLock { $0 = (code, 0) } }
        var tries: Int { state.withLock { $0.tries } }

        func meet() -> Int32? {
            state.withLock { state in
                state.tries += 1
                return state.code
            }
        }
    }

    /// What the log says of a call once there have been some tries; what was tried before the last one has been told of by then.
    private func told(_ trouble: Trouble, _ code: Int32?, _ call: String, _ stage: BareDaemon) async throws -> Int {
        trouble.set(code)
        try await stage.reach("some tries") { trouble.tries > 3 }
        return stage.log.lines.count { $0.hasPrefix(call) }
    }

    @Test("with spool.status.json is told once, and again when it is another one or comes anew")
    func spoolStatus() async throws {
        let trouble = Trouble()
        try await withBareDaemon(fault: { operation, file in
            operation == .rename && file.hasSuffix("/spool.status.json") ? trouble.meet() : nil
        }) { stage in
            try await stage.rest()
            try stage.drop("a")
            #expect(try await told(trouble, EPERM, "rename ", stage) == 1)
            #expect(try await told(trouble, EIO, "rename ", stage) == 2)
            trouble.set(nil)
            try await stage.reach("it to be written") { trouble.tries > 0 }
            try await stage.rest()
            try stage.drop("b")
            #expect(try await told(trouble, EIO, "rename ", stage) == 3)
        }
    }

    @Test("with the disk is told once a minute, and at once when it is another one")
    func disk() async throws {
        let trouble = Trouble()
        try await withBareDaemon(fault: { operation, file in
            operation == .syncData && file.hasPrefix(".jobspool/tmp/") ? trouble.meet() : nil
        }) { stage in
            try await stage.rest()
            trouble.set(EIO)
            try stage.drop("a")
            #expect(try await told(trouble, EIO, "fdatasync ", stage) == 1)
            #expect(try await told(trouble, EROFS, "fdatasync ", stage) == 2)
            stage.clocks.pass(60)
            #expect(try await told(trouble, EROFS, "fdatasync ", stage) == 3)
            trouble.set(nil)
            try await stage.reach("a to run") { !stage.machine.alive.isEmpty }
        }
    }

    @Test(
        "is the same when only made-up names differ",
        arguments: [
            ("/s/.jobspool/tmp/1-x-1", "/s/.jobspool/tmp/1-x-2", true),
            ("/s/.jobspool/tmp/1-x-1 to /s/a.json", "/s/.jobspool/tmp/1-x-2 to /s/a.json", true),
            ("/s/.jobspool/tmp/1-x-1 to /s/a.json", "/s/.jobspool/tmp/1-x-2 to /s/b.json", false),
            ("/s/a.json to /s/.jobspool/aside/a.json~1", "/s/a.json to /s/.jobspool/aside/a.json~2", true),
            ("/s/a.json to /s/.jobspool/aside/a.json~1", "/s/b.json to /s/.jobspool/aside/b.json~1", false),
            ("/s/a.json", "/s/b.json", false),
        ])
    func sameness(first: String, second: String, isSame: Bool) {
        let (one, other) = (SpoolError(.rename, first, code: EIO), SpoolError(.rename, second, code: EIO))
        #expect(other.repeats(one) == isSame)
        #expect(!other.repeats(nil))
        #expect(!SpoolError(.rename, first, code: EPERM).repeats(one))
        #expect(!SpoolError(.link, first, code: EIO).repeats(one))
    }
}
