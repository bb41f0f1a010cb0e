/// The params of `documents.sync`, decoded and checked; nothing here looks at the disk.
import JSONText
import JobHandler

struct SyncParams: Sendable {
    /// How two files of one name are found equal without copying.
    enum Comparison: String, CaseIterable {
        /// Equal size and modification time, to the nanosecond. Where only the time differs, the contents decide.
        case timeAndSize = "mtime_size"
        /// The contents decide, always.
        case checksum
    }

    /// Absolute paths of directories.
    let source: String
    let target: String
    /// Below both; empty for everything.
    let path: RelativePath
    let filter: Filter
    let comparison: Comparison
    /// Copy what is equal, too.
    let force: Bool
    /// Delete from the target what the source does not have.
    let delete: Bool
    /// Deletions at the most.
    let maxDelete: Int
    /// Deletions at the most, in percent of the target's documents.
    let maxDeletePercent: Double
    /// An empty source may empty the target.
    let allowEmpty: Bool
    let errors: ErrorBudget
    /// Files that are written and synced together before they are renamed into place.
    let batchSize: Int
    /// The absolute path of a full-text index of the target, which is kept; nil for none.
    let index: String?

    init(_ fields: inout JSONFields) throws {
        source = try Self.directory("source", "the absolute path of the directory to copy from", &fields)
        target = try Self.directory("target", "the absolute path of the directory to bring up to date", &fields)
        let path = try fields.string("path") ?? ""
        do {
            self.path = try RelativePath(path)
        } catch {
            throw fields.wrong("path", error.problem)
        }
        filter = Filter(include: try Self.globs("include", &fields), exclude: try Self.globs("exclude", &fields))
        comparison = try fields.choice("compare") ?? .timeAndSize
        force = try fields.bool("force") ?? false
        delete = try fields.bool("delete") ?? false
        maxDelete = try fields.int("max_delete", in: 0 ... .max) ?? 100
        maxDeletePercent = try fields.double("max_delete_percent", in: 0...100) ?? 10
        allowEmpty = try fields.bool("allow_empty") ?? false
        errors = try ErrorBudget(params: &fields)
        batchSize = min(try fields.int("batch_size", in: 1 ... .max) ?? 100, 200)
        index = try fields.string("index").map { try Self.absolute($0, "index", fields) }
    }

    private static func directory(_ key: String, _ meaning: String, _ fields: inout JSONFields) throws -> String {
        try absolute(try fields.require(try fields.string(key), key, meaning), key, fields)
    }

    private static func absolute(_ value: String, _ key: String, _ fields: JSONFields) throws -> String {
        guard value.utf8.first == UInt8(ascii: "/"), !value.utf8.contains(0) else {
            throw fields.wrong(key, "must be an absolute path, which begins with /, not \"\(value)\"")
        }
        return value
    }

    private static func globs(_ key: String, _ fields: inout JSONFields) throws -> [Glob] {
        var globs: [Glob] = []
        for pattern in try fields.strings(key) ?? [] {
            do {
                globs.append(try Glob(pattern))
            } catch {
                throw fields.wrong(key, "has a pattern that is wrong: \"\(pattern)\" \(error.problem)")
            }
        }
        return globs
    }
}
