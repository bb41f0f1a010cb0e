import Glibc
import JSONText
import Testing

@Suite struct SyncTests {
    /// A bit of everything that a source may hold.
    static let tree = """
        mkdir -p source/a/b/c source/empty source/ro 'source/with space'
        echo one > source/a/one; echo two > source/a/b/two; : > source/zero; printf x > 'source/with space/new
        line'; echo ü > source/grüße.txt; printf y > "source/$(printf 'bad\\377byte')"
        ln -s one source/a/link; ln -s /nowhere/at/all source/dangling; ln -s .. source/a/up
        echo ro > source/ro/file; chmod 640 source/a/one; chmod 755 source/zero; chmod 750 source/a/b; chmod 555 source/ro
        touch -d '2001-02-03 04:05:06.123456789' source/a/one; touch -h -d '2002-01-01 00:00:00.5' source/a/link
        touch -d '1999-12-31 23:59:59.987654321' source/a/b source/empty source/a
        """

    @Test func aTreeArrivesAsItIs() throws {
        let scratch = try Scratch()
        try scratch.sh(Self.tree)
        let sync = try scratch.sync()
        #expect(sync.exit == 0)
        #expect(sync.counts == "10 0 0 0 0")
        #expect(try scratch.listing("source") == scratch.listing("target"))
        let again = try scratch.sync()
        #expect(again.counts == "0 0 10 0 0")
        #expect(again.result?["bytes_copied"] == 0)
    }

    @Test(arguments: ["mtime_size", "checksum"])
    func changesAreFoundAndNothingElseIsCopied(compare: String) throws {
        let scratch = try Scratch()
        try scratch.sh(Self.tree)
        _ = try scratch.sync()
        try scratch.sh(
            """
            echo more >> source/a/one; echo TWO > source/a/b/two; touch -h source/a/link
            ln -sfn /elsewhere source/dangling; chmod 600 source/zero; echo new > source/new; touch source/grüße.txt
            stat -c %i target/grüße.txt > inode
            """)
        let sync = try scratch.sync(["compare": .string(compare)])
        #expect(sync.counts == "1 3 7 0 0")
        #expect(sync.result?["counts"]?["attributes"] == 3)
        #expect(try scratch.listing("source") == scratch.listing("target"))
        // Same contents: the file was not written again.
        #expect(try scratch.sh("stat -c %i target/grüße.txt") == scratch.sh("cat inode"))
    }

