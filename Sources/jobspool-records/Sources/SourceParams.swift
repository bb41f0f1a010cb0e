/// The param `source`: one case for each kind of source, told apart by the member that only it has.
import JSONText

enum SourceParams: Sendable {
    case file(path: String)

    init(_ fields: inout JSONFields) throws {
        let source = try fields.require(
            try fields.object("source"), "source", "an object, such as {\"file\": \"/a.csv\"}")
        var members = JSONFields(source, path: fields.path + ["source"])
        let path = try members.require(try members.string("file"), "file", "the absolute path of a file")
        self = .file(path: path)
        try members.finish()
    }

    func open() throws -> any RecordSource {
        switch self {
        case .file(let path): try NDJSONSource(path)
        }
    }
}
