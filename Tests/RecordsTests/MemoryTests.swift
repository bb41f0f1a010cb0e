import Glibc
import JSONText
import Testing

@testable import jobspool_records

/// The memory that a job takes does not grow with its source.
@Suite struct MemoryTests {
    /// Records of 1 KB each in a.ndjson.
    private func write(_ count: Int, _ scratch: Scratch) throws {
        try scratch.sh(
            """
            python3 - <<'END'
            text = "some text of no interest " * 36
            with open("a.ndjson", "w") as file:
                for n in range(\(count)):
                    file.write(f'{{"id": {n}, "name": "name {n}", "text": "{text}", "tags": ["a", "t{n % 13}"]}}\\n')
            END
            """)
    }

    /// The most that a job ever had, in MiB: the kernel's account of a child whose parent is small.
    private func peak(_ params: JSONObject, _ scratch: Scratch, _ counts: String) throws -> Int {
        try scratch.write("request.json", (["params": .object(scratch.params(params))] as JSON).text)
        let peak = try scratch.sh(
            """
            python3 -ISc '
            import os
            child = os.fork()
            if child == 0:
                os.dup2(os.open("request.json", os.O_RDONLY), 0)
                os.dup2(os.open("output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
                os.execv("\(products)/jobspool-records", ["jobspool-records", "records.sync"])
            _, status, usage = os.wait4(child, 0)
            assert status == 0, open("output").read()[-2000:]
            print(usage.ru_maxrss // 1024)
            '
            """)
        let run = try Run(Child.End(status: 0, output: scratch.sh("cat output"), errors: ""))
        #expect(run.counts == counts)
        return try #require(Int(peak.dropLast()))
    }

    /// In a batch, keys of several fields stand behind all records.
    @Test func aPlanKeepsOfARecordWhatIsItsOwn() async throws {
        var batch = RecordBatch(limit: 100)
        let layout = FieldLayout(["a", "b"])
        for number in 1...100 {
            batch.append(.text, "text \(number)".utf8)
            batch.append(.number, "\(number)".utf8)
            batch.end(layout, at: Place(number: number))
        }
        RecordIdentifier(key: ["a", "b"], compareFields: nil, ignoreFields: []).identify(&batch)
        let spool = RecordSpool()
        for record in 0..<batch.count { try spool.append(record, of: batch) }
        var read = RecordBatch(limit: 100)
        let hasMore = try await spool.next(into: &read)
        #expect(!hasMore)
        #expect(read.bytes.count == batch.bytes.count)
        #expect(read.hashes == batch.hashes)
        try #require(read.count == batch.count)
        for record in 0..<batch.count {
            #expect(read.key(record) == batch.key(record))
            let (was, became) = (try batch.object(record), try read.object(record))
            #expect(JSON.object(became) == JSON.object(was))
        }
    }

    /// With the larger source SQLite's cache of 16 MB is full, too.
    @Test func itDoesNotGrowWithTheSource() throws {
        var peaks: [[Int]] = []
        for count in [5_000, 50_000] {
            let scratch = try Scratch()
            try write(count, scratch)
            let source: JSON = .string("\(scratch.path)/a.ndjson")
            peaks.append([
                try peak(["source": source], scratch, "\(count) 0 0 0 0"),
                try peak(["source": source], scratch, "0 0 \(count) 0 0"),
                // Through the files of a plan.
                try peak(["source": source, "mode": "mirror", "force": true], scratch, "0 \(count) 0 0 0"),
            ])
        }
        // 45 MB more to read: a kilobyte that stays of each record, or a plan in memory, would be seen.
        for (small, large) in zip(peaks[0], peaks[1]) {
            #expect(large < small + 26, "\(peaks)")
            #expect(large < 120, "\(peaks)")
        }
    }
}
