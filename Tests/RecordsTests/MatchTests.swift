import JSONText
import Testing

@Suite struct MatchTests {
    @discardableResult
    private func match(_ scratch: Scratch, _ rules: JSON, _ more: JSONObject = [:], dryRun: Bool = false) throws -> Run
    {
        var params: JSONObject = [
            "left": ["file": .string("\(scratch.path)/left.csv"), "key": "id"],
            "right": ["file": .string("\(scratch.path)/right.csv"), "key": "id"], "rules": rules,
            "target": ["sqlite": .string("\(scratch.path)/target.db"), "table": "t"],
        ]
        for (key, value) in more.members { params[key] = value }
        return try scratch.run("records.match", params, dryRun: dryRun)
    }

    private func prepare() throws -> Scratch {
        let scratch = try Scratch()
        try scratch.write(
            "left.csv",
            """
            id,mail,phone,sku
            1,a@x.org,,
            2,B@x.org,,
            3,twice@x.org,,
            4,twice@x.org,+49 30 111111,
            5,many@x.org,,
            6,none@x.org,,
            7,,,
            8,,030 222222,ab-1

            """)
        try scratch.write(
            "right.csv",
            """
            id,email,tel,code
            A,A@X.org,,
            B,b@x.org,,
            C,twice@x.org,030 111111,
            D,many@x.org,,
            E,many@x.org,,
            F,,0049 30 222222,AB1

            """)
        return scratch
    }

    private let rules: JSON = [
        ["left": "mail", "right": "email", "normalize": "email"],
        ["left": "phone", "right": "tel", "normalize": "phone", "country": "49"],
    ]

