import Glibc
import JSONText
import SpoolClient
import SpoolProtocol
import SpoolStorage
import Testing

@Suite("Waiting for a job")
struct WaitTests {
    private let spool: TestSpool
    private let name: JobName

    init() throws {
        spool = try TestSpool()
        name = try JobName("219")
    }

    /// What a look at the watched run sees.
    private func sees(_ watch: inout JobWatch) throws -> String {
        switch try watch.look() {
        case .underWay(let view): view.standingText
        case .over(_, let result): "over \(result.status.identity.sequence)"
        }
    }

    @Test("follows it from the drop to the result") func follows() throws {
        let version = try spool.drop("219")
        var watch = try spool.client.watch(name)
        #expect(try sees(&watch) == "dropped")
        try spool.publish(try spool.makeStatus("219", .pending, for: version))
        #expect(try sees(&watch) == "pending")
        try spool.publish(try spool.makeStatus("219", .running, for: version))
        #expect(try sees(&watch) == "running")
        var ended = try spool.makeStatus("219", .completed, for: version)
        ended.updatedAt = Clock.now()
        try spool.publish(ended)
        #expect(try sees(&watch) == "completed", "not over: the result is the commit, not the status")
        try spool.end(try spool.makeStatus("219", .completed, for: version))
        #expect(try sees(&watch) == "over 1")
    }

    @Test("is not satisfied by the result of the run before") func rerun() throws {
        let first = try spool.client.submit(Request(type: JobType("x")!), name: name)
        try spool.end(try spool.makeStatus("219", .completed, for: first.fingerprint))
        let second = try spool.client.submit(Request(type: JobType("x")!), name: name, replace: true)
        var watch = try spool.client.watch(second)
        #expect(try sees(&watch) == "dropped")
        // The daemon archives the old family, one file at a time, and accepts the new run.
        #expect(try spool.root.remove(SpoolFile.result(name).fileName!))
        #expect(try sees(&watch) == "dropped")
        try spool.publish(try spool.makeStatus("219", .running, for: second.fingerprint, sequence: 2))
        #expect(try sees(&watch) == "running")
        try spool.end(try spool.makeStatus("219", .failed, for: second.fingerprint, sequence: 2))
        #expect(try sees(&watch) == "over 2")
    }

    @Test("is not satisfied by a run of an older version that ends meanwhile") func olderRunEnds() throws {
        let first = try spool.client.submit(Request(type: JobType("x")!), name: name)
        try spool.publish(try spool.makeStatus("219", .running, for: first.fingerprint))
        var watchFirst = try spool.client.watch(first)
        let second = try spool.client.submit(Request(type: JobType("x")!), name: name, replace: true)
        var watchSecond = try spool.client.watch(second)
        #expect(try sees(&watchFirst) == "running")
        #expect(try sees(&watchSecond) == "running")
        try spool.end(try spool.makeStatus("219", .completed, for: first.fingerprint))
        #expect(try sees(&watchFirst) == "over 1")
        #expect(try sees(&watchSecond) == "dropped")
    }

    @Test("of a run that was cancelled ends with that run, although its request was dropped again meanwhile")
    func cancelledRun() throws {
        let first = try spool.client.submit(Request(type: JobType("x")!), name: name)
        try spool.publish(try spool.makeStatus("219", .running, for: first.fingerprint))
        _ = try spool.client.submit(Request(type: JobType("x")!), name: name, replace: true)
        var watch = try spool.client.watch(try spool.client.cancel(name))
        #expect(try sees(&watch) == "running")
        try spool.end(try spool.makeStatus("219", .cancelled, for: first.fingerprint))
        #expect(try sees(&watch) == "over 1")
    }

