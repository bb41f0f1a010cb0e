/// What is to be uploaded: the difference between what the cache holds and what it remembers that the target got from
/// it. An entry is done when that is written down, after its own success, so that an upload that was interrupted sends
/// at most the one in hand again. What that was is written down before it is sent, so that it is known when it is found
/// there, and does not stay there when the document is what it was before, or gone.
import Foundation
import GRDB
import JSONText

struct UploadPlan {
    enum Entry: Equatable {
        /// - Parameter known: the hashes of what the target may hold of the document from here: what it got last, and
        /// what was on its way when a job was killed.
        case put(iri: String, name: String, hash: String, known: [String])
        case delete(iri: String, name: String, known: [String])
        /// - Parameter holder: another document of this name, which the target has got from here, or is going to.
        case nameTaken(iri: String, name: String, holder: String)

        var isDeletion: Bool {
            switch self {
            case .put, .nameTaken: false
            case .delete: true
            }
        }

        var name: String {
            switch self {
            case .put(_, let name, _, _), .delete(_, let name, _), .nameTaken(_, let name, _): name
            }
        }

        var iri: String {
            switch self {
            case .put(let iri, _, _, _), .delete(let iri, _, _), .nameTaken(let iri, _, _): iri
            }
        }
    }

    let database: Database
    /// As the cache remembers it.
    let target: String

    /// Of several documents of one name the target gets one, and always the same: that which it has, or else the first.
    /// - Parameter depth: of the documents at the most.
    func entries(depth: Int, delete: Bool) throws -> [Entry] {
        let sending = try sending()
        let puts = try Row.fetchAll(
            database,
            sql: """
                SELECT iri, name, hash, known, sent, holder FROM (
                    SELECT document.iri, document.name, document.hash, document.depth,
                        CASE WHEN upload.iri = document.iri THEN upload.hash END AS known,
                        CASE WHEN sending.iri = document.iri THEN sending.hash END AS sent,
                        (upload.hash, upload.iri) IS NOT (document.hash, document.iri) OR sending.name IS NOT NULL
                            AS is_due,
                        first_value(document.iri) OVER (
                            PARTITION BY document.name
                            ORDER BY (document.iri IS upload.iri) DESC, (document.iri IS sending.iri) DESC, document.iri
                        ) AS holder
                    FROM document LEFT JOIN upload ON upload.name = document.name AND upload.target = ?1
                        LEFT JOIN \(sending) AS sending ON sending.name = document.name AND sending.target = ?1
                    WHERE document.depth <= ?2 OR document.iri IN (upload.iri, sending.iri))
                WHERE depth <= ?2 AND is_due
                ORDER BY iri
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
        return puts.map(Self.put)
            + (delete ? deletions.map { .delete(iri: $0["iri"], name: $0["name"], known: Self.known($0)) } : [])
    }

    private static func put(_ row: Row) -> Entry {
        let (iri, name, holder): (String, String, String) = (row["iri"], row["name"], row["holder"])
        if !iri.hasSameBytes(as: holder) { return .nameTaken(iri: iri, name: name, holder: holder) }
        return .put(iri: iri, name: name, hash: row["hash"], known: known(row))
    }

    private static func known(_ row: Row) -> [String] {
        [row["known"] as String?, row["sent"] as String?].compactMap { $0 }
    }

    /// A cache of version 1, which a dry run may find, does not say what is on its way.
    private func sending() throws -> String {
        try database.tableExists("sending")
            ? "sending" : "(SELECT NULL AS target, NULL AS iri, NULL AS name, NULL AS hash)"
    }

    /// The names of documents that differ from an entry's by case alone, or by how their letters are composed, by what
    /// these have in common. Whether they are one name is for the target to say.
    func alike(_ entries: [Entry]) throws -> [String: [String]] {
        let own = Dictionary(grouping: entries.map(\.name), by: Self.folded)
        var alike: [String: [String]] = [:]
        let documents = try String.fetchCursor(database, sql: "SELECT name FROM document")
        while let name = try documents.next() {
            let folded = Self.folded(name)
            if own[folded]?.contains(where: { !$0.hasSameBytes(as: name) }) ?? false {
                alike[folded, default: []].append(name)
            }
        }
        return alike
    }

    /// Swift's strings are equal however their letters are composed.
    static func folded(_ name: String) -> String { name.uppercased().lowercased() }

    /// Whether the target has got something of that name from here.
    func hasSent(_ name: String) throws -> Bool {
        try Row.fetchOne(
            database, sql: "SELECT 1 FROM upload WHERE target = ? AND name = ?", arguments: [target, name]) != nil
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
        case .nameTaken: break
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
