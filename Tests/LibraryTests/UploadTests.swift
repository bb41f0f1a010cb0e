import Glibc
import JSONText
import JobHandler
import Testing

@Suite struct UploadTests {
    /// A cache of `count` documents of the own set, of which each refers to one that is not.
    private func scratch(_ count: Int) throws -> Scratch {
        let scratch = try Scratch()
        try scratch.sh(
            """
            mkdir -p own/sub web target
            for n in $(seq \(count)); do
                d=own; [ $((n % 3)) = 0 ] && d=own/sub
                echo "<a:$n> <a:p> <https://example.org/$n.nt> ." >$d/$n.nt
                echo "<a:w$n> <a:p> \\"$n\\" ." >web/$n.nt
            done
            """)
        #expect(try refresh(scratch).exit == 0)
        return scratch
    }

    @discardableResult
    private func refresh(_ scratch: Scratch, _ more: JSONObject = [:]) throws -> Run {
        var params: JSONObject = ["depth": 1, "base": ["https://example.org/": .string(scratch.path + "/web")]]
        for (key, value) in more.members { params[key] = value }
        return try scratch.refresh(params)
    }

    private func params(_ scratch: Scratch, _ more: JSONObject = [:]) -> JSONObject {
        var params: JSONObject = [
            "cache": .string(scratch.path + "/cache.db"), "target": .string(scratch.path + "/target"),
        ]
        for (key, value) in more.members { params[key] = value }
        return params
    }

    private func upload(_ scratch: Scratch, _ more: JSONObject = [:], dryRun: Bool = false) throws -> Run {
        try scratch.run("cache.upload", params(scratch, more), dryRun: dryRun)
    }

