/// The job type `search`: the documents of indexes and caches that have any of the words, the best first. Changes nothing.
import GRDB
import JSONText
import JobHandler

struct Search: JobType {
    let scope: SearchScope
    let places: SearchPlaces

    init(params: inout JSONFields) throws {
        let text = try params.require(try params.string("q"), "q", "the words, and \"phrases\", to look for")
        let query = SearchQuery(text)
        guard !query.terms.isEmpty else { throw params.wrong("q", "has no words to look for") }
        guard query.terms.count <= SearchQuery.maximumTerms else {
            throw params.wrong(
                "q", "has \(query.terms.count) words; at most \(SearchQuery.maximumTerms) are looked for")
        }
        scope = SearchScope(
            query: query, limit: try params.int("limit", in: 1...1000) ?? 10, type: try params.string("type"),
            predicate: try params.string("predicate"))
        places = try SearchPlaces(&params)
    }

    func run(_ job: Job) async throws -> JSON? {
        try await JobFailure.translating(job) { try search(job) }
    }

    private func search(_ job: Job) throws -> JSON {
        let start = ContinuousClock.now
        var results: [SearchResult] = []
        var total = 0
        for place in places.all {
            try job.checkStopping()
            let (found, count) = try place.read(Patience(job)) { database in
                switch place {
                case .index: try IndexSearch(database: database).run(scope)
                case .cache: try CacheSearch(database: database).run(scope)
                }
            }
            results += found
            total += count
        }
        results.sort(by: SearchResult.isBefore)
        let wanted = results.prefix(scope.limit)
        let shown = Self.shown(wanted)
        let milliseconds = ((ContinuousClock.now - start) / .milliseconds(1) * 10).rounded() / 10
        job.log("Found \(total) documents in \(JSON(milliseconds).text) ms")
        return [
            "results": .array(shown), "total": JSON(total), "took_ms": JSON(milliseconds),
            "truncated": .bool(shown.count < wanted.count),
        ]
    }

    /// The result is one line, which has to stay below the daemon's limit of 1 MiB: what does not fit is left out.
    private static func shown(_ results: some Collection<SearchResult>) -> [JSON] {
        var budget = 900_000
        return results.compactMap { result in
            let json = result.json
            let size = json.bytes.count + 1
            guard size <= budget else { return nil }
            budget -= size
            return json
        }
    }
}
