import Glibc
import JSONText
import Testing

/// Targets that take several names for one.
@Suite struct FoldingTests {
    private func scratch(_ script: String) throws -> Scratch {
        let scratch = try Scratch()
        try scratch.sh("mkdir source target; for n in $(seq 20); do echo $n > source/f$n; done; \(script)")
        return scratch
    }

    private func contents(_ scratch: Scratch) throws -> String {
        try scratch.sh(
            "cd target; find . -type f ! -name 'f[0-9]*' | sort | while read -r f; do echo $f $(cat $f); done")
    }

    @Test(arguments: [false, true])
    func aFileThatIsRenamedByCaseAloneStays(manyNumbers: Bool) throws {
        let scratch = try scratch("echo report > source/Report.PDF; ln -s 1 source/Link")
        func sync(dryRun: Bool = false) throws -> Sync {
            try scratch.syncFolding(["delete": true], manyNumbers: manyNumbers, dryRun: dryRun)
        }
        #expect(try sync().counts == "22 0 0 0 0")
        try scratch.sh("mv source/Report.PDF source/Report.pdf; mv source/Link source/link")
        let renamed = try sync()
        #expect(renamed.counts == "0 0 22 0 0")
        #expect(renamed.logs.contains { $0.hasPrefix("2 names are spelled in another way in the target") })
        #expect(try contents(scratch) == "./Report.PDF report\n")
        // From then on it follows under the name that it has there, in every way.
        try scratch.sh("echo new > source/Report.pdf; ln -sf 2 source/link")
        #expect(try sync(dryRun: true).counts == "0 2 20 0 0")
        #expect(try sync().counts == "0 2 20 0 0")
        #expect(try contents(scratch) == "./Report.PDF new\n")
        #expect(try scratch.sh("readlink target/Link") == "2\n")
        try scratch.sh("rm source/Report.pdf source/link")
        #expect(try sync().counts == "0 0 20 2 0")
        #expect(try contents(scratch) == "")
    }

    @Test(arguments: [false, true])
    func aDirectoryThatIsRenamedByCaseAloneStaysWithAllThatIsInIt(manyNumbers: Bool) throws {
        let scratch = try scratch("mkdir -p source/Docs/Old; echo 1 > source/Docs/d1; echo 2 > source/Docs/Old/d2")
        let delete: JSONObject = ["delete": true, "max_delete_percent": 100]
        #expect(try scratch.syncFolding(delete, manyNumbers: manyNumbers).counts == "22 0 0 0 0")
        try scratch.sh("mv source/Docs source/docs; mv source/docs/Old source/docs/OLD; echo 3 > source/docs/OLD/d3")
        let sync = try scratch.syncFolding(delete, manyNumbers: manyNumbers)
        #expect(sync.counts == "1 0 22 0 0")
        #expect(sync.itemErrors == [])
        #expect(try contents(scratch) == "./Docs/Old/d2 2\n./Docs/Old/d3 3\n./Docs/d1 1\n")
        try scratch.sh("rm -r source/docs")
        #expect(try scratch.syncFolding(delete, manyNumbers: manyNumbers).counts == "0 0 20 3 0")
        #expect(try scratch.sh("ls target | grep -vc '^f' || :") == "0\n")
    }

    /// The first run finds out when it gets there, the others before they begin; none overwrites anything.
    @Test(arguments: [false, true])
    func twoNamesThatAreOneThereAreAnErrorThatNamesBoth(manyNumbers: Bool) throws {
        let scratch = try scratch(
            """
            echo upper > source/A.txt; echo lower > source/a.txt; mkdir source/Docs source/docs
            echo 1 > source/Docs/d1; echo 2 > source/docs/d2; ln -s 1 source/L; ln -s 2 source/l
            """)
        let first = try scratch.syncFolding(["delete": true], manyNumbers: manyNumbers)
        #expect(first.itemErrors.sorted() == ["a.txt", "docs", "docs/d2", "l"].map { "\($0) NAME_TAKEN" })
        #expect(first.counts == "23 0 0 0 4")
        for params in [["delete": true], ["delete": true, "force": true]] as [JSONObject] {
            let next = try scratch.syncFolding(params, manyNumbers: manyNumbers)
            #expect(next.itemErrors.sorted() == ["a.txt", "docs", "l"].map { "\($0) NAME_TAKEN" })
            #expect(next.exit == 0)
            #expect(
                next.of("error").first { $0["item"] == "a.txt" }?["message"]?.string
                    == "a.txt: the target takes this name for A.txt, which the source has as well, and does not keep both: "
                    + "rename one of them, or exclude it")
            #expect(try contents(scratch) == "./A.txt upper\n./Docs/d1 1\n")
            #expect(try scratch.sh("readlink target/L") == "1\n")
        }
        let sync = try scratch.syncFolding(
            ["delete": true, "exclude": ["a.txt", "docs", "l"]], manyNumbers: manyNumbers)
        #expect(sync.counts == "0 0 23 0 0")
    }

    /// Two files take turns for the name of a third that is gone.
    @Test func aNameGoesToOneOfTwoThatAreOneThere() throws {
        let scratch = try scratch("echo 1 > source/a.TXT")
        #expect(try scratch.syncFolding(["delete": true]).exit == 0)
        try scratch.sh("rm source/a.TXT; echo 2 > source/A.txt; echo 3 > source/a.txt")
        for counts in ["0 1 20 0 1", "0 0 21 0 1"] {
            let sync = try scratch.syncFolding(["delete": true])
            #expect(sync.itemErrors == ["a.txt NAME_TAKEN"])
            #expect(sync.counts == counts)
            #expect(try contents(scratch) == "./a.TXT 2\n")
        }
    }

    @Test func whatIsExcludedIsNotOverwrittenUnderAnotherSpelling() throws {
        let scratch = try scratch("echo mine > source/notes; echo theirs > target/NOTES")
        let sync = try scratch.syncFolding(["delete": true, "exclude": ["NOTES"]])
        #expect(sync.itemErrors == ["notes NAME_TAKEN"])
        #expect(try contents(scratch) == "./NOTES theirs\n")
    }

    @Test func aDocumentAndADirectoryOfOneNameReplaceEachOther() throws {
        let scratch = try scratch("mkdir source/X; echo 1 > source/X/1; echo y > source/y")
        let delete: JSONObject = ["delete": true, "max_delete_percent": 100]
        #expect(try scratch.syncFolding(delete).exit == 0)
        try scratch.sh("rm -r source/X source/y; echo x > source/x; mkdir source/Y; echo 1 > source/Y/1")
        #expect(try scratch.syncFolding().itemErrors.sorted() == ["Y TYPE_CONFLICT", "x TYPE_CONFLICT"])
        #expect(try scratch.syncFolding(delete).counts == "2 0 20 2 0")
        #expect(try contents(scratch) == "./Y/1 1\n./x x\n")
    }

    /// Where names are told apart, nothing of this is.
    @Test func onOtherTargetsNamesThatDifferByCaseAreTwo() throws {
        // Of two sizes: they may have one time, for file systems count in ticks.
        let scratch = try scratch("echo 1 > source/A; echo 22 > source/a; mkdir source/D source/d; echo 3 > source/D/x")
        #expect(try scratch.sync().counts == "23 0 0 0 0")
        try scratch.sh("mv source/a source/b; rmdir source/d; mv source/A source/a")
        #expect(try scratch.sync(["delete": true, "max_delete_percent": 100]).counts == "1 1 21 1 0")
        #expect(try scratch.listing("source") == scratch.listing("target"))
    }
}
