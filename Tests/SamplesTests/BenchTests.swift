import Testing

/// The benchmark, as small as can be and without what others make: whether every measure gives its figures, not what they are.
@Suite struct BenchTests {
    @Test func theBenchmarkMeasuresEverything() throws {
        let place = try Place()
        let lines = try place.succeed(
            """
            mkdir bench
            JOBSPOOL="$executables/jobspool" BENCH_QUICK=1 BENCH_SYSTEMS=none TMPDIR="$PWD/bench" sh '\(package)/Tests/bench.sh'
            [ -z "$(ls bench)" ]
            """)
        let table = lines.filter { $0.hasPrefix("| ") }.dropFirst().map { row in
            row.split(separator: "|").map { $0.split(separator: " ").joined(separator: " ") }
        }
        let measures = [
            "Drop to handler started", "Drop to committed result", "Backlog", "A command that drops a job",
            "A command that asks for the status", "Drop to result with 200 finished jobs", "Start with 200 finished",
            "Idle", "Memory, idle", "Memory, 200 jobs pending", "2,000 log lines", "A burst of 200 jobs with 3 kill -9",
        ]
        #expect(table.count == measures.count)
        for (row, measure) in zip(table, measures) {
            #expect(row[0].hasPrefix(measure), "\(row)")
            // Others may follow in brackets.
            let figure = row[1].prefix { $0 != " " }.filter { $0 != "," }
            // Of a burst, nothing is lost.
            #expect(measure.hasPrefix("A burst") ? figure == "0" : Double(figure) != nil, "\(row)")
        }
    }
}
