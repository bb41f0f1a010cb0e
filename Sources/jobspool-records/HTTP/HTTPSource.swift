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
    /// nil where the pages are not counted, and where a record that is missed does no harm.
    private var keys: PageKeys?
    private var page: Page?
    /// The page that was read last, and the number of records before it.
    private var last: (mark: PageMark, countBefore: Int)?
    /// How often it has got records since it was read.
    private var slides = 0
    /// To be read next; nil at the end.
    private var next: PageMark? = .first
    private var number = 0
    /// Records on the pages before the one in hand.
    private var countBefore = 0
    private var total: Int?
    private var leastTotal: Int?
    /// Where an earlier attempt of this job was.
    private var resumed: SourcePosition?

    /// How often a page may get records before the job gives up.
    private static let mostSlides = 10

    private struct Page {
        let mark: PageMark
        var body: PageBody
        /// Those of its records that were not read yet; nil for all.
        var new: Set<Int>?
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
        switch params.paging.style {
        case .page, .skip: keys = context.gapKey.map { PageKeys($0) }
        case .none, .cursor, .link, .next: break
        }
        connection = try HTTPConnection(params.connection, to: params.address, context.job, context.pacing)
        // An earlier version kept no hash at the end of a page: whether the next one is where it was cannot be told.
        if let position = context.position.flatMap(SourcePosition.init), !position.hash.isEmpty {
            (resumed, isResumed) = (position, true)
            next = position.mark
            (countBefore, number, leastTotal) = (position.countBefore, position.number, position.total)
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
                    if let new = page.new, !new.contains(page.body.done) {
                        page.body.skip(1)
                        continue
                    }
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

    /// The page in hand; nil when that was the last one, and is done.
    var position: JSON? {
        guard let page, !page.body.isDone || next != nil else { return nil }
        let position = SourcePosition(
            mark: page.mark, done: page.body.done, hash: page.body.hash, countBefore: countBefore, number: number - 1,
            total: leastTotal)
        // An address that has a secret in it is kept nowhere; the next attempt begins at the beginning.
        if let text = position.mark.text, connection.credentials.areIn(text) { return nil }
        return position.json
    }

    // MARK: Pages

    private func turn(to mark: PageMark) async throws {
        countBefore += page?.body.count ?? 0
        page = nil
        number += 1
        let request = try request(for: mark)
        guard let (body, facts, found) = try await ask(request, isAnswer: isNoPlaceToGoOn),
            resumed.map({ $0.hash == body.hash }) ?? true
        else { return try await beginAnew() }
        if try await takeWhatSlid() { return }
        try seen.insert(request, body, number: number, connection.credentials)
        if !params.isPagingGiven, facts.link != nil {
            throw JobFailure(
                "PAGES_MISSING",
                "\(request.name): there are more pages (Link: rel=\"next\"): give `paging`, \"link\" for all of them, or "
                    + "\"none\" for this one")
        }
        switch params.paging.next(after: mark, facts) {
        case .end: next = nil
        case .mark(let following): next = try resolved(following, at: found, request)
        case .contradiction(let what):
            throw HTTPFailures.cleared(
                JobFailure("PAGES_MISSING", "\(request.name): \(what)", exit: .temporary), of: connection.credentials)
        }
        if let total = params.paging.total(facts) {
            self.total = total
            leastTotal = min(total, leastTotal ?? total)
        }
        keys?.turn(to: body)
        (last, slides) = ((mark, countBefore), 0)
        var page = Page(mark: mark, body: body)
        if let resumed { page.body.skip(resumed.done) }
        resumed = nil
        self.page = page
    }

    /// Whether an earlier attempt was on a page that there is no more: the pages have become fewer, or its cursor has expired. Bad
    /// Request, Not Found, Gone, Unprocessable Content.
    private func isNoPlaceToGoOn(_ status: UInt) -> Bool { resumed != nil && [400, 404, 410, 422].contains(status) }

    /// Which of the records are done cannot be told.
    private func beginAnew() async throws {
        job.log("Page \(number) has changed: reading from the beginning")
        (resumed, isResumed) = (nil, false)
        (countBefore, number, leastTotal) = (0, 0, nil)
        try await turn(to: .first)
    }

    /// Looks, with the next page in hand, at the one before once more: what has slid onto it from the next one is not there any more,
    /// and would be missed.
    /// - Returns: whether there is such a record. Then that page is in hand again, and the next one has to be asked for anew.
    private func takeWhatSlid() async throws -> Bool {
        guard let last, keys != nil else { return false }
        let request = try request(for: last.mark)
        // Not Found: there are so few records left that it is none any more.
        let body = try await ask(request, isAnswer: { $0 == 404 })?.0
        let look = keys?.lookAgain(at: body) ?? .whole
        if look == .whole { return false }
        slides += 1
        guard case .hasNew(let new) = look, let body, slides <= Self.mostSlides else {
            throw HTTPFailures.cleared(
                JobFailure(
                    "PAGES_UNSTEADY",
                    "\(request.name): has other records each time it is read, and some would be missed: ask for a steady "
                        + "order, such as by id, or for pages by `cursor`", exit: .temporary),
                of: connection.credentials)
        }
        (countBefore, number) = (last.countBefore, number - 1)
        job.log("Page \(number) has changed meanwhile: \(new.count) records on it are new")
        page = Page(mark: last.mark, body: body, new: new)
        return true
    }

    private func request(for mark: PageMark) throws -> HTTPConnection.Request {
        HTTPConnection.Request(address: try params.paging.address(of: mark, address), shown: params.shown)
    }

    /// - Parameter isAnswer: statuses that mean that there is no page.
    /// - Returns: the page, what it says, and where it was found.
    private func ask(
        _ request: HTTPConnection.Request, isAnswer: (UInt) -> Bool
    ) async throws -> (PageBody, PageFacts, WebAddress)? {
        try await connection.send(request, isAnswer: isAnswer) { answer in
            answer.status / 100 == 2 ? try take(answer, request) : nil
        }
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
                totalHeader: params.paging.totalHeader.flatMap { answer.headers.first(name: $0) },
                leastTotal: leastTotal)
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
