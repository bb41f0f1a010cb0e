import Glibc
import JSONText
import Testing

@Suite struct DeletionTests {
    /// A source of `kept` files, and a target that has these and `extra` more.
    private func scratch(kept: Int, extra: Int) throws -> Scratch {
        let scratch = try Scratch()
        try scratch.sh(
            """
            mkdir -p source target/old/er
            for n in $(seq \(kept)); do echo $n > source/$n; cp -a source/$n target/$n; done
            for n in $(seq \(extra)); do echo $n > target/old/er/$n; done
            """)
        return scratch
    }

    @Test(
        arguments: [
            // kept, extra, params, what exceeded, or nothing
            (95, 5, [:], ""), (90, 10, [:], ""), (89, 11, [:], "max_delete_percent"),
            (89, 11, ["max_delete_percent": 11], ""), (1000, 101, [:], "max_delete"),
            (1000, 101, ["max_delete": 101], ""), (100, 101, [:], "max_delete` is 100 and `max_delete_percent"),
            (100, 101, ["max_delete": 101, "max_delete_percent": 100], ""),
            (5, 1, ["max_delete": 0], "max_delete` is 0"),
            (10, 0, ["max_delete": 0, "max_delete_percent": 0], ""),
        ] as [(Int, Int, JSONObject, String)])
    func deletionsAreGuardedOnTheCompletePlan(
        kept: Int, extra: Int, params: JSONObject, exceeded: String
    ) throws {
        let scratch = try scratch(kept: kept, extra: extra)
        try scratch.sh("echo new > source/new")
        var params = params
        params["delete"] = true
        let before = try scratch.listing("target")
        let sync = try scratch.sync(params)
        if exceeded.isEmpty {
            #expect(sync.counts == "1 0 \(kept) \(extra) 0")
            #expect(try scratch.listing("source") == scratch.listing("target"))
        } else {
            #expect(sync.exit == 1)
            let failure = try #require(sync.failure)
            #expect(failure["code"] == "MAX_DELETE_EXCEEDED")
            #expect(failure["message"]?.string?.contains("\(extra) of the target's \(kept + extra) documents") == true)
            #expect(failure["message"]?.string?.contains(exceeded) == true)
            #expect(failure["details"]?["deletions"]?.int == extra)
            // Not even the new document: the guard comes before everything.
            #expect(try scratch.listing("target") == before)
        }
    }

    @Test func withoutDeleteNothingIsDeleted() throws {
        let scratch = try scratch(kept: 1, extra: 3)
        #expect(try scratch.sync().counts == "0 0 1 0 0")
        #expect(try scratch.sh("ls target/old/er | wc -l") == "3\n")
    }

    @Test(
        arguments: [
            // what happens to the source, params, exit, code
            ("rm source/*", [:], 0, ""), ("rm source/*", ["delete": true], 1, "SOURCE_EMPTY"),
            ("rm source/*; mkdir -p source/only/directories", ["delete": true], 1, "SOURCE_EMPTY"),
            ("rm source/*", ["delete": true, "allow_empty": true], 1, "MAX_DELETE_EXCEEDED"),
            ("rm source/*", ["delete": true, "allow_empty": true, "max_delete_percent": 100], 0, ""),
            ("rm source/*; rm -r target/*", ["delete": true], 0, ""),
            ("rm -r source/*; rm -r target", ["delete": true], 0, ""),
            ("true", ["delete": true, "include": ["*.none"]], 0, ""),
        ] as [(String, JSONObject, Int32, String)])
    func anEmptySourceDoesNotEmptyATargetByAccident(
        script: String, params: JSONObject, exit: Int32, code: String
    ) throws {
        let scratch = try scratch(kept: 4, extra: 2)
        try scratch.sh(script)
        let before = try scratch.sh("find target 2>/dev/null | sort || true")
        let sync = try scratch.sync(params)
        #expect(sync.exit == exit)
        #expect(sync.failure?["code"]?.string ?? "" == code)
        if exit != 0 { #expect(try scratch.sh("find target | sort") == before) }
    }

    @Test(arguments: [[:], ["delete": true], ["delete": true, "allow_empty": true]] as [JSONObject])
    func aSourceThatIsNotThereIsAlwaysAnError(params: JSONObject) throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir -p source target/projects/219; echo x > target/projects/219/x")
        var params = params
        params["path"] = "projects/219"
        let sync = try scratch.sync(params)
        #expect(sync.exit == 1)
        #expect(sync.failure?["code"] == "SOURCE_EMPTY")
        #expect(try scratch.sh("cat target/projects/219/x") == "x\n")
    }

