import Glibc
import JSONText
import Testing

@testable import JobHandler
@testable import jobspool_documents

@Suite struct TroubleTests {
    /// Descriptors run out below the tenth directory, which is a scan error that root meets as well.
    private func syncWithFewDescriptors(_ scratch: Scratch, _ more: JSONObject) throws -> Sync {
        let request: JSON = ["params": .object(scratch.params(more))]
        return try Sync(
            Child.run(
                [
                    "/bin/bash", "-c",
                    """
                    for file in /proc/$$/fd/*; do [ ${file##*/} -le 2 ] || eval "exec ${file##*/}>&-"; done
                    ulimit -n 24; exec '\(products)/jobspool-documents' documents.sync
                    """,
                ],
                input: request.text))
    }

    @Test func afterAScanErrorTheRestIsCopiedAndNothingIsDeleted() throws {
        let scratch = try Scratch()
        try scratch.sh(
            """
            mkdir -p source/z/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20 target; echo 1 > source/a
            for n in $(seq 40); do echo x > target/old$n; done
            """)
        let sync = try syncWithFewDescriptors(scratch, ["delete": true, "max_delete_percent": 100])
        #expect(sync.exit == 0)
        #expect(sync.counts == "1 0 0 0 1")
        #expect(sync.itemErrors.allSatisfy { $0.hasSuffix("OUT_OF_RESOURCES") })
        #expect(sync.logs.contains("Nothing will be deleted: 1 items could not be scanned"))
        #expect(try scratch.sh("ls target | wc -l") == "42\n")
        #expect(sync.result?["documents"] == 2)
    }

    @Test(
        arguments: [(["max_errors": 0], true), (["max_error_percent": 10], true), ([:], false)] as [(JSONObject, Bool)])
    func tooManyErrorsFailTheJob(params: JSONObject, fails: Bool) throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir -p source target/x; echo 1 > source/a; echo 2 > source/x; echo 3 > source/z")
        let sync = try scratch.sync(params)
        #expect(sync.exit == (fails ? 1 : 0))
        #expect(sync.failure?["code"]?.string == (fails ? "TOO_MANY_ERRORS" : nil))
        #expect(try scratch.sh("ls -A target | grep -c jobspool || true") == "0\n")
    }

    @Test func whatAKilledRunLeftIsRemoved() throws {
        let scratch = try Scratch()
        try scratch.sh(
            """
            mkdir -p source/d target/d target/gone; echo 1 > source/d/a; echo 1 > target/gone/x
            echo litter > target/d/.jobspool-documents-0123456789abcdef; echo l > target/.jobspool-documents-1
            ln -s x target/.jobspool-documents-2; echo l > target/gone/.jobspool-documents-3
            echo mine > source/.jobspool-documents-4; echo other > source/.jobspool
            """)
        let sync = try scratch.sync(["delete": true, "max_delete_percent": 100])
        #expect(sync.counts == "2 0 0 1 0")
        #expect(try scratch.sh("cd target; find . -type f -o -type l | sort") == "./.jobspool\n./d/a\n")
        #expect(try scratch.sync().counts == "0 0 2 0 0")
    }

    @Test func whatAnotherRunIsWritingIsNoLeftover() throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir source target; echo 1 > source/a; echo 2 > target/.jobspool-documents-1")
        let file = open("\(scratch.target)/.jobspool-documents-1", O_RDWR | O_CLOEXEC)
        try #require(flock(file, LOCK_EX) == 0)
        _ = try scratch.sync()
        #expect(try scratch.sh("cat target/.jobspool-documents-1") == "2\n")
        close(file)
        _ = try scratch.sync()
        #expect(try scratch.sh("ls -A target") == "a\n")
    }

    /// The file is changed between its first and its last chunk, in whatever way a writer may do it.
    @Test(arguments: [
        "echo more >> source/big", "truncate -s 100 source/big", "echo x | dd of=source/big conv=notrunc status=none",
        "echo x | dd of=source/big conv=notrunc status=none; touch -d 2020-01-01 source/big", "true",
    ])
    func aFileThatChangesWhileItIsCopiedIsAnItemError(change: String) throws {
        let scratch = try Scratch()
        try scratch.sh(
            "mkdir source target; head -c 20M /dev/zero > source/big; touch -d 2020-01-01 source/big; echo old > target/big"
        )
        let output = open("\(scratch.path)/output", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(output) }
        let changed = Flag()
        // Whether to stop is asked before the item and then after every chunk of it.
        let asked = Counter()
        let job = Job(
            request: JobRequest(), reporter: Reporter(descriptor: output),
            isStopRequested: {
                // 1: scan, 2: before the item, 3: after its first chunk.
                if asked.next() == 3 {
                    do {
                        try scratch.sh(change)
                        changed.raise()
                    } catch {
                        Issue.record(error)
                    }
                }
                return false
            })
        var fields = JSONFields(scratch.params())
        let sync = try DocumentsSync(params: &fields)
        let failure = Result { try sync.execute(job) }
        #expect(changed.isRaised)
        let lines = try scratch.sh("cat output")
        if change == "true" {
            #expect(throws: Never.self) { try failure.get() }
            #expect(try scratch.sh("cmp source/big target/big && echo same") == "same\n")
        } else {
            // It is the only document, so that every item failed.
            let error = try #require(throws: JobFailure.self) { try failure.get() }
            #expect(error.code == "TOO_MANY_ERRORS")
            #expect(lines.contains(#""item":"big","code":"CHANGED_WHILE_COPIED""#))
            #expect(lines.contains(#""retryable":true"#))
            #expect(try scratch.sh("cat target/big") == "old\n")
        }
        #expect(try scratch.sh("ls -A target") == "big\n")
    }
}
