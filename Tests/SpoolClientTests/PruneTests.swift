/// Pruning on demand.
import Glibc
import JSONText
import SpoolClient
import SpoolProtocol
import SpoolStorage
import Testing

@Suite("Pruning")
struct PruneTests {
    private let spool: TestSpool

    init() throws { spool = try TestSpool() }

    private func run(_ script: String) throws -> CommandRunner.Ended { try CommandRunner.run(script, in: spool.path) }

    /// Finished jobs of all kinds, and some that are not to be touched.
    private func makeJobs() throws {
        _ = try Spool.open(spool.path)
        try spool.makeJobs([
            ("old", .completed, "x"), ("failed", .failed, "x"), ("other", .completed, "y"), ("running", .running, "x"),
            ("pending", .pending, "x"), ("again", .completed, "x"), ("cancel", .completed, "x"),
            ("fresh", .completed, "x"),
        ])
        try spool.drop("dropped")
        try spool.write("{\"type\": \"another\"}", "again.json")
        try spool.write("", "cancel.cancel.json")
        for name in ["old", "failed", "other", "running", "pending", "again", "cancel"] {
            for kind in ["result", "status"] { try age("\(name).\(kind).json", days: 8) }
        }
    }

    private func age(_ path: String, days: Int) throws {
        let time = timespec(tv_sec: Int(Clock.now().milliseconds / 1000) - days * 86_400, tv_nsec: 0)
        _ = [time, time].withUnsafeBufferPointer { utimensat(AT_FDCWD, "\(spool.path)/\(path)", $0.baseAddress, 0) }
    }

    /// All files, to compare.
    private func everything() throws -> String {
        try run("cd $JOBSPOOL_DIR && find . -path ./.jobspool -prune -o -printf '%p %m %u %s %T@\n' | sort").output
    }

    @Test("archives what is older than a week, and nothing that is under way or has something new")
    func archives() throws {
        try makeJobs()
        let before = try everything()
        let plan = try spool.client.prune(PruneOptions(dryRun: true))
        #expect(try everything() == before)
        let report = try spool.client.prune(PruneOptions())
        #expect(report.archived.map(\.name.string) == ["failed", "old", "other"])
        #expect(plan.archived.map(\.path) == report.archived.map(\.path))
        #expect(report.problems.isEmpty && report.deleted.isEmpty)
        for job in report.archived { #expect(try Directory.open(job.path).entries().count == 3) }
        #expect(try spool.files.filter { $0.hasPrefix("old") || $0.hasPrefix("failed") || $0.hasPrefix("other") } == [])
        let names = Set(try spool.client.list().jobs.map(\.name.string))
        #expect(names == ["running", "pending", "again", "cancel", "fresh", "dropped"])
        #expect(try spool.client.prune(PruneOptions()).archived.isEmpty)
        #expect(
            try Set(spool.client.prune(PruneOptions(olderThan: .seconds(0))).archived.map(\.name.string)) == ["fresh"])
    }

