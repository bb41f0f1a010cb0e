import Glibc
import JSONText
import Testing

/// Django 4.2 and 4.2.16, with rsync as the judge. `Tests/data.sh` fetches them.
@Suite struct RealDataTests {
    private let data: String

    init() throws {
        func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
        data = environment("JOBSPOOL_TEST_DATA") ?? (environment("TMPDIR") ?? "/tmp") + "/jobspool-test-data"
        for needed in ["\(data)/Django-4.2/setup.py", "\(data)/Django-4.2.16/setup.py"] {
            try #require(
                access(needed, R_OK) == 0, "\(needed) is missing: run Tests/data.sh (needs pip and the network)")
        }
        try #require(access("/usr/bin/rsync", X_OK) == 0, "rsync is missing: apt-get install rsync")
    }

    /// What rsync would still have to do, owners and groups apart.
    private func differences(_ scratch: Scratch, _ version: String) throws -> String {
        try scratch.sh(
            "rsync -aicn --delete --no-owner --no-group '\(data)/Django-\(version)/' target/")
    }

    private func params(_ version: String, _ more: JSONObject = [:]) -> JSONObject {
        var params = more
        params["source"] = .string("\(data)/Django-\(version)")
        return params
    }

    @Test(arguments: ["mtime_size", "checksum"])
    func theSourcesOfDjangoComeAndGoAsRsyncSaysTheyShould(compare: String) throws {
        let scratch = try Scratch()
        let first = try scratch.sync(params("4.2", ["compare": .string(compare)]))
        #expect(first.counts == "6693 0 0 0 0")
        #expect(try differences(scratch, "4.2") == "")
        #expect(try scratch.sh("find target ! -type d | wc -l") == "6693\n")

        let judged = try scratch.sh(
            "rsync -aicn --no-owner --no-group '\(data)/Django-4.2.16/' target/ | cut -c1-3 | LC_ALL=C sort | uniq -c")
        let dry = try scratch.sync(params("4.2.16", ["compare": .string(compare)]), dryRun: true)
        let second = try scratch.sync(params("4.2.16", ["compare": .string(compare)]))
        #expect(second.counts == "32 221 6472 0 0")
        #expect(dry.result?["counts"] == second.result?["counts"])
        let attributes = try #require(second.result?["counts"]?["attributes"]?.int)
        #expect(
            judged.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
                .filter { !$0.hasSuffix(".d.") } == ["\(attributes) .f.", "32 >f+", "221 >fc"])
        #expect(try differences(scratch, "4.2.16") == "")
        #expect(try scratch.sh("find target ! -type d | wc -l") == "6725\n")

        let back = try scratch.sync(params("4.2", ["compare": .string(compare), "delete": true]))
        #expect(back.counts == "0 221 6472 32 0")
        #expect(try differences(scratch, "4.2") == "")
        let again = try scratch.sync(params("4.2", ["delete": true]))
        #expect(again.counts == "0 0 6693 0 0")
    }
}
