/// What a handler is started with: its program's whole path and its environment.
import Glibc
package import SpoolProtocol
import SpoolStorage

/// Where programs that are named without a slash are looked for.
package struct ProgramPath: Sendable {
    private let directories: [String]

    /// - Parameter own: the directory of the daemon's executable, where the built-in handlers are.
    package init(own: String) { directories = [own] + Self.standard }

    private static let standard = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]

    /// The handlers' own `PATH`: there scripts find the built-in handlers, too, and what they found without those stays the same.
    var variable: String {
        let own = directories[0]
        // In `PATH` a colon cannot be quoted.
        return (Self.standard + (Self.standard.contains(own) || own.contains(":") ? [] : [own])).joined(separator: ":")
    }

    /// The program's whole path.
    /// - Throws: `JobError` `HANDLER_NOT_FOUND` that says where it was looked for.
    package func find(_ program: String, for type: JobType) throws(JobError) -> String {
        let candidates = program.contains("/") ? [program] : directories.map { "\($0)/\(program)" }
        if let found = candidates.first(where: { access($0, X_OK) == 0 }) { return found }
        if let there = candidates.first(where: { access($0, F_OK) == 0 }) {
            throw JobError(.handlerNotFound, "the handler \(there) of \(type) may not be executed: chmod +x it")
        }
        throw JobError(
            .handlerNotFound,
            "the handler \(program) of \(type) is not there: looked for \(candidates.joined(separator: ", "))")
    }
}

/// A handler's environment: clean, then the definition's, then what the contract gives.
enum HandlerEnvironment {
    static func make(
        _ definition: Definition, _ programs: ProgramPath, jobID: String, dryRun: Bool, attempt: Int,
        checkpoint: String, workDirectory: String, spoolDirectory: String
    ) -> [(name: String, value: String)] {
        var environment = [(name: "PATH", value: programs.variable)] + base
        func set(_ name: String, _ value: String) {
            environment.removeAll { $0.name == name }
            environment.append((name, value))
        }
        for (name, value) in definition.environment { set(name, value) }
        set("JOBSPOOL_JOB_ID", jobID)
        set("JOBSPOOL_TYPE", definition.type.string)
        set("JOBSPOOL_DRY_RUN", dryRun ? "1" : "0")
        set("JOBSPOOL_ATTEMPT", String(attempt))
        set("JOBSPOOL_CHECKPOINT", checkpoint)
        set("JOBSPOOL_WORK_DIR", workDirectory)
        set("JOBSPOOL_SPOOL_DIR", spoolDirectory)
        return environment
    }

    private static let base: [(name: String, value: String)] = {
        let user = Users.name(of: geteuid())
        return [
            ("HOME", Users.home(of: geteuid()) ?? "/"), ("USER", user), ("LOGNAME", user), ("LANG", "C.UTF-8"),
        ]
    }()
}
