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
}
