import Glibc
import JSONText
import SpoolClient
import SpoolProtocol
import SpoolStorage
import Testing

@Suite("The command")
struct CommandTests {
    private let spool: TestSpool

    init() throws { spool = try TestSpool() }

    private func run(_ script: String, _ environment: [String: String] = [:]) throws -> CommandRunner.Ended {
        try CommandRunner.run(script, in: spool.path, environment: environment)
    }

    private func json(_ ended: CommandRunner.Ended) throws -> JSON { try JSON(parsing: ended.output) }

    @Test("says that there is no such command, whatever options follow") func unknownCommand() throws {
        for options in ["", "--spool .", "--help", "x y"] {
            let ended = try run("jobspool frobnicate \(options)")
            #expect(ended.status == 64)
            #expect(ended.diagnostics == "jobspool: there is no command `frobnicate`: see `jobspool --help`\n")
        }
        #expect(try run("jobspool help wait").output.contains("USAGE: jobspool wait"))
    }

    @Test("tells its version") func version() throws {
        let ended = try run("jobspool --version")
        #expect(ended.status == 0)
        #expect(ended.output.wholeMatch(of: /[0-9]+\.[0-9]+\.[0-9]+\n/) != nil)
    }

    @Test("takes a request's file name for its job in `after`; a request that says so itself hears what to write")
    func afterFiles() throws {
        let ended = try run("jobspool submit --type x --after a.json --name b && jq -c .after \"$JOBSPOOL_DIR/b.json\"")
        #expect(ended.output.hasSuffix("[\"a\"]\n"), "\(ended.output)")
        let wrong = try run(#"echo '{"type": "x", "after": ["a.json"]}' | jobspool check -"#)
        #expect(wrong.status == 65)
        #expect(wrong.output.contains("names jobs, not their files: write \"a\""), "\(wrong.output)")
    }

    @Test("tells at the end of a log that is followed why the job is over, unless it completed") func logEnds() throws {
        try makeEndings()
        #expect(try run("jobspool logs -f success 2>&1").output == "")
        #expect(try run("jobspool logs -f failed 2>&1 >/dev/null").output.hasPrefix("jobspool: failed: failed"))
    }

    // MARK: Exit statuses

    private func makeEndings() throws {
        try spool.makeJobs([
            ("success", .completed, "x"), ("failed", .failed, "x"), ("cancelled", .cancelled, "x"),
            ("rejected", .rejected, "x"), ("running", .running, "x"), ("pending", .pending, "x"),
        ])
        var partial = try spool.makeStatus("partial", .completed, for: try spool.drop("partial"), sequence: 7)
        partial.outcome = .partial
        try spool.end(partial)
        try spool.drop("dropped")
    }

    @Test(
        "exits by what happened",
        arguments: [
            ("result success", 0), ("result failed", 1), ("result partial", 2), ("result cancelled", 3),
            ("result rejected", 4), ("result nobody", 5), ("result running", 6), ("result pending", 6),
            ("result dropped", 6), ("wait success", 0), ("wait --timeout 1 partial", 2),
            ("wait --timeout 0.1 running", 124), ("wait success failed partial", 1), ("wait success cancelled", 3),
            ("wait --timeout 0 success running", 124), ("wait nobody", 5), ("status success", 0), ("status failed", 0),
            ("status nobody", 5), ("status success nobody", 5), ("status", 69), ("list", 0), ("logs success", 0),
            ("logs nobody", 5), ("logs -f success", 0), ("cancel running", 0), ("cancel success", 7),
            ("cancel nobody", 5), ("cancel success running nobody pending", 7), ("cancel running pending", 0),
            ("cancel --wait nobody cancelled", 5), ("retry failed", 0), ("retry running failed success", 6),
            ("retry running", 6), ("retry nobody", 5),
            ("submit --type x --name fresh", 0), ("submit --type x --name success", 73),
            ("submit --type x --name success --replace", 0), ("submit --type x --name a/b", 65),
            ("submit --type x --name spool", 65), ("submit", 64), ("submit --type x some.json", 64),
            ("submit --type x --priority 101", 64), ("submit --type x --priority -100", 0),
            ("submit --type x --param 'k:={'", 64), ("submit --type x --param k=1 --param k=2", 64),
            ("submit --type x --on-busy never", 64), ("submit /nowhere.json", 66), ("submit - </dev/null", 65),
            ("submit - --no-check </dev/null", 0), ("check /nowhere.json", 66), ("check - <<<'{\"type\": \"x\"}'", 0),
            ("check - <<<'{}'", 65), ("list --status runing", 64), ("list --spool /nowhere", 66), ("frobnicate", 64),
            ("--help", 0), ("list > /dev/full", 74), ("wait --timeout -1 success", 64),
            ("submit --type x --timeout-seconds inf", 64), ("submit --type x --timeout-seconds nan", 64),
            ("submit --type x --timeout-seconds 1e300", 64), ("submit --type x --timeout-seconds 0", 64),
            ("submit --type x --timeout-seconds 0.5", 0), ("submit --type x --max-attempts 1e9", 64),
            ("wait --timeout nan success", 64), ("wait --timeout inf success", 0), ("list --limit 1e3", 64),
            ("logs --lines -1 success", 64), ("prune --older-than inf", 64), ("serve . --settle nan", 64),
            ("serve . --rescan 0", 64), ("serve . --max-lanes 99999999999999999999", 64),
        ])
    func exitStatus(command: String, status: Int32) throws {
        try makeEndings()
        let ended = try run("jobspool \(command)")
        #expect(ended.status == status, "\(ended.diagnostics)")
    }

    @Test(
        "with --json tells errors as JSON on standard output",
        arguments: [
            ("result nobody", "JOB_NOT_FOUND"), ("result running", "JOB_NOT_COMPLETED"),
            ("retry dropped", "JOB_NOT_COMPLETED"), ("cancel success", "JOB_ALREADY_OVER"),
            ("submit --type x --name success", "JOB_EXISTS"), ("wait --timeout 0 running", "WAIT_TIMEOUT"),
            ("list --spool /nowhere", "SPOOL_NOT_FOUND"), ("submit - </dev/null", "INVALID_REQUEST"),
            ("submit /nowhere.json", "INPUT_UNREADABLE"),
        ])
    func errorsAsJSON(command: String, code: String) throws {
        try makeEndings()
        let ended = try run("jobspool \(command) --json")
        let error = try #require(try json(ended)["error"])
        #expect(error["code"]?.string == code)
        #expect(error["message"]?.string?.isEmpty == false)
        #expect(error["at"]?.string.flatMap(Timestamp.init) != nil)
        #expect(ended.diagnostics == "")
    }

    // MARK: Submitting

    @Test("makes a request from options: text stays text, := is JSON with its digits") func fromOptions() throws {
        let ended = try run(
            """
            jobspool submit --type documents.sync --name 219 --param path='Projects/219 "x"' --param limit:=100 \
            --param price:=1.10 --param n=7 --params-json '{"deep": [1, null]}' --description Sync --dry-run \
            --priority -5 --on-busy join --after a --after b --not-before 2026-01-07T13:33:12Z --timeout-seconds 60 \
            --max-attempts 3 --label team=docs
            """)
        #expect(ended.status == 0, "\(ended.diagnostics)")
        let expected = try JSON(
            parsing: """
                {"type": "documents.sync", "description": "Sync", "params": {"path": "Projects/219 \\"x\\"", "limit": 100,
                 "price": 1.10, "n": "7", "deep": [1, null]}, "dry_run": true, "priority": -5, "on_busy": "join",
                 "after": ["a", "b"], "not_before": "2026-01-07T13:33:12.000Z", "timeout_seconds": 60,
                 "retry": {"max_attempts": 3, "backoff_seconds": 10}, "labels": {"team": "docs"}}
                """)
        #expect(try JSON(parsing: try #require(try spool.read("219.json"))) == expected)
    }

    @Test("drops a file under the file's name, and standard input under a new one") func fromFiles() throws {
        let ended = try run(
            """
            cd $(mktemp -d) && echo '{"type": "x"}' > "my job.json" && jobspool submit --json "my job.json" &&
            jobspool submit - --json < "my job.json"; rm -r "$PWD"
            """)
        #expect(ended.status == 0, "\(ended.diagnostics)")
        let files = try spool.files
        #expect(files.count == 2)
        #expect(files.contains("my job.json"))
        #expect(files.contains { $0.hasPrefix("x-2") })
    }

    @Test("says at once, with --json, what the job is and where to look") func answer() throws {
        let answer = try json(try run("jobspool submit --type x --description Why --name 219 --json"))
        #expect(answer["status"] == "dropped")
        #expect(answer["name"] == "219")
        #expect(answer["description"] == "Why")
        #expect(answer["daemon_state"] == "stopped")
        #expect(answer["files"]?["result"]?.string == "\(spool.path)/219.result.json")
    }

    @Test("waits for the run that it asked for, not for the one before") func waitsForOwnRun() throws {
        try spool.makeJobs([("219", .failed, "x")])
        // In a group of its own it does not ignore Ctrl-C. When it tells of the daemon it has been waiting for a while.
        let ended = try run(
            """
            set -m; told=$(mktemp)
            "$JOBSPOOL" retry --wait 219 2>$told & waiting=$!
            until grep -q 'no daemon is running' $told || ! kill -0 $waiting; do sleep 0.01; done
            kill -INT $waiting; wait $waiting; status=$?
            cat $told >&2; rm $told
            exit $status
            """)
        #expect(ended.status == 130, "\(ended.output)")
        #expect(ended.output == "")
        #expect(ended.diagnostics.contains("goes on"))
    }

    @Test("does what it is asked for with each of several jobs, also where one of them is none") func several() throws {
        try makeEndings()
        let cancelled = try run("jobspool cancel --reason why success running nobody pending")
        #expect(cancelled.status == 7)
        #expect(cancelled.output.split(separator: "\n").count == 2, "\(cancelled.output)")
        #expect(cancelled.diagnostics.contains("JOB_ALREADY_OVER"))
        #expect(cancelled.diagnostics.contains("JOB_NOT_FOUND"))
        #expect(cancelled.diagnostics.contains("they are cancelled when one is"))
        for name in ["running", "pending"] {
            #expect(try spool.read("\(name).cancel.json")?.contains("why") == true)
        }
        #expect(try spool.read("success.cancel.json") == nil)
        let told = try #require(try json(try run("jobspool cancel running nobody --json")).array)
        #expect(told.map { $0["cancel"] ?? $0["error"]?["code"] } == ["requested", "JOB_NOT_FOUND"])

        let again = try json(try run("jobspool retry failed dropped cancelled --json"))
        #expect(
            again.array?.map { $0["name"] ?? $0["error"]?["code"] } == ["failed", "JOB_NOT_COMPLETED", "cancelled"])
        let dropped = try ["failed", "cancelled"].map { try run("jobspool status \($0)").output }
        for text in dropped { #expect(text.contains("dropped"), "\(text)") }
    }

    // MARK: Output

    @Test("shows a percentage that cannot be", arguments: ["1e300", "1e999", "-5"])
    func percentage(percent: String) throws {
        let status = try spool.makeStatus("219", .running, for: try spool.drop("219"))
        let text = status.json.text.replacing("\"percent\":null", with: "\"percent\":\(percent)")
        #expect(text.contains(percent))
        try spool.write(text, "219.status.json")
        let ended = try run("script -qec '\"$JOBSPOOL\" wait --timeout 0 219' /dev/null")
        #expect(ended.status == 124, "\(ended.output)")
        #expect(ended.output.contains("\r219 "), "\(ended.output)")
    }

    @Test("ends quietly when nobody reads its output") func closedPipe() throws {
        for number in 0..<300 { try spool.drop("job-\(number)-\(String(repeating: "x", count: 150))") }
        for command in ["list", "list --json", "--help"] {
            let ended = try run("jobspool \(command) | head -n 1; exit ${PIPESTATUS[1]}")
            #expect(ended.diagnostics == "")
            let ignored = try run("trap '' PIPE; jobspool \(command) | true; exit 0")
            #expect(ignored.diagnostics == "")
        }
    }

    @Test("has no colours in a pipe; on a terminal it has, unless NO_COLOR is set") func colours() throws {
        try spool.makeJobs([("219", .failed, "x")])
        #expect(try !run("jobspool list").output.contains("\u{1B}"))
        // script(1) gives the command a terminal.
        let onTerminal = "script -qec '\"$JOBSPOOL\" list' /dev/null"
        #expect(try run(onTerminal).output.contains("\u{1B}[31mfailed"))
        #expect(try !run(onTerminal, ["NO_COLOR": "1"]).output.contains("\u{1B}"))
        #expect(try !run(onTerminal, ["TERM": "dumb"]).output.contains("\u{1B}"))
    }

    @Test(
        "lets no control character from a file through to a terminal",
        arguments: [
            "status 219", "list", "logs 219",
            "result 219", "status 219 --json", "list --json", "logs --json 219", "result --json 219",
        ])
    func controlCharacters(command: String) throws {
        let evil = "\u{1B}]0;owned\u{07}\u{9B}31m\u{202E}\r\u{7F}"
        var status = try spool.makeStatus("219", .failed, for: try spool.drop("219"))
        status.identity.description = evil
        status.message = evil
        status.error = JobError(code: "E", message: evil)
        status.recentLogs = [
            LogEntry(at: status.updatedAt, level: .info, source: .handler, attempt: 1, message: evil)
        ]
        try spool.end(status, result: [.string(evil)])
        try spool.append(status.recentLogs[0].json.text + "\n" + evil + "\n", "219.log.jsonl")
        let output = try run("script -qec '\"$JOBSPOOL\" \(command)' /dev/null", ["NO_COLOR": "1"]).output
        let scalars = output.unicodeScalars.filter { $0 != "\n" && $0 != "\r" }
        #expect(!scalars.contains { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) || $0.value == 0x202E })
        #expect(!output.replacing("\r\n", with: "").contains("\r"))
    }

    @Test("prints the documents of the spool with --json, and nothing else on standard output") func documents() throws
    {
        try makeEndings()
        #expect(try json(try run("jobspool status success --json"))["status"] == "completed")
        #expect(try json(try run("jobspool status success nobody --json")).array?.count == 2)
        #expect(try json(try run("jobspool result failed --json"))["attempts"] == [])
        #expect(try json(try run("jobspool list --limit 3 --json")).array?.count == 3)
        #expect(try json(try run("jobspool list --status failed --json")).array?.first?["name"] == "failed")
        #expect(try json(try run("jobspool status --json"))["daemon_state"] == "stopped")
    }

    @Test("finds the spool by option, by environment, or as ./spool") func whereTheSpoolIs() throws {
        try spool.drop("219")
        for script in [
            "JOBSPOOL_DIR=/nowhere jobspool list --spool \"$JOBSPOOL_DIR\"", "jobspool list",
            "mkdir -p /tmp/jobspool-here && cd /tmp/jobspool-here && ln -sfn \"$JOBSPOOL_DIR\" spool && unset JOBSPOOL_DIR && jobspool list",
        ] {
            #expect(try run(script).output.contains("219"), "\(script)")
        }
    }

    @Test("quotes a name in the commands that it proposes") func quoting() throws {
        let ended = try run("jobspool submit --type x --name \"it's \\$HOME; rm\"")
        #expect(ended.output.contains(#"jobspool status 'it'\''s $HOME; rm'"#), "\(ended.output)")
    }

    @Test("follows a log until the job is over") func followsLog() throws {
        let status = try spool.makeStatus("219", .completed, for: try spool.drop("219"))
        var running = status
        running.standing = .running
        try spool.publish(running)
        try spool.publish(JobResult(status: status).json, .events)  // Under another name, for the script to move.
        let line = LogEntry(at: status.updatedAt, level: .info, source: .handler, attempt: 1, message: "hello").json
            .text
        let ended = try run(
            """
            cd "$JOBSPOOL_DIR"; (sleep 0.2; echo '\(line)' >> 219.log.jsonl; sleep 0.2; echo '\(line)' >> 219.log.jsonl
            mv spool.events.jsonl 219.result.json) & timeout 20 "$JOBSPOOL" logs -f 219
            """)
        #expect(ended.status == 0)
        #expect(ended.output.split(separator: "\n").count == 2)
    }

    @Test("works on a spool that it can only read, and says so where it has to write") func readOnly() throws {
        try makeEndings()
        let prefix = getuid() == 0 ? "setpriv --reuid 65534 --regid 65534 --clear-groups " : ""
        #expect(chmod(spool.path, 0o555) == 0)
        defer { chmod(spool.path, 0o755) }
        func run(_ command: String) throws -> CommandRunner.Ended {
            try self.run("\(prefix)\"$JOBSPOOL\" \(command)")
        }
        for (command, status) in [
            ("list", 0), ("status success", 0), ("result failed", 1), ("logs success", 0), ("wait partial", 2),
        ] as [(String, Int32)] {
            #expect(try run(command).status == status, "\(command)")
        }
        for command in ["submit --type x", "cancel running"] {
            let ended = try run(command)
            #expect(ended.status == 77, "\(command): \(ended.diagnostics)")
            #expect(ended.diagnostics.contains("Permission denied"))
        }
        #expect(try !spool.files.contains { $0.hasPrefix(".") || $0.hasSuffix(".cancel.json") })
    }
}
