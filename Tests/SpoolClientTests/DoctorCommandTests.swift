/// `jobspool doctor` on spools made by hand.
import Glibc
import JSONText
import SpoolClient
import SpoolProtocol
import SpoolStorage
import SpoolWatcher
import Testing

@testable import jobspool

@Suite("The doctor")
struct DoctorCommandTests {
    private let spool: TestSpool

    init() throws { spool = try TestSpool() }

    private func run(_ arguments: String) throws -> CommandRunner.Ended {
        try CommandRunner.run("jobspool doctor \(arguments)", in: spool.path)
    }

    /// What it says of a spool, by check and severity.
    private func findings(_ arguments: String = "--no-canary") throws -> [(
        check: String, severity: String, message: String
    )] {
        let document = try JSON(parsing: try run("--json \(arguments)").output)
        return (document["findings"]?.array ?? []).map {
            ($0["check"]?.string ?? "", $0["severity"]?.string ?? "", $0["message"]?.string ?? "")
        }
    }

    /// What is wrong.
    private func complaints(_ check: String, _ arguments: String = "--no-canary") throws -> [String] {
        try findings(arguments).filter { $0.check == check && ["warning", "problem"].contains($0.severity) }.map(
            \.message)
    }

    @Test("exits with 1 for problems, 5 for jobs that there are not, 66 without a spool")
    func exitStatus() throws {
        // No daemon.
        #expect(try run("").status == 1)
        #expect(try run("nobody").status == 5)
        #expect(try run("/nowhere").status == 66)
        #expect(try run("--spool /nowhere").status == 66)
        try spool.makeJobs([("success", .completed, "x"), ("failed", .failed, "x"), ("cancelled", .cancelled, "x")])
        #expect(try run("success cancelled").status == 0)
        #expect(try run("success failed").status == 1)
        #expect(try run("success nobody").status == 5)
        #expect(try run(TestSpool.jobID(1)).output.contains("success completed"))
    }

    @Test("takes a word for a job when the spool is named already, whatever lies in the working directory")
    func directoryOfTheSameName() throws {
        try spool.makeJobs([("success", .completed, "x")])
        let ended = try CommandRunner.run(
            "cd \"$JOBSPOOL_DIR\" && mkdir success && jobspool doctor success", in: spool.path)
        #expect(ended.status == 0)
        #expect(ended.output.contains("success completed"), "\(ended.output)")
    }

    @Test("names commands that a shell takes as they are meant, whatever the job is called")
    func quotes() throws {
        let name = "a;touch PWNED;"
        var status = try spool.makeStatus(name, .completed, for: try spool.drop(name))
        status.outcome = .partial
        try spool.end(status)
        let before = try spool.version(name)
        let ended = try run("'\(name)'")
        let next = try #require(ended.output.split(separator: "; next: ").last)
        #expect(next.contains("jobspool logs --errors --spool \(spool.path) \(TestSpool.jobID(1))"), "\(next)")
        let again = try #require(next.split(separator: "; then ").last)
        #expect(try CommandRunner.run("cd $JOBSPOOL_DIR; \(again)", in: spool.path).status == 0)
        #expect(try !spool.exists("PWNED"))
        #expect(try spool.version(name) != before)
    }

    @Test("quotes the spool's path in every remedy that is a command")
    func quotesPath() throws {
        let parent = try TestSpool()
        let path = "\(parent.path)/my spool"
        let shown = try CommandRunner.run(
            """
            mkdir -m 777 "$PLACE"; touch "$PLACE/archive" "$PLACE/spool.pause.json"; echo '{"type": "x"}' >"$PLACE/219.json"
            echo '{"type": "x"}' >"$PLACE/s.schedule.json"
            jobspool doctor --no-canary --spool "$PLACE"; jobspool doctor --spool "$PLACE" 219
            """, in: parent.path, environment: ["PLACE": path]
        ).output
        #expect(shown.contains("jobspool serve '\(path)'"))
        for word in ["serve", "--spool", "touch", "cp", "mv", "+t", "+rwx", "700"] {
            #expect(!shown.contains("\(word) \(path)"), "\(shown)")
        }
    }

    @Test("takes its first argument for the spool when that is a directory")
    func firstArgument() throws {
        try spool.makeJobs([("job", .completed, "x")])
        let elsewhere = try TestSpool()
        for arguments in ["'\(spool.path)' job", "--spool '\(spool.path)' job"] {
            let ended = try CommandRunner.run("jobspool doctor \(arguments)", in: elsewhere.path)
            #expect(ended.output.contains("job completed"))
            #expect(ended.status == 0)
        }
    }

