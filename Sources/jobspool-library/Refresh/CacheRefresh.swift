/// The job type `cache.refresh`: reads the own set, and what it refers to, breadth-first, at most `depth` levels, each
/// document once. A document that cannot be read is an item error, and the cache keeps what it had of it.
import GRDB
import JSONText
import JobHandler

struct CacheRefresh: JobType {
    let params: RefreshParams

    init(params: inout JSONFields) throws { self.params = try RefreshParams(&params) }

    func run(_ job: Job) async throws -> JSON? {
        try await JobFailure.translating(job) {
            let cache = LibraryDatabase.cache
            let patience = Patience(job)
            let queue =
                try job.isDryRun ? cache.openToPlan(params.cache, patience) : cache.open(params.cache, patience)
            return try await Refresh(params, job, queue, FileFetcher()).run()
        }
    }
}

final class Refresh {
    private let params: RefreshParams
    private let job: Job
    private let queue: DatabaseQueue
    private let fetcher: any DocumentFetcher
    private let places: DocumentPlaces
    private let tally: RefreshTally
    /// Of this run, over all of its attempts.
    private let run: String
    /// Bytes after which documents are written before more are read.
    private static let byteLimit = 8 << 20

    init(_ params: RefreshParams, _ job: Job, _ queue: DatabaseQueue, _ fetcher: any DocumentFetcher) {
        self.params = params
        self.job = job
        self.queue = queue
        self.fetcher = fetcher
        places = DocumentPlaces(params.bases)
        run = job.request.checkpoint?["run"]?.string ?? String(UInt64.random(in: 0 ... .max), radix: 16)
        tally = RefreshTally(job, params.errors, run: run)
    }

    func run() async throws -> JSON {
        let start = ContinuousClock.now
        do {
            let levels = try await readAll()
            try tally.checkErrors()
            try deleteUnvisited()
            try clear()
            return tally.finish(levels: levels, start.duration(to: .now))
        } catch let failure as JobFailure {
            // Whoever tries again begins anew: what failed may not fail then.
            try clear()
            throw failure
        }
    }

    /// - Returns: how many documents there are of each depth.
    private func readAll() async throws -> [Int] {
        try begin()
        var level = -1
        while case let visits = try list({ try $0.next(params.batchSize) }), !visits.isEmpty {
            if let depth = visits.first?.depth, depth > level {
                level = depth
                try list { try tally.beginLevel(depth, of: params.depth, $0) }
            }
            try await visit(visits)
        }
        return try list { try $0.levels() }
    }

    /// Looks at the list of this run.
    private func list<Value>(_ body: (Visits) throws -> Value) throws -> Value {
        try queue.transaction(.deferred) { database in
            try checkList(database)
            return try body(Visits(database: database))
        }
    }

    /// The cache has one list. A refresh that begins takes it, whoever has it: that one may have died. If it has not, it is told
    /// so here, before it takes the other's list for its own.
    private func checkList(_ database: Database) throws {
        guard !job.isDryRun, try !hasList(database) else { return }
        throw JobFailure(
            "CACHE_BUSY",
            "another refresh of \(params.cache) has begun since: it is tried again if `retry` allows",
            details: ["cache": .string(params.cache)], exit: .temporary)
    }

    private func hasList(_ database: Database) throws -> Bool {
        try String.fetchOne(database, sql: "SELECT run FROM refresh") == run
    }

    /// A run whose checkpoint fits what the cache has of it goes on; any other begins anew.
    private func begin() throws {
        let isResumed = try transaction { database in
            let visits = Visits(database: database)
            if job.isDryRun {
                try visits.makeTemporary()
                return false
            }
            let known = try Int.fetchOne(
                database, sql: "SELECT count(*) FROM refresh WHERE run = ? AND params = ?",
                arguments: [run, params.identity])
            if known == 1 { try tally.resume(visits.counts()) }
            return known == 1
        }
        if isResumed { return }
        var unreadable: [ItemError] = []
        let own = try OwnSet(
            places: places,
            failed: { [tally] error in
                unreadable.append(error)
                try tally.fail(error)
            }, checkStopping: { [job] in try job.checkStopping() }
        ).documents(params.roots)
        try transaction { database in
            let visits = Visits(database: database)
            if !job.isDryRun {
                try visits.clear()
                try database.execute(sql: "DELETE FROM refresh")
                try database.execute(
                    sql: "INSERT INTO refresh (run, params) VALUES (?, ?)", arguments: [run, params.identity])
            }
            try visits.add(own, depth: 0)
            try visits.addUnreadable(unreadable)
        }
        if !job.isDryRun { tally.checkpoint() }
    }

