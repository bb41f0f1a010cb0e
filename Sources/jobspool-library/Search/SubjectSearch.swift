/// The job type `search.subject`: all that is known of a subject, by source document. Of a subject that is not known the
/// list is empty, which is no error. Changes nothing.
import GRDB
import JSONText
import JobHandler

struct SubjectSearch: JobType {
    let subject: String
    let places: SearchPlaces

    init(params: inout JSONFields) throws {
        subject = try params.require(
            try params.string("subject"), "subject", "the IRI of a subject, or the path of a document")
        places = try SearchPlaces(&params)
    }

    func run(_ job: Job) async throws -> JSON? {
        try await JobFailure.translating(job) {
            var sources: [SubjectSource] = []
            for place in places.all {
                try job.checkStopping()
                sources += try place.read(Patience(job)) { database in
                    switch place {
                    case .index: try indexed(database)
                    case .cache: try cached(database)
                    }
                }
            }
            // The result is one line, which has to stay below the daemon's limit of 1 MiB.
            var budget = 900_000
            let shown = sources.compactMap { $0.json(within: &budget) }
            job.log("Found \(subject.printable(limit: 200)) in \(sources.count) documents")
            return [
                "subject": .string(subject), "documents": .array(shown), "total": JSON(sources.count),
                "truncated": .bool(shown.count < sources.count || budget < 0),
            ]
        }
    }

    private func cached(_ database: Database) throws -> [SubjectSource] {
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT iri, depth, predicate, value FROM statement JOIN document ON document.id = document
                WHERE subject = ? ORDER BY depth, iri, statement.id
                """, arguments: [subject])
        var sources: [SubjectSource] = []
        while let row = try rows.next() {
            let iri: String = row["iri"]
            if sources.last?.document != iri { sources.append(SubjectSource(document: iri, depth: row["depth"])) }
            let value = try JSON(parsing: row["value"] as String)
            sources[sources.count - 1].add(row["predicate"], value)
        }
        return sources
    }

    private func indexed(_ database: Database) throws -> [SubjectSource] {
        let root = try String.fetchOne(database, sql: "SELECT path FROM root") ?? ""
        let isWithin = subject.beginsWithBytes(root + "/")
        let path = isWithin ? String(decoding: subject.utf8.dropFirst(root.utf8.count + 1), as: UTF8.self) : subject
        guard
            let row = try Row.fetchOne(
                database,
                sql: "SELECT * FROM document JOIN words ON words.rowid = document.id WHERE path = ?", arguments: [path])
        else { return [] }
        var source = SubjectSource(document: "\(root)/\(path)", depth: 0)
        source.set("path", .string(path))
        source.set("title", .string(row["title"]))
        source.set("format", .string(row["format"]))
        source.set("size", JSON(row["size"] as Int64))
        source.set("modified", .string(UTCTime.text(nanoseconds: row["modified"])))
        for (key, value) in try JSON(parsing: row["properties"] as String).object?.members ?? [] {
            source.set(key, value)
        }
        let headings = (row["headings"] as String).split(separator: "\n").map { JSON.string(String($0)) }
        source.set("headings", .array(headings))
        source.set("text", .string(row["text"]))
        return [source]
    }
}
