/// What a dry run of `documents.sync` would change in its target, as it writes it down for the index: `+path` for a document
/// that is created or updated, `-path` for one that is deleted, each ended by a NUL.
import Glibc
import JobHandler

struct Changes {
    enum Change: Equatable { case put(String), delete(String) }

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
        changes = bytes.split(separator: 0).compactMap { entry in
            guard let path = String(validating: entry.dropFirst(), as: UTF8.self) else { return nil }
            return entry.first == UInt8(ascii: "-") ? .delete(path) : .put(path)
        }
    }
}
