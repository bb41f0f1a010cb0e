/// What is to be done to bring an index up to date with a directory: a comparison of the files that are there with the
/// documents that the index holds. It depends on nothing but these two, so that whatever an interrupted job or somebody
/// else has done, the next run puts the index right.
import GRDB

struct IndexPlan {
    struct Step {
        enum Action { case read, delete }
        let action: Action
        let path: String
        let format: TextFormat?
        let size: Int64
        let modified: Int64
        let changed: Int64
        /// The file is still in the source (in a dry run).
        let isInSource: Bool
    }

    let database: Database

    /// Begins a list of the files that are there. It is gone with the connection.
    func begin() throws {
        try database.execute(
            sql: """
                CREATE TEMPORARY TABLE file (
                    path TEXT PRIMARY KEY, format TEXT NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
                    changed INTEGER NOT NULL, is_in_source INTEGER NOT NULL) WITHOUT ROWID
                """)
    }

    func add(_ path: String, _ format: TextFormat, _ status: FileStatus, isInSource: Bool = false) throws {
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?)")
            .execute(arguments: [
                path, format.rawValue, status.size, status.modified, status.changed, isInSource,
            ])
    }

    func remove(_ path: String) throws {
        try database.cachedStatement(sql: "DELETE FROM file WHERE path = ?").execute(arguments: [path])
    }

    func fileCount() throws -> Int { try Int.fetchOne(database, sql: "SELECT count(*) FROM file") ?? 0 }

    /// Documents that the index holds below the path.
    func heldCount(below path: String) throws -> Int {
        try Int.fetchOne(
            database, sql: "SELECT count(*) FROM document WHERE \(Self.isBelow)", arguments: Self.bounds(path)) ?? 0
    }

    /// How many documents have to be read, and how many are not there any more.
    func counts(below path: String) throws -> (reads: Int, deletions: Int) {
        let reads = try Int.fetchOne(database, sql: "SELECT count(*) \(reads())") ?? 0
        let deletions =
            try Int.fetchOne(
                database, sql: "SELECT count(*) \(Self.deletions)", arguments: Self.bounds(path)) ?? 0
        return (reads, deletions)
    }

    /// What is new or changed, in the order of the paths' bytes. What is not in it is equal.
    func reads(after path: String, _ limit: Int) throws -> [Step] {
        try Row.fetchAll(
            database, sql: "SELECT file.* \(reads()) AND file.path > ? ORDER BY file.path LIMIT ?",
            arguments: [path, limit]
        ).map { row in
            Step(
                action: .read, path: row["path"], format: TextFormat(rawValue: row["format"]), size: row["size"],
                modified: row["modified"], changed: row["changed"], isInSource: row["is_in_source"])
        }
    }

    func deletions(below path: String, after last: String, _ limit: Int) throws -> [Step] {
        try String.fetchAll(
            database, sql: "SELECT path \(Self.deletions) AND path > ?2 ORDER BY path LIMIT ?3",
            arguments: [path, last, limit]
        ).map { Step(action: .delete, path: $0, format: nil, size: 0, modified: 0, changed: 0, isInSource: false) }
    }

    /// Contents may change while size and time stay, but not without a trace. An index of version 1, which a dry run may find, has
    /// not kept that trace: every document of it is read, as in the real run.
    private func reads() throws -> String {
        let isKept = try database.columns(in: "document").contains { $0.name == "changed" }
        return """
            FROM file LEFT JOIN document USING (path)
            WHERE (is_in_source
                OR (document.size, document.modified, \(isKept ? "document.changed" : "0"), document.format)
                    IS NOT (file.size, file.modified, file.changed, file.format))
            """
    }

    private static let deletions = "FROM document WHERE path NOT IN (SELECT path FROM file) AND \(isBelow)"

    /// `0` is the character after the slash.
    private static let isBelow = "(?1 = '' OR path = ?1 OR path > ?1 || '/' AND path < ?1 || '0')"

    private static func bounds(_ path: String) -> StatementArguments { [path] }
}
