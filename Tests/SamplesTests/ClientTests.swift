import Testing

/// The clients in `samples/clients/`, each with the real daemon.
@Suite struct ClientTests {
    static let clients = [
        (command: "sh samples/clients/submit.sh", tool: "jq", package: "jq"),
        (command: "python3 samples/clients/submit.py", tool: "python3", package: "python3"),
        (command: "php samples/clients/submit.php", tool: "php", package: "php-cli"),
    ]

    @Test(arguments: clients)
    func aClientDropsARequestAndPrintsItsOwnOutcome(command: String, tool: String, package: String) throws {
        let place = try Place()
        let lines = try place.succeed(
            """
            need \(tool) \(package)
            serve
            for run in 1 2; do \(command) spool iso-codes.sync "{\\"target\\": \\"$PWD/iso codes\\"}"; done
            """)
        #expect(
            lines == [
                "completed success: Sync complete: 16 created, 0 updated, 0 skipped, 0 deleted, 0 failed",
                "completed success: Sync complete: 0 created, 0 updated, 16 skipped, 0 deleted, 0 failed",
            ])
        try place.succeed("diff -r /usr/share/iso-codes/json 'iso codes'")
        #expect(try place.succeed("ls -A spool | grep -c tmp || :") == ["0"])
    }

    @Test(arguments: clients)
    func aClientTellsWhenNothingRanAndExitsWithOne(command: String, tool: String, package: String) throws {
        let place = try Place()
        let ended = try place.run(
            """
            need \(tool) \(package)
            serve
            status=0; \(command) spool iso-code.sync || status=$?
            echo $status
            """)
        #expect(ended.lines.first?.hasPrefix("rejected UNKNOWN_TYPE: ") ?? false, "\(ended.output)\(ended.errors)")
        #expect(ended.lines.last == "1")
    }

    @Test(arguments: clients)
    func aClientTellsOfAJobThatWasCancelledAndHasNeitherOutcomeNorError(
        command: String, tool: String, package: String
    ) throws {
        let place = try Place()
        let ended = try place.run(
            """
            need \(tool) \(package)
            need jq
            serve
            jobspool pause >/dev/null
            \(command) spool iso-codes.sync >output 2>&1 & client=$!
            until name=$(jobspool list --status pending --json | jq -er '.[].name'); do sleep 0.05; done
            jobspool cancel "$name" >/dev/null
            status=0; wait $client || status=$?
            cat output
            echo $status
            """)
        #expect(ended.lines.first?.hasPrefix("cancelled: Cancelled by ") ?? false, "\(ended.output)\(ended.errors)")
        #expect(ended.lines.count == 2, "\(ended.output)")
        #expect(ended.lines.last == "1")
    }

    @Test(arguments: clients)
    func aClientDoesNotWaitForWhatItCouldNotDrop(command: String, tool: String, package: String) throws {
        let place = try Place()
        let ended = try place.run(
            """
            need \(tool) \(package)
            mkdir -p spool
            for try in "nowhere iso-codes.sync" "spool iso-codes.sync {a:1}"; do
                status=0; timeout 10 \(command) $try 2>/dev/null || status=$?
                case $status in 0 | 124) ;; *) echo refused ;; esac
            done
            ls -A spool
            """)
        #expect(ended.lines.filter { $0 == "refused" }.count == 2, "\(ended.output)\(ended.errors)")
        #expect(!ended.output.contains(".json"), "\(ended.output)")
    }
}
