import JSONText
import Testing

@Suite struct IndexTests {
    private func scratch() throws -> Scratch {
        let scratch = try Scratch()
        try scratch.sh(
            """
            mkdir -p documents/a/b documents/c
            echo 'first text' >documents/a/1.txt; echo '# Second' >documents/a/b/2.md
            echo '<p>third' >documents/c/3.html; echo '{"x": "fourth"}' >documents/4.json; echo no >documents/5.png
            """)
        return scratch
    }

    private func paths(_ scratch: Scratch) throws -> [String] {
        try scratch.sql("SELECT path FROM document ORDER BY path", in: "index.db")
    }

    @Test func anIndexFollowsItsDirectory() throws {
        let scratch = try scratch()
        let first = try scratch.index()
        #expect(first.counts == "4 0 0 0 0")
        #expect(
            first.logs == [
                "Found 4 documents to index, 4 of them new or changed", "Indexed 4/4 documents",
                "Index complete: 4 created, 0 updated, 0 skipped, 0 deleted, 0 failed",
            ])
        #expect(try paths(scratch) == ["4.json", "a/1.txt", "a/b/2.md", "c/3.html"])
        let before = try scratch.dump("index.db")
        #expect(try scratch.index().counts == "0 0 4 0 0")
        #expect(try scratch.dump("index.db") == before)
        try scratch.sh(
            "echo more >>documents/a/1.txt; touch -d 2001-01-01 documents/4.json; rm -r documents/c; echo n >documents/new.txt"
        )
        let dry = try scratch.index(dryRun: true)
        let second = try scratch.index()
        #expect(second.counts == "1 1 2 1 0")
        #expect(dry.counts == second.counts)
        #expect(try paths(scratch) == ["4.json", "a/1.txt", "a/b/2.md", "new.txt"])
        #expect(
            try scratch.sql("SELECT text FROM words WHERE words MATCH 'more'", in: "index.db") == [
                "first text", "more",
            ])
        // An index that was kept holds what one that is made anew does.
        try scratch.sh("mv index.db kept.db")
        _ = try scratch.index()
        let rows =
            "SELECT path, format, size, modified, properties, title, headings, text FROM document d JOIN words w ON w.rowid = d.id ORDER BY path"
        #expect(try scratch.sql(rows, in: "kept.db") == scratch.sql(rows, in: "index.db"))
    }

    @Test func aChangeThatKeepsSizeAndTimeIsFound() throws {
        let scratch = try scratch()
        _ = try scratch.index()
        try scratch.sh(
            "cd documents/a; touch -r 1.txt stamp; echo 'other text' >1.txt; touch -r stamp 1.txt; rm stamp; chmod 600 b/2.md"
        )
        let dry = try scratch.index(dryRun: true)
        let run = try scratch.index()
        #expect(run.counts == "0 1 3 0 0")
        #expect(dry.counts == run.counts)
        // What was read for nothing is not read again.
        #expect(run.logs.contains("Found 4 documents to index, 2 of them new or changed"))
        #expect(try scratch.index().logs.contains("Found 4 documents to index, 0 of them new or changed"))
        #expect(try scratch.sql("SELECT count(*) FROM words WHERE words MATCH 'other'", in: "index.db") == ["1"])
    }

    /// An index of version 1 does not say when its documents were changed.
    @Test func anIndexOfTheFirstVersionIsReadAsItIsAndWrittenAsItShouldBe() throws {
        let scratch = try scratch()
        _ = try scratch.index()
        let before = try scratch.dump("index.db")
        try scratch.python(
            """
            import sqlite3
            db = sqlite3.connect('index.db', isolation_level=None)
            db.execute('ALTER TABLE document DROP COLUMN changed')
            db.execute('PRAGMA user_version = 1')
            """)
        let index: JSON = .string(scratch.path + "/index.db")
        #expect(try scratch.run("search", ["q": "third", "index": index]).result?["total"] == 1)
        #expect(try scratch.run("search.subject", ["subject": "a/1.txt", "index": index]).result?["total"] == 1)
        #expect(try scratch.index(dryRun: true).counts == "0 0 4 0 0")
        #expect(try scratch.sql("PRAGMA user_version", in: "index.db") == ["1"])
        #expect(try scratch.index().counts == "0 0 4 0 0")
        #expect(try scratch.sql("PRAGMA user_version", in: "index.db") == ["2"])
        #expect(try scratch.dump("index.db") == before)
    }

    /// Nanoseconds since 1970 are counted up to the year 2262.
    @Test func aTimeThatIsFarOffIsNoTrap() throws {
        let scratch = try scratch()
        try scratch.sh("touch -d 2300-01-01 documents/a/1.txt; touch -d 1650-01-01 documents/4.json")
        #expect(try scratch.index().counts == "4 0 0 0 0")
        #expect(try scratch.index().counts == "0 0 4 0 0")
        try scratch.sh("mkdir own; echo '[]' >own/a.json; touch -d 2300-01-01 own/a.json")
        #expect(try scratch.refresh().counts == "1 0 0 0 0")
    }

    @Test func aPathLimitsTheJobToWhatIsBelowIt() throws {
        let scratch = try scratch()
        try scratch.sh("mkdir documents/a0; echo x >documents/a0/x.txt; echo y >documents/a.txt")
        #expect(try scratch.index(["path": "a"]).counts == "2 0 0 0 0")
        #expect(try scratch.index().counts == "4 0 2 0 0")
        try scratch.sh("rm -r documents/*")
        #expect(try scratch.index(["path": "a", "allow_empty": true]).counts == "0 0 0 2 0")
        #expect(try paths(scratch) == ["4.json", "a.txt", "a0/x.txt", "c/3.html"])
        #expect(try scratch.index(["path": "a.txt", "allow_empty": true]).counts == "0 0 0 1 0")
    }

    @Test func whatIsNoTextIsAnItemErrorAndIsForgotten() throws {
        let scratch = try scratch()
        _ = try scratch.index()
        try scratch.sh(
            "printf 'na\\xefve' >documents/a/1.txt; echo '{' >documents/4.json; printf 'x\\xff' >documents/a/new.md")
        let dry = try scratch.index(dryRun: true)
        for run in [try scratch.index(), try scratch.index()] {
            #expect(run.exit == 0)
            #expect(run.itemErrors == ["4.json NOT_JSON", "a/1.txt ENCODING", "a/new.md ENCODING"])
            #expect(run.counts == "0 0 2 0 3")
            #expect(dry.counts == run.counts)
        }
        #expect(try paths(scratch) == ["a/b/2.md", "c/3.html"])
        #expect(try scratch.index(["max_errors": 2]).failure?["code"] == "TOO_MANY_ERRORS")
        // What was repaired is there again.
        try scratch.sh("echo well >documents/a/1.txt; echo 1 >documents/4.json; rm documents/a/new.md")
        #expect(try scratch.index().counts == "2 0 2 0 0")
    }

    @Test func aNameThatIsNoUTF8IsAnItemErrorAndBarsDeletions() throws {
        let scratch = try scratch()
        _ = try scratch.index()
        try scratch.sh("rm documents/4.json; echo x >\"documents/a/$(printf 'b\\xffd').txt\"")
        let run = try scratch.index()
        #expect(run.counts == "0 0 3 0 1")
        #expect(run.itemErrors.first?.hasSuffix("NAME_REFUSED") ?? false)
        #expect(try paths(scratch).contains("4.json"))
    }

    @Test func linksAreNotFollowed() throws {
        let scratch = try scratch()
        try scratch.sh(
            "mkdir outside; echo secret >outside/s.txt; ln -s ../outside documents/out; ln -s ../outside/s.txt documents/s.txt; mkfifo documents/f.txt"
        )
        #expect(try scratch.index().counts == "4 0 0 0 0")
        let run = try scratch.index(["path": "out"])
        #expect(run.itemErrors == ["out NOT_A_FILE"])
        #expect(run.failure?["code"] == "TOO_MANY_ERRORS")
    }

    @Test(
        arguments: [
            ("rm -r documents", [:], "SOURCE_MISSING"), ("rm -r documents/*", [:], "SOURCE_EMPTY"),
            ("rm -r documents/*", ["allow_empty": true], nil),
            ("rm -r documents; touch documents", [:], "SOURCE_MISSING"),
        ] as [(String, JSONObject, String?)])
    func anIndexIsNotEmptiedByAccident(script: String, params: JSONObject, code: String?) throws {
        let scratch = try scratch()
        _ = try scratch.index()
        try scratch.sh(script)
        #expect(try scratch.index(params).failure?["code"]?.string == code)
        #expect(try paths(scratch).isEmpty == (code == nil))
    }

    @Test func anIndexIsOfOneDirectory() throws {
        let scratch = try scratch()
        _ = try scratch.index()
        let run = try scratch.index(["directory": .string(scratch.path + "/documents/a")])
        #expect(run.exit == 64)
        #expect(run.failure?["message"]?.string?.contains("is the index of \(scratch.path)/documents") ?? false)
        // A cache is no index.
        try scratch.sh("mkdir own; echo '[]' >own/a.json")
        _ = try scratch.refresh()
        #expect(try scratch.index(["index": .string(scratch.path + "/cache.db")]).failure?["code"] == "WRONG_DATABASE")
    }

    @Test func aDryRunWritesNothing() throws {
        let scratch = try scratch()
        #expect(try scratch.index(dryRun: true).counts == "4 0 0 0 0")
        #expect(try scratch.sh("ls | grep -c index || :") == "0\n")
        _ = try scratch.index()
        try scratch.sh("echo x >documents/x.txt")
        let before = try scratch.sh("sha256sum index.db index.db-wal")
        _ = try scratch.index(dryRun: true)
        #expect(try scratch.sh("sha256sum index.db index.db-wal") == before)
    }
}
