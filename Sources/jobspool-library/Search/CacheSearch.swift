/// Finds documents of a cache by the literals in them. `type` and `predicate` are IRIs, or what follows their last slash or
/// number sign.
import GRDB
import JSONText

struct CacheSearch {
    let database: Database

    func run(_ scope: SearchScope) throws -> (results: [SearchResult], total: Int) {
        let hits = scope.query.terms.indices.map { "SELECT \($0), rowid FROM words WHERE words MATCH ?" }
        let (filter, arguments) = try filter(scope)
        let found = try Row.fetchAll(
            database,
            sql: """
                WITH hit (word, id) AS (\(hits.joined(separator: " UNION ALL "))),
                    ranked (id, score) AS MATERIALIZED (SELECT rowid, -bm25(words) FROM words WHERE words MATCH ?),
                    counted AS (
                        SELECT document, count(DISTINCT word) AS n FROM hit JOIN statement USING (id)
                        WHERE \(filter) GROUP BY document),
                    best AS (
                        SELECT document, id, max(score) AS score FROM ranked JOIN statement USING (id)
                        WHERE \(filter) GROUP BY document)
                SELECT best.document, best.id, n, score, iri, depth
                FROM counted JOIN best USING (document) JOIN document ON document.id = document
                ORDER BY n DESC, depth, score DESC, iri
                """,
            arguments: StatementArguments(scope.query.terms.map(\.match) + [scope.query.match]) + arguments + arguments)
        let results = try found.prefix(scope.limit).map { row in
            let (subject, snippet) = try shown(row["id"], scope.query.match)
            return SearchResult(
                document: row["iri"], subject: subject, title: try title(of: subject, row["document"]),
                snippet: snippet,
                matchedWords: row["n"], depth: row["depth"], score: row["score"])
        }
        return (results, found.count)
    }

    private func filter(_ scope: SearchScope) throws -> (String, StatementArguments) {
        var conditions: [String] = []
        var arguments: StatementArguments = []
        if let predicate = scope.predicate {
            conditions.append("(predicate = ? OR substr(predicate, -length(?)) IN (?, ?))")
            arguments += [predicate, "/" + predicate, "/" + predicate, "#" + predicate]
        }
        if let type = scope.type {
            let types = try types(type)
            // What is said of a resource may stand in another document; what has no IRI is of its document alone.
            conditions.append(
                """
                EXISTS (SELECT 1 FROM statement AS kind
                    WHERE kind.predicate = '\(Vocabulary.type)'
                        AND kind.value IN (\(types.map { _ in "?" }.joined(separator: ", ")))
                        AND kind.subject = statement.subject
                        AND (kind.document = statement.document OR substr(statement.subject, 1, 2) <> '_:'))
                """)
            arguments += StatementArguments(types)
        }
        return (conditions.isEmpty ? "TRUE" : conditions.joined(separator: " AND "), arguments)
    }

    /// The types that are meant, as values of statements.
    private func types(_ type: String) throws -> [String] {
        let all = try String.fetchAll(
            database, sql: "SELECT DISTINCT value FROM statement WHERE predicate = '\(Vocabulary.type)'")
        let exact: JSON = ["@id": .string(type)]
        return all.filter { $0 == exact.text || $0.hasSuffix("/\(type)\"}") || $0.hasSuffix("#\(type)\"}") }
    }

    private func shown(_ id: Int64, _ match: String) throws -> (subject: String, snippet: String) {
        let row = try Row.fetchOne(
            database,
            sql: """
                SELECT subject, snippet(words, 0, '', '', '…', 30) AS snippet
                FROM words JOIN statement ON statement.id = words.rowid WHERE words MATCH ? AND words.rowid = ?
                """, arguments: [match, id])
        return (row?["subject"] ?? "", row?["snippet"] ?? "")
    }

    /// What the subject is called, in this document if it says so, else in the nearest that does.
    private func title(of subject: String, _ document: Int64) throws -> String? {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT predicate, value FROM statement JOIN document ON document.id = document
                WHERE subject = ?1 AND predicate IN (\(Vocabulary.titles.map { "'\($0)'" }.joined(separator: ", ")))
                    AND (document = ?2 OR substr(?1, 1, 2) <> '_:')
                ORDER BY document <> ?2, depth, statement.id
                """, arguments: [subject, document])
        let titles = try rows.map { row in
            (predicate: row["predicate"] as String, value: try JSON(parsing: row["value"] as String))
        }
        for predicate in Vocabulary.titles {
            if let text = titles.first(where: { $0.predicate == predicate })?.value["@value"]?.string {
                return text.shortTitle
            }
        }
        return nil
    }
}
