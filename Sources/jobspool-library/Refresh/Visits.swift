/// Which documents a refresh has come upon, in breadth-first order, and what became of them. The list is in the cache, and
/// grows in the same transactions as the documents, so that a refresh that was interrupted goes on where it was. In a
/// dry run it is a temporary table of the same name.
import GRDB
import JobHandler

struct Visits {
    struct Visit {
        let id: Int64
        let place: DocumentPlaces.Place
        let depth: Int
    }

    enum Outcome: String, CaseIterable { case created, updated, skipped, failed }

    let database: Database

    /// Begins a list that is gone with the connection.
    func makeTemporary() throws {
        let table = try String.fetchOne(
            database, sql: "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = 'visit'")
        try database.execute(sql: "CREATE TEMPORARY " + (table ?? "").dropFirst("CREATE ".count))
        try database.execute(sql: "CREATE INDEX temp.visit_to_make ON visit (id) WHERE outcome IS NULL")
    }

    func clear() throws { try database.execute(sql: "DELETE FROM visit") }

    /// Those that are not on the list yet get onto its end.
    func add(_ places: some Sequence<DocumentPlaces.Place>, depth: Int) throws {
        let insert = try database.cachedStatement(
            sql: "INSERT OR IGNORE INTO visit (iri, location, name, depth) VALUES (?, ?, ?, ?)")
        for place in places { try insert.execute(arguments: [place.iri, place.location, place.name, depth]) }
    }

    /// What could not even be looked at is done.
    func addUnreadable(_ errors: [ItemError]) throws {
        for error in errors {
            try database.execute(
                sql: "INSERT OR IGNORE INTO visit (iri, location, name, depth, outcome) VALUES (?, '', '', 0, ?)",
                arguments: [error.item, Outcome.failed.rawValue])
        }
    }

    /// The next documents, all of one depth; empty when the refresh is done.
    func next(_ limit: Int) throws -> [Visit] {
        let rows = try Row.fetchAll(
            database,
            sql: "SELECT id, iri, location, name, depth FROM visit WHERE outcome IS NULL ORDER BY id LIMIT ?",
            arguments: [limit])
        let visits = rows.map { row in
            Visit(
                id: row["id"],
                place: DocumentPlaces.Place(iri: row["iri"], location: row["location"], name: row["name"]),
                depth: row["depth"])
        }
        return Array(visits.prefix { $0.depth == visits.first?.depth })
    }

    func finish(_ visit: Visit, _ outcome: Outcome) throws {
        try database.cachedStatement(sql: "UPDATE visit SET outcome = ? WHERE id = ?")
            .execute(arguments: [outcome.rawValue, visit.id])
    }

    func counts() throws -> [Outcome: Int] {
        let rows = try Row.fetchAll(
            database, sql: "SELECT outcome, count(*) AS n FROM visit WHERE outcome IS NOT NULL GROUP BY outcome")
        return Dictionary(
            uniqueKeysWithValues: rows.compactMap { row in Outcome(rawValue: row["outcome"]).map { ($0, row["n"]) } })
    }

    /// How many documents there are of each depth, from 0.
    func levels() throws -> [Int] {
        try Int.fetchAll(database, sql: "SELECT count(*) FROM visit GROUP BY depth ORDER BY depth")
    }
}
