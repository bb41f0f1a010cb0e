import Glibc
import JSONText
import Testing

@Suite struct InterruptionTests {
    /// Enough files that the run blocks on its output, a pipe of one page, long before it is done.
    private func scratch() throws -> Scratch {
        let scratch = try Scratch()
        try scratch.sh(
            """
            mkdir -p source/{a,b,c,d}/{1,2,3} target/a
            for d in source/*/*; do for n in $(seq 300); do echo $d $n > $d/$n; done; done
            touch -d '2001-02-03 04:05:06.123456789' source/a/* source/b source/c/1/*
            for n in $(seq 50); do echo old > target/a/old$n; done
            cp -a source undisturbed-source
            """)
        return scratch
    }

    private let params: JSONObject = ["delete": true, "max_delete_percent": 100]

    private func start(_ scratch: Scratch) throws -> Child {
        let request: JSON = ["params": .object(scratch.params(params))]
        return try Child([products + "/jobspool-documents", "documents.sync"], input: request.text)
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func aStoppedJobEndsBetweenItemsAndItsSuccessorFinishesIt(signal: Int32) throws {
        let scratch = try scratch()
        let child = try start(scratch)
        let first = child.read(until: "Processed 100/3600 files")
        #expect(kill(child.pid, signal) == 0)
        let (status, rest) = try child.finish()
        #expect(status == 143)
        let lines = try (first + rest).utf8.split(separator: 0x0A).map { try JSON(parsing: Array($0)) }
        let checkpoint = try #require(lines.last { $0["type"] == "checkpoint" }?["value"])
        let processed = try #require(checkpoint["processed"]?.int)
        #expect((100..<3600).contains(processed))
        #expect(try scratch.sh("find target -name '.jobspool*' | wc -l") == "0\n")
        #expect(try scratch.sh("find target -type f ! -name 'old*' | wc -l") == "\(processed)\n")
        // Deletions come last.
        #expect(try scratch.sh("find target -name 'old*' | wc -l") == "50\n")
        let resumed = try scratch.sync(params, checkpoint: checkpoint)
        #expect(resumed.logs.first == "Resuming after \(processed) documents: what is done is found equal")
        #expect(resumed.counts == "\(3600 - processed) 0 \(processed) 50 0")
        #expect(try scratch.listing("target") == scratch.listing("undisturbed-source"))
    }

    @Test func aKilledJobLeavesWholeFilesAndItsSuccessorFinishesIt() throws {
        let scratch = try scratch()
        for marker in ["Processed 40/", "Processed 1400/", "Processed 2000/"] {
            let child = try start(scratch)
            _ = child.read(until: marker)
            #expect(kill(child.pid, SIGKILL) == 0)
            #expect(try child.finish().status == 128 + SIGKILL)
            // Whatever has its name is complete.
            try scratch.sh(
                """
                cd target; find . -type f ! -name 'old*' ! -name '.jobspool*' -print0 |
                    xargs -0r sha256sum > ../sums
                cd ../source; sha256sum --quiet --strict -c ../sums
                """)
        }
        let finished = try scratch.sync(params)
        #expect(finished.exit == 0)
        #expect(try scratch.listing("target") == scratch.listing("undisturbed-source"))
    }

    @Test func aLargeFileIsUndoneWhenTheJobIsStopped() throws {
        let scratch = try Scratch()
        try scratch.sh(
            "mkdir source; for n in $(seq 400); do echo $n > source/$n; done; head -c 100M /dev/zero > source/zz")
        let child = try start(scratch)
        _ = child.read(until: "Found 401")
        #expect(kill(child.pid, SIGTERM) == 0)
        #expect(try child.finish().status == 143)
        #expect(try scratch.sh("ls -A target 2>/dev/null | grep -c -e jobspool -e zz || true") == "0\n")
        #expect(try scratch.sync(params).exit == 0)
        #expect(try scratch.listing("target") == scratch.listing("source"))
    }
}
