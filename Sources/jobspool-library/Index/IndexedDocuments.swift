/// The documents of an index: looked up, replaced with their words, removed.
import GRDB
import JSONText

struct IndexedDocuments {
    enum Outcome { case created, updated, skipped, deleted }

    let database: Database

    /// What becomes of a document that has been read.
    func outcome(_ path: String, _ format: TextFormat, _ text: DocumentText) throws -> Outcome {
        guard
            let row = try Row.fetchOne(
                database,
                sql: """
                    SELECT format, properties, title, headings, text
                    FROM document JOIN words ON words.rowid = document.id WHERE path = ?
                    """, arguments: [path])
        else { return .created }
        let isSame =
            (row["format"] as String).hasSameBytes(as: format.rawValue)
            && (row["properties"] as String).hasSameBytes(as: JSON.object(text.properties).text)
            && (row["title"] as String).hasSameBytes(as: text.title)
            && (row["headings"] as String).hasSameBytes(as: text.headings)
            && (row["text"] as String).hasSameBytes(as: text.text)
        return isSame ? .skipped : .updated
    }

    /// A document of which only the times have changed.
    func touch(_ step: IndexPlan.Step) throws {
        try database.cachedStatement(sql: "UPDATE document SET size = ?, modified = ?, changed = ? WHERE path = ?")
            .execute(arguments: [step.size, step.modified, step.changed, step.path])
    }

    func put(_ step: IndexPlan.Step, _ format: TextFormat, _ text: DocumentText) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO document (path, format, size, modified, changed, properties) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                ON CONFLICT (path) DO UPDATE SET format = ?2, size = ?3, modified = ?4, changed = ?5, properties = ?6
                """
        ).execute(arguments: [
            step.path, format.rawValue, step.size, step.modified, step.changed, JSON.object(text.properties).text,
        ])
        let id = try Int64.fetchOne(database, sql: "SELECT id FROM document WHERE path = ?", arguments: [step.path])
        try database.cachedStatement(sql: "DELETE FROM words WHERE rowid = ?").execute(arguments: [id])
        try database.cachedStatement(sql: "INSERT INTO words (rowid, title, headings, text) VALUES (?, ?, ?, ?)")
            .execute(arguments: [id, text.title, text.headings, text.text])
    }

    /// - Returns: whether it was there.
    @discardableResult
    func remove(_ path: String) throws -> Bool {
        guard let id = try Int64.fetchOne(database, sql: "SELECT id FROM document WHERE path = ?", arguments: [path])
        else {
            return false
        }
        try database.cachedStatement(sql: "DELETE FROM words WHERE rowid = ?").execute(arguments: [id])
        try database.cachedStatement(sql: "DELETE FROM document WHERE id = ?").execute(arguments: [id])
        return true
    }
}
