import JSONText
import Testing

@Suite struct DryRunTests {
    @Test(
        arguments: [
            [:], ["compare": "checksum"], ["force": true], ["exclude": ["b/"]], ["include": ["*.txt", "two"]],
            ["path": "a"],
        ] as [JSONObject])
    func aDryRunCountsWhatTheRealRunThenDoesAndWritesNothing(more: JSONObject) throws {
        let scratch = try Scratch()
        try scratch.sh(SyncTests.tree)
        _ = try scratch.sync()
        try scratch.sh(
            """
            echo more >> source/a/one; chmod 600 source/a/b/two; rm source/zero; rm -r source/empty; mkdir -p source/new/er
            echo n > source/new/er/n; mkdir -p target/a/extra/x; echo x > target/a/extra/x/x; rm target/a/link
            rm source/a/up; mkdir source/a/up; echo in > source/a/up/in; mkdir target/k; echo k > target/k/k; echo k > source/k
            """)
        var params = more
        params["delete"] = true
        params["max_delete_percent"] = 100
        let before = try scratch.listing("target")
        let dry = try scratch.sync(params, dryRun: true)
        #expect(dry.exit == 0)
        #expect(try scratch.listing("target") == before)
        let real = try scratch.sync(params)
        #expect(real.exit == 0)
        for key in ["counts", "documents", "bytes_copied", "directories_created", "directories_deleted"] {
            #expect(dry.result?[key] == real.result?[key], "\(key)")
        }
        #expect(dry.result?["dry_run"] == true)
        #expect(real.result?["dry_run"] == false)
        #expect(!real.logs.contains { $0.contains("DRY RUN") })
    }

    @Test func theLinesSayWhatWouldBeDone() throws {
        let scratch = try Scratch()
        try scratch.sh(
            """
            mkdir -p source/d target/old; echo 1 > source/d/new; echo 22 > source/changed; echo 1 > target/changed
            echo 1 > source/moded; cp -a source/moded target/; chmod 600 source/moded; echo 1 > target/old/gone
            """)
        let sync = try scratch.sync(["delete": true, "max_delete_percent": 100], dryRun: true)
        #expect(
            sync.logs.filter { $0.hasPrefix("DRY RUN: would") } == [
                "DRY RUN: would update changed", "DRY RUN: would create directory d", "DRY RUN: would create d/new",
                "DRY RUN: would update time and mode of moded", "DRY RUN: would delete old/gone",
                "DRY RUN: would delete directory old",
            ])
    }

    @Test func aTargetThatDoesNotExistIsNotMade() throws {
        let scratch = try Scratch()
        try scratch.sh(SyncTests.tree)
        let sync = try scratch.sync(dryRun: true)
        #expect(sync.counts == "10 0 0 0 0")
        #expect(try scratch.sh("ls") == "source\n")
    }

    @Test func theGuardHoldsInADryRunToo() throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir source target; echo 1 > source/a; echo 1 > target/b")
        #expect(try scratch.sync(["delete": true], dryRun: true).failure?["code"] == "MAX_DELETE_EXCEEDED")
    }
}
