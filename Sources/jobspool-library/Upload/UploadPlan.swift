/// What is to be uploaded: the difference between what the cache holds and what it remembers that the target got from it.
/// An entry is done when that is written down, after its own success, so that an upload that was interrupted sends at most
/// the one in hand again. What that was is written down before it is sent, so that it is known when it is found there, and
/// does not stay there when the document is what it was before, or gone.
import Foundation
import GRDB

struct UploadPlan {
    enum Entry: Equatable {
        /// - Parameter known: the hashes of what the target may hold of the document from here: what it got last, and what was on
        ///   its way when a job was killed.
        case put(iri: String, name: String, hash: String, known: [String])
        case delete(iri: String, name: String, known: [String])

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
        let sending = try sending()
        let puts = try Row.fetchAll(
            database,
            sql: """
                SELECT document.iri, document.name, document.hash,
                    CASE WHEN upload.iri = document.iri THEN upload.hash END AS known,
                    CASE WHEN sending.iri = document.iri THEN sending.hash END AS sent
                FROM document LEFT JOIN upload ON upload.name = document.name AND upload.target = ?1
                    LEFT JOIN \(sending) AS sending ON sending.name = document.name AND sending.target = ?1
                WHERE depth <= ?2
                    AND ((upload.hash, upload.iri) IS NOT (document.hash, document.iri) OR sending.name IS NOT NULL)
                ORDER BY document.iri
                """, arguments: [target, depth])
        let deletions = try Row.fetchAll(
            database,
            sql: """
                SELECT upload.iri AS iri, upload.name AS name, upload.hash AS known, sending.hash AS sent
                FROM upload LEFT JOIN \(sending) AS sending
                    ON (sending.target, sending.name, sending.iri) = (upload.target, upload.name, upload.iri)
                WHERE upload.target = ?1 AND upload.name NOT IN (SELECT name FROM document)
                UNION ALL
                SELECT iri, name, NULL, hash FROM \(sending) AS sending
                WHERE target = ?1 AND name NOT IN (SELECT name FROM document)
                    AND name NOT IN (SELECT name FROM upload WHERE target = ?1)
                ORDER BY iri, name
                """, arguments: [target])
        return puts.map { .put(iri: $0["iri"], name: $0["name"], hash: $0["hash"], known: Self.known($0)) }
            + (delete ? deletions.map { .delete(iri: $0["iri"], name: $0["name"], known: Self.known($0)) } : [])
    }

    private static func known(_ row: Row) -> [String] {
        [row["known"] as String?, row["sent"] as String?].compactMap { $0 }
    }

    /// A cache of version 1, which a dry run may find, does not say what is on its way.
    private func sending() throws -> String {
        try database.tableExists("sending")
            ? "sending" : "(SELECT NULL AS target, NULL AS iri, NULL AS name, NULL AS hash)"
    }

    /// Documents that the target has from here, or may have.
    func held() throws -> Int {
        let sending = try sending()
        return try Int.fetchOne(
            database,
            sql: """
                SELECT count(*) FROM (
                    SELECT name FROM upload WHERE target = ?1
                    UNION SELECT name FROM \(sending) AS sending WHERE target = ?1)
                """, arguments: [target]) ?? 0
    }

    func isCacheEmpty() throws -> Bool {
        try Row.fetchOne(database, sql: "SELECT 1 FROM document") == nil
    }

    func content(_ iri: String) throws -> [UInt8] {
        Array(
            try Data.fetchOne(database, sql: "SELECT content FROM document WHERE iri = ?", arguments: [iri]) ?? Data())
    }

    /// A document is about to be sent.
    /// - Parameter held: the hash of what the target has of it from here; nil for nothing.
    func begin(_ iri: String, _ name: String, _ hash: String, over held: String?) throws {
        if let held { try got(iri, name, held) }
        try database.execute(
            sql: "INSERT OR REPLACE INTO sending (target, iri, name, hash) VALUES (?, ?, ?, ?)",
            arguments: [target, iri, name, hash])
    }

    /// Clears an entry.
    func clear(_ entry: Entry) throws {
        switch entry {
        case .put(let iri, let name, let hash, _):
            try landed(name)
            try got(iri, name, hash)
        case .delete(_, let name, _):
            try landed(name)
            try database.execute(sql: "DELETE FROM upload WHERE target = ? AND name = ?", arguments: [target, name])
        }
    }

    private func got(_ iri: String, _ name: String, _ hash: String) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO upload (target, iri, name, hash) VALUES (?, ?, ?, ?)",
            arguments: [target, iri, name, hash])
    }

    /// Nothing is on its way any more.
    private func landed(_ name: String) throws {
        try database.execute(sql: "DELETE FROM sending WHERE target = ? AND name = ?", arguments: [target, name])
    }
}