    @Test("by its job_id ends with that run, although its request was dropped again meanwhile") func byID() throws {
        let first = try spool.client.submit(Request(type: JobType("x")!), name: name)
        try spool.publish(try spool.makeStatus("219", .running, for: first.fingerprint))
        _ = try spool.client.submit(Request(type: JobType("x")!), name: name, replace: true)
        var watch = try spool.client.watch(try spool.client.find(TestSpool.jobID(1)))
        #expect(try sees(&watch) == "running")
        let location = try spool.client.find(TestSpool.jobID(1))
        try spool.end(try spool.makeStatus("219", .completed, for: first.fingerprint))
        #expect(try sees(&watch) == "over 1")
        var again = try spool.client.watch(try spool.client.find(TestSpool.jobID(1)))
        #expect(try sees(&again) == "over 1")
        // Archived between two looks.
        try spool.root.remove(FileName("219.json"))
        try spool.archive("219")
        var late = try spool.client.watch(location)
        #expect(try sees(&late) == "over 1")
    }

    @Test("by its job_id is over however many later runs the archive has") func manyLater() throws {
        for sequence in 1...70 {
            let version = try spool.client.submit(
                Request(type: JobType("x")!), name: name, replace: true
            ).fingerprint
            try spool.end(try spool.makeStatus("219", .completed, for: version, sequence: Int64(sequence)))
            try spool.archive("219")
        }
        var watch = try spool.client.watch(try spool.client.find(TestSpool.jobID(1)))
        #expect(try sees(&watch) == "over 1")
    }

    @Test("says so when the request was dropped again before it was over") func superseded() throws {
        let first = try spool.client.submit(Request(type: JobType("x")!), name: name)
        var watch = try spool.client.watch(first)
        _ = try spool.client.submit(Request(type: JobType("x")!), name: name, replace: true)
        let error = #expect(throws: SpoolClientError.self) { try watch.look() }
        #expect(error?.code == "SUPERSEDED")
    }

    @Test("says so when the request is withdrawn unseen") func withdrawn() throws {
        try spool.drop("219")
        var watch = try spool.client.watch(name)
        #expect(try sees(&watch) == "dropped")
        try spool.root.remove(FileName("219.json"))
        let error = #expect(throws: SpoolClientError.self) { try watch.look() }
        #expect(error?.code == "WITHDRAWN")
    }

    @Test("ends at its timeout, with how the job stands") func timesOut() throws {
        try spool.publish(try spool.makeStatus("219", .running, for: try spool.drop("219")))
        let before = Clock.monotonic()
        let error = #expect(throws: SpoolClientError.self) {
            try spool.client.wait(try spool.client.watch(name), timeout: 0.2)
        }
        #expect(error?.code == "WAIT_TIMEOUT")
        #expect(error?.message.contains("running") == true)
        #expect((0.2..<20).contains(Clock.monotonic() - before))
    }

    @Test("returns at once for a job that is over") func alreadyOver() throws {
        try spool.end(try spool.makeStatus("219", .cancelled, for: try spool.drop("219")))
        #expect(try spool.client.wait(try spool.client.watch(name), timeout: 0).standing == .cancelled)
    }

    @Test("sees within a moment what another task writes, without blocking a thread") func sees() async throws {
        let version = try spool.drop("219")
        let (spool, name) = (spool, name)
        async let view = spool.client.wait(for: try spool.client.watch(name), timeout: .seconds(20))
        try await Task.sleep(for: .milliseconds(50))
        try spool.end(try spool.makeStatus("219", .completed, for: version))
        #expect(try await view.standing == .completed)
    }

    @Test("ends when its task is cancelled, and the job goes on") func cancelledTask() async throws {
        try spool.drop("219")
        let (spool, name) = (spool, name)
        let task = Task { try await spool.client.wait(for: try spool.client.watch(name)) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try spool.files == ["219.json"])
    }

    @Test("looks less and less often while nothing changes, and often again after a change") func pauses() throws {
        let version = try spool.drop("219")
        var watch = try spool.client.watch(name)
        for _ in 0..<40 { _ = try watch.look() }
        #expect(watch.pause == 0.5)
        try spool.publish(try spool.makeStatus("219", .running, for: version))
        _ = try watch.look()
        #expect(watch.pause == 0.01)
    }
}
