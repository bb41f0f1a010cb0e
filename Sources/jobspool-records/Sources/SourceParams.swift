/// The param `source`: one case for each kind of source, told apart by the member that only it has. A text is short for a file.
import JSONText
import JobHandler

enum SourceParams: Sendable {
    case file(FileSourceParams)
    case sqlite(SQLiteSourceParams)
    case command(CommandSourceParams)
    case http(HTTPSourceParams)

    /// The member that each kind of source is told by.
    private static let kinds = ["file", "sqlite", "command", "http"]

    /// - Parameters:
    ///   - name: the param's.
    ///   - entity: what is synced, which names the table or the stream where nothing else does.
    init(_ fields: inout JSONFields, _ name: String = "source", entity: String?) throws {
        let value = try Self.value(&fields, name)
        var members = JSONFields(value, path: fields.path + [name])
        try self.init(members: &members, entity: entity)
        try members.finish()
    }

    /// The param's members; a text is short for a file.
    static func value(_ fields: inout JSONFields, _ name: String) throws -> JSONObject {
        let wanted = "an object, such as {\"file\": \"/srv/export/customers.csv\"}"
        let value = try fields.require(fields.value(name), name, wanted)
        if let path = value.string { return ["file": .string(path)] }
        guard let object = value.object else { throw fields.wrong(name, "must be \(wanted), not \(value.kind)") }
        return object
    }

    init(members: inout JSONFields, entity: String?) throws {
        let given = Self.kinds.filter { members.object[$0] != nil }
        guard given.count == 1 else {
            let kinds = Self.kinds.map { "`\($0)`" }.joined(separator: ", ")
            throw JSONFieldError(
                path: members.path, problem: "must have exactly one of \(kinds), which says what kind of source it is")
        }
        switch given[0] {
        case "sqlite": self = .sqlite(try SQLiteSourceParams(&members, entity: entity))
        case "command": self = .command(try CommandSourceParams(&members, entity: entity))
        case "http": self = .http(try HTTPSourceParams(&members))
        default: self = .file(try FileSourceParams(&members))
        }
    }

    /// What messages call it. No credentials.
    var name: String {
        switch self {
        case .file(let params): params.path
        case .sqlite(let params): params.name
        case .command(let params): params.name
        case .http(let params): params.name
        }
    }

    /// What bookmarks are kept by: two sources that differ in what their names leave out have two.
    var bookmarkName: String {
        let unnamed: String? =
            switch self {
            case .file(let params): params.unnamed
            case .sqlite(let params): params.unnamed
            case .command(let params): params.unnamed
            case .http(let params): params.unnamed
            }
        return unnamed.map { "\(name)#\(SHA256.hex(Array($0.utf8), bytes: 4))" } ?? name
    }

    func open(_ context: SourceContext) async throws -> any RecordSource {
        switch self {
        case .file(let params): try params.open()
        case .sqlite(let params): try params.open(context)
        case .command(let params): try params.open(context)
        case .http(let params): try HTTPSource(params, context)
        }
    }
}
