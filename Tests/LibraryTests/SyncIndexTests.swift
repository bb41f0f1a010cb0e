import Glibc
import JSONText
import Testing

/// `documents.sync` with `index`: two executables, one job.
@Suite struct SyncIndexTests {
    private func scratch() throws -> Scratch {
        let scratch = try Scratch()
        try scratch.sh(
            """
            mkdir -p source/a source/b
            for n in $(seq 20); do echo "text number $n" >source/a/$n.txt; echo "<p>page $n" >source/b/$n.html; done
            printf 'x\\xff' >source/bad.txt; echo x >source/c.png
            """)
        return scratch
    }

    @Test func theIndexFollowsTheTarget() throws {
        let scratch = try scratch()
        let first = try scratch.syncWithIndex()
        #expect(first.exit == 0, "\(first.failure?.text ?? first.errors)")
        // Copied is everything; one of the copied cannot be indexed.
        #expect(first.counts == "42 0 0 0 1")
        #expect(Run.counts(first.result?["index"]) == "40 0 0 0 1")
        #expect(first.itemErrors == ["bad.txt ENCODING"])
        #expect(
            first.logs.contains("Index finished with errors: 40 created, 0 updated, 0 skipped, 0 deleted, 1 failed"))
        try scratch.expectRightIndex()
        try scratch.sh(
            "rm source/bad.txt source/a/1.txt; echo new >source/a/2.txt; echo new >source/d.md; touch source/a/3.txt")
        let dry = try scratch.syncWithIndex(dryRun: true)
        let second = try scratch.syncWithIndex()
        #expect(second.counts == "1 1 39 2 0")
        #expect(Run.counts(second.result?["index"]) == "1 1 38 1 0")
        #expect(dry.counts == second.counts)
        #expect(Run.counts(dry.result?["index"]) == "1 1 38 1 0")
        try scratch.expectRightIndex()
        let search = try scratch.run("search", ["q": "new", "index": .string(scratch.path + "/index.db")])
        #expect(search.result?["total"] == 2)
    }

    @Test func aDryRunCountsTheIndexOfATargetThatDoesNotExist() throws {
        let scratch = try scratch()
        try scratch.sh("ln -s a/1.txt source/link.txt; mkdir source/dir.txt; echo in >source/dir.txt/in.md")
        let dry = try scratch.syncWithIndex(dryRun: true)
        #expect(try scratch.sh("ls") == "source\n")
        let real = try scratch.syncWithIndex()
        #expect(dry.exit == 0)
        #expect(dry.counts == real.counts)
        #expect(dry.result?["index"]?["counts"] == real.result?["index"]?["counts"])
        #expect(Run.counts(real.result?["index"]) == "41 0 0 0 1")
        // One kind takes the place of another.
        try scratch.sh(
            "rm -r source/dir.txt source/a/5.txt; echo file >source/dir.txt; mkdir source/a/5.txt; rm source/a/6.txt; ln -s x source/a/6.txt"
        )
        let more: JSONObject = ["max_delete_percent": 100]
        let dryAgain = try scratch.syncWithIndex(more, dryRun: true)
        let realAgain = try scratch.syncWithIndex(more)
        #expect(dryAgain.counts == realAgain.counts)
        #expect(dryAgain.result?["index"]?["counts"] == realAgain.result?["index"]?["counts"])
        try scratch.expectRightIndex()
    }

    /// Names that are no UTF-8 are refused, each once, whatever is in them and whether or not it is text.
    @Test func aDryRunCountsTheNamesThatTheIndexRefuses() throws {
        let scratch = try scratch()
        let bad = "$(printf 'b\\xffd')"
        let changes = [
            "rm source/bad.txt; echo x >\"source/a/\(bad).txt\"; echo x >\"source/\(bad).png\"",
            "d=\"source/a/\(bad)\"; mkdir -p \"$d/$(printf '\\xfe')\"; echo x >\"$d/1.txt\"; echo x >\"$d/2.txt\"",
            "mkdir \"source/\(bad)\"; echo y >\"source/a/\(bad)/1.txt\"",
            "rm \"source/a/\(bad)/2.txt\"; rm \"source/a/\(bad).txt\"; mkdir \"source/a/\(bad).txt\"",
            "rm -r \"source/\(bad)\" \"source/a/\(bad)\"", "rm -r \"source/a/\(bad).txt\" \"source/\(bad).png\"",
        ]
        for (change, refused) in zip(changes, [2, 3, 4, 4, 2, 0]) {
            try scratch.sh(change)
            let dry = try scratch.syncWithIndex(["max_delete_percent": 100], dryRun: true)
            let real = try scratch.syncWithIndex(["max_delete_percent": 100])
            #expect(real.exit == 0, "\(real.failure?.text ?? real.errors)")
            #expect(real.itemErrors.count { $0.hasSuffix("NAME_REFUSED") } == refused, "\(change)")
            #expect(dry.itemErrors == real.itemErrors, "\(change)")
            #expect(dry.counts == real.counts, "\(change)")
            #expect(dry.result?["index"]?["counts"] == real.result?["index"]?["counts"], "\(change)")
        }
    }

    @Test func progressRunsThroughTheIndexWithoutStartingAgain() throws {
        let scratch = try scratch()
        let run = try scratch.syncWithIndex()
        let progress = run.of("progress")
        #expect(progress.contains { $0["phase"] == "index" })
        let currents = progress.compactMap { $0["current"]?.int }
        #expect(currents == currents.sorted())
        let last = try #require(progress.last)
        #expect(last["current"] == last["total"])
        // Every document is copied and indexed; the one that failed counts on its own.
        #expect(last["total"] == 85)
        #expect(Set(progress.filter { $0["phase"] == "copy" }.compactMap { $0["total"]?.int }) == [84])
    }

    /// The documents behind the last bad one that is borne are found, and the job still fails.
    @Test func howeverManyDocumentsAreNoTextTheOthersAreIndexed() throws {
        let scratch = try scratch()
        try scratch.sh("for n in $(seq 105); do printf 'x\\xff' >source/bad$n.txt; done; echo last >source/z.txt")
        for _ in 1...2 {
            let run = try scratch.syncWithIndex()
            #expect(run.itemErrors.count == 106)
            #expect(run.failure?["code"] == "TOO_MANY_ERRORS")
            #expect(run.failure?["message"]?.string?.contains("106 items failed") ?? false)
            let search = try scratch.run("search", ["q": "last", "index": .string(scratch.path + "/index.db")])
            #expect(search.result?["total"] == 1)
            try scratch.expectRightIndex()
        }
        #expect(try scratch.syncWithIndex(["max_errors": 106]).exit == 0)
    }

    @Test func aPathIsIndexedAlone() throws {
        let scratch = try scratch()
        #expect(Run.counts(try scratch.syncWithIndex(["path": "a"]).result?["index"]) == "20 0 0 0 0")
        #expect(Run.counts(try scratch.syncWithIndex(["path": "b"]).result?["index"]) == "20 0 0 0 0")
        #expect(Run.counts(try scratch.syncWithIndex().result?["index"]) == "0 0 40 0 1")
    }

    @Test func anIndexThatWasLostOrChangedIsPutRight() throws {
        let scratch = try scratch()
        _ = try scratch.syncWithIndex()
        try scratch.sh("rm index.db")
        #expect(Run.counts(try scratch.syncWithIndex().result?["index"]) == "40 0 0 0 1")
        try scratch.sql("DELETE FROM document WHERE path < 'b'", in: "index.db")
        try scratch.sql("DELETE FROM words WHERE rowid NOT IN (SELECT id FROM document)", in: "index.db")
        #expect(Run.counts(try scratch.syncWithIndex().result?["index"]) == "20 0 20 0 1")
        try scratch.expectRightIndex()
    }

    @Test(arguments: [
        ("target/index.db", "params.index", "lies within `params.target`"),
        ("source/x.db", "params.index", "lies within `params.source`"),
        ("target/\u{301}.db", "params.index", "lies within `params.target`"),
        ("none/x.db", "params.index", "cannot be opened"),
    ])
    func theIndexIsNotInTheTrees(index: String, field: String, message: String) throws {
        let scratch = try scratch()
        try scratch.sh("mkdir target")
        let run = try scratch.syncWithIndex(["index": .string("\(scratch.path)/\(index)")])
        #expect(run.exit == 64)
        #expect(run.failure?["details"]?["field"]?.string == field)
        #expect(run.failure?["message"]?.string?.contains(message) ?? false)
        #expect(try scratch.sh("ls target") == "")
    }

    @Test func withoutTheLibraryNothingIsBegun() throws {
        let scratch = try scratch()
        try scratch.sh("mkdir bin; cp '\(products)/jobspool-documents' bin/")
        let run = try Run(
            Child.run(
                [scratch.path + "/bin/jobspool-documents", "documents.sync"],
                input: scratch.request(scratch.paramsWithIndex())))
        #expect(run.failure?["code"] == "HANDLER_MISSING")
        #expect(run.failure?["message"]?.string?.contains("swift build --product jobspool-library") ?? false)
        #expect(try scratch.sh("ls -d target 2>/dev/null || :") == "")
    }

    @Test func aFailureOfTheIndexIsTheJobs() throws {
        let scratch = try scratch()
        try scratch.sh("echo 'no database' >index.db")
        let run = try scratch.syncWithIndex()
        #expect(run.exit == 1)
        #expect(run.failure?["code"] == "WRONG_DATABASE")
        #expect(try scratch.sh("cat index.db") == "no database\n")
        #expect(
            try scratch.syncWithIndex(["max_errors": 0, "index": .string(scratch.path + "/other.db")]).failure?["code"]
                == "TOO_MANY_ERRORS")
    }
}
