/// The full-text index of the target, for `search` to read. It is kept by `jobspool-library`, which brings SQLite along, so
/// that this executable does not: it compares the target, as it is after the copying, with what the index holds. Whatever
/// interrupted an earlier run, the index is right after this one.
import Glibc
import JSONText
import JobHandler

struct TargetIndex {
    private static let handler = "jobspool-library"

    private let path: String
    private let library: OtherHandler
    private let params: SyncParams

    /// - Returns: nil when no index is wanted.
    /// - Throws: `JobFailure`, before anything is copied, when it could not be kept.
    init?(_ params: SyncParams, _ roots: Roots) throws {
        guard let path = params.index else { return nil }
        guard let library = OtherHandler(besideThis: Self.handler) else {
            throw JobFailure(
                "HANDLER_MISSING",
                "`index` needs \(Self.handler) beside this executable: `swift build --product \(Self.handler)` builds it",
                details: ["handler": .string(Self.handler)])
        }
        self.path = path
        self.library = library
        self.params = params
        try Self.check(path, roots)
    }

    /// An index within one of the trees would be copied with it, or deleted from it.
    private static func check(_ path: String, _ roots: Roots) throws {
        let parent: Descriptor
        do {
            parent = try .root(Roots.parentPath(path))
        } catch {
            throw JobFailure.invalidParams(
                field: "params.index", "`params.index` is in a directory that cannot be opened: \(error)")
        }
        for (root, name) in [(roots.source, "source"), (roots.target, "target")] {
            guard let root, try parent.isWithin(FileStatus(of: root, name).identity) else { continue }
            throw JobFailure.invalidParams(
                field: "params.index", "`params.index` lies within `params.\(name)`: put it beside the documents")
        }
    }

    /// - Parameter changes: what a dry run would have changed.
    /// - Returns: what was done.
    func update(_ changes: PlannedChanges, _ job: Job, _ tally: Tally) throws -> JSON {
        tally.beginIndexing()
        let result = try library.run(
            "documents.index",
            params: [
                "index": .string(path), "directory": .string(params.target),
                "path": .string(display(params.path.bytes)), "sync": ["source": .string(params.source)],
            ], attachment: changes.bytes, in: job,
            progress: { line in
                tally.indexing(line["item"]?.string, done: line["current"]?.int ?? 0, of: line["total"]?.int)
            }, failed: { tally.failIndexing($0) })
        tally.finishIndexing()
        return result ?? .null
    }
}

/// What a dry run would change in the target: `+path` for a document or a directory that would be created or updated, `-path`
/// for one that would be deleted, each ended by a NUL. A real run leaves it empty: the target itself says what it holds.
struct PlannedChanges {
    private(set) var bytes: [UInt8] = []

    mutating func put(_ path: [UInt8]) { bytes += [UInt8(ascii: "+")] + path + [0] }
    mutating func delete(_ path: [UInt8]) { bytes += [UInt8(ascii: "-")] + path + [0] }
}
