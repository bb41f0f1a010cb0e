/// Runs `records.sync` inside of the test, with retries that wait for nobody and remember for how long they would have.
import Glibc
import JSONText
import Synchronization
import Testing

@testable import JobHandler
@testable import jobspool_records

/// The suites of HTTP.
@Suite enum HTTPTests {}

/// `records.sync` with the pacing of the test.
private struct PacedSync: JobType {
    @TaskLocal static var pacing = Pacing.system

    private var sync: RecordsSync

    init(params: inout JSONFields) throws {
        sync = try RecordsSync(params: &params)
        sync.pacing = Self.pacing
    }

    func run(_ job: Job) async throws -> JSON? { try await sync.run(job) }
}

/// The waits of a test's retries.
final class Waits: Sendable {
    private let list = Mutex<[Double]>([])
    var seconds: [Double] { list.withLock { $0 } }

    func pacing(chance: Double = 1, now: Double = 0) -> Pacing {
        Pacing(
            chance: { chance }, now: { now }, sleep: { [self] seconds in list.withLock { $0.append(seconds) } })
    }
}

/// Secrets of the environment, as a definition sets them; set once, before anybody reads them.
enum Secret {
    static let token = "t0p/s3cret+tok\"en=="
    static let password = "pässwörd-4711"

    static let environment: Void = {
        setenv("HTTP_TESTS_TOKEN", token + "\n", 1)
        setenv("HTTP_TESTS_PASSWORD", password, 1)
    }()
}

extension TestServer {
    /// Starts a job and kills it when it has made so many requests here.
    func kill(_ params: JSONObject, _ jobID: String, at count: Int) async throws {
        let request: JSON = ["params": .object(params), "job_id": .string(jobID)]
        let child = try Child([products + "/jobspool-records", "records.sync"], input: request.text)
        let deadline = ContinuousClock.now + .seconds(60)
        while requests.count < count, ContinuousClock.now < deadline { await Task.yield() }
        #expect(requests.count == count)
        Glibc.kill(child.pid, SIGKILL)
        _ = try child.finish()
    }
}

extension Scratch {
    /// The params of a sync from an API into the table `t` of target.db.
    func api(_ url: String, _ source: JSONObject = [:], _ more: JSONObject = [:]) -> JSONObject {
        var members: JSONObject = ["http": .string(url)]
        for (key, value) in source.members { members[key] = value }
        var params: JSONObject = [
            "source": .object(members), "target": ["sqlite": .string("\(path)/target.db"), "table": "t"], "key": ["id"],
        ]
        for (key, value) in more.members { params[key] = value }
        return params
    }

    /// Runs a job to its end, inside of the test.
    /// - Parameter stop: whether the job is asked to stop.
    func runHere(
        _ params: JSONObject, jobID: String = "", waits: Waits = Waits(), pacing: Pacing? = nil, dryRun: Bool = false,
        stop: @escaping @Sendable () -> Bool = { false }
    ) async throws -> Run {
        Secret.environment
        let request: JSON = ["params": .object(params), "job_id": .string(jobID), "dry_run": .bool(dryRun)]
        let files = try [request.text, "", ""].map { try UnnamedFile($0) }
        let exit = await PacedSync.$pacing.withValue(pacing ?? waits.pacing()) {
            await JobHandlerMain.run(
                types: ["records.sync": PacedSync.self], arguments: ["jobspool-records", "records.sync"],
                input: files[0].descriptor, output: files[1].descriptor, errors: files[2].descriptor,
                isStopRequested: stop)
        }
        return try Run(Child.End(status: exit.rawValue, output: files[1].text, errors: files[2].text))
    }
}

/// A file without a name.
private final class UnnamedFile {
    let descriptor: Int32

    init(_ content: String) throws {
        var template = Array("/tmp/jobspool-test-XXXXXX".utf8CString)
        descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        unlink(template)
        let bytes = Array(content.utf8)
        try #require(write(descriptor, bytes, bytes.count) == bytes.count)
        lseek(descriptor, 0, SEEK_SET)
    }

    deinit { close(descriptor) }

    var text: String {
        var bytes = [UInt8](repeating: 0, count: Int(lseek(descriptor, 0, SEEK_END)))
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
    }
}

extension Run {
    /// Everything that was said.
    var everything: String { lines.map(\.text).joined(separator: "\n") + errors }
    var code: String { failure?["code"]?.string ?? "none" }
    var message: String { failure?["message"]?.string ?? "" }
}

/// Records with the ids of a range, as JSON.
func items(_ ids: Range<Int>) -> String {
    "[" + ids.map { #"{"id": \#($0), "name": "item \#($0)"}"# }.joined(separator: ", ") + "]"
}
