/// What is to be uploaded: the difference between what the cache holds and what it remembers that the target got from it.
/// An entry is done when that is written down, after its own success, so that an upload that was interrupted sends at most
/// the one in hand again.
import Foundation
import GRDB

struct UploadPlan {
    enum Entry: Equatable {
        /// - Parameter known: the hash of what the target got last; nil when it has not got the document yet.
        case put(iri: String, name: String, hash: String, known: String?)
        case delete(iri: String, name: String, known: String)

        var isDeletion: Bool {
            switch self {
            case .put: false
            case .delete: true
            }
        }

        var iri: String {
            switch self {
            case .put(let iri, _, _, _), .delete(let iri, _, _): iri
            }
        }
    }

    let database: Database
    /// As the cache remembers it.
    let target: String

    /// - Parameter depth: of the documents at the most.
    func entries(depth: Int, delete: Bool) throws -> [Entry] {
        let puts = try Row.fetchAll(
            database,
            sql: """
                SELECT document.iri, document.name, document.hash,
                    CASE WHEN upload.iri = document.iri THEN upload.hash END AS known
                FROM document LEFT JOIN upload ON upload.name = document.name AND upload.target = ?
                WHERE depth <= ? AND (upload.hash, upload.iri) IS NOT (document.hash, document.iri)
                ORDER BY document.iri
                """, arguments: [target, depth])
        let deletions = try Row.fetchAll(
            database,
            sql: """
                SELECT iri, name, hash FROM upload
                WHERE target = ? AND name NOT IN (SELECT name FROM document) ORDER BY iri, name
                """, arguments: [target])
        return puts.map { .put(iri: $0["iri"], name: $0["name"], hash: $0["hash"], known: $0["known"]) }
            + (delete ? deletions.map { .delete(iri: $0["iri"], name: $0["name"], known: $0["hash"]) } : [])
    }

    /// Documents that the target has from here.
    func held() throws -> Int {
        try Int.fetchOne(database, sql: "SELECT count(*) FROM upload WHERE target = ?", arguments: [target]) ?? 0
    }

    func isCacheEmpty() throws -> Bool {
        try Row.fetchOne(database, sql: "SELECT 1 FROM document") == nil
    }

    func content(_ iri: String) throws -> [UInt8] {
        Array(
            try Data.fetchOne(database, sql: "SELECT content FROM document WHERE iri = ?", arguments: [iri]) ?? Data())
    }

    /// Clears an entry.
    func clear(_ entry: Entry) throws {
        switch entry {
        case .put(let iri, let name, let hash, _):
            try database.execute(
                sql: "INSERT OR REPLACE INTO upload (target, iri, name, hash) VALUES (?, ?, ?, ?)",
                arguments: [target, iri, name, hash])
        case .delete(_, let name, _):
            try database.execute(sql: "DELETE FROM upload WHERE target = ? AND name = ?", arguments: [target, name])
        }
    }
}
