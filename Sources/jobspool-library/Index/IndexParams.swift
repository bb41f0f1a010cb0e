/// The params of `documents.index`, decoded and checked; nothing here looks at the disk.
import JSONText
import JobHandler

struct IndexParams: Sendable {
    /// The absolute path of the database.
    let index: String
    /// The absolute path of the directory that the index is of.
    let directory: String
    /// Only what is below this path; empty for everything.
    let path: String
    /// An index may be emptied because there are no documents any more.
    let allowEmpty: Bool
    /// Given by `documents.sync` alone, of which this is a part then: the directory that documents come from. In a dry run what
    /// would come from there is attached.
    let source: String?
    let errors: ErrorBudget
    /// Documents that are written in one transaction.
    let batchSize: Int

    init(_ fields: inout JSONFields) throws {
        index = try fields.path("index", "the absolute path of the index's database")
        directory = try fields.path("directory", "the absolute path of the directory to index")
        let path = try fields.string("path") ?? ""
        let components = path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
        guard path.utf8.first != UInt8(ascii: "/"), components.allSatisfy({ $0 != ".." && $0 != "." }),
            !path.utf8.contains(0)
        else { throw fields.wrong("path", "must be relative to `directory`, without \"..\"") }
        self.path = components.joined(separator: "/")
        allowEmpty = try fields.bool("allow_empty") ?? false
        source = try fields.object("sync")?["source"]?.string
        errors = try ErrorBudget(params: &fields)
        batchSize = min(try fields.int("batch_size", in: 1 ... .max) ?? 100, 1000)
    }
}
