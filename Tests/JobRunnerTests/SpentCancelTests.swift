/// Cancel files that have had their effect.
import Glibc
import SpoolProtocol
import SpoolStorage
import Synchronization
import Testing

@testable import JobRunner

@Suite("A cancel file that cannot be removed", .timeLimit(.minutes(2)))
struct SpentCancelTests {
    @Test("counts for nothing, and is removed when that is possible") func forbidden() async throws {
        let isForbidden = Mutex(true)
        let faulty = SystemCalls(fault: { operation, path in
            operation == .rename && path.contains("/b.cancel.json to ") && isForbidden.withLock(\.self) ? EACCES : nil
        })
        try await withDaemon(faulty) { stage in
            try await stage.begin("a")
            try await stage.drop("b")
            try stage.put("", as: .cancel("b"))
            try await eventually("b to be cancelled") { try stage.files.result(of: "b") != nil }
            try await stage.rest(isQuiet: false)
            #expect(stage.log.lines.filter { $0.contains("counts for nothing from now on") }.count == 1)
            stage.rescan()
            try await stage.rest(isQuiet: false)
            #expect(try stage.files.isCancelled("b"))
            try await stage.drop("b", #"{"type": "plain", "description": "again"}"#)
            #expect(try stage.files.status(of: "b")?.standing == .pending)
            isForbidden.withLock { $0 = false }
            stage.rescan()
            try await eventually("the cancel file to go") { try !stage.files.isCancelled("b") }
            #expect(try stage.files.status(of: "b")?.standing == .pending)
            #expect(stage.log.lines.filter { $0.contains("counts for nothing from now on") }.count == 1)
        }
    }
}
