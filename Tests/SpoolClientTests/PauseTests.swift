import Glibc
import SpoolClient
import SpoolProtocol
import Testing

@Suite("Pausing a spool")
struct PausingTests {
    private let spool: TestSpool

    init() throws { spool = try TestSpool() }

    @Test("says why and by whom; twice is once, and the first reason stays")
    func pauses() throws {
        #expect(try spool.client.pause() == nil)
        #expect(try spool.client.pause(reason: "maintenance"))
        #expect(try !spool.client.pause(reason: "another"))
        let pause = try #require(try spool.client.pause())
        #expect(pause.reason == "maintenance")
        #expect(try spool.files == ["spool.pause.json"])
        #expect(try spool.client.resume())
        #expect(try !spool.client.resume())
        #expect(try spool.client.pause() == nil)
        #expect(try spool.files == [])
    }

    @Test("works by any file of that name, one that nobody can read included", arguments: ["", "back soon\n"])
    func byHand(content: String) throws {
        try spool.write(content, "spool.pause.json")
        chmod("\(spool.path)/spool.pause.json", 0)
        let pause = try #require(try spool.client.pause())
        if geteuid() == 0 { #expect(pause.reason == (content.isEmpty ? nil : "back soon")) }
    }

    @Test("is not for somebody whose file would count for nothing", .enabled(if: geteuid() == 0))
    func notPermitted() throws {
        chmod(spool.path, 0o1777)
        try spool.write("", "spool.pause.json")
        chown("\(spool.path)/spool.pause.json", 65534, 65534)
        #expect(try spool.client.pause() == nil)
        unlink("\(spool.path)/spool.pause.json")
        // The program may be where that user cannot go: a copy is run.
        let command = try CommandRunner.run(
            "cp $JOBSPOOL /tmp/jobspool-$$; setpriv --reuid=65534 --clear-groups /tmp/jobspool-$$ pause; s=$?; rm /tmp/jobspool-$$; exit $s",
            in: spool.path)
        #expect(command.status == 77)
        #expect(command.diagnostics.contains("may pause it"))
        #expect(try spool.files == [])
        chown(spool.path, 65534, 65534)
        #expect(try spool.client.pause(reason: nil))
    }
}
