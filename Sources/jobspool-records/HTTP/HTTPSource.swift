/// An HTTP JSON API as a source of records: one page after the other, one in memory at a time. A page that comes a second time ends
/// the job, so that no API can keep it busy for ever.
import JSONText
import JobHandler
import NIOHTTP1

final class HTTPSource: RecordSource {
    let name: String
    private(set) var isResumed = false
    private let params: HTTPSourceParams
    private let job: Job
    private let connection: HTTPConnection
    /// Records after which `read` need not go on; nil when all are wanted.
    private let limit: Int?
    private let parser = JSONRecordParser(LayoutCache())
    private var address: WebAddress
    private var seen = SeenPages()
    private var page: Page?
    /// To be read next; nil at the end.
    private var next: PageMark? = .first
    private var number = 0
    /// Records on the pages before the one in hand.
    private var countBefore = 0
    private var total: Int?
    /// Where an earlier attempt of this job was.
    private var resumed: SourcePosition?

    private struct Page {
        let mark: PageMark
        var body: PageBody
    }

    init(_ params: HTTPSourceParams, _ context: SourceContext) throws {
        self.params = params
        name = params.name
        job = context.job
        limit = context.limit
        address = params.address
        if let start = context.start, let parameter = params.sinceParameter {
            address = address.setting(parameter, to: start.json.string ?? start.json.text)
        }
        connection = try HTTPConnection(params.connection, to: params.address, context.job, context.pacing)
        if let position = context.position.flatMap(SourcePosition.init) {
            (resumed, isResumed) = (position, true)
            next = position.mark
            (countBefore, number) = (position.countBefore, position.number)
            job.log("Going on with page \(position.number + 1)")
        }
    }

    func close() async { await connection.close() }

    func count() async throws -> Int? {
        if page == nil, let next { try await turn(to: next) }
        return total
    }

    func read(into batch: inout RecordBatch) async throws -> Bool {
        batch.places.unit = "record"
        let start = ContinuousClock.now
        while true {
            if var page = self.page {
                while !batch.isFull, !page.body.isDone {
                    let place = Place(number: countBefore + page.body.done + 1)
                    page.body.appendNext(at: place, to: &batch, parser)
                }
                self.page = page
                if !page.body.isDone { return true }
            }
            guard let next else { return false }
            // What is there is written before somebody has waited for long, or more was read than is wanted.
            if batch.isFull || isEnough, !batch.isEmpty { return true }
            if !batch.isEmpty, ContinuousClock.now - start > .seconds(2) { return true }
            try await turn(to: next)
        }
    }

    /// Whether as many records were read as are wanted. Not all of them need count: whoever wants more gets them page by page.
    private var isEnough: Bool { limit.map { countBefore + (page?.body.count ?? 0) >= $0 } ?? false }

    /// The page in hand, or the next one when that is done.
    var position: JSON? {
        let position: SourcePosition
        if let page, !page.body.isDone {
            position = SourcePosition(
                mark: page.mark, done: page.body.done, hash: page.body.hash, countBefore: countBefore,
                number: number - 1)
        } else if let next {
            let count = countBefore + (page?.body.count ?? 0)
            position = SourcePosition(mark: next, done: 0, hash: [], countBefore: count, number: number)
        } else {
            return nil
        }
        // An address that has a secret in it is kept nowhere; the next attempt begins at the beginning.
        if let text = position.mark.text, connection.credentials.areIn(text) { return nil }
        return position.json
    }

    // MARK: Pages