    @Test func onlyWhatIsCertainIsMatchedAndTheRestHasItsReason() throws {
        let scratch = try prepare()
        let dry = try match(scratch, rules, dryRun: true)
        #expect(try scratch.sh("ls") == "left.csv\nright.csv\n")
        let run = try match(scratch, rules)
        #expect(run.counts == "4 0 4 0 0")
        #expect(dry.counts == run.counts)
        #expect(
            try scratch.sql("SELECT left_key, right_key, rule, value FROM t ORDER BY 1") == """
                1|A|mail = email email|a@x.org
                2|B|mail = email email|b@x.org
                4|C|phone = tel phone|4930111111
                8|F|phone = tel phone|4930222222
                """)
        #expect(
            try scratch.sql("SELECT * FROM t_skipped ORDER BY 1")
                == "3|SEVERAL_LEFT\n5|SEVERAL_RIGHT\n6|NO_MATCH\n7|NO_VALUE")
        #expect(run.result?["skipped"] == ["NO_VALUE": 1, "NO_MATCH": 1, "SEVERAL_LEFT": 1, "SEVERAL_RIGHT": 1])
        #expect(run.logs.contains("Skipped 1 that match several right records: 5"))
    }

    @Test func mappingsThatStandAreKept() throws {
        let scratch = try prepare()
        _ = try match(scratch, rules)
        // Set by hand: 6 is D. And what 1 and A say now has changed.
        _ = try scratch.sql("INSERT INTO t (left_key, right_key) VALUES ('6', 'D')")
        try scratch.sh(
            "sed -i 's/^1,a@x.org/1,new@x.org/' left.csv; printf 'G,new@x.org,,\\n' >>right.csv; printf '9,a@x.org,,\\n' >>left.csv; sed -i -e '$a\\' left.csv right.csv"
        )
        let run = try match(scratch, rules)
        #expect(run.result?["kept"] == 5)
        #expect(run.counts == "0 0 9 0 0")
        #expect(try scratch.sql("SELECT right_key FROM t WHERE left_key IN ('1', '6') ORDER BY left_key") == "A\nD")
        #expect(try scratch.sql("SELECT reason FROM t_skipped WHERE left_key = '9'") == "TAKEN")
    }

    /// Somebody else's last transaction is still in the write-ahead log, which a dry run reads and leaves.
    @Test func aDryRunLeavesTheWriteAheadLog() throws {
        let scratch = try prepare()
        try match(scratch, rules)
        try scratch.sh(
            """
            python3 - <<'END'
            import os, sqlite3
            db = sqlite3.connect("target.db")
            db.execute("INSERT INTO t (left_key, right_key) VALUES ('6', 'D')")
            db.commit()
            os._exit(0)
            END
            test -s target.db-wal
            """)
        let dry = try match(scratch, rules, dryRun: true)
        #expect(dry.exit == 0, "\(dry.lines)")
        #expect(dry.result?["kept"] == 5)
    }

    @Test func tablesAreMatchedToo() throws {
        let scratch = try Scratch()
        _ = try scratch.sql(
            "CREATE TABLE a (id INTEGER PRIMARY KEY, n); CREATE TABLE b (id INTEGER PRIMARY KEY, n); INSERT INTO a VALUES (1, 17), (2, 'x'); INSERT INTO b VALUES (10, '17'), (20, NULL)"
        )
        let run = try match(
            scratch, [["left": "n"]],
            [
                "left": ["sqlite": .string("\(scratch.path)/target.db"), "table": "a"],
                "right": ["sqlite": .string("\(scratch.path)/target.db"), "query": "SELECT * FROM b", "key": "id"],
            ])
        #expect(run.counts == "1 0 1 0 0")
        #expect(try scratch.sql("SELECT * FROM t") == "1|10|n exact|17")
    }

    @Test func repeatedKeysAndUnusableRecordsAreItemErrors() throws {
        let scratch = try prepare()
        try scratch.sh("printf '1,z@x.org,,\\n,k@x.org,,\\nx\\n' >>left.csv")
        let run = try match(scratch, rules)
        #expect(run.itemErrors == ["1 DUPLICATE_KEY", "left line 11 NO_KEY", "left line 12 WRONG_FIELD_COUNT"])
        #expect(run.counts == "0 0 8 0 3")
        #expect(try match(scratch, rules, ["max_errors": 2]).failure?["code"] == "TOO_MANY_ERRORS")
    }

    /// What could not be read may have the value of what could: the pair would stand, also when the record is mended.
    @Test(arguments: ["left.csv", "right.csv"]) func nothingNewIsMatchedWhileRecordsCannotBeRead(file: String) throws {
        let scratch = try prepare()
        try scratch.sh("cp \(file) whole; sed -i '2d' left.csv right.csv")
        #expect(try match(scratch, rules).counts == "3 0 4 0 0")
        try scratch.sh("mv whole \(file); printf 'x\\n' >>\(file)")
        for dryRun in [true, false] {
            let run = try match(scratch, rules, dryRun: dryRun)
            #expect(run.result?["matched"] == 0)
            #expect(run.result?["kept"] == 3, "what stands")
            #expect(run.logs.contains("No new matches: 1 records could not be read, and may be those that match"))
        }
        #expect(try scratch.sql("SELECT COUNT(*) FROM t") == "3")
    }

    @Test func recordsThatMightMatchHaveTheirReason() throws {
        let scratch = try prepare()
        try scratch.sh("printf 'x\\n' >>right.csv")
        #expect(try match(scratch, rules).result?["skipped"]?["UNCERTAIN"] == 4)
        #expect(
            try scratch.sql("SELECT group_concat(left_key) FROM t_skipped WHERE reason = 'UNCERTAIN'") == "1,2,4,8")
        try scratch.sh("sed -i '$d' right.csv")
        #expect(try match(scratch, rules).counts == "4 0 4 0 0")
    }

    /// Of those that are left out, under a key that is there already or under none; a repeat of the same is none of them.
    @Test(
        arguments: [
            ("left.csv", "9,c@x.org,,\n9,a@x.org,,", "SEVERAL_LEFT"), ("left.csv", ",a@x.org,,", "SEVERAL_LEFT"),
            ("right.csv", "G,c@x.org,,\nG,a@x.org,,", "SEVERAL_RIGHT"), ("right.csv", ",a@x.org,,", "SEVERAL_RIGHT"),
            ("right.csv", "A,a@x.org,,", ""), ("left.csv", "1,a@x.org,,", ""), ("left.csv", "1,b@x.org,,", ""),
        ])
    func valuesOfRecordsThatAreLeftOutAreNotUnique(file: String, lines: String, reason: String) throws {
        let scratch = try prepare()
        try scratch.sh("printf '\(lines)\\n' >>\(file)")
        let run = try match(scratch, rules)
        #expect(run.itemErrors.count == 1)
        #expect(try scratch.sql("SELECT reason FROM t_skipped WHERE left_key = '1'") == reason)
        #expect(try scratch.sql("SELECT right_key FROM t WHERE left_key = '1'") == (reason.isEmpty ? "A" : ""))
        // Also of the other record that has it.
        let other = lines.hasPrefix("1,b") ? "" : "B"
        #expect(try scratch.sql("SELECT right_key FROM t WHERE left_key = '2'") == other)
    }

    @Test(
        arguments: [
            ("left.csv", "id,mail\n,a@x.org\n,b@x.org\n"), ("right.csv", "id,email\n,a@x.org\n,b@x.org\n"),
        ])
    func aSideOfWhichEveryRecordFailedFailsTheJob(file: String, text: String) throws {
        let scratch = try prepare()
        let rules: JSON = [["left": "mail", "right": "email"]]
        try match(scratch, rules)
        let before = try scratch.sql(".dump")
        try scratch.write(file, text)
        for dryRun in [true, false] {
            let run = try match(scratch, rules, dryRun: dryRun)
            #expect(run.itemErrors.count == 2)
            #expect(run.failure?["code"] == "TOO_MANY_ERRORS", "\(run.lines)")
        }
        #expect(try scratch.sql(".dump") == before)
    }

    @Test(arguments: [(12, nil), (11, "TOO_MANY_ERRORS")] as [(Int, String?)])
    func thePercentageIsThatOfTheSide(percent: Int, code: String?) throws {
        let scratch = try prepare()
        // One of nine on the left; none of six on the right, where one more would be more.
        try scratch.sh("printf ',k@x.org,,\\n' >>left.csv")
        let run = try match(scratch, rules, ["max_error_percent": JSON(percent)])
        #expect(run.failure?["code"]?.string == code)
    }

    @Test func failuresOfOneSideAreNoneOfTheOther() throws {
        let scratch = try prepare()
        // Four of twelve on the left, one of seven on the right: five of seven would be too many.
        try scratch.sh("printf ',k@x.org,,\\n%.0s' 1 2 3 4 >>left.csv; printf ',k@x.org,,\\n' >>right.csv")
        #expect(try match(scratch, rules, ["max_error_percent": 40]).counts == "4 0 4 0 5")
        #expect(try match(scratch, rules, ["max_errors": 4]).failure?["code"] == "TOO_MANY_ERRORS", "of the job")
    }

    @Test(
        arguments: [
            ([["left": "mial", "right": "email"]], "params.rules"), ([], "params.rules"),
            ([["left": "mail", "normalise": "email"]], "params.rules.1.normalise"),
            ([["left": "mail", "normalize": "soundex"]], "params.rules.1.normalize"),
            ([["left": "mail", "country": "49"]], "params.rules.1.country"),
        ] as [(JSON, String)])
    func rulesThatAreWrongAreRefused(rules: JSON, field: String) throws {
        let scratch = try prepare()
        let run = try match(scratch, rules)
        #expect(run.exit == 64)
        #expect(run.failure?["details"]?["field"]?.string == field)
    }
}
