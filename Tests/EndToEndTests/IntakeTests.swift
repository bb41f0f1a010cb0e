/// Every way to drop a file, and everything that is none.
import Glibc
import JSONText
import Testing

extension EndToEnd {
    @Suite("A dropped file")
    struct IntakeTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        static let ways: [(String, String)] = [
            ("rename", "echo $R > .x.part; mv .x.part x.json"),
            ("rename from elsewhere", "echo $R > ../x; mv ../x x.json"),
            ("cp", "echo $R > ../x; cp ../x x.json"), ("redirection", "echo $R > x.json"),
            ("link", "echo $R > ../x; ln ../x x.json"), ("cat", "echo $R | cat > x.json"),
            ("an editor that renames", "echo $R > x.json~; mv x.json~ x.json"),
            ("an editor that keeps a backup", "echo $R > x.json; mv x.json x.json~; cp x.json~ x.json"),
            ("rsync", "echo $R > ../x.json; rsync -a ../x.json ./"),
            ("python", #"python3 -c "import os; open('x.json','w').write(os.environ['R'])""#),
            (
                "a slow writer",
                #"(printf '%s' "${R:0:8}"; sleep 0.15; printf '%s' "${R:8:8}"; sleep 0.15; echo "${R:16}") > x.json"#
            ),
            ("appending", #"printf '%s' "${R:0:9}" > x.json; sleep 0.1; printf '%s' "${R:9}" >> x.json"#),
        ]

        /// Those that pause in the middle, on a busy machine for long: the daemon must not give them up meanwhile.
        static let slow = ["a slow writer", "appending"]

        @Test("is taken in whichever way it comes", arguments: ways.map(\.0), ["inotify", "polling"])
        func taken(way: String, intake: String) async throws {
            let script = try #require(Self.ways.first { $0.0 == way }?.1)
            try yard.define("t", "exit 0")
            try await yard.start("--intake", intake, "--settle", Self.slow.contains(way) ? "2" : "0.3")
            #expect(try yard.json("spool.status.json")?["intake"]?["mode"]?.string == intake)
            let done = yard.shell("export R='{\"type\":\"t\",\"description\":\"by \(way)\"}'; \(script)")
            #expect(done.status == 0, "\(done.output)")
            let result = try await yard.result("x")
            #expect(result["status"] == "completed")
            #expect(result["description"]?.string == "by \(way)")
        }

        @Test("by a copy that keeps times runs once")
        func copiesWithTimes() async throws {
            try yard.define("t", "exit 0")
            try await yard.start("--settle", "2")
            #expect(
                yard.shell(
                    """
                    echo '{"type":"t"}' > ../x; touch -d '2 days ago' ../x
                    for i in $(seq 30); do cp -a ../x x$i.json; done
                    python3 -c "import os, time
                    with open('slow.json', 'w') as f:
                        f.write('{\\"type\\":\\"t\\"}'); f.flush(); time.sleep(0.4); os.utime('slow.json', (1, 1))"
                    """
                ).status == 0)
            for name in (1...30).map({ "x\($0)" }) + ["slow"] { _ = try await yard.result(name) }
            try yard.drop("last", ["type": "t"])
            _ = try await yard.result("last")
            #expect(try yard.lines("spool.events.jsonl").count { $0["event"] == "accepted" } == 32)
        }

        @Test("is there for the daemon that starts later")
        func before() async throws {
            try yard.define("t", "exit 0")
            try yard.drop("x", ["type": "t"])
            try await yard.start()
            #expect(try await yard.result("x")["status"] == "completed")
        }

        /// What is dropped, and what the rejection must name.
        static let bad: [(name: String, script: String, message: String)] = [
            ("text", "echo hello > text.json", "line 1, column 1"),
            ("cut", #"printf '{"type":"t' > cut.json"#, "the text ends"),
            ("empty", ": > empty.json", "empty"), ("array", "echo '[]' > array.json", "not an array"),
            ("kind", #"printf '{\n "type": 5}' > kind.json"#, "line 2, column 2: `type` must be a string"),
            ("typo", #"echo '{"typ":"t"}' > typo.json"#, "did you mean `type`?"),
            ("unknown", #"echo '{"type":"tt"}' > unknown.json"#, "did you mean \"t\"?"),
            ("big", "head -c 1048577 /dev/zero | tr '\\0' ' ' > big.json", "1048576"),
            ("deep", #"python3 -c "print('['*513+']'*513)" > deep.json"#, "nested deeper than 512"),
            ("latin", #"printf '{"type":"t","description":"\xe9"}' > latin.json"#, "UTF-8"),
            ("bom", #"printf '\xef\xbb\xbf{"type":"t"}' > bom.json"#, "byte-order mark"),
            ("nul", #"printf '{"type":"t\0"}' > nul.json"#, "NUL byte"),
            ("folder", "mkdir folder.json", "is a directory"),
            ("fifo", "mkfifo fifo.json", "is a FIFO"),
            (
                "socket", #"python3 -c "import socket; socket.socket(socket.AF_UNIX).bind('socket.json')""#,
                "is a socket"
            ),
            ("dangling", "ln -s nowhere dangling.json", "is a symbolic link"),
            ("shadow", "ln -s /etc/shadow shadow.json", "is a symbolic link"),
            ("self", "ln -s self.json self.json", "symbolic"),
            ("twice", #"echo '{"type":"t","type":"t"}' > twice.json"#, "there twice"),
        ]

        @Test("that is no request is rejected with what, where and the remedy, and never stops or blocks anything")
        func rejected() async throws {
            try yard.define("t", "exit 0")
            try await yard.start("--settle", "1.5")
            for (name, script, _) in Self.bad { #expect(yard.shell(script).status == 0, "\(name)") }
            try yard.drop("good", ["type": "t"])
            #expect(try await yard.result("good")["status"] == "completed")
            for (name, _, message) in Self.bad {
                let result = try await yard.result(name)
                #expect(result["status"] == "rejected", "\(name)")
                #expect(result["started_at"] == .null)
                #expect(result["error"]?["message"]?.string?.contains(message) == true, "\(name): \(result.text)")
            }
            // Rejected once, not again and again.
            try yard.drop("after", ["type": "t"])
            _ = try await yard.result("after")
            #expect(try yard.lines("spool.events.jsonl").count { $0["event"] == "rejected" } == Self.bad.count)
        }

        @Test("whose name is impossible gets a line in the feed, and other odd names are names like any other")
        func names() async throws {
            try yard.define("t", "exit 0")
            try await yard.start()
            let long = String(repeating: "n", count: 250)
            #expect(yard.shell("touch \(long).json $'new\\nline.json' $'bad\\xff.json' spool.json").status == 0)
            try await eventually("four notices") {
                try yard.lines("spool.events.jsonl").count { $0["event"] == "noticed" } == 4 ? true : nil
            }
            for name in ["quo\"te's", "späce bar", "-rf", String(repeating: "m", count: 200)] {
                try yard.drop(name, ["type": "t"])
                #expect(try await yard.result(name)["name"]?.string == name)
            }
            #expect(
                yard.shell(
                    "for n in .hidden x~ x.tmp x.part x.swp x.txt; do echo '{}' > $n.json$n; done; echo '{}' > .h.json"
                ).status == 0)
            try yard.drop("last", ["type": "t"])
            _ = try await yard.result("last")
            #expect(yard.shell("ls -A | grep -c result").output == "5\n")
        }

        @Test(
            "that cannot be read yet is rejected with the remedy",
            .enabled(if: geteuid() == 0, "needs root to be another user"))
        func unreadable() async throws {
            // The daemon runs as nobody here.
            #expect(yard.shell("chown -R nobody .. && chmod 1777 . && chmod -R go-w ../types").status == 0)
            try yard.define("t", "exit 0")
            let pid = try yard.spawn(
                [
                    "/usr/bin/setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                    "\(Yard.executables)/jobspool", "serve", yard.path, "--settle", "0.3", "--types",
                    "\(yard.root)/types",
                ],
                output: "\(yard.root)/nobody.log")
            defer {
                kill(pid, SIGKILL)
                waitpid(pid, nil, 0)
            }
            try await eventually("the daemon to serve") { yard.exists("spool.status.json") ? true : nil }
            #expect(yard.shell(#"echo '{"type":"t"}' > .x; chmod 600 .x; mv .x x.json"#).status == 0)
            let result = try await yard.result("x")
            #expect(result["status"] == "rejected")
            #expect(result["error"]?["message"]?.string?.contains("chmod a+r") == true)
            // Root may use every type, once its request can be read.
            #expect(yard.shell("chmod 644 x.json; touch x.json").status == 0)
            #expect(try await yard.result("x", after: result["job_id"]?.string)["status"] == "completed")
        }

        @Test("in a spool that was replaced is found there")
        func replaced() async throws {
            try yard.define("t", "exit 0")
            try yard.define("block", "while [ ! -e ../go ]; do sleep 0.02; done")
            try await yard.start()
            try yard.drop("old", ["type": "block"])
            try await yard.standing("old", "running")
            #expect(yard.shell("cd ..; mv spool spool.old; mkdir spool").status == 0)
            try yard.drop("new", ["type": "t"])
            #expect(try await yard.result("new")["status"] == "completed")
            // The job of the old one goes on, and its directory can be served where it is now.
            #expect(yard.shell("touch ../spool.old/.jobspool/work/go").status == 0)
            try await eventually("the old attempt to end") { yard.supervisors().isEmpty ? true : nil }
            let pid = try yard.spawn(
                ["\(Yard.executables)/jobspool", "serve", "\(yard.root)/spool.old", "--types", "\(yard.root)/types"])
            defer {
                kill(pid, SIGKILL)
                waitpid(pid, nil, 0)
            }
            try await eventually("the old job's result") { Yard.readFile("\(yard.root)/spool.old/old.result.json") }
        }
    }
}
