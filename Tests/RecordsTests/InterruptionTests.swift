import Glibc
import JSONText
import Testing

/// What a stop, or a kill -9 at any moment, leaves, and what the next attempt makes of it.
@Suite struct InterruptionTests {
    private static let rows = 1500

    /// The lines in which two dumps differ.
    private func differences(_ a: String, _ b: String) -> [String] {
        a.split(separator: "\n").difference(from: b.split(separator: "\n")).map { "\($0)" }
    }

    /// Rows, some of them of one key, and what the target holds before.
    private func prepare() throws -> Scratch {
        let scratch = try Scratch()
        try scratch.sh(
            """
            python3 - <<'END'
            def write(name, rows):
                with open(name, "w") as file:
                    file.write("id,n,text\\n")
                    file.writelines(f"{key},{value},some text of no interest\\n" for key, value in rows)
            write("before.csv", [(n, 0) for n in range(\(Self.rows + 40))])
            rows = [(n, n % 3) for n in range(40, \(Self.rows) + 300)]
            rows.insert(700, (41, 9))
            write("full.csv", rows)
            write("mirror.csv", [row for row in rows if row != (41, 9)])
            END
            """)
        try scratch.sync("before.csv")
        try scratch.sh("mv target.db before.db")
        return scratch
    }

    private func dump(_ scratch: Scratch) throws -> String {
        try scratch.sql(
            """
            PRAGMA integrity_check;
            SELECT target, type, source, json_remove(state, '$.job_id') FROM _jobspool_syncs;
            SELECT * FROM _jobspool_fields;
            SELECT rowid, * FROM t;
            """)
    }

    @Test(arguments: ["full", "mirror", "incremental"])
    func aJobThatIsKilledAtAnyMomentAndResumedGivesTheSameTarget(mode: String) throws {
        let scratch = try prepare()
        let file = mode == "mirror" ? "mirror.csv" : "full.csv"
        var more: JSONObject = ["mode": .string(mode), "batch_size": 50, "source": .string("\(scratch.path)/\(file)")]
        if mode == "incremental" { more["cursor_field"] = "n" }
        try scratch.sh("cp before.db target.db")
        let judge = try scratch.sync(more, job: "judge")
        let undisturbed = try dump(scratch)
        let request: JSON = ["params": .object(scratch.params(more)), "job_id": "killed"]
        // The output goes through a pipe that holds one page, so that the job is never far ahead of what is read here.
        var kills = 0
        for lines in stride(from: 1, to: 60, by: 6) {
            try scratch.sh("rm -f target.db*; cp before.db target.db")
            let child = try Child([products + "/jobspool-records", "records.sync"], input: request.text)
            for _ in 0..<lines { _ = child.read(until: "\n") }
            kill(child.pid, SIGKILL)
            if try child.finish().status == 128 + SIGKILL { kills += 1 }
            let resumed = try scratch.sync(more, job: "killed")
            #expect(resumed.exit == 0)
            #expect(resumed.counts == judge.counts, "after \(lines) lines")
            let differences = differences(try dump(scratch), undisturbed)
            #expect(differences == [], "after \(lines) lines")
        }
        #expect(kills >= 4)
    }

    @Test(arguments: [50_000, 150_000, 400_000, 900_000, 1_600_000])
    func aJobThatIsKilledAtSomeTimeAndResumedGivesTheSameTarget(microseconds: UInt32) throws {
        let scratch = try prepare()
        let more: JSONObject = ["mode": "mirror", "batch_size": 7, "source": .string("\(scratch.path)/mirror.csv")]
        try scratch.sh("cp before.db target.db")
        let judge = try scratch.sync(more, job: "judge")
        let undisturbed = try dump(scratch)
        try scratch.sh("rm -f target.db*; cp before.db target.db")
        try scratch.write("request.json", (["params": .object(scratch.params(more)), "job_id": "killed"] as JSON).text)
        try scratch.sh(
            "timeout --preserve-status -s KILL \(Double(microseconds) / 1e6) '\(products)/jobspool-records' records.sync <request.json >out || true"
        )
        let resumed = try scratch.sync(more, job: "killed")
        #expect(resumed.counts == judge.counts)
        let differences = differences(try dump(scratch), undisturbed)
        #expect(differences == [])
    }

    @Test func aResumedJobDoesNotTakeWhatItWroteForUnchanged() throws {
        let scratch = try Scratch()
        try scratch.write("a.csv", "id,n\n" + (1...400).map { "\($0),x\n" }.joined())
        for more in [
            ["stop_after_unchanged": 30], ["stop_after_unchanged": 30, "mode": "mirror"], ["force": true],
        ] as [JSONObject] {
            if more["force"] == nil { try scratch.sh("rm -f target.db*") }
            var params = more
            params["source"] = .string("\(scratch.path)/a.csv")
            params["batch_size"] = 10
            let request: JSON = ["params": .object(scratch.params(params)), "job_id": .string("killed\(more)")]
            let child = try Child([products + "/jobspool-records", "records.sync"], input: request.text)
            #expect(child.read(until: "batch 8/").contains("batch 8/"))
            kill(child.pid, SIGKILL)
            #expect(try child.finish().status == 128 + SIGKILL)
            let resumed = try scratch.sync(params, job: "killed\(more)")
            #expect(resumed.counts == (more["force"] == nil ? "400 0 0 0 0" : "0 400 0 0 0"))
            #expect(resumed.result?["stopped_early"] == false)
        }
    }

