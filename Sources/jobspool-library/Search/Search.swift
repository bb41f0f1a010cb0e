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
        let shown = JSON.array(results.prefix(scope.limit).map(\.json))
        let milliseconds = ((ContinuousClock.now - start) / .milliseconds(1) * 10).rounded() / 10
        job.log("Found \(total) documents in \(JSON(milliseconds).text) ms")
        return ["results": shown, "total": JSON(total), "took_ms": JSON(milliseconds)]
    }
}
