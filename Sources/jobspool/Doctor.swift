/// `jobspool doctor`: what is wrong with a spool, or why a job is where it is.
import ArgumentParser
import Glibc
import JSONText
import SpoolClient
import SpoolProtocol
import SpoolStorage

struct Doctor: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say what is wrong with a spool and what to do about it, or why jobs are where they are.",
        discussion: """
            jobspool doctor /var/spool/jobspool --types /etc/jobspool/types
            jobspool doctor 219

            The first argument is the spool when it has a slash, or names a directory and neither --spool nor JOBSPOOL_DIR \
            names the spool; the others are jobs. It sees most as \
            root or as the daemon's user. Exits with 0 when nothing is wrong, with 2 when there are only warnings, and with 1 \
            when there are problems.
            """)

    @OptionGroup var options: SpoolOptions
    @Option(help: ArgumentHelp("The daemon's directory of type definitions.", valueName: "dir"))
    var types: String?
    @Flag(help: "Do not drop a file to see whether the daemon sees it.") var noCanary = false
    @Argument(help: ArgumentHelp("The spool directory, then names of jobs or job_ids.", valueName: "spool or job"))
    var arguments: [String] = []

    /// The longest that the daemon may take to see a file, in seconds.
    static let canarySeconds: Double = 10

    func execute() throws -> ExitStatus {
        // Somebody opens a request for writing in the moment in which it is looked at (`Descriptor.isBeingWritten`).
        signal(SIGIO, SIG_IGN)
        var jobs = arguments
        var options = options
        if options.spool == nil, let first = jobs.first, Self.isDirectory(first) {
            options.spool = first
            jobs.removeFirst()
        }
        let spool = try options.open()
        return jobs.isEmpty ? try examine(spool) : try explain(jobs, in: spool)
    }

    private static func isDirectory(_ argument: String) -> Bool {
        if argument.contains("/") { return true }
        if getenv("JOBSPOOL_DIR") != nil, ![".", ".."].contains(argument) { return false }
        var found = stat()
        return stat(argument, &found) == 0 && found.st_mode & S_IFMT == S_IFDIR
    }

    // MARK: Jobs

    private func explain(_ references: [String], in spool: SpoolDirectory) throws -> ExitStatus {
        var documents: [JSON] = []
        var statuses: [ExitStatus] = []
        for reference in references {
            do {
                let (name, explanation) = try spool.explain(reference)
                var document = explanation.json.object ?? [:]
                document["name"] = .string(name)
                documents.append(.object(document))
                statuses.append(ExitStatus(explanation.severity))
                if !options.json { write(explanation, to: .output) }
            } catch {
                if references.count == 1 { throw error }
                documents.append(error.json)
                statuses.append(ExitStatus(error))
                if !options.json { tell(error) }
            }
        }
        if options.json { Stream.output.json(documents.count == 1 ? documents[0] : .array(documents)) }
        return .worst(statuses)
    }

    // MARK: The spool

    private func examine(_ spool: SpoolDirectory) throws -> ExitStatus {
        var examination = try Examination(spool, types: types, canarySeconds: noCanary ? nil : Self.canarySeconds)
        let findings = examination.run()
        if options.json {
            Stream.output.json([
                "spool": .string(spool.path), "daemon_state": .string(examination.daemon.presence.word),
                "findings": .array(findings.map(\.json)),
            ])
        } else {
            write(findings, to: .output)
        }
        return ExitStatus(findings)
    }
}

extension ExitStatus {
    init(_ severity: Explanation.Severity) {
        self =
            switch severity {
            case .ok: .success
            case .warning: .partial
            case .problem: .failed
            }
    }

    /// What could not be looked at is nobody's fault.
    init(_ findings: [Finding]) {
        let statuses = findings.map { finding -> ExitStatus in
            switch finding.verdict {
            case .ok, .unchecked: .success
            case .warning: .partial
            case .problem: .failed
            }
        }
        self = .worst(statuses)
    }
}
