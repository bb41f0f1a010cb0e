/// A source that is a file, or a folder of files of one format.
import Glibc
import JSONText
import JobHandler

struct FileSourceParams: Sendable {
    enum Format: String, CaseIterable { case csv, json, ndjson, ical }

    /// Absolute.
    let path: String
    let format: Format
    /// Which of a folder's files: a pattern of their names.
    let glob: String?
    /// CSV: one byte.
    let delimiter: UInt8
    /// CSV: the names of the fields, where no header row has them.
    let fields: [String]?
    /// JSON: the keys that lead to the array; empty when the file is the array.
    let array: [String]

    init(_ members: inout JSONFields) throws {
        path = try members.require(try members.string("file"), "file", "the absolute path of a file or a folder")
        guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0) else {
            throw members.wrong("file", "must be an absolute path, which begins with /, not \"\(path)\"")
        }
        glob = try members.string("glob")
        guard let format = try members.choice("format") ?? Self.format(of: glob ?? path) else {
            let formats = Format.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
            throw members.wrong(
                "format", "is missing, and the name of \"\(path)\" does not say it: give one of \(formats)")
        }
        self.format = format
        delimiter = try Self.delimiter(&members, format)
        fields = try members.strings("fields")
        if let fields, format != .csv || fields.isEmpty || Set(fields).count < fields.count {
            throw members.wrong("fields", "is for CSV without a header row, and names each field once")
        }
        array = try Self.keys(&members)
        if !array.isEmpty, format != .json { throw members.wrong("array", "is for JSON, not for \(format.rawValue)") }
    }

    private static func delimiter(_ members: inout JSONFields, _ format: Format) throws -> UInt8 {
        guard let delimiter = try members.string("delimiter") else { return UInt8(ascii: ",") }
        guard format == .csv, delimiter.utf8.count == 1, let byte = delimiter.utf8.first, byte < 0x80,
            !"\"\r\n".utf8.contains(byte)
        else { throw members.wrong("delimiter", "is for CSV and is one ASCII character, such as \";\" or \"\\t\"") }
        return byte
    }

    /// Keys with dots between them, or a list of keys, which may have dots in them.
    private static func keys(_ members: inout JSONFields) throws -> [String] {
        if members.object["array"]?.array != nil { return try members.strings("array") ?? [] }
        return try members.string("array")?.split(separator: ".").map(String.init) ?? []
    }

    private static func format(of path: String) -> Format? {
        switch path.split(separator: "/").last?.split(separator: ".").last?.lowercased() {
        case "csv": .csv
        case "json": .json
        case "ndjson", "jsonl": .ndjson
        case "ics", "ical": .ical
        default: nil
        }
    }

    /// What its name leaves out: which of a folder's files, and which array of them.
    var unnamed: String? {
        // Without a pattern the format says which, as far as the name does not.
        let kind = glob == nil && Self.format(of: path) != format ? format.rawValue : ""
        if kind.isEmpty, array.isEmpty { return glob }
        return ([glob ?? "", kind] + array).joined(separator: "\0")
    }

    /// Whether a file in the folder is meant, by its name.
    func includes(_ name: String) -> Bool {
        glob.map { fnmatch($0, name, 0) == 0 } ?? (Self.format(of: name) == format)
    }

    func parser(_ buffer: FileBuffer, file: Int, _ layouts: LayoutCache) throws -> any FileParser {
        switch format {
        case .csv: CSVParser(buffer, file: file, delimiter: delimiter, fields: fields, layouts)
        case .json: JSONArrayParser(buffer, file: file, array: array, layouts)
        case .ndjson: NDJSONParser(buffer, file: file, layouts)
        case .ical: CalendarParser(buffer, file: file, layouts)
        }
    }

    func open() throws -> any RecordSource { try FileSource(self) }
}