    @Test func whatChangedSinceTheLastUploadIsSent() throws {
        let scratch = try scratch(30)
        let first = try upload(scratch)
        #expect(first.exit == 0)
        #expect(first.counts == "30 0 0 0 0")
        #expect(
            first.logs == [
                "Found 30 documents to upload", "Processed 20/30 documents", "Processed 30/30 documents",
                "Upload complete: 30 created, 0 updated, 0 skipped, 0 deleted, 0 failed",
            ])
        try scratch.sh("diff -r own target")
        #expect(try upload(scratch).counts == "0 0 0 0 0")
        try scratch.sh("echo '[]' >own/1.nt; echo '[ ]' >own/new.json; touch own/2.nt; stat -c %i target/2.nt >inode")
        try refresh(scratch)
        #expect(try upload(scratch).counts == "1 1 0 0 0")
        try scratch.sh("diff -r own target; [ $(stat -c %i target/2.nt) = $(cat inode) ]")
        // What others wrote goes along only on request.
        #expect(try upload(scratch, ["depth": 1]).counts == "30 0 0 0 0")
        try scratch.sh("diff -r web target/example.org; diff -r -x example.org own target")
    }

    @Test func eachTargetGetsWhatItHasNotGot() throws {
        let scratch = try scratch(4)
        #expect(try upload(scratch).counts == "4 0 0 0 0")
        try scratch.sh("mkdir other")
        #expect(try upload(scratch, ["target": .string(scratch.path + "/other/")]).counts == "4 0 0 0 0")
        #expect(try upload(scratch, ["target": .string(scratch.path + "/other")]).counts == "0 0 0 0 0")
        try scratch.sh("diff -r own other")
    }

    @Test func aConflictIsAnItemErrorAndStaysAsItIs() throws {
        let scratch = try scratch(8)
        try scratch.sh("echo mine >target/1.nt; mkdir target/2.nt; cp own/4.nt target/4.nt")
        let first = try upload(scratch)
        let own = "file://\(scratch.path)/own"
        #expect(first.itemErrors == ["\(own)/1.nt CONFLICT", "\(own)/2.nt NOT_A_FILE"])
        #expect(first.counts == "5 0 1 0 2")
        #expect(try scratch.sh("cat target/1.nt") == "mine\n")
        // What somebody changed after it was sent is a conflict as well; what somebody deleted is sent again.
        try scratch.sh(
            "for n in 5 7 8; do echo '[]' >own/$n.nt; done; echo theirs >target/5.nt; rm target/7.nt; rmdir target/2.nt"
        )
        try refresh(scratch)
        let dry = try upload(scratch, dryRun: true)
        let second = try upload(scratch)
        #expect(second.itemErrors == ["\(own)/1.nt CONFLICT", "\(own)/5.nt CONFLICT"])
        #expect(second.counts == "2 1 0 0 2")
        #expect(dry.counts == second.counts)
        #expect(try upload(scratch, ["force": true]).counts == "0 2 0 0 0")
        try scratch.sh("diff -r own target")
    }

    /// Three documents have been sent, and another one, or one of them again, by an upload that was killed before it wrote that down.
    private func killedUpload(of name: String) async throws -> Scratch {
        let scratch = try scratch(3)
        _ = try upload(scratch)
        try scratch.sh("echo '[]' >own/\(name)")
        try refresh(scratch)
        await #expect(throws: JobStopped.self) { try await scratch.uploadInProcess(params(scratch)) }
        return scratch
    }

    /// Before the upload after it comes, the document changes once more; and that one is killed, too, just before it sends it.
    @Test(arguments: ["1.nt", "new.nt"])
    func whatAKilledUploadHasSentIsNobodyElses(name: String) async throws {
        let scratch = try await killedUpload(of: name)
        try scratch.sh("cmp own/\(name) target/\(name); echo '[ ]' >own/\(name)")
        try refresh(scratch)
        await #expect(throws: JobStopped.self) {
            try await scratch.uploadInProcess(params(scratch), diesBefore: true)
        }
        #expect(try upload(scratch, dryRun: true).counts == "0 1 0 0 0")
        let run = try upload(scratch)
        #expect(run.counts == "0 1 0 0 0")
        #expect(run.itemErrors == [])
        try scratch.sh("diff -r own target")
        // It is forgotten when it has arrived: what somebody writes later is theirs.
        #expect(try scratch.sql("SELECT count(*) FROM sending") == ["0"])
        try scratch.sh("echo '[]' >target/\(name); echo '[  ]' >own/\(name)")
        try refresh(scratch)
        #expect(try upload(scratch).itemErrors == ["file://\(scratch.path)/own/\(name) CONFLICT"])
    }

    /// A new one is one more than the three that the target has.
    @Test(arguments: [("1.nt", 34), ("new.nt", 25)])
    func whatAKilledUploadHasSentCanBeDeleted(name: String, percent: Int) async throws {
        let scratch = try await killedUpload(of: name)
        try scratch.sh("rm own/\(name)")
        try refresh(scratch, ["delete": true, "max_delete_percent": 100])
        let delete: JSONObject = ["delete": true, "max_delete_percent": JSON(percent)]
        #expect(try upload(scratch, delete, dryRun: true).counts == "0 0 0 1 0")
        let run = try upload(scratch, delete)
        #expect(run.counts == "0 0 0 1 0")
        #expect(run.itemErrors == [])
        try scratch.sh("diff -r own target")
        #expect(try scratch.sql("SELECT count(*) FROM sending") == ["0"])
    }

    @Test(arguments: [(false, "0 1 0 0 0"), (true, "0 0 1 0 0")])
    func whatAKilledUploadHasSentIsReplacedByWhatTheDocumentWasBefore(diesBefore: Bool, counts: String) async throws {
        let scratch = try scratch(3)
        _ = try upload(scratch)
        try scratch.sh("cp own/1.nt before; echo '[]' >own/1.nt")
        try refresh(scratch)
        await #expect(throws: JobStopped.self) {
            try await scratch.uploadInProcess(params(scratch), diesBefore: diesBefore)
        }
        try scratch.sh("mv before own/1.nt")
        try refresh(scratch)
        #expect(try upload(scratch, dryRun: true).counts == counts)
        #expect(try upload(scratch).counts == counts)
        try scratch.sh("diff -r own target")
        #expect(try scratch.sql("SELECT count(*) FROM sending") == ["0"])
        #expect(try upload(scratch).counts == "0 0 0 0 0")
    }

    /// A cache of version 1 does not say what is on its way.
    @Test func aCacheOfTheFirstVersionIsReadAsItIsAndWrittenAsItShouldBe() throws {
        let scratch = try scratch(3)
        try scratch.python(
            """
            import sqlite3
            db = sqlite3.connect('cache.db', isolation_level=None)
            db.execute('DROP TABLE sending')
            db.execute('PRAGMA user_version = 1')
            """)
        #expect(try upload(scratch, dryRun: true).counts == "3 0 0 0 0")
        #expect(try scratch.sql("PRAGMA user_version") == ["1"])
        #expect(try upload(scratch).counts == "3 0 0 0 0")
        #expect(try scratch.sql("PRAGMA user_version") == ["2"])
    }

    @Test func aDryRunWritesNothingAndCountsAlike() throws {
        let scratch = try scratch(12)
        let before = try scratch.sh("sha256sum cache.db; ls -la --time-style=full-iso target | tail -n +2")
        let dry = try upload(scratch, dryRun: true)
        #expect(dry.counts == "12 0 0 0 0")
        #expect(dry.logs.contains("DRY RUN: would create file://\(scratch.path)/own/1.nt"))
        #expect(try scratch.sh("sha256sum cache.db; ls -la --time-style=full-iso target | tail -n +2") == before)
        #expect(try upload(scratch).counts == dry.counts)
    }

    @Test func deletionsAreSentOnRequestAndGuarded() throws {
        let scratch = try scratch(20)
        _ = try upload(scratch)
        try scratch.sh("rm own/1.nt own/2.nt own/sub/3.nt web/*; echo theirs >target/2.nt")
        try refresh(scratch, ["delete": true, "depth": 0, "max_delete_percent": 100])
        #expect(try upload(scratch).counts == "0 0 0 0 0")
        #expect(try upload(scratch, ["delete": true]).failure?["code"] == "MAX_DELETE_EXCEEDED")
        let dry = try upload(scratch, ["delete": true, "max_delete_percent": 15], dryRun: true)
        let run = try upload(scratch, ["delete": true, "max_delete_percent": 15])
        #expect(run.counts == "0 0 0 2 1")
        #expect(dry.counts == run.counts)
        #expect(run.itemErrors == ["file://\(scratch.path)/own/2.nt CONFLICT"])
        #expect(try scratch.sh("ls target/1.nt target/sub/3.nt 2>/dev/null || :; cat target/2.nt") == "theirs\n")
        try scratch.sh("rm -r own/*")
        try refresh(scratch, ["delete": true, "depth": 0, "max_delete_percent": 100, "allow_empty": true])
        #expect(try upload(scratch, ["delete": true, "max_delete_percent": 100]).failure?["code"] == "SOURCE_EMPTY")
    }

    @Test func twoDocumentsOfOneNameDoNotOverwriteEachOther() throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir a b target; echo '[]' >a/x.json; echo '[ ]' >b/x.json")
        _ = try scratch.refresh(["roots": [.string(scratch.path + "/a"), .string(scratch.path + "/b")]])
        for force in [false, true, true] {
            let run = try upload(scratch, ["force": JSON.bool(force)])
            #expect(run.itemErrors == ["file://\(scratch.path)/b/x.json NAME_TAKEN"])
            #expect(run.of("error").first?["message"]?.string?.contains("file://\(scratch.path)/a/x.json") ?? false)
            #expect(try scratch.sh("cat target/x.json") == "[]\n")
        }
        // When that one changes it is sent; when it is gone the other one has the name.
        try scratch.sh("echo '[  ]' >a/x.json")
        _ = try scratch.refresh(["roots": [.string(scratch.path + "/a"), .string(scratch.path + "/b")]])
        #expect(try upload(scratch, dryRun: true).counts == "0 1 0 0 1")
        #expect(try upload(scratch).counts == "0 1 0 0 1")
        _ = try scratch.refresh([
            "roots": [.string(scratch.path + "/b")], "delete": true, "max_delete_percent": 100,
        ])
        #expect(try upload(scratch, ["force": true]).counts == "0 1 0 0 0")
        try scratch.sh("cmp b/x.json target/x.json")
    }

    /// The target tells no case apart.
    @Test func aDocumentThatIsRenamedByCaseAloneIsNotDeletedFromTheTarget() async throws {
        let scratch = try scratch(12)
        try scratch.sh("mv own/1.nt own/A.nt")
        try refresh(scratch, ["delete": true, "max_delete_percent": 100])
        let delete = params(scratch, ["delete": true])
        #expect(try await scratch.uploadFolding(delete).counts == "12 0 0 0 0")
        try scratch.sh("mv own/A.nt own/a.nt")
        try refresh(scratch, ["delete": true])
        #expect(try await scratch.uploadFolding(delete).counts == "0 0 2 0 0")
        try scratch.sh("diff -r own target")
        #expect(try await scratch.uploadFolding(delete).counts == "0 0 0 0 0")
        try scratch.sh("rm own/a.nt")
        try refresh(scratch, ["delete": true])
        #expect(try await scratch.uploadFolding(delete).counts == "0 0 0 1 0")
        try scratch.sh("diff -r own target")
    }

    @Test func twoDocumentsThatAreOneInTheTargetDoNotOverwriteEachOther() async throws {
        let scratch = try scratch(3)
        try scratch.sh("echo '[]' >own/X.json; echo '[ ]' >own/x.json")
        try refresh(scratch)
        let first = try await scratch.uploadFolding(params(scratch, ["force": true]))
        #expect(first.itemErrors == ["file://\(scratch.path)/own/x.json NAME_TAKEN"])
        #expect(first.counts == "4 0 0 0 1")
        try scratch.sh("echo '[  ]' >own/X.json")
        try refresh(scratch)
        let second = try await scratch.uploadFolding(params(scratch, ["force": true]))
        #expect(second.itemErrors == ["file://\(scratch.path)/own/x.json NAME_TAKEN"])
        #expect(second.counts == "0 1 0 0 1")
        try scratch.sh("cmp own/X.json target/x.json")
    }

    /// The own set has a document of a name that the target has got for one that it refers to: that one keeps it.
    @Test func aNameStaysWithTheDocumentThatTheTargetHas() throws {
        let scratch = try scratch(3)
        #expect(try upload(scratch, ["depth": 1]).counts == "6 0 0 0 0")
        try scratch.sh("mkdir own/example.org; echo '[]' >own/example.org/1.nt")
        try refresh(scratch)
        let run = try upload(scratch, ["force": true])
        #expect(run.itemErrors == ["file://\(scratch.path)/own/example.org/1.nt NAME_TAKEN"])
        try scratch.sh("cmp web/1.nt target/example.org/1.nt")
    }

    @Test func nothingIsWrittenThroughALink() throws {
        let scratch = try scratch(6)
        try scratch.sh(
            "mkdir outside; echo safe >outside/1.nt; ln -s ../outside target/sub; ln -s ../outside/1.nt target/1.nt")
        let run = try upload(scratch, ["force": true])
        #expect(run.counts == "3 0 0 0 3")
        #expect(try scratch.sh("ls outside; cat outside/1.nt") == "1.nt\nsafe\n")
    }

    @Test(arguments: [
        ("rm -r target", "TARGET_UNUSABLE"), ("rm cache.db", "CACHE_MISSING"),
        ("rmdir target; touch target", "TARGET_UNUSABLE"),
    ])
    func thePlacesHaveToBeUsable(script: String, code: String) throws {
        let scratch = try scratch(2)
        try scratch.sh(script)
        #expect(try upload(scratch).failure?["code"]?.string == code)
        #expect(try upload(scratch, dryRun: true).failure?["code"]?.string == code)
    }

    @Test func oneUploadAtATimeHasTheTarget() throws {
        let scratch = try scratch(2)
        let target = open(scratch.path + "/target", O_RDONLY | O_CLOEXEC)
        #expect(flock(target, LOCK_EX) == 0)
        let run = try upload(scratch)
        #expect(run.failure?["code"] == "TARGET_BUSY")
        #expect(run.exit == 75)
        close(target)
        #expect(try upload(scratch).counts == "2 0 0 0 0")
    }

    /// Each entry is cleared after its own success: what a killed upload has sent is not sent again, but for the one in hand.
    @Test(arguments: [SIGTERM, SIGKILL])
    func anUploadThatIsInterruptedSendsAtMostOneEntryAgain(signal: Int32) throws {
        let scratch = try scratch(1200)
        try scratch.sh("cp cache.db before.db")
        let child = try Child(
            [products + "/jobspool-library", "cache.upload"], input: scratch.request(params(scratch)))
        _ = child.read(until: "Processed 60/")
        #expect(kill(child.pid, signal) == 0)
        #expect(try child.finish().status == (signal == SIGTERM ? 143 : 128 + signal))
        let sent = try #require(Int(scratch.sh("find target -name '*.nt' | wc -l").trimmed))
        let cleared = try #require(Int(scratch.sql("SELECT count(*) FROM upload")[0]))
        #expect((60..<1200).contains(sent))
        #expect(sent - cleared <= (signal == SIGTERM ? 0 : 1))
        // Whatever has its name is complete.
        try scratch.sh(
            "cd target; find . -name '*.nt' | while read -r f; do cmp \"$f\" \"../own/$f\"; done; touch -d 2001-01-01 $(find . -name '*.nt')"
        )
        let last = try upload(scratch)
        #expect(last.counts == "\(1200 - sent) 0 \(sent - cleared) 0 0")
        #expect(try scratch.sh("find target -name '*.nt' ! -newermt 2002-01-01 | wc -l").trimmed == "\(sent)")
        try scratch.sh("diff -r own target")
        // The cache is as after an upload that nobody disturbed: every entry is cleared, and nothing else has changed.
        #expect(try scratch.sql("SELECT count(*) FROM upload") == ["1200"])
        #expect(
            try scratch.sql("SELECT count(*) FROM upload JOIN document USING (iri, name, hash) WHERE depth = 0") == [
                "1200"
            ])
        try scratch.sql("DELETE FROM upload")
        #expect(try scratch.dump("cache.db") == scratch.dump("before.db"))
    }
}
