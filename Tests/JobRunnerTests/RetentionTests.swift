/// A runner, and somebody else who moves finished families at the worst moment; and families that cannot be moved.
import Glibc
import JSONText
import Logging
import SpoolProtocol
import SpoolStorage
import Synchronization
import TestSupport
import Testing

@testable import JobRunner

@Suite("A runner whose finished jobs age", .timeLimit(.minutes(2)))
struct RunnerRetentionTests {
    /// The spool directory of a test.
    final class Place: Sendable {
        let path: String
        let root: Directory

        init() throws {
            var template = Array("\(quickDirectory)/jobspool-retention-XXXXXX".utf8CString)
            try #require(mkdtemp(&template) != nil)
            path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            root = try Directory.open(path)
        }

        deinit {
            do { for entry in try root.entries() { try root.removeTree(entry) } } catch {
                print("left: \(path): \(error)")
            }
            rmdir(path)
        }

        func write(_ json: JSON, _ file: String) throws {
            try root.open(FileName(file), O_WRONLY | O_CREAT | O_TRUNC).write(json.line)
        }

        /// A job that is over.
        func finish(_ name: String) throws {
            try write(["type": "t"], "\(name).json")
            let version = try #require(try root.stat(FileName("\(name).json"))).fingerprint
            let identity = JobIdentity(
                name: try .init(name), jobID: makeUUID(), type: "t", description: "", lane: "default", sequence: 1,
                dryRun: false, submittedBy: "root", createdAt: Clock.now(), labels: [:])
            var status = JobStatus(
                identity: identity, standing: .completed, updatedAt: Clock.now(), message: "", request: version)
            status.finishedAt = Clock.now()
            try write(JobResult(status: status).json, "\(name).result.json")
            try write(status.json, "\(name).status.json")
        }

        func runner(_ system: SystemCalls = .real, _ retention: Retention? = nil) throws -> Runner {
            var configuration = RunnerConfiguration(
                identity: DaemonIdentity(pid: 1, host: "h", user: "root", startedAt: Clock.now(), version: "1"),
                supervisor: "/nonexistent", programs: ProgramPath(own: "/bin"), maxLanes: 1)
            if let retention { configuration.retention = retention }
            return try Runner(
                spool: try Spool.open(path, system: system), catalog: TypeCatalog(builtIn: [:], directory: nil),
                configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }

        var names: [String] { get throws { try root.entries().map(\.description).sorted() } }
    }

    @Test("takes no request for new whose family is moved away while it looks", arguments: 1...12)
    func moved(call: Int) async throws {
        let place = try Place()
        try place.finish("219")
        let calls = Atomic(0)
        let isOn = Atomic(false)
        let path = place.path
        let runner = try place.runner(
            SystemCalls { _, _ in
                guard isOn.load(ordering: .relaxed), calls.add(1, ordering: .relaxed).newValue == call else {
                    return nil
                }
                do {
                    _ = try Spool.open(path).archive(.init("219"), cutoff: .latest, .bystander)
                } catch {
                    Issue.record("\(error)")
                }
                return nil
            })
        isOn.store(true, ordering: .relaxed)
        let accepted = try await runner.examine(.init("219"))
        isOn.store(false, ordering: .relaxed)
        #expect(!accepted)
        #expect(try place.names.filter { $0.hasPrefix("219") }.count == (calls.load(ordering: .relaxed) < call ? 3 : 0))
    }

    @Test("tells of families that it cannot move once, leaves them, and does not try them again at every look")
    func immovable() async throws {
        let place = try Place()
        for name in ["a", "b", "c"] { try place.finish(name) }
        let tries = Atomic(0)
        let system = SystemCalls { operation, path in
            guard operation == .rename, path.contains(".json to "), path.contains("/archiving/") else { return nil }
            tries.add(1, ordering: .relaxed)
            return EPERM
        }
        let runner = try place.runner(system, Retention(archiveAfter: .seconds(0), deleteArchivedAfter: .never))
        for _ in 0..<10 { await runner.retain() }
        #expect(tries.load(ordering: .relaxed) == 3)
        #expect(await runner.told == 1)
        #expect(try place.names.filter { $0.contains(".") && !$0.hasPrefix(".") && !$0.hasPrefix("spool") }.count == 9)
        #expect(await runner.failures == 0)
    }

    @Test("gives a pass up when the disk fails, lets jobs go on meanwhile, and completes it when the disk is well")
    func failing() async throws {
        let place = try Place()
        for index in 0..<20 { try place.finish("job\(index)") }
        let fails = Atomic(true)
        let system = SystemCalls { operation, path in
            operation == .rename && path.contains("/archiving/") && fails.load(ordering: .relaxed) ? EIO : nil
        }
        let runner = try place.runner(system, Retention(archiveAfter: .seconds(0), deleteArchivedAfter: .never))
        for _ in 0..<4 { await runner.retain() }
        #expect(await runner.troubleUntil == 0)
        #expect(await runner.show.trouble?.operation == .rename)
        fails.store(false, ordering: .relaxed)
        for _ in 0..<6 { await runner.retain() }
        #expect(try place.names.filter { $0.hasPrefix("job") } == [])
        let archive = try Spool.open(place.path).archivedFamilies()
        #expect(try archive.days().flatMap { try archive.families(on: $0) }.count == 20)
        #expect(try place.root.directory(".jobspool").directory("archiving").entries() == [])
    }

    @Test("moves no more than a batch before it hears other news")
    func batches() async throws {
        let place = try Place()
        for index in 0..<150 { try place.finish("job\(index)") }
        let runner = try place.runner(.real, Retention(archiveAfter: .seconds(0), deleteArchivedAfter: .never))
        var left = [150]
        for _ in 0..<5 {
            await runner.retain()
            left.append(try place.names.count { $0.hasSuffix(".result.json") })
        }
        #expect(left == [150, 150, 86, 22, 0, 0])
    }

    @Test("finds all, also in a spool that it looks through in several steps") func large() async throws {
        let place = try Place()
        // Three files each, and a step is 1024.
        for index in 0..<700 { try place.finish("job\(index)") }
        let runner = try place.runner(.real, Retention(archiveAfter: .seconds(0), deleteArchivedAfter: .never))
        await runner.retain()
        #expect(await runner.found < 700)
        for _ in 0..<20 where try place.names.contains(where: { $0.hasPrefix("job") }) { await runner.retain() }
        #expect(try place.names.filter { $0.hasPrefix("job") } == [])
    }

    @Test("leaves alone what it has to do with, and names that it has heard of")
    func busy() async throws {
        let place = try Place()
        for name in ["settling", "heard", "free"] { try place.finish(name) }
        let runner = try place.runner(.real, Retention(archiveAfter: .seconds(0), deleteArchivedAfter: .never))
        await runner.hear()
        for _ in 0..<3 { await runner.retain() }
        #expect(
            try place.names.filter { $0.hasSuffix(".result.json") } == ["heard.result.json", "settling.result.json"])
    }
}

extension Runner {
    fileprivate var told: Int64 { feed.lastSequence }
    fileprivate var failures: Int { retention.failures }
    fileprivate var found: Int { retention.found.count }

    fileprivate func hear() {
        _ = settling.hasSettled("settling", nil, for: 100, now: Clock.monotonic())
        look(at: FileName("heard.json"))
    }
}
