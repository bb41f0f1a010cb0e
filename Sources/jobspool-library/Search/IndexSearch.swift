/// Finds documents of an index. `type` is a format, `predicate` one of title, headings and text. All of its documents are of
/// depth 0.
import GRDB
import JSONText

struct IndexSearch {
    let database: Database

    private static let columns = ["title", "headings", "text"]
    /// A word in a title says more than one in a heading, and that more than one in the text.
    private static let rank = "bm25(words, 10.0, 4.0, 1.0)"

    func run(_ scope: SearchScope) throws -> (results: [SearchResult], total: Int) {
        guard scope.predicate.map({ Self.columns.contains($0) }) ?? true else { return ([], 0) }
        let column = scope.predicate.map { "\($0) : " } ?? ""
        let all = "\(column)(\(scope.query.match))"
        let found = try Row.fetchAll(
            database,
            sql: """
                WITH hit (id) AS (\(scope.query.terms.map { _ in "SELECT rowid FROM words WHERE words MATCH ?" }
                    .joined(separator: " UNION ALL "))),
                    matched (id, n) AS (SELECT id, count(*) FROM hit GROUP BY id),
                    ranked (id, score) AS MATERIALIZED (SELECT rowid, -\(Self.rank) FROM words WHERE words MATCH ?)
                SELECT id, path, n, score FROM matched JOIN ranked USING (id) JOIN document USING (id)
                WHERE ? IS NULL OR format = ?
                ORDER BY n DESC, score DESC, path
                """,
            arguments: StatementArguments(scope.query.terms.map { column + $0.match } + [all])
                + [scope.type, scope.type])
        let root = try String.fetchOne(database, sql: "SELECT path FROM root") ?? ""
        let results = try found.prefix(scope.limit).map { row in
            let (title, snippet) = try shown(row["id"], all, scope.predicate)
            return SearchResult(
                document: "\(root)/\(row["path"] as String)", subject: nil, title: title, snippet: snippet,
                matchedWords: row["n"], depth: 0, score: row["score"])
        }
        return (results, found.count)
    }

    private func shown(_ id: Int64, _ match: String, _ predicate: String?) throws -> (String?, String) {
        let column = predicate.flatMap { Self.columns.firstIndex(of: $0) } ?? 2
        let row = try Row.fetchOne(
            database,
            sql:
                "SELECT title, snippet(words, \(column), '', '', '…', 30) AS snippet FROM words WHERE words MATCH ? AND rowid = ?",
            arguments: [match, id])
        let title: String = row?["title"] ?? ""
        return (title.isEmpty ? nil : title, row?["snippet"] ?? "")
    }
}
