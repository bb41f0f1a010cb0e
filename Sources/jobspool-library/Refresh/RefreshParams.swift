/// The params of `cache.refresh`, decoded and checked; nothing here looks at the disk.
import JSONText
import JobHandler

struct RefreshParams: Sendable {
    /// The absolute path of the database.
    let cache: String
    /// Absolute paths of files and directories, and IRIs of documents.
    let roots: [String]
    let bases: [DocumentPlaces.Base]
    /// How many references are followed from the own set at the most.
    let depth: Int
    /// Take out of the cache what was not reached any more.
    let delete: Bool
    let deletions: DeletionLimit
    let errors: ErrorBudget
    /// Documents that are written in one transaction.
    let batchSize: Int

    init(_ fields: inout JSONFields) throws {
        cache = try fields.path("cache", "the absolute path of the cache's database")
        roots = try Self.roots(&fields)
        bases = try Self.bases(&fields)
        depth = try fields.int("depth", in: 0...1000) ?? 0
        delete = try fields.bool("delete") ?? false
        deletions = try DeletionLimit(&fields)
        errors = try ErrorBudget(params: &fields)
        batchSize = min(try fields.int("batch_size", in: 1 ... .max) ?? 100, 1000)
    }

    /// What makes two runs the same work, so that one may carry on the other.
    var identity: String {
        let bases = bases.map { JSON.array([.string($0.iri), .string($0.directory)]) }
        return JSON.array([.array(roots.map { .string($0) }), .array(bases), JSON(depth)]).text
    }

    private static func roots(_ fields: inout JSONFields) throws -> [String] {
        let wanted = "the own set: a list of directories, files and IRIs of documents"
        let roots: [String]
        if let one = fields.object["roots"]?.string {
            _ = fields.value("roots")
            roots = [one]
        } else {
            roots = try fields.require(try fields.strings("roots"), "roots", wanted)
        }
        guard !roots.isEmpty else { throw fields.wrong("roots", "is empty: name \(wanted)") }
        for root in roots
        where root.utf8.first == UInt8(ascii: "/") ? root.utf8.contains(0) : !IRI(root).isAbsolute {
            throw fields.wrong(
                "roots", "has \"\(root.printable(limit: 80))\", which is neither an absolute path nor an IRI")
        }
        return roots
    }

    private static func bases(_ fields: inout JSONFields) throws -> [DocumentPlaces.Base] {
        try (try fields.object("base") ?? [:]).members.map { iri, directory in
            guard IRI(iri).isAbsolute else {
                throw fields.wrong("base", "has \"\(iri.printable(limit: 80))\", which is no absolute IRI")
            }
            guard let path = directory.string, path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0) else {
                throw fields.wrong("base", "must give each IRI the absolute path of a directory")
            }
            return DocumentPlaces.Base(iri: iri, directory: path.utf8.last == UInt8(ascii: "/") ? path : path + "/")
        }
    }
}

extension JSONFields {
    /// An absolute path that has to be there.
    mutating func path(_ key: String, _ meaning: String) throws -> String {
        try absolute(try require(try string(key), key, meaning), key)
    }

    func absolute(_ path: String, _ key: String) throws -> String {
        guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0) else {
            throw wrong(key, "must be an absolute path, which begins with /, not \"\(path.printable(limit: 80))\"")
        }
        return path
    }
}
