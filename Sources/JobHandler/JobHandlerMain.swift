/// The way from `main` into a job type and out again with the right exit status.
///
///     exit(await JobHandlerMain.run(types: ["documents.sync": DocumentsSync.self]).rawValue)
///
/// The type is the first argument, so that a definition that extends it names it in its command; without an argument it
/// is the request's `type`. Can be run by hand: `jobspool-documents documents.sync < request.json`.
import Glibc
import JSONText

public enum JobHandlerMain {
    /// Runs the one job that standard input describes. Everything it has to say goes to standard output, one JSON object
    /// a line; what is wrong with the call itself is also said on standard error.
    /// - Returns: what the process should exit with. Never throws and never exits by itself.
    public static func run(
        types: [String: any JobType.Type], arguments: [String] = CommandLine.arguments
    ) async -> HandlerExit {
        StopSignal.install()
        return await run(
            types: types, arguments: arguments, input: STDIN_FILENO, output: STDOUT_FILENO, errors: STDERR_FILENO,
            isStopRequested: { StopSignal.isRaised })
    }

    static func run(
        types: [String: any JobType.Type], arguments: [String], input: Int32, output: Int32, errors: Int32,
        isStopRequested: @escaping @Sendable () -> Bool
    ) async -> HandlerExit {
        let usage = Usage(program: arguments.first ?? "handler", types: types.keys.sorted())
        var diagnostics = LineOutput(descriptor: errors)
        if arguments.dropFirst().contains(where: { $0 == "--help" || $0 == "-h" }) {
            var standardOutput = LineOutput(descriptor: output)
            standardOutput.write(Array("\(usage.text)\n".utf8))
            return .completed
        }
        let reporter = Reporter(descriptor: output)
        var job = Job(request: JobRequest(), reporter: reporter, isStopRequested: isStopRequested)
        let exit: HandlerExit
        do {
            guard arguments.count <= 2 else { throw usage.failure("one argument at the most: the job type") }
            if arguments.count == 2 { _ = try usage.type(arguments[1], in: types) }
            let request = try JobRequest(parsing: StandardInput.readAll(from: input, usage: usage.text))
            let type = try usage.type(arguments.count == 2 ? arguments[1] : request.type, in: types)
            job = Job(request: request, reporter: reporter, isStopRequested: isStopRequested)
            let result = try await run(decode(type, request.params), job)
            reporter.flush()
            if let result { try job.result(result) }
            exit = .completed
        } catch let failure as JobFailure {
            reporter.flush()
            job.failure(failure)
            if failure.exit == .invalidParams { diagnostics.write(Array("\(usage.name): \(failure.message)\n".utf8)) }
            exit = failure.exit
        } catch is JobStopped {
            reporter.flush()
            exit = .stopped
        } catch {
            reporter.flush()
            job.failure(JobFailure("HANDLER_FAILED", "\(error)", exit: .internalError))
            exit = .internalError
        }
        return afterOutput(reporter.failure, exit, usage, &diagnostics)
    }

    private static func run(_ type: any JobType, _ job: Job) async throws -> JSON? {
        try await withThrowingTaskGroup(of: Void.self) { group in
            let reporter = job.reporter
            group.addTask { await reporter.keepFlushing() }
            defer { group.cancelAll() }
            return try await type.run(job)
        }
    }

    /// A param nobody asked for, or of the wrong kind, stops the job before it has done anything.
    private static func decode(_ type: any JobType.Type, _ params: JSONObject) throws -> any JobType {
        do {
            var fields = JSONFields(params, path: ["params"])
            let decoded = try type.init(params: &fields)
            try fields.finish()
            return decoded
        } catch let error as JSONFieldError {
            throw JobFailure(error)
        }
    }

    /// A job that could not say how it ended has not ended well. A reader that went away wants no complaint either.
    private static func afterOutput(
        _ failure: SystemCallError?, _ exit: HandlerExit, _ usage: Usage, _ diagnostics: inout LineOutput
    ) -> HandlerExit {
        guard let failure else { return exit }
        if failure.errno != EPIPE { diagnostics.write(Array("\(usage.name): \(failure)\n".utf8)) }
        return .temporary
    }
}
