/// Checks of the type definitions as the daemon's user will find them: valid, trusted, their handlers there, executable and
/// protected.
import Glibc
import JSONText
import JobRunner
import SpoolClient
import SpoolProtocol
import SpoolStorage

struct TypeCheck {
    private var catalog: TypeCatalog
    private let account: Account
    private let programs: ProgramPath
    /// The types directory could be read.
    private let isComplete: Bool
    /// Whoever asks has named it.
    private let isNamed: Bool
    /// The types that the daemon says it knows.
    private let known: [String]
    private let openFailure: SpoolError?

    /// - Parameters:
    ///   - named: the types directory, as whoever asks has named it
    ///   - shown: as the daemon says
    ///   - account: the daemon's user
    init(_ named: String?, shown: String?, account: Account, known: [String]) {
        let path = named ?? shown
        var directory: Directory?
        var failure: SpoolError?
        do throws(SpoolError) {
            directory = try path.map { path throws(SpoolError) in try Directory.open(path) }
        } catch {
            failure = error
        }
        catalog = TypeCatalog(builtIn: BuiltInTypes.all, directory: directory, user: account.user)
        self.account = account
        self.known = known
        isNamed = named != nil
        isComplete = directory != nil
        openFailure = failure
        programs = ProgramPath(own: Self.ownDirectory())
    }

    private static func ownDirectory() -> String {
        guard let resolved = realpath("/proc/self/exe", nil) else { return "/usr/local/bin" }
        defer { free(resolved) }
        return String(cString: resolved).split(separator: "/").dropLast().map { "/\($0)" }.joined()
    }

    mutating func findings() -> [Finding] {
        if let openFailure, !isNamed {
            return [
                .unchecked(
                    .types, "the types directory cannot be read: \(openFailure)",
                    remedy: "ask as the daemon's user or root, or name it with --types")
            ]
        }
        if let openFailure {
            return [
                .problem(
                    .types, "the types directory cannot be read: \(openFailure)",
                    remedy: "name the daemon's with --types")
            ]
        }
        var findings: [Finding] = []
        var sound: [Definition] = []
        do throws(SpoolError) {
            let problem = try catalog.directoryProblem()
            if let problem {
                findings.append(
                    .problem(.types, problem, remedy: "nobody else than the daemon's user and root may write there"))
            }
            for (type, definition) in try catalog.all() {
                switch definition {
                case .success(let definition): sound.append(definition)
                case .failure where problem != nil: break
                case .failure(let error):
                    findings.append(
                        .problem(
                            .types, error.message,
                            remedy: "correct \(type).json; `jobspool types` tells when it is right"))
                }
            }
        } catch {
            findings.append(
                .problem(.types, "the types cannot be listed: \(error)", remedy: "see to the directory's permissions"))
        }
        let missing = known.filter { name in !sound.contains { $0.type.string == name } }.sorted()
        if !isComplete, !missing.isEmpty {
            findings.append(
                .unchecked(
                    .types, "the daemon knows \(missing.count) types that are not built in, such as \(missing[0])",
                    remedy: "name its types directory with --types"))
        }
        for definition in sound { findings += unknownNames(in: definition) }
        if !sound.isEmpty {
            findings.append(.ok(.types, sound.count == 1 ? "1 type is valid" : "\(sound.count) types are valid"))
        }
        return findings + handlerFindings(sound)
    }

    private func unknownNames(in definition: Definition) -> [Finding] {
        let users = (definition.allow?.users ?? []).filter { $0 != "*" && Users.number(of: $0) == nil }
        let groups = (definition.allow?.groups ?? []).filter { Users.groupNumber(of: $0) == nil }
        let names = users.map { "the user \($0)" } + groups.map { "the group \($0)" }
        if names.isEmpty { return [] }
        return [
            .warning(
                .types,
                "`allow` of \(definition.type) names \(names.joined(separator: ", ")), of whom this machine knows nothing",
                remedy: "correct the name, or make that user or group")
        ]
    }

    // MARK: Handlers

    private func handlerFindings(_ definitions: [Definition]) -> [Finding] {
        var findings: [Finding] = []
        var good = 0
        let absent = absentPrograms(definitions)
        findings += absent.sorted { $0.key < $1.key }.map { notInstalled($0.key, $0.value) }
        for definition in definitions where absent[definition.command[0]] == nil {
            let problems = directoryProblems(definition) + programProblems(definition)
            findings += problems
            if problems.isEmpty { good += 1 }
        }
        if good > 0 {
            findings.append(
                .ok(
                    .handlers,
                    "\(good == 1 ? "the handler of 1 type is" : "the handlers of \(good) types are") there, executable, and protected"
                ))
        }
        return findings
    }

