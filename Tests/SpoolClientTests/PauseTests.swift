import Glibc
import JSONText
import SpoolClient
import SpoolProtocol
import SpoolStorage
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

    @Test("works beside a status of the spool that a power cut has damaged") func damaged() throws {
        try spool.write("", "spool.status.json")
        #expect(try spool.client.pause(reason: "maintenance"))
        #expect(try spool.client.pause()?.reason == "maintenance")
    }

    @Test("works by any file of that name, one that nobody can read included", arguments: ["", "back soon\n"])
    func byHand(content: String) throws {
        try spool.write(content, "spool.pause.json")
        chmod("\(spool.path)/spool.pause.json", 0)
        let pause = try #require(try spool.client.pause())
        if geteuid() == 0 { #expect(pause.reason == (content.isEmpty ? nil : "back soon")) }
    }

    @Test(
        "takes the place of a file that counts for nothing",
        .enabled(if: geteuid() == 0, "only root can be another user"))
    func replaces() throws {
        chmod(spool.path, 0o1777)
        try spool.write("", "spool.pause.json")
        chown("\(spool.path)/spool.pause.json", 65534, 65534)
        #expect(try spool.client.pause(reason: "mine"))
        #expect(try spool.client.pause()?.reason == "mine")
        #expect(try !spool.client.pause(reason: "another"))
        #expect(try spool.files == ["spool.pause.json"])
    }

    @Test("is not made by another name of somebody's file, where others may write") func links() throws {
        try spool.write("", "somebody's")
        chmod(spool.path, 0o1777)
        #expect(link("\(spool.path)/somebody's", "\(spool.path)/spool.pause.json") == 0)
        #expect(try spool.client.pause() == nil)
        let doctor = try CommandRunner.run("jobspool doctor --no-canary", in: spool.path).output
        #expect(doctor.contains("has several names"), "\(doctor)")
        #expect(try spool.client.pause(reason: "mine"))
        #expect(try spool.client.pause()?.reason == "mine")
        chmod(spool.path, 0o755)
        #expect(link("\(spool.path)/spool.pause.json", "\(spool.path)/another") == 0)
        #expect(try spool.client.pause()?.reason == "mine")
    }

    @Test("counts when a link is made of it, by the word of the daemon that it has paused") func laterLink() throws {
        chmod(spool.path, 0o1777)
        #expect(try spool.client.pause(reason: "maintenance"))
        #expect(link("\(spool.path)/spool.pause.json", "\(spool.path)/backup") == 0)
        #expect(try spool.client.pause() == nil)
        let served = try Spool.open(spool.path)
        let identity = DaemonIdentity(
            pid: Int(getpid()), host: "h", user: "u", startedAt: Clock.now(), version: "1")
        let lock = try SpoolLock(served, as: identity)
        var daemon = identity.json.object ?? [:]
        daemon["state"] = "running"
        let pause = Pause(since: Clock.now(), by: "root", content: [])
        for (paused, counts) in [(JSON.null, false), (pause.json, true)] {
            try spool.publish(["v": 1, "daemon": .object(daemon), "paused": paused], .spoolStatus)
            #expect(try (spool.client.pause()?.reason == "maintenance") == counts)
            #expect(try CommandRunner.run("jobspool status", in: spool.path).output.contains("paused") == counts)
        }
        #expect(try !spool.client.pause(reason: "another"))
        withExtendedLifetime(lock) {}
    }

    @Test(
        "says whose file is in the way where that may not be replaced",
        .enabled(if: geteuid() == 0, "only root can be another user"),
        arguments: ["file", "directory"])
    func inTheWay(kind: String) throws {
        chmod(spool.path, 0o1777)
        _ = try spool.root.makeDirectory(SpoolFile.privateDirectory, mode: 0o755)
        chown("\(spool.path)/\(SpoolFile.privateDirectory)", 65533, 65533)
        if kind == "file" {
            try spool.write("", "spool.pause.json")
        } else {
            _ = try spool.root.makeDirectory("spool.pause.json", mode: 0o755)
        }
        chown("\(spool.path)/spool.pause.json", 65534, 65534)
        let command = try CommandRunner.run(
            "cp $JOBSPOOL /tmp/jobspool-$$; setpriv --reuid=65533 --clear-groups /tmp/jobspool-$$ pause; s=$?; rm /tmp/jobspool-$$; exit $s",
            in: spool.path)
        #expect(command.status == 77)
        #expect(command.output.isEmpty)
        #expect(command.diagnostics.contains("spool.pause.json"))
        #expect(command.diagnostics.contains("of \(Users.name(of: 65534))"), "\(command.diagnostics)")
        #expect(command.diagnostics.contains("remove it"))
        #expect(try spool.files == [SpoolFile.privateDirectory, "spool.pause.json"])
    }

    @Test(
        "is not for somebody whose file would count for nothing",
        .enabled(if: geteuid() == 0, "only root can be another user"))
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