    /// What the first attempt wrote stands behind what is new by then, and before what it left.
    @Test(arguments: ["full", "incremental"])
    func aResumedJobWhoseSourceHasChangedDoesNotStopEarly(mode: String) throws {
        let scratch = try Scratch()
        let params: JSONObject = [
            "mode": .string(mode), "batch_size": 10, "max_errors": 0, "stop_after_unchanged": 5,
        ]
        let rows = (1...100).map { "\($0),1\n" }
        try scratch.write("a.csv", "id,n\n" + rows.map { $0 == "51,1\n" ? "x\n" : $0 }.joined())
        #expect(try scratch.sync("a.csv", params, job: "1").exit == 1)
        let new = (201...261).map { "\($0),1\n" }
        try scratch.write("a.csv", "id,n\n" + (new + rows).joined())
        #expect(try scratch.sync("a.csv", params, job: "1").result?["stopped_early"] == false)
        #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "161")
        #expect(try scratch.sync("a.csv", params, job: "2").counts == "0 0 5 0 0", "from here on it does")
    }

    @Test func aJobThatIsStoppedReportsItsCheckpointAndGoesOn() throws {
        let scratch = try prepare()
        try scratch.sh("cp before.db target.db")
        let more: JSONObject = ["batch_size": 10, "source": .string("\(scratch.path)/full.csv")]
        let request: JSON = ["params": .object(scratch.params(more)), "job_id": "stopped"]
        let child = try Child([products + "/jobspool-records", "records.sync"], input: request.text)
        #expect(child.read(until: "batch 20/").contains("batch 20/"))
        kill(child.pid, SIGTERM)
        let (status, rest) = try child.finish()
        #expect(status == 143)
        #expect(rest.contains("\"type\":\"checkpoint\""))
        #expect(rest.contains("Stopped after"))
        let state = try scratch.sql(
            "SELECT json_extract(state, '$.job_id'), json_extract(state, '$.updated') > 0 FROM _jobspool_syncs WHERE source LIKE '%/full.csv'"
        )
        #expect(state == "stopped|1")
        let resumed = try scratch.sync(more, job: "stopped")
        #expect(resumed.logs.first?.hasPrefix("Resuming: ") == true)
        // Another job begins to count anew.
        #expect(try scratch.sync(more, job: "other").result?["counts"]?["updated"] == 0)
    }

    /// The second attempt comes less far than the first one.
    @Test(
        arguments: [
            (["limit": 60], "60"), (["mode": "incremental", "stop_after_unchanged": 5], "100"),
            (["force": true], "100"),
        ] as [(JSONObject, String)])
    func aJobThatIsInterruptedTwiceCountsNothingTwice(more: JSONObject, rows: String) throws {
        let scratch = try Scratch()
        var params = more
        params["batch_size"] = 10
        params["max_errors"] = 0
        for broken in [31, 11, 0] {
            let content = (1...100).map { $0 == broken ? "x\n" : "\($0),1\n" }
            try scratch.write("a.csv", "id,n\n" + content.joined())
            let run = try scratch.sync("a.csv", params, job: "j")
            #expect(run.exit == (broken == 0 ? 0 : 1))
            if broken == 0, more["force"] != nil { #expect(run.counts == "100 0 0 0 0") }
        }
        #expect(try scratch.sql("SELECT COUNT(*) FROM t") == rows)
    }

    /// What a failed job left lies behind what it has written.
    @Test(arguments: [("incremental", "incremental"), ("full", "incremental"), ("full", "full")])
    func noJobStopsEarlyBeforeWhatAFailedOneLeft(mode: String, next: String) throws {
        let scratch = try Scratch()
        var params: JSONObject = ["mode": .string(mode), "batch_size": 5, "max_errors": 0]
        if mode == next { params["stop_after_unchanged"] = 3 }
        let rows = (1...31).map { "\($0),1\n" }
        try scratch.write("a.csv", "id,n\n" + rows.map { $0 == "11,1\n" ? "x\n" : $0 }.joined())
        #expect(try scratch.sync("a.csv", params, job: "1").exit == 1)
        try scratch.write("a.csv", "id,n\n" + rows.joined())
        params["mode"] = .string(next)
        params["stop_after_unchanged"] = 3
        #expect(try scratch.sync("a.csv", params, job: "2").counts == "17 0 14 0 0")
        #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "31")
        #expect(try scratch.sync("a.csv", params, job: "3").counts == "0 0 3 0 0", "from here on it does")
    }
}
