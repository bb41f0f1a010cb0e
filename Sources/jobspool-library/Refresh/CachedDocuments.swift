/// The documents of a cache: looked up, replaced with all that they say, removed.
import Foundation
import GRDB
import JSONText

struct CachedDocuments {
    let database: Database

    /// A document that was read anew.
    struct Content {
        let bytes: [UInt8]
        let format: DocumentFormat
        let document: LinkedDocument
        let references: [String]
    }

    /// What the cache holds of the document if it has these very bytes.
    func unchanged(_ iri: String, _ bytes: [UInt8]) throws -> (id: Int64, references: [String])? {
        guard
            let row = try Row.fetchOne(
                database, sql: "SELECT id, content FROM document WHERE iri = ?", arguments: [iri]),
            try row.withUnsafeData(named: "content", { $0.map { $0.elementsEqual(bytes) } ?? bytes.isEmpty })
        else { return nil }
        let id: Int64 = row["id"]
        return (
            id,
            try String.fetchAll(
                database, sql: "SELECT iri FROM reference WHERE document = ? ORDER BY position", arguments: [id])
        )
    }

    func holds(_ iri: String) throws -> Bool {
        try Row.fetchOne(database, sql: "SELECT 1 FROM document WHERE iri = ?", arguments: [iri]) != nil
    }

    /// A document whose contents are the same may have come nearer, or have another name.
    func touch(_ place: DocumentPlaces.Place, depth: Int) throws {
        try database.cachedStatement(
            sql: "UPDATE document SET depth = ?1, name = ?2 WHERE iri = ?3 AND (depth, name) <> (?1, ?2)"
        )
        .execute(arguments: [depth, place.name, place.iri])
    }

    func put(_ place: DocumentPlaces.Place, depth: Int, _ content: Content) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO document (iri, name, depth, format, hash, content) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                ON CONFLICT (iri) DO UPDATE SET name = ?2, depth = ?3, format = ?4, hash = ?5, content = ?6
                """
        ).execute(arguments: [
            place.iri, place.name, depth, content.format.rawValue, SHA256.hexadecimal(content.bytes),
            Data(content.bytes),
        ])
        guard
            let id = try Int64.fetchOne(database, sql: "SELECT id FROM document WHERE iri = ?", arguments: [place.iri])
        else { return }
        try removeStatements(of: id)
        let insert = try database.cachedStatement(
            sql: "INSERT INTO statement (document, subject, predicate, value) VALUES (?, ?, ?, ?)")
        let insertWords = try database.cachedStatement(sql: "INSERT INTO words (rowid, text) VALUES (?, ?)")
        for statement in content.document.statements {
            try insert.execute(arguments: [id, statement.subject, statement.predicate, statement.value.text])
            if let text = statement.text { try insertWords.execute(arguments: [database.lastInsertedRowID, text]) }
        }
        let insertReference = try database.cachedStatement(
            sql: "INSERT INTO reference (document, position, iri) VALUES (?, ?, ?)")
        for (position, iri) in content.references.enumerated() {
            try insertReference.execute(arguments: [id, position, iri])
        }
    }

    /// The documents that a refresh has not come upon.
    func unvisited() throws -> [String] {
        try String.fetchAll(
            database, sql: "SELECT iri FROM document WHERE iri NOT IN (SELECT iri FROM visit) ORDER BY iri")
    }

    func count() throws -> Int { try Int.fetchOne(database, sql: "SELECT count(*) FROM document") ?? 0 }

    func remove(_ iri: String) throws {
        guard let id = try Int64.fetchOne(database, sql: "SELECT id FROM document WHERE iri = ?", arguments: [iri])
        else {
            return
        }
        try removeStatements(of: id)
        try database.execute(sql: "DELETE FROM document WHERE id = ?", arguments: [id])
    }

    private func removeStatements(of document: Int64) throws {
        for sql in [
            "DELETE FROM words WHERE rowid IN (SELECT id FROM statement WHERE document = ?)",
            "DELETE FROM statement WHERE document = ?", "DELETE FROM reference WHERE document = ?",
        ] {
            try database.cachedStatement(sql: sql).execute(arguments: [document])
        }
    }
}
