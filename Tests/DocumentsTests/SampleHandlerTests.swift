import JSONText
import Testing

/// The handlers in samples/handlers keep the contract: one JSON object a line, a result, an exit status.
@Suite struct SampleHandlerTests {
    private func run(_ handler: String, _ request: JSON) throws -> Sync {
        try Sync(Child.run(["\(packageDirectory)/samples/handlers/\(handler)"], input: request.text))
    }

    @Test(arguments: ["rsync.sh", "backup.sh"])
    func aSampleIsShortAndRefusesARequestWithoutItsParams(handler: String) throws {
        let scratch = try Scratch()
        #expect(try scratch.sh("grep -c '' '\(packageDirectory)/samples/handlers/\(handler)'").trimmed.count <= 2)
        let lines = try scratch.sh("wc -l < '\(packageDirectory)/samples/handlers/\(handler)'").trimmed
        #expect(try #require(Int(lines)) <= 15)
        #expect(try run(handler, ["params": [:]]).exit == 64)
    }

    @Test func rsyncCopiesTellsItsProgressAndWritesNothingInADryRun() throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir source target; echo 1 > source/a; echo 2 > 'source/b \"c\"'")
        let dry = try run("rsync.sh", ["params": .object(scratch.params()), "dry_run": true])
        #expect(dry.exit == 0)
        #expect(try scratch.sh("ls target") == "")
        let real = try run("rsync.sh", ["params": .object(scratch.params()), "dry_run": false])
        #expect(real.exit == 0)
        #expect(real.of("progress").compactMap { $0["item"]?.string }.filter { $0 != "./" } == ["a", "b \"c\""])
        #expect(real.logs == ["Copying \(scratch.source) to \(scratch.target)"])
        #expect(real.lines.last?["type"] == "result")
        try scratch.sh("diff -r source target; rm -r source")
        #expect(try run("rsync.sh", ["params": .object(scratch.params())]).exit == 75)
    }

    @Test func backupPacksEveryDirectoryAndCarriesOnFromItsCheckpoint() throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir -p source/a 'source/b c' source/d target; echo 1 > source/a/1; echo 2 > 'source/b c/2'")
        let whole = try run("backup.sh", ["params": .object(scratch.params()), "checkpoint": .null])
        #expect(whole.exit == 0)
        #expect(whole.of("progress").compactMap { $0["item"]?.string } == ["a", "b c", "d"])
        #expect(whole.of("progress").map { $0["current"] } == [0, 1, 2, 3])
        #expect(whole.of("checkpoint").map { $0["value"] } == [1, 2, 3])
        #expect(whole.result == ["archives": 3])
        #expect(try scratch.sh("tar -tzf 'target/b c.tar.gz'") == "b c/\nb c/2\n")
        let resumed = try run("backup.sh", ["params": .object(scratch.params()), "checkpoint": 2])
        #expect(resumed.of("progress").compactMap { $0["item"]?.string } == ["d"])
    }

    @Test func backupDoesNotClaimWhatItHasNotDone() throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir -p source target")
        #expect(try run("backup.sh", ["params": .object(scratch.params())]).result == ["archives": 0])
        // What cannot be packed is no archive, and no checkpoint.
        try scratch.sh("mkdir source/a target/.a.tmp")
        let failed = try run("backup.sh", ["params": .object(scratch.params())])
        #expect(failed.exit != 0)
        #expect(failed.of("checkpoint").isEmpty)
        try scratch.sh("rm -r target")
        #expect(try run("backup.sh", ["params": .object(scratch.params())]).exit == 64)
    }
}
