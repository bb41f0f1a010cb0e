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
            left=.jobspool-documents-000000000000000
            echo litter > target/d/.jobspool-documents-0123456789abcdef; echo l > target/${left}1
            ln -s x target/${left}2; echo l > target/gone/${left}3; echo mine > source/${left}4; echo other > source/.jobspool
            """)
        let sync = try scratch.sync(["delete": true, "max_delete_percent": 100])
        #expect(sync.counts == "2 0 0 1 0")
        #expect(try scratch.sh("cd target; find . -type f -o -type l | sort") == "./.jobspool\n./d/a\n")
        #expect(try scratch.sync().counts == "0 0 2 0 0")
    }

    @Test(arguments: ["notes.txt", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", ""])
    func aNameThatOnlyBeginsAsALeftoverDoesIsADocument(rest: String) throws {
        let scratch = try Scratch()
        let name = ".jobspool-documents-\(rest)"
        try scratch.sh("mkdir source target; echo mine > source/\(name); echo theirs > target/\(name)x")
        #expect(try scratch.sync().counts == "1 0 0 0 0")
        #expect(try scratch.sh("cat target/\(name) target/\(name)x") == "mine\ntheirs\n")
        #expect(try scratch.sync(["delete": true, "max_delete_percent": 100]).counts == "0 0 1 1 0")
        #expect(try scratch.sh("ls -A target") == "\(name)\n")
    }

    @Test func whatAnotherRunIsWritingIsNoLeftover() throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir source target; echo 1 > source/a; echo 2 > target/.jobspool-documents-0000000000000001")
        let file = open("\(scratch.target)/.jobspool-documents-0000000000000001", O_RDWR | O_CLOEXEC)
        try #require(flock(file, LOCK_EX) == 0)
        _ = try scratch.sync()
        #expect(try scratch.sh("cat target/.jobspool-documents-0000000000000001") == "2\n")
        close(file)
        _ = try scratch.sync()
        #expect(try scratch.sh("ls -A target") == "a\n")
    }

    // MARK: What happens while a job runs

    /// Runs `documents.sync` in this process.
    /// - Parameter isStopRequested: asked for every directory of the scan, before every item and after every chunk of it.
    private func sync(
        _ scratch: Scratch, isStopRequested: @escaping @Sendable () -> Bool
    ) throws -> Result<JSON, any Error> {
        let output = open("\(scratch.path)/output", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(output) }
        let job = Job(
            request: JobRequest(), reporter: Reporter(descriptor: output), isStopRequested: isStopRequested)
        var fields = JSONFields(scratch.params())
        let sync = try DocumentsSync(params: &fields)
        return Result { try sync.execute(job) }
    }

    /// The same, with a script that is run when the job asks for the `number`th time.
    private func sync(_ scratch: Scratch, _ script: String, at number: Int) throws -> Result<JSON, any Error> {
        let asked = Counter()
        let isRun = Flag()
        let result = try sync(scratch) {
            guard asked.next() == number else { return false }
            do {
                try scratch.sh(script)
                isRun.raise()
            } catch {
                Issue.record(error)
            }
            return false
        }
        #expect(isRun.isRaised)
        return result
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
        // 1: scan, 2: before the item, 3: after its first chunk.
        let failure = try sync(scratch, change, at: 3)
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

    /// By then the plan says that size and time are equal, and only the mode is not.
    @Test(arguments: [("echo bbb > source/f", 1), ("echo longer > source/f", 1), ("touch source/f", 0), ("true", 0)])
    func aFileThatChangesAfterTheScanIsNotTakenForEqual(change: String, updated: Int) throws {
        let scratch = try Scratch()
        try scratch.sh(
            "mkdir source; echo aaa > source/f; touch -d 2020-01-01 source/f; cp -a source target; chmod 600 source/f")
        // 1: scan, 2: before the item.
        let result = try sync(scratch, change, at: 2).get()
        #expect(result["counts"]?["updated"]?.int == updated)
        #expect(try scratch.listing("source") == scratch.listing("target"))
    }

    /// Behind the comparison, or under another name than that which is compared.
    @Test(arguments: [
        "echo x | dd of=source/big conv=notrunc status=none",
        "echo x | dd of=source/big conv=notrunc status=none; touch -d 2021-01-01 source/big",
        "head -c 1M /dev/zero | tr '\\0' x > new; mv new source/big",
    ])
    func aFileThatChangesWhileItIsComparedIsCopied(change: String) throws {
        let scratch = try Scratch()
        try scratch.sh(
            """
            mkdir source target; head -c 1M /dev/zero | tee source/big > target/big
            touch -d 2021-01-01 source/big; touch -d 2020-01-01 target/big
            """)
        // 1: scan, 2: before the item, 3: after its first chunk.
        let result = try sync(scratch, change, at: 3).get()
        #expect(result["counts"]?["updated"] == 1)
        #expect(try scratch.listing("source") == scratch.listing("target"))
    }

    @Test func aStoppedJobLeavesNoDirectoryWritable() throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir -p source/ro target/ro; echo 1 > source/ro/1; chmod 555 source/ro target/ro")
        let result = try sync(scratch) {
            var status = stat()
            return stat("\(scratch.target)/ro", &status) == 0 && status.st_mode & 0o200 != 0
        }
        #expect(throws: JobStopped.self) { try result.get() }
        #expect(try scratch.sh("stat -c %a target/ro; ls -A target/ro") == "555\n")
    }
}
