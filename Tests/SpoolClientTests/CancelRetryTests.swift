import Glibc
import SpoolClient
import SpoolProtocol
import SpoolStorage
import Testing

@Suite("Cancelling and running again")
struct CancelRetryTests {
    private let spool: TestSpool
    private let name: JobName

    init() throws {
        spool = try TestSpool()
        name = try JobName("219")
    }

    @Test("cancelling creates an empty cancel file; twice is once", arguments: [Standing?.none, .pending, .running])
    func cancels(standing: Standing?) throws {
        let version = try spool.drop("219")
        if let standing { try spool.publish(try spool.makeStatus("219", standing, for: version)) }
        try spool.client.cancel(name)
        try spool.client.cancel(name)
        #expect(try spool.read("219.cancel.json") == "")
        #expect(try spool.client.status(of: name).cancelRequested)
    }

    @Test("a job that is over is not cancelled", arguments: Standing.allCases.filter(\.isOver))
    func nothingToCancel(standing: Standing) throws {
        try spool.end(try spool.makeStatus("219", standing, for: try spool.drop("219")))
        let error = #expect(throws: SpoolClientError.self) { try spool.client.cancel(name) }
        #expect(error?.code == "JOB_ALREADY_OVER")
        #expect(try !spool.exists("219.cancel.json"))
    }

    @Test(
        "a file in the place of the cancel file that counts for nothing makes way, or is told of",
        arguments: [false, true])
    func inTheWay(isDirectory: Bool) throws {
        try spool.publish(try spool.makeStatus("219", .pending, for: try spool.drop("219")))
        let path = "\(spool.path)/219.cancel.json"
        if isDirectory {
            mkdir(path, 0o755)
            let error = #expect(throws: SpoolClientError.self) { try spool.client.cancel(name) }
            #expect(error?.code == "NOT_PERMITTED")
            #expect(error?.message.contains("219.cancel.json is a directory of \(Users.name(of: geteuid()))") == true)
            #expect(error?.message.contains("remove it") == true)
        } else {
            symlink("nowhere", path)
            try spool.client.cancel(name)
            #expect(try spool.root.stat(FileName("219.cancel.json"))?.kind == .file)
        }
        #expect(try spool.files == ["219.cancel.json", "219.json", "219.status.json"])
    }

    @Test("another user's cancel file makes way", .enabled(if: geteuid() == 0, "only root can be another user"))
    func ofAnotherUser() throws {
        try spool.publish(try spool.makeStatus("219", .pending, for: try spool.drop("219")))
        try spool.write("", "219.cancel.json")
        chown("\(spool.path)/219.cancel.json", 65534, 65534)
        try spool.client.cancel(name)
        #expect(try spool.root.stat(FileName("219.cancel.json"))?.owner == 0)
    }

    /// What is run as somebody who may drop files here, and has no name.
    private func runAsStranger(_ command: String) throws -> CommandRunner.Ended {
        chmod(spool.path, 0o1777)
        // The program may be where that user cannot go: a copy is run.
        return try CommandRunner.run(
            "cp $JOBSPOOL /tmp/jobspool-$$; setpriv --reuid=65533 --clear-groups /tmp/jobspool-$$ \(command); s=$?; rm /tmp/jobspool-$$; exit $s",
            in: spool.path)
    }

    @Test(
        "a stranger is told that his cancel file would count for nothing, and leaves none",
        .enabled(if: geteuid() == 0, "only root can be another user"))
    func notPermitted() throws {
        try spool.publish(try spool.makeStatus("219", .running, for: try spool.drop("219")))
        let ended = try runAsStranger("cancel 219")
        #expect(ended.status == 77)
        #expect(ended.diagnostics.contains("may cancel 219"), "\(ended.diagnostics)")
        #expect(try spool.files == ["219.json", "219.status.json"])
        // Where his name is another one than on the daemon's host, it is the file that says whose the request is.
        chown("\(spool.path)/219.json", 65533, 65533)
        #expect(try runAsStranger("cancel 219").status == 0)
        #expect(try spool.root.remove(FileName("219.cancel.json")))
        // A later request, which may be somebody else's, says nothing of that.
        try spool.write("{}", "219.json")
        #expect(try runAsStranger("cancel 219").status == 77)
        #expect(try !spool.exists("219.cancel.json"))
    }