    /// The executables of this package that are not there, and the types that need them.
    private func absentPrograms(_ definitions: [Definition]) -> [String: [JobType]] {
        let own = Set(BuiltInTypes.all.values.compactMap { $0.command?.first })
        var absent: [String: [JobType]] = [:]
        for definition in definitions where own.contains(definition.command[0]) {
            do throws(JobError) {
                _ = try programs.find(definition.command[0], for: definition.type)
            } catch {
                absent[definition.command[0], default: []].append(definition.type)
            }
        }
        return absent
    }

    /// Nobody needs all of them.
    private func notInstalled(_ program: String, _ types: [JobType]) -> Finding {
        let some = types.prefix(3).map(\.string).joined(separator: ", ") + (types.count > 3 ? ", …" : "")
        return .unchecked(
            .handlers, "\(program) is not installed, and \(types.count) types need it: \(some)",
            remedy: "build \(program) and put it beside jobspool, if they are needed")
    }

    private func programProblems(_ definition: Definition) -> [Finding] {
        let program: String
        do throws(JobError) {
            program = try programs.find(definition.command[0], for: definition.type)
        } catch {
            return [
                .problem(
                    .handlers, error.message, remedy: "install it, or correct `command` in \(definition.type).json")
            ]
        }
        do throws(SpoolError) {
            guard let stat = try FileStat(following: program) else { return [] }
            if let problem = ScriptInterpreter(of: program)?.problem(in: program) {
                return [
                    .problem(
                        .handlers, "the handler \(program) of \(definition.type) cannot be started",
                        remedy: problem)
                ]
            }
            let user = Users.name(of: account.user)
            if let place = try obstacle(to: program) ?? (FileAccess(stat).allows(.execute, to: account) ? nil : program)
            {
                return [
                    .problem(
                        .handlers,
                        "the handler \(program) of \(definition.type) may not be executed by \(user): see \(place)",
                        remedy: "chmod a+x \(shellQuoted(path: place))")
                ]
            }
            return try exposed(program).map { place in
                .warning(
                    .handlers,
                    "somebody else than \(user) and root may write to \(place), and so say what \(definition.type) runs",
                    remedy: "chown root \(shellQuoted(path: place)); chmod go-w \(shellQuoted(path: place))")
            }
        } catch {
            return [.unchecked(.handlers, "\(error)", remedy: "ask as the daemon's user or root")]
        }
    }

    private func directoryProblems(_ definition: Definition) -> [Finding] {
        guard let path = definition.workingDirectory else { return [] }
        let type = definition.type
        do throws(SpoolError) {
            guard let stat = try FileStat(following: path), stat.kind == .directory else {
                return [
                    .problem(
                        .handlers, "the working_directory \(path) of \(type) is no directory",
                        remedy: "mkdir \(shellQuoted(path: path))")
                ]
            }
            guard let place = try obstacle(to: path) ?? (FileAccess(stat).allows(.execute, to: account) ? nil : path)
            else { return [] }
            return [
                .problem(
                    .handlers, "\(Users.name(of: account.user)) may not enter the working_directory \(path) of \(type)",
                    remedy: "chmod a+x \(shellQuoted(path: place))")
            ]
        } catch {
            return [.unchecked(.handlers, "\(error)", remedy: "ask as the daemon's user or root")]
        }
    }

    /// The first directory on the way that the daemon's user may not go through.
    private func obstacle(to path: String) throws(SpoolError) -> String? {
        var place = ""
        for part in path.split(separator: "/").dropLast() {
            place += "/\(part)"
            if let stat = try FileStat(following: place), !FileAccess(stat).allows(.execute, to: account) {
                return place
            }
        }
        return nil
    }

    /// The program or its directory, when others may write there. What is in a sticky directory they cannot replace.
    private func exposed(_ program: String) throws(SpoolError) -> [String] {
        let directory = program.split(separator: "/").dropLast().map { "/\($0)" }.joined()
        var exposed: [String] = []
        for place in [program, directory.isEmpty ? "/" : directory] {
            guard let stat = try FileStat(following: place) else { continue }
            let access = FileAccess(stat)
            if access.isWritable(byOthersThan: [account.user]), !(access.isDirectory && access.isSticky) {
                exposed.append(place)
            }
        }
        return exposed
    }

    // MARK: Requests

    /// Why a request will be rejected for its type; nil when it will not, or when that cannot be said without the types.
    mutating func rejection(of unseen: UnseenRequest) -> JobError? {
        guard let request = unseen.request else { return nil }
        do throws(JobError) {
            let definition = try catalog.definition(of: request.type)
            try definition.checkAllowed(to: unseen.owner, daemonUser: account.user)
            _ = try definition.params(for: request)
            return nil
        } catch {
            return error.isCode(.unknownType) && !isComplete ? nil : error
        }
    }
}
