/// A request that the daemon itself drops: whole and under a name that was free, or not at all.
import Glibc
import SpoolProtocol
import SpoolStorage
import Testing

@Suite("A request that the daemon drops")
struct DropTests {
    let temporary: TemporarySpool

    init() throws { temporary = try TemporarySpool() }

    @Test("appears whole, with the version that was told before") func drop() throws {
        let spool = try temporary.spool()
        let prepared = try spool.prepareDrop(Array("content".utf8))
        #expect(try temporary.names() == [".jobspool"])
        #expect(try spool.drop(prepared, as: FileName("a.json")))
        #expect(temporary.read("a.json") == "content")
        #expect(try spool.root.stat(FileName("a.json"))?.fingerprint == prepared.fingerprint)
        #expect(try temporary.names(".jobspool/tmp") == [])
    }

    @Test("takes nobody's place", arguments: ["a file", "a link", "a directory"]) func taken(kind: String) throws {
        let spool = try temporary.spool()
        switch kind {
        case "a file": try temporary.write("mine", "a.json")
        case "a link": try temporary.link(to: "nowhere", "a.json")
        default: try temporary.make(FileName("a.json")) { mkdir($0, 0o755) }
        }
        let before = try spool.root.stat(FileName("a.json"))
        let prepared = try spool.prepareDrop(Array("content".utf8))
        #expect(try spool.drop(prepared, as: FileName("a.json")) == false)
        #expect(try spool.root.stat(FileName("a.json")) == before)
        spool.discard(prepared)
        #expect(try temporary.names(".jobspool/tmp") == [])
    }

    @Test("is there whole or not at all, whatever fails, and leaves nothing behind", arguments: [EIO, ENOSPC, EINVAL])
    func faults(code: Int32) throws {
        let fault = Fault(code)
        let spool = try temporary.spool(fault.system)
        for number in 1... {
            let name = "\(number).json"
            fault.fail(at: number)
            var isDropped = false
            do {
                let prepared = try spool.prepareDrop(Array("content".utf8))
                do {
                    isDropped = try spool.drop(prepared, as: FileName(name))
                } catch {
                    spool.discard(prepared)
                    throw error
                }
            } catch let error as SpoolError {
                #expect(error.code == code)
            }
            let hasFailed = fault.hasFailed
            fault.fail(at: 0)
            #expect([nil, "content"].contains(temporary.read(name)))
            if isDropped { #expect(temporary.read(name) == "content") }
            #expect(try temporary.names(".jobspool/tmp") == [])
            if !hasFailed { break }
            try #require(number < 50)
        }
    }
}
