/// A file, or a folder of files, as a source of records. A folder's files are read in the order of their names, one after the
/// other, as if they were one; files of other formats, hidden ones and folders in it are left out.
import Glibc
import JSONText
import JobHandler

final class FileSource: RecordSource {
    let name: String
    let key: [String]?
    let ignoredFields: [String]
    let isReadAhead = true
    private let params: FileSourceParams
    private let files: [File]
    private let total: Int64
    private var current = 0
    private var open: (buffer: FileBuffer, parser: any FileParser)?
    /// Bytes of the files that are done.
    private var done: Int64 = 0
    private let layouts = LayoutCache()

    private struct File {
        let path: String
        let size: Int64
    }

    /// Files of more bytes in all are not counted beforehand: that would take as long as a cup of coffee.
    private static let countedBytes: Int64 = 4 << 30

    init(_ params: FileSourceParams) throws {
        self.params = params
        name = params.path
        key = params.format == .ical ? CalendarParser.key : nil
        ignoredFields = params.format == .ical ? CalendarParser.ignoredFields : []
        files = try Self.files(params)
        total = files.reduce(0) { $0 + $1.size }
    }

    var bytes: (done: Int64, total: Int64)? { (done + (open?.buffer.done ?? 0), total) }

    func count() async throws -> Int? {
        guard total <= Self.countedBytes else { return nil }
        return try explained {
            try files.indices.reduce(0) {
                try $0 + params.parser(FileBuffer(files[$1].path), file: $1, LayoutCache()).count()
            }
        }
    }

    func read(into batch: inout RecordBatch) async throws -> Bool {
        batch.places.unit = "line"
        if files.count > 1 { batch.places.files = files.map { FileName.last(of: $0.path) } }
        return try explained {
            while !batch.isFull {
                guard let parser = try parser() else { return false }
                if try parser.read(into: &batch) { continue }
                // What follows an array is not read.
                try open?.buffer.checkUnchanged()
                done += open?.buffer.done ?? 0
                open = nil
                current += 1
            }
            return true
        }
    }

    private func parser() throws -> (any FileParser)? {
        if let open { return open.parser }
        guard current < files.count else { return nil }
        let buffer = try FileBuffer(files[current].path)
        let parser = try params.parser(buffer, file: current, layouts)
        open = (buffer, parser)
        return parser
    }

    private func explained<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as SystemCallError {
            throw Self.failure(error)
        }
    }

    // MARK: The files

    private static func files(_ params: FileSourceParams) throws -> [File] {
        do {
            let status = try FileKind(params.path)
            guard status.isDirectory else { return [File(path: params.path, size: status.size)] }
            return try FileName.all(in: params.path).filter { params.includes($0) }.compactMap { name in
                let path = "\(params.path)/\(name)"
                let status = try FileKind(path)
                return status.isDirectory ? nil : File(path: path, size: status.size)
            }
        } catch let error as SystemCallError {
            throw failure(error)
        }
    }

    private static func failure(_ error: SystemCallError) -> JobFailure {
        error.errno == ENOENT || error.errno == ENOTDIR
            ? JobFailure("SOURCE_MISSING", "there is no \(error.path)", details: ["path": .string(error.path)])
            : JobFailure("SOURCE_UNREADABLE", "\(error)", details: ["path": .string(error.path)])
    }
}

/// What stat(2) says of a path.
private struct FileKind {
    let isDirectory: Bool
    let size: Int64

    init(_ path: String) throws(SystemCallError) {
        var status = stat()
        try systemCall("stat", path) { stat(path, &status) }
        isDirectory = status.st_mode & S_IFMT == S_IFDIR
        size = Int64(status.st_size)
    }
}

/// Names in a directory.
enum FileName {
    static func last(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    /// All that are not hidden, sorted by their bytes.
    static func all(in path: String) throws(SystemCallError) -> [String] {
        guard let directory = opendir(path) else {
            throw SystemCallError(operation: "opendir", path: path, errno: errno)
        }
        defer { closedir(directory) }
        return try all(in: directory, path)
    }

    /// - Parameter directory: from opendir(3).
    /// - Throws: `SystemCallError`; a directory that could be read in part only has not been read.
    static func all(in directory: OpaquePointer, _ path: String) throws(SystemCallError) -> [String] {
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(directory) else {
                if errno != 0 { throw SystemCallError(operation: "readdir", path: path, errno: errno) }
                break
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.utf8.first != UInt8(ascii: ".") { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
