import Glibc
import JSONText
import JobHandler
import Testing

@Suite struct RefreshTests {
    static func bases(_ scratch: Scratch) -> JSON {
        [
            "https://example.org/": .string(scratch.path + "/web"),
            "https://own.example/": .string(scratch.path + "/own/"),
        ]
    }

    private func walk(_ scratch: Scratch, _ depth: Int) throws -> [String] {
        try scratch.python(Graph.walk.replacing("DEPTH", with: "\(depth)")).split(separator: "\n").map(String.init)
    }

    /// What the cache holds, and what could not be read, as the walk says it.
    private func visited(_ scratch: Scratch, _ run: Run) throws -> [String] {
        let held = try scratch.sql("SELECT iri FROM document").map { "\($0) there" }
        let missing = run.of("error").compactMap { $0["item"]?.string }.map { "\($0) missing" }
        return (held + missing).sorted()
    }

    @Test(arguments: [(1, 300), (2, 300), (3, 800)])
    func everyDepthVisitsWhatAWalkVisits(seed: Int, count: Int) throws {
        let scratch = try Scratch()
        try scratch.python(Graph.draw(seed, count: count))
        var sizes: [Int] = []
        for depth in 0...3 {
            try scratch.sh("rm -f cache.db*")
            let run = try scratch.refresh(
                ["base": Self.bases(scratch), "depth": JSON(depth), "max_errors": 1000, "batch_size": 7])
            #expect(run.exit == 0, "\(run.failure?.text ?? run.errors)")
            let expected = try walk(scratch, depth)
            sizes.append(expected.count)
            #expect(
                try visited(scratch, run) == expected.map { String($0.split(separator: " ", maxSplits: 1)[1]) }.sorted()
            )
            // Each at its own depth, each once.
            let depths = try scratch.sql("SELECT depth || ' ' || iri || ' there' FROM document")
            #expect(depths.sorted() == expected.filter { $0.hasSuffix(" there") }.sorted())
            #expect(Set(run.itemErrors).count == run.itemErrors.count)
            let levels = (0...depth).map { depth in JSON(expected.count { $0.hasPrefix("\(depth) ") }) }
            #expect(run.result?["levels"] == .array(levels))
            #expect(run.counts == "\(depths.count) 0 0 0 \(expected.count - depths.count)")
        }
        // The graph is worth the test: every level adds documents, and not all are reached.
        #expect(sizes == Array(Set(sizes)).sorted())
        #expect(sizes[0] == 12)
        #expect(sizes[3] < count)
    }

    @Test func theOwnSetMayBeFilesAndIRIsToo() throws {
        let scratch = try Scratch()
        try scratch.python(Graph.draw(1, count: 50))
        let roots: JSON = [
            .string(scratch.path + "/own/1.nt"), .string("file://\(scratch.path)/own/sub/0.jsonld#it"),
            "https://example.org/13", .string(scratch.path + "/own/1.nt"), .string("file://\(scratch.path)/own/sub"),
        ]
        let run = try scratch.refresh(["base": Self.bases(scratch), "roots": roots])
        #expect(run.exit == 0)
        #expect(
            try scratch.sql("SELECT iri, name FROM document ORDER BY id").prefix(3) == [
                "https://own.example/1.nt|1.nt", "https://own.example/sub/0.jsonld|own.example/sub/0.jsonld",
                "https://example.org/13.nt|example.org/13.nt",
            ])
        #expect(run.counts == "6 0 0 0 0")
    }

    @Test func whatHasChangedIsReadAnewAndNothingElseIsWritten() throws {
        let scratch = try Scratch()
        try scratch.python(Graph.draw(4, count: 60))
        let params: JSONObject = ["base": Self.bases(scratch), "depth": 2, "max_errors": 100]
        let first = try scratch.refresh(params)
        let before = try scratch.dump("cache.db")
        let again = try scratch.refresh(params)
        #expect(again.result?["counts"]?["skipped"] == first.result?["counts"]?["created"])
        #expect(again.result?["counts"]?["created"] == 0)
        #expect(again.result?["counts"]?["updated"] == 0)
        #expect(try scratch.dump("cache.db") == before)

        try scratch.write("own/1.nt", "<a:s> <a:p> \"a new text\" .")
        try scratch.sh("touch own/2.jsonld")
        let changed = try scratch.refresh(["base": Self.bases(scratch)])
        #expect(changed.counts == "0 1 11 0 0")
        #expect(
            try scratch.sql(
                "SELECT subject, value FROM statement JOIN document d ON document = d.id WHERE name = '1.nt'")
                == [#"a:s|{"@value":"a new text"}"#])
        // The others are still there: this refresh did not go so far.
        #expect(try scratch.sql("SELECT count(*) FROM document WHERE depth > 0") != ["0"])
    }

    @Test func aDocumentThatCannotBeReadIsAnItemErrorAndKeepsWhatTheCacheHas() throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir own; for n in 1 2 3 4 5 6; do echo \"<a:$n> <a:p> \\\"$n\\\" .\" >own/$n.nt; done")
        #expect(try scratch.refresh().counts == "6 0 0 0 0")
        try scratch.sh("echo oops >own/1.nt; echo '{\"name\": 1}' >own/2.nt; rm own/3.nt; echo '[' >own/4.nt")
        let roots = JSON.array(
            (1...6).map { .string("\(scratch.path)/own/\($0).nt") } + [.string(scratch.path + "/own/none")])
        try scratch.sh("rm own/6.nt; mkfifo own/6.nt")
        let run = try scratch.refresh(["roots": roots])
        #expect(run.exit == 0)
        #expect(run.counts == "0 0 1 0 6")
        let own = "file://\(scratch.path)/own"
        #expect(
            run.itemErrors == [
                "\(own)/1.nt NOT_LINKED_DATA", "\(own)/2.nt NOT_LINKED_DATA", "\(own)/3.nt NOT_FOUND",
                "\(own)/4.nt NOT_LINKED_DATA", "\(own)/6.nt NOT_A_FILE", "\(own)/none NOT_FOUND",
            ])
        #expect(try scratch.sql("SELECT count(*) FROM statement") == ["6"])
        #expect(run.logs.last == "Refresh finished with errors: 0 created, 0 updated, 1 skipped, 0 deleted, 6 failed")
    }

    /// Names that are too long, links that lead to themselves: whatever stat(2) refuses is refused to one document.
    @Test func aReferenceThatCannotBeLookedAtIsAnItemError() throws {
        let scratch = try Scratch()
        let long = String(repeating: "x", count: 250)
        try scratch.sh("mkdir own web; ln -s loop web/loop; ln -s self own/self; echo '[]' >web/\(long)")
        try scratch.write(
            "own/a.nt",
            ["loop", long + "yyyyyy", "\(long)/x", long].map { "<a:a> <a:p> <https://example.org/\($0)> .\n" }.joined())
        let own = scratch.path + "/own"
        let run = try scratch.refresh([
            "base": Self.bases(scratch), "depth": 1,
            "roots": [.string("\(own)/a.nt"), .string("\(own)/self"), .string("\(own)/\(long)yyyyyy")],
        ])
        #expect(run.exit == 0, "\(run.failure?.text ?? run.errors)")
        #expect(
            run.itemErrors == [
                "https://own.example/self NOT_A_FILE", "https://own.example/\(long)yyyyyy NAME_REFUSED",
                "https://example.org/loop NOT_A_FILE", "https://example.org/\(long)yyyyyy NAME_REFUSED",
                "https://example.org/\(long)/x NOT_FOUND",
            ])
        #expect(run.counts == "2 0 0 0 5")
    }

    @Test(
        arguments: [(["max_errors": 2], "TOO_MANY_ERRORS"), (["max_error_percent": 20], "TOO_MANY_ERRORS"), ([:], nil)]
            as [(JSONObject, String?)])
    func tooManyErrorsFailTheJob(params: JSONObject, code: String?) throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir own; for n in 1 2 3; do echo x >own/$n.nt; done; echo '[]' >own/4.json")
        let run = try scratch.refresh(params)
        #expect(run.failure?["code"]?.string == code)
        #expect(run.exit == (code == nil ? 0 : 1))
        try scratch.sh("rm own/4.json")
        #expect(try scratch.refresh().failure?["code"] == "TOO_MANY_ERRORS")
        // A failed run leaves nothing that a later one would take for its own.
        #expect(try scratch.sql("SELECT count(*) FROM visit") == ["0"])
    }

    @Test func aDryRunCountsWhatTheRealRunThenDoesAndWritesNothing() throws {
        let scratch = try Scratch()
        try scratch.python(Graph.draw(5, count: 80))
        let params: JSONObject = [
            "base": Self.bases(scratch), "depth": 2, "max_errors": 100, "delete": true, "max_delete_percent": 100,
        ]
        let fresh = try scratch.refresh(params, dryRun: true)
        #expect(fresh.exit == 0)
        #expect(try scratch.sh("ls | grep -c cache || :") == "0\n")
        _ = try scratch.refresh(params)
        try scratch.sh(
            "echo '[]' >own/1.nt; rm own/2.jsonld; echo '<a:a> <a:b> <https://example.org/20> .' >own/new.nt")
        let before = try scratch.sh("sha256sum cache.db cache.db-wal")
        let dry = try scratch.refresh(params, dryRun: true)
        #expect(try scratch.sh("sha256sum cache.db cache.db-wal") == before)
        let real = try scratch.refresh(params)
        #expect(dry.result?["counts"] == real.result?["counts"])
        #expect(dry.result?["levels"] == real.result?["levels"])
        #expect(dry.itemErrors == real.itemErrors)
        #expect(dry.logs.contains("DRY RUN: would update https://own.example/1.nt"))
        #expect(dry.logs.contains("DRY RUN: would create https://own.example/new.nt"))
        #expect(real.result?["counts"]?["updated"] == 1)
        #expect(fresh.result?["counts"]?["created"] != 0)
    }

    @Test func whatIsNotReachedAnyMoreIsDeletedOnlyOnRequestAndNeverAfterAnError() throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir own; for n in $(seq 20); do echo \"<a:$n> <a:p> \\\"$n\\\" .\" >own/$n.nt; done")
        _ = try scratch.refresh()
        try scratch.sh("rm own/1.nt own/2.nt")
        #expect(try scratch.refresh().counts == "0 0 18 0 0")
        #expect(try scratch.sql("SELECT count(*) FROM document") == ["20"])
        try scratch.sh("echo x >own/x.nt")
        let errors = try scratch.refresh(["delete": true])
        #expect(errors.counts == "0 0 18 0 1")
        #expect(errors.logs.contains("Nothing is deleted: 1 documents could not be read"))
        try scratch.sh("rm own/x.nt")
        #expect(try scratch.refresh(["delete": true], dryRun: true).counts == "0 0 18 2 0")
        #expect(try scratch.refresh(["delete": true]).counts == "0 0 18 2 0")
        #expect(try scratch.sql("SELECT count(*) FROM words") == ["18"])
        try scratch.sh("rm own/1?.nt")
        let guarded = try scratch.refresh(["delete": true])
        #expect(guarded.failure?["code"] == "MAX_DELETE_EXCEEDED")
        #expect(guarded.failure?["message"]?.string?.contains("10 of the 18 documents of the cache") ?? false)
        try scratch.sh("rm own/*")
        #expect(try scratch.refresh(["delete": true, "max_delete_percent": 100]).failure?["code"] == "SOURCE_EMPTY")
        #expect(
            try scratch.refresh(["delete": true, "max_delete_percent": 100, "allow_empty": true]).counts == "0 0 0 18 0"
        )
        #expect(try scratch.dump("cache.db").contains("'") == false)
    }

    /// Of the documents that were there before, in a dry run and in a real one.
    @Test func deletionsAreMeasuredAgainstWhatTheCacheHeldBefore() throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir own; for n in $(seq 20); do echo \"<a:$n> <a:p> \\\"$n\\\" .\" >own/$n.nt; done")
        _ = try scratch.refresh()
        try scratch.sh("rm own/1.nt own/2.nt own/3.nt; for n in $(seq 21 60); do cp own/20.nt own/$n.nt; done")
        for dryRun in [true, false] {
            let run = try scratch.refresh(["delete": true], dryRun: dryRun)
            #expect(run.failure?["code"] == "MAX_DELETE_EXCEEDED")
            #expect(run.failure?["details"]?["held"] == 20)
        }
    }

    /// The cache has one list of documents to read, and whoever began last has it.
    @Test(arguments: [false, true])
    func aRefreshFromWhichAnotherTookTheListFailsForNow(isOtherOver: Bool) async throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir own; for n in 1 2 3; do echo \"<a:$n> <a:p> \\\"$n\\\" .\" >own/$n.nt; done")
        let failure = await #expect(throws: JobFailure.self) {
            try await scratch.refreshInProcess(["batch_size": 1, "delete": true]) {
                if isOtherOver {
                    _ = try scratch.refresh()
                } else {
                    _ = try scratch.sql("UPDATE refresh SET run = 'another'")
                }
            }
        }
        #expect(failure?.code == "CACHE_BUSY")
        #expect(failure?.exit == .temporary)
        // The other one's list is as it left it.
        #expect(try scratch.sql("SELECT run FROM refresh") == (isOtherOver ? [] : ["another"]))
        #expect(try scratch.sql("SELECT count(*) FROM visit WHERE outcome IS NULL") == [isOtherOver ? "0" : "3"])
        #expect(try scratch.refresh().exit == 0)
    }

    @Test func theTotalIsToldOnceItIsCertain() throws {
        let scratch = try Scratch()
        try scratch.python(Graph.draw(6, count: 200))
        let run = try scratch.refresh(["base": Self.bases(scratch), "depth": 2, "max_errors": 1000])
        #expect(run.logs.first == "Found 12 documents of the own set")
        #expect(run.logs.contains { $0.hasPrefix("Depth 1: ") })
        let totals = run.of("progress").compactMap { $0["total"]?.int }
        #expect(Set(totals).count == 1)
        let last = try #require(run.of("progress").last)
        #expect(last["current"] == last["total"])
        #expect(last["current"] == run.result?["documents"])
        let own = try scratch.refresh(["base": Self.bases(scratch)])
        #expect(own.of("progress").filter { $0["phase"] == "read" }.allSatisfy { $0["total"] == 12 })
    }

    @Test func aPasswordInAnIRIIsNotShown() throws {
        let scratch = try Scratch()
        try scratch.write("own/a.nt", "<a:a> <a:p> <https://anna:secret@example.org/x> .")
        let run = try scratch.refresh(["depth": 1])
        #expect(run.itemErrors == ["https://example.org/x UNREACHABLE"])
        #expect(!run.lines.contains { $0.text.contains("secret") })
    }

    @Test(arguments: [
        ("echo hello >cache.db", "WRONG_DATABASE"),
        ("python3 -c \"import sqlite3; sqlite3.connect('cache.db').execute('CREATE TABLE t (a)')\"", "WRONG_DATABASE"),
        (
            "python3 -c \"import sqlite3; sqlite3.connect('cache.db').execute('PRAGMA application_id = 5')\"",
            "WRONG_DATABASE"
        ),
        ("mkdir cache.db", "DATABASE_UNUSABLE"), (": >cache.db", nil),
    ])
    func aDatabaseThatIsNoCacheIsLeftAlone(script: String, code: String?) throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir own; echo '[]' >own/a.json; \(script)")
        let before = try scratch.sh("sha256sum cache.db 2>&1 || :")
        let run = try scratch.refresh()
        #expect(run.failure?["code"]?.string == code, "\(run.failure?.text ?? "")")
        if code != nil { #expect(try scratch.sh("sha256sum cache.db 2>&1 || :") == before) }
    }

    @Test func aCacheOfALaterVersionIsRefused() throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir own; echo '[]' >own/a.json")
        _ = try scratch.refresh()
        try scratch.python("import sqlite3; sqlite3.connect('cache.db').execute('PRAGMA user_version = 9')")
        #expect(try scratch.refresh().failure?["message"]?.string?.contains("update jobspool-library") ?? false)
    }

    @Test(arguments: ["relative", "", "/own\0/elsewhere"])
    func aRootThatIsNeitherAPathNorAnIRIIsRefused(root: String) throws {
        let scratch = try Scratch()
        let run = try scratch.refresh(["roots": [.string(root)]])
        #expect(run.exit == 64)
        #expect(run.failure?["details"]?["field"] == "params.roots")
    }
}
