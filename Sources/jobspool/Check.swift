/// `jobspool check`: what a daemon would say of requests and schedules, without one.
import ArgumentParser
import JSONText
import JobRunner
import SpoolClient
import SpoolProtocol
import SpoolStorage

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Say what is wrong with requests and schedules: line, column, field and remedy.",
        discussion: """
            A file whose name ends in .schedule.json is checked as a schedule. With --types also what the type says is checked: \
            that it is there, its parameters, and whether it can do a dry run. Exits with 65 when anything is wrong. - is \
            standard input.
            """)

    @Flag(help: "Print JSON.") var json = false
    @Option(help: ArgumentHelp("The daemon's directory of type definitions.", valueName: "dir")) var types: String?
    @Argument(help: "Files of requests and schedules; - is a request on standard input.") var files: [String]

    func run() throws {
        var catalog = try types.map { path in
            do {
                return TypeCatalog(builtIn: BuiltInTypes.all, directory: try Directory.open(path))
            } catch {
                throw ValidationError("--types: \(safe("\(error)"))")
            }
        }
        var reports: [JSON] = []
        var worst = ExitStatus.success
        for file in files {
            do {
                let problems = try check(file, &catalog)
                if !problems.isEmpty, worst == .success { worst = .badRequest }
                reports.append([
                    "file": .string(file), "ok": .bool(problems.isEmpty), "problems": .array(problems.map(\.json)),
                ])
            } catch let error as InputError {
                worst = error.exitStatus
                let problem: JSON = ["code": "IO_ERROR", "message": .string(error.message), "details": [:]]
                reports.append(["file": .string(file), "ok": false, "problems": .array([problem])])
                if !json { Stream.diagnostics.note(safe(error.message)) }
            }
        }
        if json { Stream.output.json(reports.count == 1 ? reports[0] : .array(reports)) }
        if worst != .success { throw ExitCode(worst.rawValue) }
    }

    private func check(_ file: String, _ catalog: inout TypeCatalog?) throws -> [JobError] {
        var problems: [JobError] = []
        var schedule: JobName?
        if file != "-", let last = file.split(separator: "/").last {
            switch RequestFileName(FileName(String(last))) {
            case .request: break
            case .schedule(let name): schedule = name
            case .unfit(let why): problems.append(JobError(.invalidRequest, why))
            }
        }
        let bytes = try readInput(file)
        var praise = ""
        do throws(JobError) {
            let request: Request
            if let schedule {
                (request, praise) = try Self.check(bytes, schedule: schedule)
            } else {
                request = try Request(checking: bytes)
                praise = "of type \(request.type)"
            }
            _ = try catalog?.definition(of: request.type).params(for: request)
        } catch {
            problems.append(error)
        }
        if !json {
            for problem in problems { writeProblem(problem, bytes, file: file, to: .output) }
            if problems.isEmpty { Stream.output.line("\(safe(file)): right, \(praise)") }
        }
        return problems
    }

    private static func check(_ bytes: [UInt8], schedule name: JobName) throws(JobError) -> (Request, String) {
        let check = try ScheduleCheck(bytes, name: name)
        let praise = "of type \(check.schedule.request.type), \(shown(check.next).map { "next at \($0)" } ?? "off")"
        return (check.schedule.request, praise)
    }
}

/// "219.json:3:5: `descripton` is not a known field; …", and the line with a mark below the place.
func writeProblem(_ problem: JobError, _ bytes: [UInt8], file: String, to stream: Stream) {
    let file = safe(file == "-" ? "standard input" : file)
    guard let line = problem.details["line"]?.int, let column = problem.details["column"]?.int else {
        stream.line("\(file): \(safe(problem.message))")
        return
    }
    let place = "line \(line), column \(column): "
    let message = problem.message.hasPrefix(place) ? String(problem.message.dropFirst(place.count)) : problem.message
    stream.line("\(file):\(line):\(column): \(Style.red.on(stream, safe(message)))")
    guard let text = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).dropFirst(line - 1).first,
        text.count <= 200, column <= text.count + 1
    else { return }
    let before = safe(String(decoding: text.prefix(column - 1), as: UTF8.self).replacing("\t", with: " "))
    let after = safe(String(decoding: text.dropFirst(column - 1), as: UTF8.self).replacing("\t", with: " "))
    stream.line("    \(before)\(after)")
    stream.line("    \(String(repeating: " ", count: columns(of: before)))\(Style.red.on(stream, "^"))")
}
