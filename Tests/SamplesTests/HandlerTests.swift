import JSONText
import Testing

/// The handlers and types in `samples/`, run by the real daemon.
@Suite struct HandlerTests {
    /// Runs a job to its end and returns its result file.
    private func run(_ place: Place, _ arguments: String, before: String) throws -> JSON {
        let lines = try place.succeed(
            """
            need jq; need rsync
            mkdir -p source/a 'source/b c' target; echo 1 >source/a/1; echo 2 >'source/b c/2 "3"'
            \(before)
            serve
            jobspool submit --name job \(arguments) --wait --json >/dev/null || :
            cat spool/job.result.json
            """)
        return try JSON(parsing: Array(lines.joined(separator: "\n").utf8))
    }

    private let params = "--param source=\"$PWD/source\" --param target=\"$PWD/target\""

    @Test func rsyncCopiesADirectory() throws {
        let place = try Place()
        let result = try run(place, "--type rsync \(params)", before: "touch -d 2020-01-01 source")
        #expect(result["outcome"] == "success")
        #expect(result["result"]?["source"]?.string == "\(place.path)/source")
        try place.succeed("diff -r source target")
        #expect(try place.succeed("jq .progress.processed spool/job.status.json") == ["5"])
    }

    @Test func aDryRunOfRsyncCopiesNothing() throws {
        let place = try Place()
        let result = try run(place, "--type rsync --dry-run \(params)", before: "")
        #expect(result["outcome"] == "success")
        #expect(result["dry_run"] == true)
        #expect(try place.succeed("ls target") == [])
    }

    @Test func backupPacksEveryDirectory() throws {
        let place = try Place()
        let result = try run(place, "--type backup \(params)", before: "")
        #expect(result["outcome"] == "success")
        #expect(result["result"] == ["archives": 2])
        #expect(try place.succeed("tar -tzf 'target/b c.tar.gz'") == ["b c/", "b c/2 \"3\""])
    }

    @Test func aHandlerToldTooLittleSaysWhichParamsAreWrong() throws {
        let result = try run(try Place(), "--type backup", before: "")
        #expect(result["status"] == "failed")
        #expect(result["error"]?["code"] == "INVALID_PARAMS")
    }

    @Test func aLineOfShellIsAJobAndWhatItPrintsIsItsLog() throws {
        let place = try Place()
        let result = try run(place, "--type disk-usage", before: "")
        #expect(result["outcome"] == "success")
        #expect(try place.succeed("jq -r .message spool/job.log.jsonl").last?.hasSuffix("total") ?? false)
    }

    @Test func aTypeFixesWhatARequestMayNotSay() throws {
        let place = try Place()
        let result = try run(place, "--type iso-codes.sync --param source=/etc", before: "")
        #expect(result["status"] == "rejected")
        #expect(result["error"]?["code"] == "INVALID_PARAMS")
        #expect(result["error"]?["details"]?["field"] == "params.source")
    }
}
