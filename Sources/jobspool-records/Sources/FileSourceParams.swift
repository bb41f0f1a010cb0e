/// A source that is a file, or a folder of files of one format, which are read in the order of their names.
import JSONText
import JobHandler

struct FileSourceParams: Sendable {
    enum Format: String, CaseIterable { case csv, json, ndjson, ical }

    /// Absolute.
    let path: String
    let format: Format

    /// A path alone: the format goes by its suffix.
    init(_ path: String, of fields: JSONFields) throws {
        self.path = try Self.absolute(path, "source", fields)
        guard let format = Self.format(of: path) else {
            throw fields.wrong("source", "does not say what format \"\(path)\" has: \(Self.remedy)")
        }
        self.format = format
    }

    init(_ members: inout JSONFields) throws {
        let path = try members.require(try members.string("file"), "file", "the absolute path of a file or a folder")
        self.path = try Self.absolute(path, "file", members)
        guard let format = try members.choice("format") ?? Self.format(of: path) else {
            throw members.wrong("format", "is missing, and \"\(path)\" does not say it: \(Self.remedy)")
        }
        self.format = format
    }

    private static let remedy =
        "give `format` as one of " + Format.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")

    private static func absolute(_ path: String, _ key: String, _ fields: JSONFields) throws -> String {
        guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0) else {
            throw fields.wrong(key, "must be an absolute path, which begins with /, not \"\(path)\"")
        }
        return path
    }

    private static func format(of path: String) -> Format? {
        switch path.split(separator: "/").last?.split(separator: ".").last?.lowercased() {
        case "csv": .csv
        case "json": .json
        case "ndjson", "jsonl": .ndjson
        case "ics", "ical", "ifb": .ical
        default: nil
        }
    }

    func open(_ context: SourceContext) throws -> any RecordSource {
        switch format {
        case .csv, .json, .ndjson, .ical: try NDJSONSource(path)
        }
    }
}