    @Test func onlyAChecksumFindsAChangeThatKeepsSizeAndTime() throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir source; echo aaa > source/f; touch -d 2020-01-01 source/f")
        _ = try scratch.sync()
        try scratch.sh("echo bbb > source/f; touch -d 2020-01-01 source/f")
        #expect(try scratch.sync().counts == "0 0 1 0 0")
        #expect(try scratch.sync(["compare": "checksum"]).counts == "0 1 0 0 0")
        #expect(try scratch.sh("cat target/f") == "bbb\n")
    }

    @Test func forceCopiesWhatIsEqual() throws {
        let scratch = try Scratch()
        try scratch.sh(Self.tree)
        _ = try scratch.sync()
        #expect(try scratch.sync(["force": true]).counts == "0 10 0 0 0")
        #expect(try scratch.listing("source") == scratch.listing("target"))
    }

    @Test func aPathLimitsTheJobToWhatIsBelowIt() throws {
        let scratch = try Scratch()
        try scratch.sh(Self.tree + "\nmkdir target; echo keep > target/keep")
        let sync = try scratch.sync(["path": "a/b", "delete": true])
        #expect(sync.counts == "1 0 0 0 0")
        #expect(sync.result?["path"] == "a/b")
        #expect(
            try scratch.sh("cd target; find . -printf '%P %y %m\\n' | sort")
                == "\(" d 755\na d 755\na/b d 750\na/b/c d 755\na/b/two f 644\nkeep f 644\n")")
        #expect(try scratch.sh("stat -c %y target/a") == scratch.sh("stat -c %y source/a"))
    }

    @Test(
        arguments: [
            (["*.md"], [], "d/x.md top.md"), ([], ["*.md"], "d/e/z.txt d/y.txt empty/ top.txt"),
            (["d/"], ["y.*"], "d/e/z.txt d/x.md"), (["/d/**"], [], "d/e/z.txt d/x.md d/y.txt"), (["nothing"], [], ""),
            (["top.*", "z.*"], ["*.txt"], "top.md"),
        ] as [(JSON, JSON, String)])
    func includeAndExcludeSelectWhatIsCopied(include: JSON, exclude: JSON, expected: String) throws {
        let scratch = try Scratch()
        try scratch.sh(
            "mkdir -p source/d/e source/empty; cd source; for f in d/x.md d/y.txt d/e/z.txt top.md top.txt; do echo $f > $f; done"
        )
        let sync = try scratch.sync(["include": include, "exclude": exclude])
        #expect(sync.exit == 0)
        let found = try scratch.sh(
            "cd target; find . \\( -type d -empty -printf '%P/\\n' \\) -o \\( -type f -printf '%P\\n' \\) | LC_ALL=C sort"
        )
        #expect(found.split(separator: "\n").filter { $0 != "/" }.joined(separator: " ") == expected)
    }

    @Test func whatTheFilterLeavesOutIsNotDeleted() throws {
        let scratch = try Scratch()
        try scratch.sh(
            """
            mkdir -p source target/cache target/old; echo a > source/a
            echo x > target/cache/x; echo x > target/old/y.log; echo x > target/old/z; echo x > target/gone
            """)
        let sync = try scratch.sync(["delete": true, "exclude": ["cache/", "*.log"], "max_delete_percent": 100])
        #expect(sync.counts == "1 0 0 2 0")
        #expect(try scratch.sh("cd target; find . -type f | sort") == "./a\n./cache/x\n./old/y.log\n")
    }

    @Test func hardLinksBecomeFilesOfTheirOwnAndSpecialFilesAreSkipped() throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir source; echo a > source/a; ln source/a source/b; mkfifo source/fifo")
        let sync = try scratch.sync(["delete": true])
        #expect(sync.counts == "2 0 0 0 0")
        #expect(sync.result?["counts"]?["special"] == 1)
        #expect(sync.logs.contains("2 documents have several hard links: each is copied as a file of its own"))
        #expect(sync.logs.contains("Skipped fifo: it is a FIFO, a socket or a device"))
        #expect(try scratch.sh("ls target; stat -c %h target/a") == "a\nb\n1\n")
    }

    @Test func rightsToActAsSomebodyElseAreNotCopied() throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir source; echo a > source/a; chmod 6755 source/a; mkdir target; chmod 2775 target")
        _ = try scratch.sync()
        #expect(try scratch.sh("stat -c %a target/a target") == "755\n2755\n")
        #expect(try scratch.sync().counts == "0 0 1 0 0")
    }

    @Test func holesStayHoles() throws {
        let scratch = try Scratch()
        try scratch.sh(
            """
            mkdir source; truncate -s 100M source/sparse; echo middle | dd of=source/sparse seek=99999 conv=notrunc status=none
            truncate -s 5M source/hole; head -c 3000000 /dev/urandom > source/full
            """)
        #expect(try scratch.sync().counts == "3 0 0 0 0")
        #expect(try scratch.listing("source") == scratch.listing("target"))
        #expect(try scratch.sh("[ $(du -sk target | cut -f1) -lt 5000 ] && echo small").trimmed == "small")
    }

    @Test func aDirectoryThatMayNotBeWrittenIsBroughtUpToDateAllTheSame() throws {
        let scratch = try Scratch()
        try scratch.sh(Self.tree)
        _ = try scratch.sync()
        try scratch.sh("chmod 755 source/ro; echo new > source/ro/file; chmod 555 source/ro")
        #expect(try scratch.sync().counts == "0 1 9 0 0")
        #expect(try scratch.listing("source") == scratch.listing("target"))
    }

    /// Of tmpfs, which takes files of any length as long as nothing is in them.
    @Test(.enabled(if: access("/dev/shm", W_OK) == 0))
    func sparseFilesTogetherLongerThanCanBeCountedAreCopied() throws {
        let scratch = try Scratch(in: "/dev/shm")
        try scratch.sh("mkdir source; for n in 1 2 3; do truncate -s 7E source/$n; done")
        let sync = try scratch.sync()
        #expect(sync.counts == "3 0 0 0 0", "\(sync.errors)")
        #expect(sync.result?["bytes_copied"]?.number?.text == "\(Int64.max)")
        #expect(try scratch.sh("stat -c %s target/3 source/3 | uniq | wc -l") == "1\n")
    }

    /// Whatever is done in a directory that may not be written, and whether or not it is the job's to look after.
    @Test(
        arguments: [
            ("chmod 600 source/ro/file", [:]),
            ("echo x > target/ro/x.old", ["include": ["*.old"], "allow_empty": true]),
            ("mkdir target/ro/er; echo x > target/ro/er/go; echo x > target/ro/er/keep", ["exclude": ["keep"]]),
            ("touch target/ro/.jobspool-documents-0000000000000001", ["include": ["nothing"]]),
        ] as [(String, JSONObject)])
    func aDirectoryThatMayNotBeWrittenStaysSo(script: String, params: JSONObject) throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir -p source/ro; echo 1 > source/ro/file; cp -a source target")
        try scratch.sh("\(script)\nfind source target -mindepth 1 -type d -exec chmod 555 {} +")
        let modes = "find target -type d -printf '%P %m\n' | sort"
        let before = try scratch.sh(modes)
        var params = params
        params["delete"] = true
        params["max_delete_percent"] = 100
        let sync = try scratch.sync(params)
        #expect(sync.exit == 0, "\(sync.failure?.text ?? sync.errors)")
        #expect(try scratch.sh(modes) == before)
        #expect(try scratch.sh("find target -name go -o -name '*.old' -o -name '.jobspool*'") == "")
    }

    @Test func theLogSaysHowManyThereAreAndHowFarItIs() throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir source; cd source; for n in $(seq 45); do echo $n > $n; done")
        let sync = try scratch.sync()
        #expect(
            sync.logs == [
                "Found 45 documents to process", "Processed 20/45 files", "Processed 40/45 files",
                "Processed 45/45 files", "Sync complete: 45 created, 0 updated, 0 skipped, 0 deleted, 0 failed",
            ])
        let last = try #require(sync.of("progress").last)
        #expect(last["current"] == 45)
        #expect(last["total"] == 45)
        #expect(last["bytes"] == last["total_bytes"])
        #expect(last["counts"]?["created"] == 45)
        let totals = sync.of("progress").filter { $0["phase"] == "copy" }.map { $0["total"] }
        #expect(totals.allSatisfy { $0 == 45 })
    }
}