    @Test func deletionsExtendTheTotal() throws {
        let scratch = try scratch(kept: 30, extra: 25)
        let sync = try scratch.sync(["delete": true, "max_delete_percent": 50])
        #expect(sync.logs.contains("25 documents to delete"))
        #expect(sync.logs.filter { $0.hasPrefix("Deleted") } == ["Deleted 20/25 files", "Deleted 25/25 files"])
        let last = try #require(sync.of("progress").last)
        #expect(last["current"] == 55)
        #expect(last["total"] == 55)
        let currents = sync.of("progress").compactMap { $0["current"]?.int }
        #expect(currents == currents.sorted())
        #expect(sync.result?["directories_deleted"] == 2)
    }

    // MARK: One name, two kinds

    @Test func aDirectoryGivesWayToADocumentOnlyWithDelete() throws {
        let scratch = try Scratch()
        try scratch.sh(
            "mkdir -p source target/x/y; echo file > source/x; ln -s x source/l; mkdir target/l; echo 1 > target/x/y/1")
        let refused = try scratch.sync(["max_errors": 5])
        #expect(refused.itemErrors == ["l TYPE_CONFLICT", "x TYPE_CONFLICT"])
        #expect(refused.failure?["code"] == "TOO_MANY_ERRORS")
        let guarded = try scratch.sync(["delete": true])
        #expect(guarded.failure?["code"] == "MAX_DELETE_EXCEEDED")
        #expect(try scratch.sh("cat target/x/y/1") == "1\n")
        let sync = try scratch.sync(["delete": true, "max_delete_percent": 100])
        #expect(sync.counts == "2 0 0 1 0")
        #expect(try scratch.listing("source") == scratch.listing("target"))
    }

    @Test(arguments: ["echo file > target/x", "ln -s /etc target/x", "mkfifo target/x"])
    func aDocumentGivesWayToADirectoryOnlyWithDelete(script: String) throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir -p source/x/y target; echo 1 > source/x/y/1; echo 2 > source/2; \(script)")
        let refused = try scratch.sync()
        #expect(refused.exit == 0)
        #expect(refused.counts == "1 0 0 0 1")
        #expect(refused.itemErrors == ["x TYPE_CONFLICT"])
        let sync = try scratch.sync(["delete": true, "max_delete_percent": 100])
        #expect(sync.counts == "1 0 1 1 0")
        #expect(try scratch.listing("source") == scratch.listing("target"))
    }

    @Test func aDirectoryWithSomethingExcludedStays() throws {
        let scratch = try Scratch()
        try scratch.sh(
            "mkdir -p source target/x; echo 1 > source/x; echo 2 > source/y; echo k > target/x/keep; echo g > target/x/go"
        )
        let sync = try scratch.sync(["delete": true, "max_delete_percent": 100, "exclude": ["keep"]])
        #expect(sync.counts == "1 0 0 0 1")
        #expect(try scratch.sh("ls target/x") == "go\nkeep\n")
    }

    @Test func documentsOfDifferentKindsReplaceEachOther() throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir source target; echo 1 > source/a; ln -s 1 target/a; ln -s 2 source/b; echo 2 > target/b")
        #expect(try scratch.sync().counts == "0 2 0 0 0")
        #expect(try scratch.listing("source") == scratch.listing("target"))
    }

    @Test func nothingIsWrittenThroughALinkInTheTarget() throws {
        let scratch = try Scratch()
        try scratch.sh(
            """
            mkdir -p source/d target outside; echo new > source/d/f; echo new > source/g
            echo old > outside/f; echo old > outside/g; ln -s ../outside target/d; ln -s ../outside/g target/g
            """)
        _ = try scratch.sync()
        _ = try scratch.sync(["delete": true, "max_delete_percent": 100, "force": true])
        #expect(try scratch.sh("cat outside/f outside/g") == "old\nold\n")
        #expect(try scratch.listing("source") == scratch.listing("target"))
    }
}
