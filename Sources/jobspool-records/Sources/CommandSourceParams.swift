/// A source that is a command which speaks Singer: its program and arguments, never given to a shell.
import JSONText

struct CommandSourceParams: Sendable {
    /// An argument that is, or contains, this is given the path of a file with the state that the last job left.
    static let stateMark = "{state}"

    let arguments: [String]
    /// The stream to take; nil when there is but one.
    let stream: String?

    init(_ members: inout JSONFields, entity: String?) throws {
        arguments = try members.require(try members.strings("command"), "command", "a program and its arguments")
        guard let program = arguments.first, !program.isEmpty, !arguments.contains(where: { $0.utf8.contains(0) })
        else {
            throw members.wrong("command", "must be a program and its arguments, such as [\"/opt/tap/bin/tap-shop\"]")
        }
        stream = try members.string("stream") ?? entity
    }

    /// Without the arguments, which may hold credentials.
    var name: String { "\(arguments[0])\(stream.map { ", stream \($0)" } ?? "")" }

    /// What its name leaves out.
    var unnamed: String? { arguments.count > 1 ? arguments.dropFirst().joined(separator: "\0") : nil }

    func open(_ context: SourceContext) throws -> any RecordSource { try SingerSource(self, context) }
}
