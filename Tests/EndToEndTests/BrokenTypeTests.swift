/// Types that cannot work: who watches the spool, reads the daemon's log or asks the doctor hears of it, with the remedy.
import Glibc
import JSONText
import Testing

extension EndToEnd {
    @Suite("A type that cannot work")
    struct BrokenTypeTests {
        private let yard: Yard

        init() throws { yard = try Yard() }

        private func summary(_ type: String) throws -> JSON? { try yard.json("spool.status.json")?["types"]?[type] }

        @Test("since its handler is gone has failed the last time, for all who watch it") func vanished() async throws {
            let handler = "\(yard.root)/types/handler"
            try Yard.write("#!/bin/sh\nexit 0\n", toFile: handler)
            chmod(handler, 0o755)
            try Yard.write(#"{"command": ["./handler"]}"#, toFile: "\(yard.root)/types/t.json")
            try await yard.start()
            try yard.drop("good", ["type": "t"])
            try await eventually("it to be told of") {
                try summary("t")?["last_status"] == "completed" ? true : nil
            }
            unlink(handler)
            try yard.drop("bad", ["type": "t"])
            let shown = try await eventually("the failure to be told of") {
                try summary("t").flatMap { $0["last_job"] == "bad" ? $0 : nil }
            }
            #expect(shown["last_status"] == "failed")
            #expect(shown["last_error"]?["code"] == "HANDLER_NOT_FOUND")
            #expect(shown["last_run"] == .null)
        }

        @Test("since its directory is gone is waited for, and another directory in its place is used, also by a link")
        func replacedDirectory() async throws {
            try yard.define("t", "echo old")
            try await yard.start()
            #expect(yard.shell("mv ../types ../old").status == 0)
            try yard.drop("waits", ["type": "t"])
            try await eventually("that to be told") {
                try yard.json("spool.status.json")?["trouble"]?.string?.contains("types") == true ? true : nil
            }
            #expect(!yard.exists("waits.result.json"))
            let change = "cp -r ../old ../new && sed -i s/old/new/ ../new/t.json && ln -s new ../types"
            #expect(yard.shell(change).status == 0)
            #expect(try await yard.result("waits")["status"] == "completed")
            #expect(try yard.messages("waits") == ["new"])
            #expect(yard.shell("ln -sfn old ../types").status == 0)
            try yard.drop("next", ["type": "t"])
            #expect(try await yard.result("next")["status"] == "completed")
            #expect(try yard.messages("next") == ["old"])
        }

        @Test("since its definition is wrong is told of at once, in the log and in `spool.status.json`")
        func definitions() async throws {
            try yard.define("good", "exit 0")
            try Yard.write(#"{"command": "x"}"#, toFile: "\(yard.root)/types/wrong.json")
            try Yard.write(#"{"extends": "nosuch"}"#, toFile: "\(yard.root)/types/orphan.json")
            try await yard.start("--rescan", "1")
            try await eventually("it to be told") { yard.daemonLog.contains("wrong.json is not valid") ? true : nil }
            #expect(yard.daemonLog.contains(#""orphan" extends "nosuch": there is no type "nosuch""#))
            // The spool's status says it a moment later.
            try await eventually("it to be shown") {
                try summary("wrong")?["problem"]?.string?.contains("`command`") == true ? true : nil
            }
            #expect(try summary("good")?["problem"] == .null)
            try yard.define("wrong", "exit 0")
            try await eventually("it to be right") { try summary("wrong")?["problem"] == .null ? true : nil }
            // What is wrong with the directory is one line, not one of each.
            chmod("\(yard.root)/types", 0o777)
            try await eventually("the directory to be told of") {
                yard.daemonLog.contains("types is refused: its directory can be written by others") ? true : nil
            }
            try await eventually("that to be shown") {
                try summary("good")?["problem"]?.string?.contains("is refused") == true ? true : nil
            }
            #expect(!yard.daemonLog.contains("good.json is refused"))
            let doctor = yard.shell("\(Yard.executables)/jobspool doctor .")
            #expect(doctor.status == 1)
            #expect(doctor.output.contains("types is refused"), "\(doctor.output)")
        }

        @Test(
            "since its script cannot be interpreted says why",
            arguments: [
                ("#!/bin/sh\r\nexit 0\r\n", "carriage return", "sed -i"),
                ("#!/usr/bin/nosuch -x\nexit 0\n", "names /usr/bin/nosuch, which is not there", "install that"),
            ])
        func interpreters(script: String, problem: String, remedy: String) async throws {
            let handler = "\(yard.root)/types/handler"
            try Yard.write(script, toFile: handler)
            chmod(handler, 0o755)
            try Yard.write(#"{"command": ["./handler"]}"#, toFile: "\(yard.root)/types/t.json")
            try await yard.start()
            try yard.drop("job", ["type": "t"])
            let error = try await yard.result("job")["error"]
            #expect(error?["code"] == "HANDLER_NOT_FOUND")
            for text in [problem, remedy] {
                #expect(error?["message"]?.string?.contains(text) == true, "\(error?.text ?? "")")
            }
            let doctor = yard.shell("\(Yard.executables)/jobspool doctor . --types ../types")
            #expect(doctor.status == 1)
            #expect(doctor.output.contains(problem), "\(doctor.output)")
        }

        @Test("that says it fails and exits with 0 is completed, and its log says how that is") func failure()
            async throws
        {
            try yard.define("t", #"echo '{"type":"failure","code":"NO_WAY","message":"not today"}'"#)
            try await yard.start()
            try yard.drop("job", ["type": "t"])
            #expect(try await yard.result("job")["status"] == "completed")
            #expect(
                try yard.messages("job", source: "daemon") == [
                    "exited with 0 after it had said that it fails (NO_WAY: not today): that counts as success"
                ])
        }

        @Test("without the programs of this package finds them: they are the last of its PATH") func path() async throws
        {
            try yard.define("t", "command -v jobspool-library; echo $PATH")
            try await yard.start()
            try yard.drop("job", ["type": "t"])
            _ = try await yard.result("job")
            let said = try yard.messages("job")
            #expect(said.first == "\(Yard.executables)/jobspool-library")
            #expect(said.last?.hasPrefix("/usr/local/sbin:/usr/local/bin:") == true)
            #expect(said.last?.hasSuffix(":\(Yard.executables)") == true)
        }
    }
}