    @Test("says what is wrong in words, a line each with its remedy, and without marks or colours where no terminal is")
    func text() throws {
        let ended = try run("--no-canary")
        let lines = ended.output.split(separator: "\n")
        #expect(
            lines.contains {
                $0.hasPrefix("problem ") && $0.contains("no daemon has ever served") && $0.contains("; remedy: ")
            })
        #expect(lines.last == "1 problem")
        #expect(!ended.output.contains("\u{1B}"))
        for line in lines.dropLast() {
            let word = line.prefix { $0 != " " }
            #expect(["ok", "unchecked", "warning", "problem"].contains(word), "\(line)")
            #expect(line.contains("; remedy: ") == (word != "ok"), "\(line)")
        }
    }

    @Test(
        "finds files that are passed over for their names",
        arguments: ["job.JSON", "job.json.txt", "bad\nname.json", "spool.json", "job.json5"])
    func names(file: String) throws {
        try spool.write("{\"type\": \"x\"}", file)
        #expect(try complaints("names").count == 1)
    }

    @Test(
        "finds nothing wrong with files that are meant to be ignored",
        arguments: [".x.json", "x.tmp", "README", "feed.jsonl"])
    func innocent(file: String) throws {
        try spool.write("x", file)
        #expect(try complaints("names").isEmpty)
    }

    @Test("finds temporary files that nobody goes on writing")
    func temporary() throws {
        try spool.write("x", "job.json.part")
        var times = [timespec(tv_sec: 1_000_000, tv_nsec: 0), timespec(tv_sec: 1_000_000, tv_nsec: 0)]
        #expect(utimensat(AT_FDCWD, "\(spool.path)/job.json.part", &times, 0) == 0)
        #expect(try complaints("names").first?.contains("job.json.part") == true)
    }

    @Test("finds requests that will be rejected, and says why")
    func rejections() throws {
        try spool.write("{\"type\": \"documents.sync\"}", "good.json")
        try spool.write("{\"typ\": \"x\"}", "wrong.json")
        try spool.write("{\"type\": \"documents.sink\"}", "unknown.json")
        try spool.root.makeFIFO(FileName("fifo.json"))
        let types = try TestSpool()
        let complaints = try complaints("requests", "--no-canary --types \(types.path)")
        #expect(complaints.count == 3, "\(complaints)")
        let user = Users.name(of: geteuid())
        for part in ["wrong of \(user) will be rejected: line 1", "did you mean \"documents.sync\"", "is a FIFO"] {
            #expect(complaints.contains { $0.contains(part) }, "\(complaints)")
        }
        // Without the daemon's types nobody can say.
        #expect(try self.complaints("requests").count == 2)
    }

    @Test(
        "finds outputs that the daemon did not write",
        .enabled(if: geteuid() == 0, "needs root to make another user's files"))
    func foreign() throws {
        _ = try spool.root.makeDirectory(".jobspool", mode: 0o700)
        try spool.write("{}", "job.result.json")
        #expect(chown("\(spool.path)/job.result.json", 65534, 65534) == 0)
        try spool.root.makeFIFO(FileName("job.status.json"))
        let complaints = try complaints("outputs")
        #expect(complaints.count == 2)
        #expect(complaints.contains { $0.contains("job.result.json, of nobody") })
        #expect(complaints.contains { $0.contains("job.status.json (a FIFO), of root") })
    }

    @Test("finds what lies in the daemon's own directory")
    func privateDirectory() throws {
        let home = try spool.root.makeDirectory(".jobspool", mode: 0o700)
        let aside = try home.makeDirectory("aside", mode: 0o700)
        _ = try aside.open(FileName("job.result.json~0000"), O_WRONLY | O_CREAT)
        let found = try findings()
        #expect(found.contains { $0.check == "aside" && $0.severity == "warning" && $0.message.contains("1 file") })
        #expect(found.contains { $0.check == "aside" && $0.message.hasSuffix("ago: job.result.json") })
        #expect(found.contains { $0.check == "attempts" && $0.severity == "ok" })
    }

    @Test("finds cancel files that cancel nothing, and leaves alone those that do")
    func cancels() throws {
        try spool.makeJobs([("over", .completed, "x"), ("running", .running, "x")])
        var times = [timespec(tv_sec: 1_000_000, tv_nsec: 0), timespec(tv_sec: 1_000_000, tv_nsec: 0)]
        for name in ["over", "running", "nobody"] {
            try spool.write("", "\(name).cancel.json")
            #expect(utimensat(AT_FDCWD, "\(spool.path)/\(name).cancel.json", &times, 0) == 0)
        }
        let complaints = try complaints("cancels")
        #expect(complaints.count == 1)
        #expect(complaints.first?.contains("nobody.cancel.json of ") == true)
        #expect(complaints.first?.contains("over.cancel.json of ") == true)
        #expect(complaints.first?.contains("running") == false)
    }

    enum ScheduleCase: CaseIterable { case sound, unseen, changed, invalid, wrong, failing }

    @Test("tells what is wrong with schedules", arguments: ScheduleCase.allCases)
    func schedules(row: ScheduleCase) throws {
        let text = #"{"every_seconds": 60, "request": {"type": "x"}}"#
        try spool.write(row == .wrong ? "{}" : text, "nightly.schedule.json")
        let file = try #require(try spool.root.stat(FileName("nightly.schedule.json"))).fingerprint
        var status = ScheduleStatus(name: try JobName("nightly"), fingerprint: file, now: Clock.now())
        var complaint: String?
        switch row {
        case .sound: break
        case .unseen: complaint = "not been taken up"
        case .changed:
            status.fingerprint = Fingerprint(size: 1, seconds: 1, nanoseconds: 1)
            complaint = "not been taken up as it is now"
        case .invalid:
            status.problem = JobError(.unknownType, "there is no type x")
            complaint = "there is no type x"
        case .wrong: complaint = "is missing"
        case .failing:
            var run = ScheduleRun(name: try JobName("nightly-20260107T133312Z"))
            run.standing = .failed
            status.lastRun = run
            complaint = "nightly-20260107T133312Z, is failed"
        }
        if row != .unseen, row != .wrong { try spool.publish(status.json, .scheduleStatus(status.name)) }
        let complaints = try complaints("schedules")
        #expect(complaints.count == (complaint == nil ? 0 : 1), "\(complaints)")
        if let complaint { #expect(complaints.first?.contains(complaint) == true, "\(complaints)") }
        if complaint == nil { #expect(try findings().contains { $0.message == "1 schedule in order" }) }
    }

    // MARK: Types

    private func type(_ definition: String, _ prepare: (TestSpool) throws -> Void = { _ in }) throws -> [String] {
        let types = try TestSpool()
        try types.write(definition.replacing("DIR", with: types.path), "t.json")
        chmod("\(types.path)/t.json", 0o644)
        try prepare(types)
        return try ["types", "handlers"].flatMap { try complaints($0, "--no-canary --types \(types.path)") }
    }

    @Test(
        "finds what is wrong with definitions and handlers",
        arguments: [
            (#"{"command": ["/bin/true"]}"#, nil), (#"{"comand": ["/bin/true"]}"#, "did you mean `command`"),
            (#"{"command": ["/bin/nothing-there"]}"#, "is not there"), (#"{"command": ["/etc/passwd"]}"#, "chmod +x"),
            (#"{"command": ["/bin/true"], "working_directory": "/nowhere"}"#, "no directory"),
            (
                #"{"command": ["/bin/true"], "allow": {"users": ["no-such-user", "*"], "groups": ["root"]}}"#,
                "no-such-user"
            ),
            (
                #"{"command": ["/bin/true"], "allow": {"users": [], "groups": ["no-such-group"]}}"#,
                "the group no-such-group"
            ),
        ] as [(String, String?)])
    func types(definition: String, complaint: String?) throws {
        let complaints = try type(definition)
        #expect(complaints.count == (complaint == nil ? 0 : 1), "\(complaints)")
        if let complaint { #expect(complaints.first?.contains(complaint) == true, "\(complaints)") }
    }

    @Test("finds definitions and handlers that others may write")
    func exposed() throws {
        #expect(
            try type(#"{"command": ["/bin/true"]}"#) { chmod("\($0.path)/t.json", 0o664) }.first?.contains("chmod go-w")
                == true)
        let complaints = try type(#"{"command": ["DIR/handler"]}"#) {
            try $0.write("#!/bin/sh\n", "handler")
            chmod("\($0.path)/handler", 0o777)
        }
        #expect(complaints.count == 1)
        #expect(complaints.first?.contains("may write to ") == true)
    }

    @Test(
        "finds handlers that the daemon's user cannot execute",
        .enabled(if: geteuid() == 0, "needs root to make another user's files"))
    func unreachable() throws {
        _ = try spool.root.makeDirectory(".jobspool", mode: 0o700)
        #expect(chown("\(spool.path)/.jobspool", 65534, 65534) == 0)
        let complaints = try type(#"{"command": ["DIR/handler"]}"#) {
            try $0.write("#!/bin/sh\n", "handler")
            chmod("\($0.path)/handler", 0o755)
            chmod($0.path, 0o700)
        }
        #expect(complaints.count == 1)
        #expect(
            complaints.first?.contains("may not be executed by nobody: see /tmp/spool-client-") == true, "\(complaints)"
        )
    }

    // MARK: How files are heard of

    @Test(
        "says how the daemon hears of files",
        arguments: [
            (FileSystemKind.local, nil, "ok"), (.local, "inotify", "ok"), (.local, "polling", "warning"),
            (.unknown, nil, "ok"), (.shared("nfs"), "polling", "warning"), (.shared("nfs"), nil, "warning"),
        ])
    func fileSystem(kind: FileSystemKind, mode: String?, word: String) {
        let check = FileSystemCheck(kind: kind, intake: mode.map { ($0, "asked for") })
        #expect(check.findings.map(\.verdict.word) == [word])
    }

    @Test(
        "compares the limits of inotify with what is used",
        arguments: [
            (1, 2, 128, 8192, 16384, ["ok"]), (120, 2, 128, 8192, 16384, ["warning"]),
            (1, 8000, 128, 8192, 16384, ["warning"]),
            (128, 8192, 128, 8192, 16384, ["warning", "warning"]), (1, 2, 128, 8192, 64, ["warning"]),
            (0, 0, 0, 0, 16384, ["warning", "warning"]),
        ])
    func inotify(instances: Int, watches: Int, maxInstances: Int, maxWatches: Int, queued: Int, words: [String]) {
        let use = InotifyUse(
            user: 0, instances: instances, watches: watches, maxInstances: maxInstances, maxWatches: maxWatches,
            maxQueuedEvents: queued)
        #expect(use.findings.map(\.verdict.word) == words)
        #expect(InotifyUse(user: 0).findings.map(\.verdict.word) == ["unchecked"])
    }

    // MARK: Jobs

    @Test("explains a job from the files: what is before it in its lane, by priority and acceptance")
    func queue() throws {
        // A daemon elsewhere has written these.
        try spool.makeJobs([
            ("busy", .running, "x"), ("first", .pending, "x"), ("second", .pending, "x"), ("third", .pending, "x"),
        ])
        try spool.write("{\"type\": \"x\", \"priority\": 7}", "third.json")
        try spool.publish(try spool.makeStatus("third", .pending, for: try spool.version("third"), sequence: 4))
        let explanation = try spool.client.explain("second").explanation
        // Nobody holds the lock here, which is what is told first.
        #expect(explanation.reason == .noDaemon)
        var other = try spool.makeStatus("other", .running, for: try spool.drop("other"), sequence: 9)
        other.identity.lane = "side"
        try spool.publish(other)
        let lock = try Spool.open(spool.path)
        let held = try SpoolLock(
            lock, as: DaemonIdentity(pid: 1, host: "h", user: "u", startedAt: Clock.now(), version: "1"))
        let served = try spool.client.explain("second").explanation
        #expect(served.reason == .laneBusy)
        #expect(served.message.contains("lane default is busy with busy"))
        #expect(served.message.contains("and 2 jobs are before it"))
        #expect(try spool.client.explain("third").explanation.message.contains("before it") == false)
        withExtendedLifetime(held) {}
    }

    @Test("explains files that are no jobs", arguments: [("x.JSON", "ends in .json"), ("spool.json", "reserved")])
    func ignored(file: String, why: String) throws {
        try spool.write("{}", file)
        let ended = try run("'\(file)'")
        #expect(ended.status == 1)
        #expect(ended.output.contains(why))
    }

    @Test("explains a job that is in the archive, by name and by job_id")
    func archived() throws {
        try spool.makeJobs([("job", .failed, "x")])
        let day = try spool.root.makeDirectory("archive", mode: 0o755).makeDirectory("2026", mode: 0o755)
            .makeDirectory("01", mode: 0o755).makeDirectory("07", mode: 0o755)
        let family = try day.makeDirectory("job~\(TestSpool.jobID(1))", mode: 0o755)
        for file in ["job.json", "job.status.json", "job.result.json"] {
            try spool.root.rename(FileName(file), to: family, FileName(file))
        }
        for reference in ["job", TestSpool.jobID(1)] {
            let ended = try run(reference)
            #expect(ended.status == 1)
            #expect(ended.output.contains("job failed at"))
            #expect(ended.output.contains("it is archived: \(spool.path)/archive/2026/01/07/job~"), "\(ended.output)")
        }
    }

    @Test("takes a name for a job's before it takes it for a file's or a schedule's")
    func names() throws {
        try spool.write("x", "README")
        try spool.write(#"{"every_seconds": 0, "request": {"type": "x"}}"#, "README.schedule.json")
        #expect(try spool.client.explain("README").explanation.reason == .ignored)
        try spool.makeJobs([("README", .completed, "x")])
        #expect(try spool.client.explain("README").explanation.reason == .completed)
        try spool.write(#"{"every_seconds": 60, "request": {"type": "x"}}"#, "nightly.schedule.json")
        #expect(try run("nightly").output.hasPrefix("warning nightly is a schedule (unseen)"))
    }

    @Test("explains what stands where a request should be")
    func directory() throws {
        _ = try spool.root.makeDirectory("job.json", mode: 0o755)
        #expect(try run("job").output.contains("is a directory"))
    }
}
