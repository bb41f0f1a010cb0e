/// A disk that is really full: the spool is on a small file system of its own, which a file fills.
import Glibc
import JSONText
import Testing

/// Mounting needs root, and more than that in some containers.
private let mayMount: Bool = {
    do {
        let yard = try Yard()
        return yard.shell("mount -t tmpfs -o size=1m none . && umount .").status == 0
    } catch {
        return false
    }
}()

extension EndToEnd {
    @Suite("A full disk", .enabled(if: mayMount, "file systems cannot be mounted here"))
    struct FullDiskTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        @Test("pauses the spool with a reason; running jobs go on, and all goes on by itself when there is room")
        func full() async throws {
            #expect(yard.shell("cd .. && mount -t tmpfs -o size=2m none spool").status == 0)
            defer { yard.shell("cd .. && umount -l spool") }
            try yard.define(
                "t", "echo one; while [ ! -e \"$GO\" ]; do sleep 0.02; done; echo two",
                [
                    "environment": ["GO": .string("\(yard.root)/go"), "PATH": "/usr/bin:/bin"]
                ])
            try await yard.start()
            try yard.drop("first", ["type": "t"])
            try await eventually("the handler") { try yard.messages("first") == ["one"] ? true : nil }
            try yard.write(#"{"type": "t"}"#, to: ".next.part")
            try yard.write(#"{"type": "t"}"#, to: ".last.part")
            // Up to the last page.
            #expect(yard.shell("cat /dev/zero >.fill 2>&1; mv .next.part next.json").status == 0)
            let paused = try await eventually("the spool to be paused") { () -> JSON? in
                let status = try yard.json("spool.status.json")
                return status?["disk_full"] == true ? status?["paused"] : nil
            }
            #expect(paused["reason"]?.string?.contains("the disk is full") == true)
            #expect(paused["reason"]?.string?.contains("No space left on device") == true)
            let shown = yard.shell("'\(Yard.executables)/jobspool' status --spool .")
            #expect(shown.output.contains("the disk is full"), "\(shown.output)")
            // The running job comes to its end in the meantime; its result waits for room.
            try Yard.write("", toFile: "\(yard.root)/go")
            try await eventually("the attempt to end") { yard.processesInside().isEmpty ? true : nil }
            #expect(!yard.exists("next.status.json"))
            #expect(yard.supervisors().isEmpty)
            #expect(yard.shell("rm .fill").status == 0)
            #expect(try await yard.result("first")["status"] == "completed")
            #expect(try yard.messages("first") == ["one", "two"])
            #expect(try await yard.result("next")["status"] == "completed")
            try await eventually("the pause to end") {
                try yard.json("spool.status.json")?["paused"]?.isNull == true ? true : nil
            }
            #expect(try yard.json("spool.status.json")?["trouble"]?.string?.contains("No space left") == true)
            let notices = try await eventually("the end of the pause in the feed") {
                let notices = try yard.lines("spool.events.jsonl").compactMap { $0["message"]?.string }
                return notices.contains("there is room on the disk again: all goes on") ? notices : nil
            }
            #expect(notices.contains { $0.hasPrefix("the disk is full") })
        }

        @Test(
            "keeps no daemon from stopping: the next one commits what this one could not", arguments: ["stop", "leave"])
        func stopping(how: String) async throws {
            #expect(yard.shell("cd .. && mount -t tmpfs -o size=2m none spool").status == 0)
            defer { yard.shell("cd .. && umount -l spool") }
            try yard.define(
                "t", "echo one; while [ ! -e \"$GO\" ]; do sleep 0.02; done; echo two",
                ["environment": ["GO": .string("\(yard.root)/go"), "PATH": "/usr/bin:/bin"]])
            try await yard.start("--on-stop", how)
            try yard.drop("first", ["type": "t"])
            try await eventually("the handler") { try yard.messages("first") == ["one"] ? true : nil }
            try yard.write(#"{"type": "t"}"#, to: ".next.part")
            #expect(yard.shell("cat /dev/zero >.fill 2>&1; mv .next.part next.json").status == 0)
            try await eventually("the shortage to be seen") {
                try yard.json("spool.status.json")?["disk_full"] == true ? true : nil
            }
            // Also what the daemon had kept back for that.
            #expect(yard.shell("cat /dev/zero >.more 2>&1").status != 0)
            try Yard.write("", toFile: "\(yard.root)/go")
            try await eventually("the attempt to end") { yard.processesInside().isEmpty ? true : nil }
            #expect(try await yard.stopDaemon() == 0)
            #expect(!yard.exists("first.result.json"))
            #expect(yard.shell("rm .fill .more").status == 0)
            try await yard.start()
            #expect(try await yard.result("first")["status"] == "completed")
        }
    }
}