    @Test("a run that is over is not cancelled by its job_id, and neither is the one behind it") func byID() throws {
        try spool.end(try spool.makeStatus("219", .completed, for: try spool.drop("219")))
        try spool.write("{\"type\": \"again\"}", "219.json")
        #expect(try spool.client.status(of: name).standingText == "dropped")
        let error = #expect(throws: SpoolClientError.self) {
            try spool.client.cancel(try spool.client.find(TestSpool.jobID(1)))
        }
        #expect(error?.code == "JOB_ALREADY_OVER")
        #expect(try !spool.exists("219.cancel.json"))
    }

    @Test("cancelling again touches one's own file: a daemon that could not remove it takes it for another one then")
    func touches() throws {
        try spool.publish(try spool.makeStatus("219", .running, for: try spool.drop("219")))
        try spool.client.cancel(name)
        let path = "\(spool.path)/219.cancel.json"
        var past = [timespec(tv_sec: 5, tv_nsec: 0), timespec(tv_sec: 5, tv_nsec: 0)]
        #expect(utimensat(AT_FDCWD, path, &past, 0) == 0)
        try spool.client.cancel(name)
        let stat = try #require(try spool.root.stat(FileName("219.cancel.json")))
        #expect(stat.fingerprint.seconds > 5)
    }

    @Test("a job is not said to be stopped for what does not cancel it", arguments: ["directory", "link"])
    func countsForNothing(kind: String) throws {
        try spool.publish(try spool.makeStatus("219", .running, for: try spool.drop("219")))
        let path = "\(spool.path)/219.cancel.json"
        if kind == "directory" {
            mkdir(path, 0o755)
        } else {
            chmod(spool.path, 0o1777)
            try spool.write("", "another")
            link("\(spool.path)/another", path)
        }
        #expect(try spool.client.explain("219").explanation.reason != .beingCancelled)
    }

    @Test("a job that is not there is neither cancelled nor run again") func notThere() throws {
        #expect(throws: SpoolClientError.self) { try spool.client.cancel(name) }
        #expect(throws: SpoolClientError.self) { try spool.client.retry(name) }
        #expect(try spool.files == [])
    }

    @Test("running again makes a new version of the request each time, however fast, and leaves its text")
    func retries()
        throws
    {
        var versions: Set<Fingerprint> = [try spool.drop("219")]
        let text = try spool.read("219.json")
        for _ in 0..<20 {
            try spool.end(try spool.makeStatus("219", .failed, for: try spool.version("219")))
            let submission = try spool.client.retry(name)
            #expect(submission.fingerprint == (try spool.version("219")))
            #expect(versions.insert(submission.fingerprint).inserted)
            #expect(try spool.client.status(of: name).standingText == "dropped")
        }
        #expect(try spool.read("219.json") == text)
    }

    @Test("running again works when the request's time is in the future") func fromTheFuture() throws {
        try spool.drop("219")
        var future = [timespec(tv_sec: 4_000_000_000, tv_nsec: 5), timespec(tv_sec: 4_000_000_000, tv_nsec: 5)]
        #expect(utimensat(AT_FDCWD, "\(spool.path)/219.json", &future, 0) == 0)
        try spool.end(try spool.makeStatus("219", .completed, for: try spool.version("219")))
        let submission = try spool.client.retry(name)
        #expect(submission.fingerprint.seconds < 4_000_000_000)
        #expect(try spool.client.status(of: name).standingText == "dropped")
    }

    @Test("a job that is not over does not run again", arguments: [Standing?.none, .pending, .running])
    func notOver(standing: Standing?) throws {
        let version = try spool.drop("219")
        if let standing { try spool.publish(try spool.makeStatus("219", standing, for: version)) }
        let error = #expect(throws: SpoolClientError.self) { try spool.client.retry(name) }
        #expect(error?.code == "JOB_NOT_COMPLETED")
        #expect(try spool.version("219") == version)
    }

    @Test("a job without its request does not run again") func requestGone() throws {
        try spool.end(try spool.makeStatus("219", .completed, for: try spool.drop("219")))
        try spool.root.remove(FileName("219.json"))
        let error = #expect(throws: SpoolClientError.self) { try spool.client.retry(name) }
        #expect(error?.code == "REQUEST_GONE")
    }
}
