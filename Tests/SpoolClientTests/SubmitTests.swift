import Glibc
import JSONText
import SpoolClient
import SpoolProtocol
import SpoolStorage
import Synchronization
import Testing

@Suite("Submitting")
struct SubmitTests {
    private let spool: TestSpool
    private let request = Request(type: JobType("documents.sync")!)

    init() throws { spool = try TestSpool() }

    @Test("drops a whole request and leaves nothing else behind") func drops() throws {
        let submission = try spool.client.submit(request, name: try JobName("219"))
        #expect(try spool.files == ["219.json"])
        #expect(try Request(parsing: Array(try spool.read("219.json")!.utf8)) == request)
        #expect(submission.fingerprint == (try spool.version("219")))
        #expect(!submission.replaced)
    }

    @Test("drops a text as it is, digits and order included") func verbatim() throws {
        let text = "{\"params\": {\"b\": 1.10, \"a\": 123456789012345678901234567890}, \"type\": \"x\"}  "
        _ = try spool.client.submit(json: Array(text.utf8), name: try JobName("a"))
        #expect(try spool.read("a.json") == text)
    }

    @Test("makes names that begin with the type and the time, and are never the same twice") func names() throws {
        let names = try (0..<300).map { _ in try spool.client.submit(request).name.string }
        #expect(Set(names).count == 300)
        #expect(try spool.files.count == 300)
        #expect(try names.allSatisfy { try #/documents\.sync-\d{8}T\d{6}Z-[0-9a-f]{4}/#.wholeMatch(in: $0) != nil })
    }

    @Test("does not touch a request of the same name") func taken() throws {
        try spool.write("mine", "219.json")
        let error = #expect(throws: SpoolClientError.self) {
            try spool.client.submit(request, name: try JobName("219"))
        }
        #expect(error?.code == "JOB_EXISTS")
        #expect(try spool.read("219.json") == "mine")
        #expect(try spool.files == ["219.json"])
    }

    @Test("by many at once under one name succeeds once") func race() async throws {
        let name = try JobName("219")
        let (spool, request) = (spool, request)
        let won = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<32 {
                group.addTask {
                    do {
                        _ = try spool.client.submit(request, name: name)
                        return true
                    } catch {
                        return false
                    }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(won == 1)
        #expect(try spool.files == ["219.json"])
    }

    @Test("with replace makes a new version each time, even of the same text at the same moment") func replace() throws
    {
        let name = try JobName("219")
        var versions: Set<Fingerprint> = [try spool.client.submit(request, name: name).fingerprint]
        for _ in 0..<20 {
            let submission = try spool.client.submit(request, name: name, replace: true)
            #expect(submission.replaced)
            #expect(submission.fingerprint == (try spool.version("219")))
            versions.insert(submission.fingerprint)
        }
        #expect(versions.count == 21)
    }

    @Test(
        "refuses what the daemon would reject, with the place",
        arguments: [
            ("{\"type\": \"x\", \"descripton\": 1}", "description"), ("{\"type\":", "line 1"), ("", "empty"),
            ("[]", "object"),
            ("{\"type\": \"../x\"}", "letters"),
        ])
    func refuses(text: String, remedy: String) throws {
        let error = #expect(throws: SpoolClientError.self) { try spool.client.submit(json: Array(text.utf8)) }
        #expect(error?.code == "INVALID_REQUEST")
        #expect(error?.message.contains(remedy) == true)
        #expect(try spool.files == [])
    }

    @Test("refuses what is larger than a request may be") func tooLarge() throws {
        let text = "{\"type\": \"x\", \"description\": \"\(String(repeating: "a", count: Request.maximumBytes))\"}"
        let error = #expect(throws: SpoolClientError.self) { try spool.client.submit(json: Array(text.utf8)) }
        #expect(error?.message.contains("1 MiB") == true)
    }

    @Test("to no directory, or to a file, says so", arguments: ["/nowhere/spool", "/etc/passwd"])
    func noSpool(path: String) {
        let error = #expect(throws: SpoolClientError.self) { try SpoolDirectory(path: path) }
        #expect(error?.code == "SPOOL_NOT_FOUND")
    }

    @Test("leaves a legal spool whichever system call fails", arguments: [false, true])
    func faults(replace: Bool) throws {
        // Fails the n-th call for every n, until a run in which none is left to fail.
        for n in 0..<100 {
            let spool = try TestSpool()
            if replace { try spool.write("old", "219.json") }
            let left = Mutex(n)
            let failing = SystemCalls { _, _ in
                left.withLock { left in
                    defer { left -= 1 }
                    return left == 0 ? EIO : nil
                }
            }
            do {
                _ = try SpoolDirectory(path: spool.path, system: failing).submit(
                    request, name: try JobName("219"), replace: replace)
                #expect(n > 3, "no call was made to fail")
                if left.withLock({ $0 }) >= 0 { return }
            } catch {
                let content = try spool.read("219.json")
                #expect(
                    content == nil || content == "old"
                        || content == String(decoding: request.json.indented, as: UTF8.self))
            }
        }
        Issue.record("it never succeeded")
    }
}
