import Glibc
import JSONText
import Testing

/// Jobs that are stopped or killed, and what their successors make of it.
@Suite struct InterruptionTests {
    /// How a job is interrupted, again and again.
    enum Way: CaseIterable { case stopped, killed, killedAndForgotten }

    /// Runs a job that is interrupted at every marker in turn, and then to its end. As the daemon does it, each attempt gets
    /// the last checkpoint that was told; one that was forgotten is none.
    private func run(
        _ scratch: Scratch, _ type: String, _ params: JSONObject, _ way: Way, at markers: [String]
    ) throws -> Run {
        var checkpoint = JSON.null
        for marker in markers {
            let request = scratch.request(params, false, checkpoint)
            let child = try Child([products + "/jobspool-library", type], input: request)
            let first = child.read(until: marker)
            #expect(kill(child.pid, way == .stopped ? SIGTERM : SIGKILL) == 0)
            let (status, rest) = try child.finish()
            #expect(status == (way == .stopped ? 143 : 128 + SIGKILL), "\(marker): \(first.suffix(300))")
            // The last line may be half of one.
            let lines = try (first + rest).utf8.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast()
                .map { try JSON(parsing: Array($0)) }
            if way != .killedAndForgotten {
                checkpoint = lines.last { $0["type"] == "checkpoint" }?["value"] ?? checkpoint
            }
        }
        return try scratch.run(type, params, checkpoint: checkpoint)
    }

    @Test(arguments: Way.allCases)
    func aRefreshThatIsInterruptedLeavesTheSameCache(way: Way) throws {
        let scratch = try Scratch()
        try scratch.python(Graph.draw(11, count: 2000))
        var params = scratch.refreshParams([
            "base": RefreshTests.bases(scratch), "depth": 12, "max_errors": 100_000, "batch_size": 25,
        ])
        params["cache"] = .string(scratch.path + "/undisturbed.db")
        let undisturbed = try scratch.run("cache.refresh", params)
        #expect(undisturbed.exit == 0)
        params["cache"] = .string(scratch.path + "/cache.db")
        let last = try run(
            scratch, "cache.refresh", params, way, at: ["Processed 20 ", "Processed 200 ", "Processed 400 "])
        #expect(last.exit == 0)
        #expect(try scratch.dump("cache.db") == scratch.dump("undisturbed.db"))
        #expect(last.result?["levels"] == undisturbed.result?["levels"])
        if way == .killedAndForgotten {
            let counts = try #require(last.result?["counts"])
            #expect(try #require(counts["skipped"]?.int) + #require(counts["failed"]?.int) >= 400)
        } else {
            // What was read is not read again, and the counts are those of the whole job.
            #expect(last.result?["counts"] == undisturbed.result?["counts"])
            #expect(last.logs.first?.hasPrefix("Resuming after ") ?? false)
        }
    }

    @Test func aCheckpointOfOtherWorkIsNoneOfThisJobs() throws {
        let scratch = try Scratch()
        try scratch.python(Graph.draw(12, count: 1500))
        let params = scratch.refreshParams([
            "base": RefreshTests.bases(scratch), "depth": 9, "max_errors": 10_000, "batch_size": 10,
        ])
        let child = try Child([products + "/jobspool-library", "cache.refresh"], input: scratch.request(params))
        let read = child.read(until: "Processed 40 ")
        kill(child.pid, SIGTERM)
        let rest = try child.finish().rest
        let lines = try (read + rest).utf8.split(separator: 0x0A).map { try JSON(parsing: Array($0)) }
        let checkpoint = try #require(lines.last { $0["type"] == "checkpoint" }?["value"])
        var other = params
        other["depth"] = 0
        let run = try scratch.run("cache.refresh", other, checkpoint: checkpoint)
        #expect(run.result?["documents"] == 12)
        #expect(run.logs.first == "Found 12 documents of the own set")
    }

    @Test(arguments: Way.allCases)
    func anIndexingThatIsInterruptedLeavesTheSameIndex(way: Way) throws {
        let scratch = try Scratch()
        try scratch.python(
            """
            import os, random
            random.seed(3)
            words = [''.join(random.choice('abcdefgh') for _ in range(5)) for _ in range(300)]
            for n in range(2400):
                d = f'documents/{n % 7}/{n % 3}'
                os.makedirs(d, exist_ok=True)
                open(f'{d}/{n}.txt', 'w').write(' '.join(random.choice(words) for _ in range(200)))
            """)
        var params = scratch.indexParams(["batch_size": 25])
        params["index"] = .string(scratch.path + "/undisturbed.db")
        #expect(try scratch.run("documents.index", params).counts == "2400 0 0 0 0")
        params["index"] = .string(scratch.path + "/index.db")
        let last = try run(
            scratch, "documents.index", params, way, at: ["Indexed 100/", "Indexed 700/", "Indexed 1300/"])
        #expect(last.exit == 0)
        #expect(try #require(last.result?["counts"]?["skipped"]?.int) >= 1300)
        #expect(try scratch.dump("index.db") == scratch.dump("undisturbed.db"))
    }

    /// At whatever moment the kill comes: every attempt gets a little more time.
    @Test func aJobThatIsKilledAtAnyMomentCanBeResumedAndSearchedAtOnce() throws {
        let scratch = try Scratch()
        try scratch.python(Graph.draw(13, count: 400))
        var params = scratch.refreshParams([
            "base": RefreshTests.bases(scratch), "depth": 9, "max_errors": 10_000, "batch_size": 3,
        ])
        params["cache"] = .string(scratch.path + "/undisturbed.db")
        #expect(try scratch.run("cache.refresh", params).exit == 0)
        params["cache"] = .string(scratch.path + "/cache.db")
        try scratch.write("request.json", scratch.request(params))
        try scratch.write("search.json", scratch.request(["q": "name", "cache": params["cache"]!]))
        let killed = try scratch.sh(
            """
            killed=0
            for n in $(seq 40); do
                status=0
                timeout -s KILL 0.$(printf %03d $((n * 12))) '\(products)/jobspool-library' cache.refresh <request.json >/dev/null || status=$?
                if [ $status = 137 ]; then killed=$((killed + 1)); fi
                if [ -s cache.db ]; then
                    '\(products)/jobspool-library' search <search.json >search.out ||
                        grep -q CACHE_MISSING search.out || { cat search.out >&2; exit 1; }
                fi
            done
            echo $killed
            """)
        #expect(try #require(Int(killed.trimmed)) >= 5)
        #expect(try scratch.run("cache.refresh", params).exit == 0)
        #expect(try scratch.dump("cache.db") == scratch.dump("undisturbed.db"))
    }
}
