/// A handler run inside the test: its input and its outputs are files that have no name.
import Glibc
import JSONText
import Synchronization
import Testing

@testable import JobHandler

/// An open file that has no name any more.
final class ScratchFile: Sendable {
    let descriptor: Int32

    init(_ content: String = "") throws {
        var template = Array("/tmp/jobspool-test-XXXXXX".utf8CString)
        descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        unlink(template)
        let bytes = Array(content.utf8)
        try #require(write(descriptor, bytes, bytes.count) == bytes.count)
        lseek(descriptor, 0, SEEK_SET)
    }

    deinit { close(descriptor) }

    var text: String {
        var bytes = [UInt8](repeating: 0, count: 16 << 20)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
    }

    var lines: [JSON] {
        get throws { try text.utf8.split(separator: 0x0A).map { try JSON(parsing: Array($0)) } }
    }
}

/// A job type that does what the test says.
struct Scripted: JobType {
    static let script = Mutex<[String: @Sendable (Job) async throws -> JSON?]>([:])
    let name: String

    init(params: inout JSONFields) throws {
        name = try params.require(try params.string("script"), "script", "the name of the script")
        _ = try params.int("limit", in: 1...10)
    }

    func run(_ job: Job) async throws -> JSON? { try await Self.script.withLock { $0[name] }!(job) }
}

struct Outcome {
    let exit: HandlerExit
    let lines: [JSON]
    let errors: String
}

/// Runs a handler whose one type, `scripted`, does what `body` says.
func handle(
    _ request: String? = nil, arguments: [String] = ["bin/handler", "scripted"], stop: Bool = false,
    _ body: @escaping @Sendable (Job) async throws -> JSON? = { _ in nil }
) async throws -> Outcome {
    let name = "script-\(UInt64.random(in: .min ... .max))"
    Scripted.script.withLock { $0[name] = body }
    let input = try ScratchFile(request ?? #"{"v":1,"params":{"script":"\#(name)"}}"#)
    let output = try ScratchFile()
    let errors = try ScratchFile()
    let exit = await JobHandlerMain.run(
        types: ["scripted": Scripted.self], arguments: arguments, input: input.descriptor,
        output: output.descriptor, errors: errors.descriptor, isStopRequested: { stop })
    return Outcome(exit: exit, lines: try output.lines, errors: errors.text)
}