    private func turn(to mark: PageMark) async throws {
        countBefore += page?.body.count ?? 0
        page = nil
        number += 1
        let request = HTTPConnection.Request(address: try address(of: mark), shown: params.shown)
        let (body, facts, found) = try await connection.send(request) { answer in try take(answer, request) }
        if let resumed, resumed.done > 0, resumed.hash != body.hash { return try await beginAnew() }
        try seen.insert(request, body, number: number, connection.credentials)
        if !params.isPagingGiven, facts.link != nil {
            throw JobFailure(
                "PAGES_MISSING",
                "\(request.name): there are more pages (Link: rel=\"next\"): give `paging`, \"link\" for all of them, or "
                    + "\"none\" for this one")
        }
        total = params.paging.total(facts) ?? total
        switch params.paging.next(after: mark, facts) {
        case .end: next = nil
        case .mark(let following): next = try resolved(following, at: found, request)
        case .contradiction(let what):
            throw HTTPFailures.cleared(
                JobFailure(
                    "PAGES_MISSING",
                    "\(request.name): \(what): if the total is only an estimate, leave `total` out", exit: .temporary),
                of: connection.credentials)
        }
        var page = Page(mark: mark, body: body)
        if let resumed { page.body.skip(resumed.done) }
        resumed = nil
        self.page = page
    }

    /// The page in hand has changed: which of its records are done cannot be told.
    private func beginAnew() async throws {
        job.log("Page \(number) has changed: reading from the beginning")
        (resumed, isResumed) = (nil, false)
        (countBefore, number) = (0, 0)
        try await turn(to: .first)
    }

    private func address(of mark: PageMark) throws -> WebAddress {
        let paging = params.paging
        var address = address
        if let limit = paging.limit { address = address.setting(paging.limitParameter, to: "\(limit)") }
        switch mark {
        case .first:
            if paging.style == .page { address = address.setting(paging.parameter, to: "\(paging.first)") }
            if paging.style == .skip { address = address.setting(paging.parameter, to: "0") }
        case .page(let number): address = address.setting(paging.parameter, to: "\(number)")
        case .skip(let records): address = address.setting(paging.parameter, to: "\(records)")
        case .cursor(let cursor): address = address.setting(paging.parameter, to: cursor)
        case .address(let text):
            guard let next = WebAddress(text) else {
                throw JobFailure("NEXT_PAGE_INVALID", "\(name): the next page has no address of the web")
            }
            address = next
        }
        return address
    }

    private func take(
        _ answer: HTTPAnswer, _ request: HTTPConnection.Request
    ) throws -> (PageBody, PageFacts, WebAddress) {
        if let coding = answer.headers.first(name: "Content-Encoding"), coding.lowercased() != "identity" {
            throw JobFailure(
                "ENCODING_UNKNOWN", "\(request.name): the body is encoded (\(coding)), which was not asked for")
        }
        do throws(PageBody.Broken) {
            // 204 No Content: a page without records.
            let isEmpty = answer.status == 204
            let body = try PageBody(isEmpty ? Array("[]".utf8) : answer.body, array: isEmpty ? [] : params.array)
            let facts = PageFacts(
                count: body.count, countSoFar: countBefore + body.count, envelope: body.envelope,
                link: LinkHeader.next(answer.headers["Link"]),
                totalHeader: params.paging.totalHeader.flatMap { answer.headers.first(name: $0) })
            return (body, facts, answer.address)
        } catch {
            switch error {
            case .truncated: throw PassingFailure(reason: "the body ends inside its JSON")
            case .invalid(let reason):
                let type = answer.headers.first(name: "Content-Type").map { " (\($0))" } ?? ""
                throw JobFailure("INVALID_JSON", "\(request.name): the body\(type) is no JSON: \(reason)")
            case .noRecords(let reason): throw JobFailure("RECORDS_MISSING", "\(request.name): \(reason)")
            }
        }
    }

    private func resolved(
        _ mark: PageMark, at found: WebAddress, _ request: HTTPConnection.Request
    ) throws -> PageMark {
        guard case .address(let reference) = mark else { return mark }
        guard let address = found.resolving(reference) else {
            throw JobFailure("NEXT_PAGE_INVALID", "\(request.name): names a next page that has no address of the web")
        }
        try connection.check(address, from: request, "names a next page")
        return .address(address.text)
    }
}