    @Test(
        "does what its options say, and with --dry-run says the same and does nothing",
        arguments: [
            ("--older-than 7d", ["failed", "old", "other"]), ("--older-than 0", ["failed", "fresh", "old", "other"]),
            ("--older-than never", []), ("--older-than 9d", []), ("--type x", ["failed", "old"]),
            ("--status failed", ["failed"]), ("--status completed --status failed --type y", ["other"]),
            ("--status rejected", []),
        ])
    func options(options: String, names: [String]) throws {
        try makeJobs()
        let before = try everything()
        let plan = try run("jobspool prune --dry-run --json \(options)")
        #expect(try everything() == before)
        let done = try run("jobspool prune --json \(options)")
        #expect(plan.status == 0 && done.status == 0, "\(plan.diagnostics)\(done.diagnostics)")
        #expect(try JSON(parsing: done.output)["archived"]?.array?.compactMap { $0["name"]?.string } == names)
        #expect(plan.output.replacing("\"dry_run\": true", with: "\"dry_run\": false") == done.output)
        for name in names { #expect(try !spool.exists("\(name).json")) }
    }

    @Test("deletes from the archive what is older than it is told, and archived feeds only without a filter")
    func deletes() throws {
        try makeJobs()
        _ = try spool.client.prune(PruneOptions())
        try spool.write("{}\n", "archive/spool.events-9.jsonl")
        try age("archive/spool.events-9.jsonl", days: 8)
        try spool.write("mine", "archive/notes")
        func prune(_ options: String) throws -> String {
            let before = try everything()
            let plan = try run("jobspool prune --older-than never --dry-run \(options)").output
            #expect(try everything() == before)
            let done = try run("jobspool prune --older-than never \(options)").output
            #expect(
                plan.replacing("would archive", with: "archived").replacing(" and delete ", with: ", deleted ") == done)
            return done
        }
        #expect(try prune("--archived-older-than 1d --type y").contains("/other~"))
        #expect(try prune("--archived-older-than 1d --status failed").hasSuffix("archived 0 jobs, deleted 1\n"))
        #expect(try spool.exists("archive/spool.events-9.jsonl"))
        #expect(try prune("--archived-older-than 36600d") == "archived 0 jobs, deleted 0\n")
        let last = try prune("--archived-older-than 1d")
        #expect(last.contains("/old~") && last.contains("delete   spool.events-9.jsonl\n"))
        #expect(
            try run("find $JOBSPOOL_DIR/archive | sort").output
                == "\(spool.path)/archive\n\(spool.path)/archive/notes\n")
    }

    @Test("does not delete in the same go what it has just archived")
    func once() throws {
        try makeJobs()
        let plan = try spool.client.prune(PruneOptions(archivedOlderThan: .seconds(0), dryRun: true))
        let report = try spool.client.prune(PruneOptions(archivedOlderThan: .seconds(0)))
        #expect(report.archived.count == 3 && report.deleted.isEmpty)
        #expect(plan.archived.count == 3 && plan.deleted.isEmpty)
        #expect(try spool.client.prune(PruneOptions(archivedOlderThan: .seconds(0))).deleted.count == 3)
    }

    @Test("finds nothing to do where no daemon ever was", arguments: ["", "--dry-run"])
    func noDaemon(option: String) throws {
        try spool.makeJobs([("a", .completed, "x")])
        let ended = try run("jobspool prune --older-than 0 \(option)")
        #expect(ended.status == 0)
        #expect(ended.output.contains("0"))
        #expect(try !spool.exists(".jobspool"))
    }

    @Test(
        "says what is wrong with a time",
        arguments: ["--older-than 7", "--archived-older-than soon", "--status running"])
    func usage(option: String) throws {
        let ended = try run("jobspool prune \(option)")
        #expect(ended.status == 64)
        #expect(
            ended.diagnostics.contains("write a whole number and a unit") || ended.diagnostics.contains("is none of"))
    }

    // MARK: Users

    /// Runs the command as `nobody`, from where that user may read it.
    private func asNobody(_ command: String) throws -> CommandRunner.Ended {
        try run(
            """
            cp "$JOBSPOOL" $JOBSPOOL_DIR/../jobspool-$$ && chmod 755 $JOBSPOOL_DIR/../jobspool-$$
            setpriv --reuid 65534 --regid 65534 --clear-groups $JOBSPOOL_DIR/../jobspool-$$ \(command); status=$?
            rm $JOBSPOOL_DIR/../jobspool-$$
            exit $status
            """)
    }

    @Test(
        "is refused to anybody but the daemon's user and root",
        .enabled(if: geteuid() == 0, "only root can be another user"), arguments: ["", "--dry-run"])
    func refused(option: String) throws {
        try makeJobs()
        chmod(spool.path, 0o777)
        let ended = try asNobody("prune \(option)")
        #expect(ended.status == 77, "\(ended)")
        #expect(ended.diagnostics.contains("only root"), "\(ended.diagnostics)")
        #expect(try !spool.exists("archive"))
    }

    @Test(
        "by root leaves the daemon's user owning all that it makes, and everybody what is theirs",
        .enabled(if: geteuid() == 0, "only root can be another user"))
    func byRoot() throws {
        try makeJobs()
        chmod(spool.path, 0o755)
        _ = try run("chown -R nobody:nogroup $JOBSPOOL_DIR; chown 1000:1000 $JOBSPOOL_DIR/old.json")
        let ended = try run("jobspool prune --json")
        #expect(ended.status == 0, "\(ended)")
        let owners = try run("cd $JOBSPOOL_DIR; find archive .jobspool ! -user nobody -printf '%P %U\n'").output
        #expect(owners.split(separator: "\n").count == 1, "\(owners)")
        #expect(owners.hasSuffix("/old.json 1000\n"), "\(owners)")
        #expect(try run("ls $JOBSPOOL_DIR/archive/*/*/*").output.contains("old~"))
    }

    @Test(
        "leaves a family whole whose request cannot be moved, and says why",
        .enabled(if: geteuid() == 0, "only root can be another user"), arguments: ["", "--dry-run"])
    func sticky(option: String) throws {
        try makeJobs()
        chmod(spool.path, 0o1777)
        _ = try run(
            "cd $JOBSPOOL_DIR; chown -R nobody:nogroup .jobspool *.status.json *.result.json failed.json other.json")
        let ended = try run("jobspool prune --json \(option)")
        #expect(ended.status == 77, "\(ended)")
        let report = try JSON(parsing: ended.output)
        #expect(report["archived"]?.array?.count == 2)
        let problem = report["problems"]?.array?.first
        #expect(problem?["name"] == "old")
        #expect(problem?["message"]?.string?.contains("chown the directory") == true)
        #expect(try spool.files.filter { $0.hasPrefix("old.") } == ["old.json", "old.result.json", "old.status.json"])
    }
}