    /// Reads documents and writes them together. When it is time to stop, what was read already is written.
    private func visit(_ visits: [Visits.Visit]) async throws {
        var read: [(Visits.Visit, Read)] = []
        var bytes = 0
        do {
            for visit in visits {
                try job.checkStopping()
                tally.working(on: visit.place.iri)
                let result = try await self.read(visit)
                read.append((visit, result))
                if case .failed(let error) = result { try tally.fail(error) }
                if case .changed(let content, _) = result { bytes += content.bytes.count }
                if bytes > Self.byteLimit { break }
            }
        } catch {
            try write(read)
            if !job.isDryRun { tally.checkpoint() }
            throw error
        }
        try write(read)
    }

    private enum Read {
        case unchanged(references: [String])
        case changed(CachedDocuments.Content, Visits.Outcome)
        case failed(ItemError)
    }

    private func read(_ visit: Visits.Visit) async throws -> Read {
        let bytes: [UInt8]
        do throws(ItemError) {
            bytes = try await fetcher.fetch(visit.place)
        } catch {
            return .failed(error)
        }
        let iri = visit.place.iri
        let (unchanged, isHeld) = try queue.inDatabase { database in
            let documents = CachedDocuments(database: database)
            return (try documents.unchanged(iri, bytes), try documents.holds(iri))
        }
        if let unchanged { return .unchanged(references: unchanged.references) }
        do {
            let (format, document) = try DocumentFormat.parse(bytes, iri: iri)
            return .changed(
                CachedDocuments.Content(
                    bytes: bytes, format: format, document: document, references: document.references(of: iri)),
                isHeld ? .updated : .created)
        } catch let error as LinkedDataError {
            return .failed(
                ItemError(item: IRI(iri).shown, code: "NOT_LINKED_DATA", message: error.description, retryable: false))
        }
    }

    private func write(_ read: [(Visits.Visit, Read)]) throws {
        try transaction { database in
            try checkList(database)
            let visits = Visits(database: database)
            let documents = CachedDocuments(database: database)
            for (visit, result) in read {
                let references: [String]
                switch result {
                case .failed:
                    try visits.finish(visit, .failed)
                    continue
                case .unchanged(let known):
                    references = known
                    if !job.isDryRun { try documents.touch(visit.place, depth: visit.depth) }
                    try visits.finish(visit, .skipped)
                case .changed(let content, let outcome):
                    references = content.references
                    if !job.isDryRun { try documents.put(visit.place, depth: visit.depth, content) }
                    try visits.finish(visit, outcome)
                }
                guard visit.depth < params.depth else { continue }
                try visits.add(references.compactMap { places.place(of: $0) }, depth: visit.depth + 1)
            }
        }
        for (visit, result) in read {
            switch result {
            case .failed: break
            case .unchanged: tally.finish(visit.place.iri, .skipped)
            case .changed(_, let outcome): tally.finish(visit.place.iri, outcome)
            }
        }
        if !job.isDryRun { tally.checkpointIfDue() }
    }

    /// Only after a refresh without errors, and only if it is not too much.
    private func deleteUnvisited() throws {
        guard params.delete else { return }
        guard tally.failed == 0 else {
            return job.log("Nothing is deleted: \(tally.failed) documents could not be read", level: .warning)
        }
        try transaction { database in
            try checkList(database)
            let documents = CachedDocuments(database: database)
            let unvisited = try documents.unvisited()
            // What this run has added does not count, as it does not in a dry run.
            let held = try documents.count() - (job.isDryRun ? 0 : tally.created)
            try params.deletions.check(
                unvisited.count, from: "the cache", held: held, isSourceEmpty: tally.processed == 0)
            for iri in unvisited {
                if job.isDryRun {
                    job.log("DRY RUN: would delete \(IRI(iri).shown)")
                } else {
                    try documents.remove(iri)
                }
                tally.deleted()
            }
        }
    }

    /// Only its own list: another run is not done with its.
    private func clear() throws {
        guard !job.isDryRun else { return }
        try transaction { database in
            if try hasList(database) { try database.execute(sql: "DELETE FROM visit; DELETE FROM refresh") }
        }
    }

    private func transaction<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try queue.transaction(job.isDryRun ? .deferred : .immediate, body)
    }
}
