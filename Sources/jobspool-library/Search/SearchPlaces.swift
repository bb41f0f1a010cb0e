/// The databases that are searched: the params `index` and `cache`, each a path or a list of paths.
import GRDB
import JSONText
import JobHandler

enum SearchPlace: Sendable, Equatable {
    case index(String)
    case cache(String)

    func read<Value>(_ patience: Patience, _ body: (Database) throws -> Value) throws -> Value {
        let queue: DatabaseQueue?
        switch self {
        case .index(let path): queue = try LibraryDatabase.index.openToRead(path, patience)
        case .cache(let path): queue = try LibraryDatabase.cache.openToRead(path, patience)
        }
        guard let queue else { throw missing }
        // One transaction: a job that writes meanwhile changes nothing of what is read.
        return try queue.transaction(.deferred, body)
    }

    private var missing: JobFailure {
        switch self {
        case .index(let path):
            .missing("index", path, "run documents.index, or documents.sync with `index`, first")
        case .cache(let path): .missing("cache", path, "run cache.refresh first")
        }
    }
}

struct SearchPlaces: Sendable {
    let all: [SearchPlace]

    init(_ fields: inout JSONFields) throws {
        all = try Self.paths("index", &fields).map { .index($0) } + Self.paths("cache", &fields).map { .cache($0) }
        guard !all.isEmpty else {
            throw fields.wrong("index", "is missing, and so is `cache`: name at least one database to look into")
        }
    }

    private static func paths(_ key: String, _ fields: inout JSONFields) throws -> [String] {
        switch fields.value(key) {
        case nil: return []
        case .string(let path)?: return [try fields.absolute(path, key)]
        case .array(let paths)?:
            return try paths.map { path in
                guard let path = path.string else { throw fields.wrong(key, "must be a path or a list of paths") }
                return try fields.absolute(path, key)
            }
        case _?: throw fields.wrong(key, "must be a path or a list of paths")
        }
    }
}
