import Glibc
import JSONText
import JobHandler
import Testing

@testable import jobspool_records

/// What each kind of source makes of its input.
@Suite struct SourceTests {
    @Test(arguments: ["\n", "\r\n"])
    func csvIsReadAsRFC4180SaysIt(lineBreak: String) throws {
        let scratch = try Scratch()
        let lines = [
            "id,text,last", "1,plain,a", "2,\"with, comma\",b", "3,\"a \"\"quote\"\"\",c", "4,\"two", "lines\",\"\"",
            "5,,",
            "6, space ,\"x\"", "", "7,a\"b,é",
        ]
        try scratch.write("a.csv", "\u{FEFF}" + lines.joined(separator: lineBreak))
        let run = try scratch.sync("a.csv")
        #expect(run.counts == "7 0 0 0 0")
        #expect(
            try scratch.sql("SELECT id, replace(text, char(13), ''), last FROM t ORDER BY id")
                == "1|plain|a\n2|with, comma|b\n3|a \"quote\"|c\n4|two\nlines|\n5||\n6| space |x\n7|a\"b|é")
        #expect(try scratch.sql("SELECT DISTINCT typeof(id), typeof(text), typeof(last) FROM t") == "text|text|text")
    }

    @Test func csvIsWhatPythonReads() throws {
        let scratch = try Scratch()
        try scratch.sh(
            """
            python3 - <<'END'
            import csv, random
            random.seed(7)
            pieces = ["", "a", ",", '"', "\\n", "\\r\\n", "é", "\\U0001F600", " ", ";", "x" * 300, "\\t", "\\\\"]
            with open("a.csv", "w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, lineterminator=random.choice(["\\n", "\\r\\n"]))
                writer.writerow(["id", "a", "b", "c"])
                for number in range(3000):
                    writer.writerow([number] + ["".join(random.choices(pieces, k=random.randrange(5))) for _ in range(3)])
            import sqlite3
            judge = sqlite3.connect("judge.db")
            judge.execute("CREATE TABLE t (id, a, b, c)")
            with open("a.csv", newline="", encoding="utf-8") as file:
                rows = list(csv.reader(file))[1:]
            judge.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
            judge.commit()
            END
            """)
        #expect(try scratch.sync("a.csv", ["batch_size": 17]).counts == "3000 0 0 0 0")
        #expect(
            try scratch.sql(
                "ATTACH '\(scratch.path)/judge.db' AS j; SELECT COUNT(*) FROM main.t a JOIN j.t b ON (a.id, a.a, a.b, a.c) = (b.id, b.a, b.b, b.c)"
            ) == "3000")
    }

    @Test func badRowsOfCSVAreToldWithTheirLinesAndTheOthersGoOn() throws {
        let scratch = try Scratch()
        try scratch.sh(#"printf 'id,n\n1,1\n2\n3,3,3\n4,"x"y\n5,\xff\n6,6\n7,"never closed\n8,8\n' >a.csv"#)
        let run = try scratch.sync("a.csv")
        #expect(
            run.itemErrors == [
                "line 3 WRONG_FIELD_COUNT", "line 4 WRONG_FIELD_COUNT", "line 5 INVALID_CSV", "line 6 NOT_UTF8",
                "line 8 INVALID_CSV",
            ])
        #expect(try scratch.sql("SELECT group_concat(id) FROM t") == "1,6")
        #expect(run.logs.first == "Found 7 records to process")
    }

    @Test func csvMayHaveAnotherDelimiterAndNoHeader() throws {
        let scratch = try Scratch()
        try scratch.write("a.txt", "1;x\n2;\"y;z\"\n")
        let source: JSON = [
            "file": .string("\(scratch.path)/a.txt"), "format": "csv", "delimiter": ";", "fields": ["id", "name"],
        ]
        #expect(try scratch.sync(["source": source]).counts == "2 0 0 0 0")
        #expect(try scratch.sql("SELECT id, name FROM t") == "1|x\n2|y;z")
    }

    @Test(arguments: [
        ("id,id\n1,2\n", "INVALID_HEADER"), ("id,\"n\n1,2", "INVALID_HEADER"), ("id,n\r1,2\r", "INVALID_HEADER"),
        ("id\r1\r", "INVALID_HEADER"), ("\"id\",\"n\"\r1,2\r", "INVALID_HEADER"),
    ])
    func aHeaderThatCannotBeUsedFailsTheJob(text: String, code: String) throws {
        let scratch = try Scratch()
        try scratch.write("a.csv", text)
        #expect(try scratch.sync("a.csv").failure?["code"]?.string == code)
    }

    @Test func aHeaderThatIsNotUTF8IsToldAsSuch() throws {
        let scratch = try Scratch()
        try scratch.sh(#"printf 'id,Gr\366\337e\n1,2\n' >a.csv"#)
        let run = try scratch.sync("a.csv")
        #expect(run.failure?["code"] == "NOT_UTF8")
        #expect(run.failure?["message"]?.string?.contains("iconv -f WINDOWS-1252") == true)
        #expect(try scratch.sh("iconv -f WINDOWS-1252 -t UTF-8 a.csv >b.csv; ls").contains("b.csv"))
        #expect(try scratch.sync("b.csv").counts == "1 0 0 0 0")
        #expect(try scratch.sql("SELECT \"Größe\" FROM t") == "2")
    }

    @Test func aQuotedNameOfAColumnMayHaveLineBreaks() throws {
        let scratch = try Scratch()
        try scratch.write("a.csv", "id,\"a\r\nb\",\"\rc\"\r\n1,2,3\r\n")
        #expect(try scratch.sync("a.csv").counts == "1 0 0 0 0")
    }

    @Test func utf16IsToldAsSuch() throws {
        let scratch = try Scratch()
        try scratch.sh("printf 'id\\n1\\n' | iconv -t UTF-16 >a.csv")
        #expect(try scratch.sync("a.csv").failure?["code"] == "NOT_UTF8")
    }

    @Test func linesOfNDJSONThatAreNoObjectsAreItemErrors() throws {
        let scratch = try Scratch()
        try scratch.write("a.ndjson", "{\"id\": 1}\r\n\n[1]\n{\"id\": 2,}\n{\"id\": 3}\n{\"id\":")
        let run = try scratch.sync("a.ndjson")
        #expect(run.itemErrors == ["line 3 NOT_AN_OBJECT", "line 4 INVALID_JSON", "line 6 INVALID_JSON"])
        #expect(run.counts == "2 0 0 0 3")
    }

    @Test(
        arguments: [
            ("[]", [], ""), (#" [ {"id": 1}, {"id": 2, "x": [1, {"y": "]}"}]} ] "#, [], "1,2"),
            (
                #"{"total": 2, "skip": {"data": [{"id": 9}]}, "data": {"items": [{"id": 1}, {"id": 2}]}, "more": 1}"#,
                ["data", "items"], "1,2"
            ),
            (#"{"3166-1":[{"id":"a"}]}"#, ["3166-1"], "a"), (#"{"a\"b": 1, "x": [{"id": 5}]}"#, ["x"], "5"),
        ] as [(String, [String], String)])
    func anArrayOfObjectsIsReadFromWhereverItIs(text: String, array: [String], ids: String) throws {
        let scratch = try Scratch()
        try scratch.write("a.json", text)
        let source: JSON = [
            "file": .string("\(scratch.path)/a.json"), "array": .array(array.map { .string($0) }),
        ]
        let run = try scratch.sync(["source": source])
        #expect(run.exit == 0)
        #expect(run.itemErrors == [])
        #expect(try scratch.sql("SELECT group_concat(_key) FROM t") == ids)
    }

    @Test(arguments: [
        #"{"a": 1}"#, #"[{"id": 1}"#, #"[{"id": 1} {"id": 2}]"#, #"[{"id": 1},]"#, #"[{"id": 1}] x"#, #"[{"id": "#, "",
        "7",
    ])
    func aBrokenArrayFailsTheJobAndNamesTheLine(text: String) throws {
        let scratch = try Scratch()
        try scratch.write("a.json", text)
        let run = try scratch.sync("a.json")
        #expect(run.failure?["code"] == "INVALID_JSON")
        #expect(run.failure?["message"]?.string?.contains("line 1") == true)
    }

    @Test func elementsOfAnArrayThatAreNoObjectsAreItemErrors() throws {
        let scratch = try Scratch()
        try scratch.write("a.json", "[\n{\"id\": 1},\n7,\n{\"id\": x},\n\"]\",\n{\"id\": 2}\n]\n")
        let run = try scratch.sync("a.json")
        #expect(run.itemErrors == ["line 3 NOT_AN_OBJECT", "line 4 INVALID_JSON", "line 5 NOT_AN_OBJECT"])
        #expect(run.counts == "2 0 0 0 3")
    }

    @Test func aFolderIsReadInTheOrderOfItsNames() throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir -p in/sub")
        try scratch.write("in/b.csv", "id,name\n1,again\n2,two\n")
        try scratch.write("in/a.csv", "name,id\none,1\n")
        try scratch.write("in/c.txt", "id\n9\n")
        try scratch.write("in/.d.csv", "id\n9\n")
        let source: JSON = ["file": .string("\(scratch.path)/in"), "format": "csv"]
        let run = try scratch.sync(["source": source])
        #expect(run.logs.first == "Found 3 records to process")
        #expect(
            run.of("error").compactMap { $0["message"]?.string } == [
                "b.csv:2 has the key 1, which a.csv:2 has already: it was left out"
            ])
        #expect(try scratch.sql("SELECT id, name FROM t ORDER BY id") == "1|one\n2|two")
        let globbed: JSON = ["file": .string("\(scratch.path)/in"), "glob": "b*.csv"]
        #expect(try scratch.sync(["source": globbed]).counts == "0 1 1 0 0")
    }

    @Test func aFolderThatCannotBeReadToItsEndIsNotTakenForAShortOne() throws {
        let scratch = try Scratch()
        try scratch.write("a.csv", "id\n1\n")
        let folder = try #require(opendir(scratch.path))
        defer { closedir(folder) }
        // getdents(2) says ENOTDIR then.
        let other = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(other) }
        try #require(dup2(other, dirfd(folder)) >= 0)
        let error = #expect(throws: SystemCallError.self) { try FileName.all(in: folder, scratch.path) }
        #expect(error?.operation == "readdir")
    }

    @Test func eventsOfCalendarsAreUnfoldedAndUnescaped() throws {
        let scratch = try Scratch()
        let lines = [
            "BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VTIMEZONE", "TZID:Europe/Berlin", "END:VTIMEZONE", "BEGIN:VEVENT",
            "UID:a@x",
            "dtstamp:20260101T000000Z", "DTSTART;TZID=Europe/Berlin:20260105T090000", "RRULE:FREQ=WEEKLY;COUNT=3",
            "SUMMARY;LANGUAGE=de:Caf\u{E9}\\, gro", " \u{DF}\\; und", "\t s\\\\o\\nweiter",
            "ATTENDEE;CN=\"Eins, A\":mailto:1@x",
            "ATTENDEE:mailto:2@x", "ATTENDEE;CN=Drei ^'D^':mailto:3@x", "BEGIN:VALARM", "TRIGGER:-PT15M", "END:VALARM",
            "END:VEVENT",
            "BEGIN:VEVENT", "UID:a@x", "RECURRENCE-ID;TZID=Europe/Berlin:20260112T090000", "SUMMARY:moved",
            "END:VEVENT",
            "BEGIN:VTODO", "UID:t", "END:VTODO", "END:VCALENDAR",
        ]
        try scratch.write("a.ics", lines.joined(separator: "\r\n") + "\r\n")
        let run = try scratch.sync("a.ics", ["key": .null])
        #expect(run.counts == "2 0 0 0 0")
        #expect(run.logs.first == "Found 2 records to process")
        #expect(
            try scratch.sql(
                "SELECT SUMMARY, DTSTART, \"DTSTART;TZID\", RRULE, ATTENDEE, \"ATTENDEE;CN\", VALARM FROM t LIMIT 1")
                == "Café, groß; und s\\o\nweiter|20260105T090000|Europe/Berlin|FREQ=WEEKLY;COUNT=3|"
                + #"["mailto:1@x","mailto:2@x","mailto:3@x"]|["Eins, A",null,"Drei \"D\""]|[{"TRIGGER":"-PT15M"}]"#)
        #expect(
            try scratch.sql("SELECT _key FROM t ORDER BY rowid")
                == "[\"a@x\",null]\n[\"a@x\",\"20260112T090000\"]")
        // Another export of the same: DTSTAMP says when it was written.
        try scratch.sh("sed -i s/20260101T000000Z/20260102T000000Z/ a.ics")
        #expect(try scratch.sync("a.ics", ["key": .null]).counts == "0 0 2 0 0")
        #expect(try scratch.sync("a.ics", ["key": .null, "ignore_fields": []]).counts == "0 1 1 0 0")
    }

    @Test func badEventsAreItemErrorsAndACutCalendarFailsTheJob() throws {
        let scratch = try Scratch()
        let good = "BEGIN:VEVENT\nUID:1\nEND:VEVENT\n"
        try scratch.write("a.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:0\nno colon\nEND:VEVENT\n\(good)END:VCALENDAR\n")
        let run = try scratch.sync("a.ics", ["key": .null])
        #expect(run.itemErrors == ["line 2 INVALID_ICALENDAR"])
        #expect(run.counts == "1 0 0 0 1")
        try scratch.write("b.ics", "BEGIN:VCALENDAR\n\(good)")
        #expect(try scratch.sync("b.ics", ["key": .null]).failure?["code"] == "INVALID_ICALENDAR")
        try scratch.write("c.ics", good)
        #expect(try scratch.sync("c.ics", ["key": .null]).failure?["code"] == "INVALID_ICALENDAR")
    }

    @Test(arguments: ["BEGIN:VALARM", "BEGIN:VALARM\nBEGIN:X-INNER"])
    func anEventWithAnOpenComponentTakesNoOtherWithIt(open: String) throws {
        let scratch = try Scratch()
        let good = (1...3).map { "BEGIN:VEVENT\nUID:\($0)\nEND:VEVENT\n" }
        let bad = "BEGIN:VEVENT\nUID:bad\n\(open)\nTRIGGER:-PT5M\nEND:VEVENT\n"
        try scratch.write("a.ics", "BEGIN:VCALENDAR\n\(good[0])\(bad)\(good[1])\(good[2])END:VCALENDAR\n")
        let run = try scratch.sync("a.ics", ["key": .null])
        #expect(run.itemErrors == ["line 5 INVALID_ICALENDAR"])
        #expect(run.counts == "3 0 0 0 1")
        #expect(run.logs.first == "Found 4 records to process")
        // One that has no end itself has taken the next one with it.
        try scratch.write("a.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:0\n\(good[0])END:VCALENDAR\n")
        #expect(try scratch.sync("a.ics", ["key": .null]).failure?["code"] == "INVALID_ICALENDAR")
    }

    @Test(arguments: [(62, "2 0 0 0 0"), (63, "1 0 0 0 1"), (60_000, "1 0 0 0 1")])
    func componentsWithoutEndInEachOtherAreAnItemError(depth: Int, counts: String) throws {
        let scratch = try Scratch()
        let inner = String(repeating: "BEGIN:X\n", count: depth) + String(repeating: "END:X\n", count: depth)
        let events = "BEGIN:VEVENT\nUID:0\n\(inner)END:VEVENT\nBEGIN:VEVENT\nUID:1\nEND:VEVENT\n"
        try scratch.write("a.ics", "BEGIN:VCALENDAR\n\(events)END:VCALENDAR\n")
        let run = try scratch.sync("a.ics", ["key": .null])
        #expect(run.counts == counts, "\(run.exit)")
        #expect(run.itemErrors == (depth > 62 ? ["line 2 INVALID_ICALENDAR"] : []))
    }

    @Test func aMissingSourceIsAnErrorInEveryMode() throws {
        let scratch = try Scratch()
        for mode in ["full", "incremental", "mirror"] {
            let run = try scratch.sync("none.csv", ["mode": .string(mode)])
            #expect(run.exit == 1)
            #expect(run.failure?["code"] == "SOURCE_MISSING")
        }
    }
}
