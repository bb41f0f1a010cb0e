/// What a dry run of `documents.sync` would change in its target, as it writes it down for the index: `+path` for a document
/// or a directory that is created or updated, `-path` for one that is deleted, each ended by a NUL. Paths are bytes: they may be
/// no UTF-8.
import Glibc
import JobHandler

struct Changes {
    enum Change: Equatable { case put([UInt8]), delete([UInt8]) }

    let changes: [Change]

    /// - Parameter path: of the file.
    init(of path: String) throws {
        let bytes: [UInt8]
        do {
            bytes = try Descriptor.open(path, O_RDONLY).readAll(limit: .max, path)
        } catch {
            throw JobFailure("CHANGES_MISSING", "what the dry run would change cannot be read: \(error)")
        }
        self.init(parsing: bytes)
    }

    init(parsing bytes: [UInt8]) {
        changes = bytes.split(separator: 0).map { entry in
            let path = Array(entry.dropFirst())
            return entry.first == UInt8(ascii: "-") ? .delete(path) : .put(path)
        }
    }

    /// The path down to the first name that is no UTF-8: a walk comes so far.
    static func refused(_ path: [UInt8]) -> [UInt8] {
        let names = path.split(separator: UInt8(ascii: "/"))
        let end = names.first { String(validating: $0, as: UTF8.self) == nil }?.endIndex
        return Array(path[..<(end ?? path.endIndex)])
    }
}
