import Glibc
import JSONText
import Testing

/// airportsdata, vega_datasets and holidays from PyPI, oui.csv from Debian. `Tests/data.sh` fetches them. Counts in results are
/// compared with what sqlite3(1) and other tools count.
@Suite struct RealDataTests {
    private let data: String
    private let oui = "/usr/share/ieee-data/oui.csv"

    init() throws {
        func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
        data = environment("JOBSPOOL_TEST_DATA") ?? (environment("TMPDIR") ?? "/tmp") + "/jobspool-test-data"
        for needed in [
            "airportsdata-20241001/airports.csv", "airportsdata-20250622/airports.csv",
            "vega_datasets-0.9.0/airports.csv",
            "holidays-0.40/IT.ics", "holidays-0.108/IT.ics",
        ] {
            try #require(
                access("\(data)/\(needed)", R_OK) == 0,
                "\(data)/\(needed) is missing: run Tests/data.sh (needs pip and the network)")
        }
        try #require(access(oui, R_OK) == 0, "\(oui) is missing: apt-get install ieee-data")
    }

    private func airports(_ version: String, _ more: JSONObject = [:]) -> JSONObject {
        var params: JSONObject = ["source": .string("\(data)/airportsdata-\(version)/airports.csv"), "key": "icao"]
        for (key, value) in more.members { params[key] = value }
        return params
    }

    @Test func airportsComeAndAreMirrored() throws {
        let scratch = try Scratch()
        let first = try scratch.sync(airports("20241001"))
        #expect(first.counts == "28232 0 0 0 0")
        #expect(first.logs.first == "Found 28232 records to process")
        #expect(first.logs.contains("Adding batch 1/29"))
        #expect(try scratch.sql("SELECT COUNT(*), COUNT(DISTINCT icao) FROM t") == "28232|28232")
        #expect(try scratch.sync(airports("20241001")).counts == "0 0 28232 0 0")

        let mirror = airports("20250622", ["mode": "mirror"])
        let dry = try scratch.sync(mirror, dryRun: true)
        #expect(dry.counts == "38 106 28080 46 0")
        #expect(try scratch.sync(airports("20241001")).counts == "0 0 28232 0 0", "the dry run changed something")
        let second = try scratch.sync(mirror)
        #expect(second.counts == "38 106 28080 46 0")
        #expect(second.logs.last?.hasPrefix("Sync complete: 28270/28270 operations successful") == true)
        #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "28224")
        // Row for row and column for column what another reader of CSV makes of the file.
        try scratch.sh(
            """
            sqlite3 judge.db '.import --csv \(data)/airportsdata-20250622/airports.csv t'
            columns='icao, iata, name, city, subd, country, elevation, lat, lon, tz, lid'
            for name in target judge; do sqlite3 $name.db "SELECT $columns FROM t ORDER BY icao" >$name.txt; done
            cmp target.txt judge.txt
            """)
    }

    @Test func anIncrementalSyncStopsEarlyAndSaysSo() throws {
        let scratch = try Scratch()
        try scratch.sync(airports("20241001"))
        let run = try scratch.sync(airports("20241001", ["mode": "incremental", "stop_after_unchanged": 5000]))
        #expect(run.counts == "0 0 5000 0 0")
        #expect(run.result?["stopped_early"] == true)
        #expect(run.logs.contains("Stopped early: 5000 records in a row were unchanged"))
    }

    @Test func holidaysAreMirroredFromCalendarFiles() throws {
        let scratch = try Scratch()
        func sync(_ version: String, _ more: JSONObject = [:], dryRun: Bool = false) throws -> Run {
            var params: JSONObject = [
                "source": ["file": .string("\(data)/holidays-\(version)"), "format": "ical"], "mode": "mirror",
                "key": .null,
                "batch_size": 20,
            ]
            for (key, value) in more.members { params[key] = value }
            return try scratch.sync(params, dryRun: dryRun)
        }
        let first = try sync("0.40")
        #expect(first.counts == "3340 0 0 0 0")
        #expect(first.logs.contains("Adding batch 1/167"))
        let refused = try sync("0.108")
        #expect(refused.failure?["code"] == "MAX_DELETE_EXCEEDED")
        #expect(refused.failure?["details"]?["deletions"] == 803)
        #expect(refused.exit == 1)
        #expect(try sync("0.108", dryRun: true).failure?["code"] == "MAX_DELETE_EXCEEDED")
        #expect(try sync("0.40").counts == "0 0 3340 0 0", "the refused sync changed something")

        let raised: JSONObject = ["max_delete": 1000, "max_delete_percent": 25]
        #expect(try sync("0.108", raised, dryRun: true).counts == "208 793 1744 803 0")
        let second = try sync("0.108", raised)
        #expect(second.counts == "208 793 1744 803 0")
        #expect(second.logs.contains("Adding batch 1/11"))
        #expect(second.logs.contains("Updating batch 40/40"))
        #expect(second.logs.contains("Deleting batch 41/41"))
        #expect(second.logs.last?.hasPrefix("Sync complete: 3548/3548 operations successful") == true)
        #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "2745")
        let summaries = try scratch.sh(
            """
            sqlite3 target.db "SELECT UID || ' ' || SUMMARY FROM t" | LC_ALL=C sort >target.txt
            python3 - '\(data)/holidays-0.108' <<'END' | LC_ALL=C sort >judge.txt
            import glob, re, sys
            for path in glob.glob(sys.argv[1] + "/*.ics"):
                text = open(path, newline="").read().replace("\\r\\n ", "")
                for uid, summary in re.findall(r"UID:(.*?)\\r\\n.*?SUMMARY:(.*?)\\r\\n", text, re.S):
                    print(uid, re.sub(r"\\\\(.)", r"\\1", summary))
            END
            cmp target.txt judge.txt && wc -l <judge.txt
            """)
        #expect(summaries == "2745\n")
    }

    @Test func repeatedKeysOfTheOuiListAreToldAndCanBeRetried() throws {
        let scratch = try Scratch()
        let params: JSONObject = ["source": .string(oui), "key": "Assignment"]
        let run = try scratch.sync(params)
        #expect(run.exit == 0)
        #expect(run.counts == "32527 0 0 0 3")
        #expect(run.itemErrors == ["080030 DUPLICATE_KEY", "0001C8 DUPLICATE_KEY", "080030 DUPLICATE_KEY"])
        #expect(run.logs.last?.hasPrefix("Sync finished with errors: 32527/32530 operations successful") == true)
        #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "32527")
        // The lines that the messages name are the ones where the keys stand.
        let told = run.of("error").compactMap { $0["message"]?.string?.split(separator: " ") }.map {
            "\($0[1]) \($0[8])"
        }
        let lines = try scratch.sh("grep -nE ',(080030|0001C8),' \(oui) | cut -d: -f1").split(separator: "\n")
        #expect(Set(told.flatMap { $0.split(separator: " ") }) == Set(lines))

        try scratch.write("errors.jsonl", run.of("error").map { $0.text + "\n" }.joined())
        var again = params
        again["retry_of"] = .string("\(scratch.path)/errors.jsonl")
        let retry = try scratch.sync(again)
        #expect(retry.logs.first == "Retrying 2 items of \(scratch.path)/errors.jsonl")
        #expect(retry.counts == "0 0 2 0 3")
        // Mended by hand, and retried: only those are looked at.
        try scratch.sh(
            """
            python3 - <<'END'
            import csv
            rows = list(csv.reader(open("\(oui)", newline="", encoding="utf-8")))
            last = {row[1]: row for row in rows}
            csv.writer(open("mended.csv", "w", newline="", encoding="utf-8")).writerows(last.values())
            END
            """)
        again["source"] = .string("\(scratch.path)/mended.csv")
        #expect(try scratch.sync(again).counts == "0 2 0 0 0")
    }

    @Test func airportsOfVegaAreMatchedByTheirIataCode() throws {
        let scratch = try Scratch()
        let params: JSONObject = [
            "left": ["file": .string("\(data)/vega_datasets-0.9.0/airports.csv"), "key": "iata"],
            "right": ["file": .string("\(data)/airportsdata-20241001/airports.csv"), "key": "icao"],
            "rules": [["left": "iata"]], "target": ["sqlite": .string("\(scratch.path)/target.db"), "table": "t"],
        ]
        let dry = try scratch.run("records.match", params, dryRun: true)
        let run = try scratch.run("records.match", params)
        #expect(run.counts == "1634 0 1742 0 0")
        #expect(dry.counts == run.counts)
        #expect(
            try scratch.sql("SELECT COUNT(*), COUNT(DISTINCT left_key), COUNT(DISTINCT right_key) FROM t")
                == "1634|1634|1634")
        #expect(try scratch.sql("SELECT reason, COUNT(*) FROM t_skipped GROUP BY reason") == "NO_MATCH|1742")
        let again = try scratch.run("records.match", params)
        #expect(again.counts == "0 0 3376 0 0")
        #expect(again.result?["kept"] == 1634)
    }
}
