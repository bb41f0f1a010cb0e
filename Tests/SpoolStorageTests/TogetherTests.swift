/// Publishing several files at once, and syncing several that are there.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Testing

@Suite("Several files together")
struct TogetherTests {
    let temporary: TemporarySpool
    init() throws { temporary = try TemporarySpool() }

    private func outputs(_ text: String) throws -> [(json: JSON, file: SpoolFile)] {
        try ["a", "b", "c"].map { (["is": .string("\(text) \($0)")], .result(try JobName($0))) }
    }

    @Test("are all in their places, and what was another's is aside")
    func published() throws {
        let spool = try temporary.spool()
        try temporary.link(to: "/etc/passwd", "b.result.json")
        let errors = spool.publishTogether(try outputs("new"))
        #expect(errors == [nil, nil, nil])
        for output in try outputs("new") { #expect(try spool.readOwn(output.file) == output.json) }
        #expect(try temporary.names(".jobspool/tmp") == [])
        #expect(try temporary.names(".jobspool/aside").count == 1)
        #expect(spool.publishTogether([]) == [])
    }

    @Test(
        "that meet a fault at any call are each old or new, whole, and the ones that are told to be on the disk are new",
        arguments: [ENOSPC, EIO, EDQUOT, EMFILE], [false, true])
    func faults(_ code: Int32, _ lasts: Bool) throws {
        let fault = Fault(code, lasts: lasts)
        let spool = try temporary.spool(fault.system)
        let (old, new) = (try outputs("old"), try outputs("new"))
        for call in 1... {
            fault.fail(at: 0)
            #expect(spool.publishTogether(old) == [nil, nil, nil])
            fault.fail(at: call)
            let errors = spool.publishTogether(new)
            let wasReached = fault.hasFailed
            fault.fail(at: 0)
            for index in new.indices {
                let file = try #require(try spool.readOwn(new[index].file))
                #expect([old[index].json, new[index].json].contains(file), "call \(call)")
                if errors[index] == nil { #expect(file == new[index].json, "call \(call)") }
            }
            #expect(wasReached == errors.contains { $0 != nil }, "call \(call)")
            if !lasts { #expect(try temporary.names(".jobspool/tmp") == [], "call \(call)") }
            guard wasReached else {
                // Of each: two stat, open, write, fdatasync, rename; and one fsync.
                #expect(call == 20)
                break
            }
        }
    }

    @Test(
        "come after the files that they are about, which are synced where they are; what has gone or is no file is passed over"
    )
    func sources() throws {
        try temporary.write("{}", "a.json")
        try temporary.link(to: "a.json", "b.json")
        let sources = try ["a", "b", "c"].map { SpoolFile.request(try JobName($0)) }
        let outputs = try outputs("new")
        let syncs = try countSyncs { (system) throws in
            let errors = try Spool.open(temporary.path, system: system).publishTogether(outputs, after: sources)
            #expect(errors == [nil, nil, nil])
        }
        // That of a.json, and the directory's.
        #expect(syncs == 2)
    }

    @Test("wait for no file that nobody can look at") func unlookable() throws {
        try temporary.write("{}", "a.json")
        let blind = SystemCalls(fault: { operation, path in
            operation == .stat && path.hasSuffix("/a.json") ? EACCES : nil
        })
        let spool = try Spool.open(temporary.path, system: blind)
        let sources = [SpoolFile.request(try JobName("a"))]
        #expect(spool.publishTogether(try outputs("new"), after: sources) == [nil, nil, nil])
        try spool.syncTogether(sources)
    }

    private func countSyncs(_ body: (SystemCalls) throws -> Void) rethrows -> Int {
        let counter = Fault(0)
        try body(
            SystemCalls(fault: { operation, _ in
                if operation == .sync { _ = counter.count() }
                return nil
            }))
        return counter.count() - 1
    }
}
