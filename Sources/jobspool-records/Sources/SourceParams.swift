/// The param `source`: one case for each kind of source, told apart by the member that only it has. A text is short for a file.
import JSONText
import JobHandler

enum SourceParams: Sendable {
    case file(FileSourceParams)

    init(_ fields: inout JSONFields) throws {
        let wanted = "an object, such as {\"file\": \"/srv/export/customers.csv\"}"
        let value = try fields.require(fields.value("source"), "source", wanted)
        if let path = value.string {
            self = .file(try FileSourceParams(path, of: fields))
            return
        }
        guard let object = value.object else { throw fields.wrong("source", "must be \(wanted), not \(value.kind)") }
        var members = JSONFields(object, path: fields.path + ["source"])
        self = .file(try FileSourceParams(&members))
        try members.finish()
    }

    /// What messages call it, and bookmarks are kept by. No credentials.
    var name: String {
        switch self {
        case .file(let params): params.path
        }
    }

    func open(_ context: SourceContext) async throws -> any RecordSource {
        switch self {
        case .file(let params): try params.open()
        }
    }
}
