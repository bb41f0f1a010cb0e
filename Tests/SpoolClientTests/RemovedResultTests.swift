import Glibc
import JSONText
import SpoolClient
import SpoolProtocol
import SpoolStorage
import Testing

@Suite("A job whose result was removed")
struct RemovedResultTests {
    private let spool: TestSpool
    private let name: JobName

    init() throws {
        spool = try TestSpool()
        name = try JobName("219")
    }

    private func run(_ script: String) throws -> CommandRunner.Ended { try CommandRunner.run(script, in: spool.path) }

    private func endWithoutResult(_ standing: Standing) throws {
        try spool.end(try spool.makeStatus("219", standing, for: try spool.drop("219")))
        try spool.root.remove(FileName("219.result.json"))
    }

    @Test(
        "stands as its status says, and is not waited for",
        arguments: [(.completed, 0), (.failed, 1), (.cancelled, 3), (.rejected, 4)] as [(Standing, Int32)])
    func stands(standing: Standing, exit: Int32) throws {
        try endWithoutResult(standing)
        let view = try spool.client.status(of: name)
        #expect(view.standing == standing)
        #expect(view.resultIsMissing)
        #expect(view.summary == "\(standing.rawValue); its result was removed")
        for command in ["wait --timeout 5", "result"] {
            let ended = try run("jobspool \(command) --json 219")
            #expect(ended.status == exit, "\(command)")
            let document = try JSON(parsing: ended.output)
            #expect(document["status"]?.string == standing.rawValue)
            #expect(document["result"] == nil, "what is not known is not invented")
            #expect(ended.diagnostics.contains("the result of 219 was removed"), "\(ended.diagnostics)")
        }
        let shown = try run("jobspool status 219; jobspool list; jobspool doctor 219").output
        #expect(shown.contains("removed: a daemon runs the job again"), "\(shown)")
        #expect(!shown.contains("running"), "\(shown)")
    }

    @Test("can be cancelled, for it runs again; that run is waited for") func cancel() throws {
        try endWithoutResult(.failed)
        let view = try spool.client.cancel(name)
        #expect(try spool.exists("219.cancel.json"))
        var watch = try spool.client.watch(view)
        guard case .underWay = try watch.look() else {
            Issue.record("over without a result")
            return
        }
        #expect(try run("timeout 1 $JOBSPOOL cancel --wait 219").status == 124)
        try spool.end(try spool.makeStatus("219", .cancelled, for: try spool.version("219"), sequence: 2))
        guard case .over(let ended, _) = try watch.look() else {
            Issue.record("not over")
            return
        }
        #expect(ended.standing == .cancelled)
        #expect(try run("jobspool cancel 219").status == 7)
    }

    @Test("cannot be cancelled when nothing runs again") func cancelNothing() throws {
        try endWithoutResult(.failed)
        try spool.root.remove(FileName("219.json"))
        #expect(try run("jobspool cancel 219").status == 7)
    }

    @Test("runs again when it is asked to") func retry() throws {
        try endWithoutResult(.completed)
        let version = try spool.version("219")
        let submission = try spool.client.retry(name)
        #expect(submission.fingerprint != version)
        #expect(try spool.client.status(of: name).standingText == "dropped")
    }

    @Test("does not run again when its request has gone, too") func requestGone() throws {
        try endWithoutResult(.completed)
        try spool.root.remove(FileName("219.json"))
        #expect(try run("jobspool wait --timeout 5 219").status == 0)
        let ended = try run("jobspool retry 219")
        #expect(ended.status == 5)
        #expect(ended.diagnostics.contains("REQUEST_GONE"))
        #expect(try run("jobspool doctor 219").output.contains("drop the request again"))
    }

    @Test("is waited for while its end is so new that the result may be on its way") func onItsWay() throws {
        let version = try spool.drop("219")
        var status = try spool.makeStatus("219", .completed, for: version)
        status.updatedAt = Clock.now()
        try spool.publish(status)
        var watch = try spool.client.watch(name)
        guard case .underWay(let view) = try watch.look() else {
            Issue.record("over without a result")
            return
        }
        #expect(view.standing == .completed)
        try spool.end(status)
        guard case .over(let ended, _) = try watch.look() else {
            Issue.record("not over")
            return
        }
        #expect(!ended.resultIsMissing)
    }

    @Test("is over where clocks differ, too", arguments: [-3600.0, 3600.0]) func clocks(difference: Double) throws {
        let version = try spool.drop("219")
        var status = try spool.makeStatus("219", .failed, for: version)
        status.updatedAt = Clock.now().adding(seconds: difference)
        try spool.publish(status)
        #expect(try spool.client.status(of: name).resultIsMissing)
    }

    @Test("is over for one who has waited for it since before") func seen() throws {
        let version = try spool.drop("219")
        var status = try spool.makeStatus("219", .failed, for: version)
        status.updatedAt = Clock.now()
        try spool.publish(status)
        let view = try spool.client.wait(try spool.client.watch(name), timeout: 20)
        #expect(view.standing == .failed)
        #expect(view.resultIsMissing)
    }
}
