/// Makes requests of one origin, one at a time: with credentials, retries and redirects, within bounds, and stopped at once when
/// the job is. What it throws has been cleared of secrets.
import AsyncHTTPClient
import JSONText
import JobHandler
import NIOCore
import NIOHTTP1
import NIOSSL

struct HTTPAnswer: Sendable {
    let status: UInt
    let headers: HTTPHeaders
    let body: [UInt8]
    /// Where it came from, after redirects.
    let address: WebAddress
}

final class HTTPConnection {
    /// Redirects that are followed at the most.
    static let redirects = 5
    /// Seconds for one request, however lively it is.
    static let longestRequest: Double = 900
    /// Seconds that a request in hand has to change something when the job is asked to stop.
    static let grace: Double = 3

    /// One request, as it is made again after a failure that may pass.
    struct Request: Sendable {
        var method = HTTPMethod.GET
        var address: WebAddress
        var body: [UInt8]?
        /// Beyond those of the params.
        var headers: [(name: String, value: String)] = []
        /// Parameters of the query that messages may show.
        var shown: [String] = []

        var name: String { address.shown(with: shown) }
    }

    private let client: HTTPClient
    private let params: HTTPConnectionParams
    private let origin: WebAddress.Origin
    let credentials: Credentials
    private let job: Job
    private let pacing: Pacing

    init(_ params: HTTPConnectionParams, to address: WebAddress, _ job: Job, _ pacing: Pacing) throws {
        self.params = params
        self.job = job
        self.pacing = pacing
        origin = address.origin
        credentials = try params.auth?.credentials() ?? Credentials()
        var tls = TLSConfiguration.makeClientConfiguration()
        if let file = params.caFile {
            do {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(file))
            } catch {
                throw JobFailure.invalidParams(
                    field: "\(params.path).ca_file",
                    "`\(params.path).ca_file` names \(file), which cannot be read as certificates in PEM form")
            }
        }
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls, redirectConfiguration: .disallow)
        configuration.timeout = .init(connect: .seconds(10), read: .seconds(Int64(params.timeoutSeconds)))
        configuration.httpVersion = .http1Only
        // Retries are made and told here.
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        if !credentials.isEmpty, origin.scheme == "http",
            !["127.0.0.1", "localhost", "[::1]", "::1"].contains(origin.host)
        {
            job.log("Credentials go to \(origin.text) unencrypted: use https", level: .warning)
        }
    }

    func close() async {
        do {
            try await client.shutdown()
        } catch {
            job.log("The HTTP client did not close: \(error)", level: .debug)
        }
    }

    /// Makes the request until it succeeds, or fails for good, or has been retried often enough.
    /// - Parameters:
    ///   - isAnswer: statuses beyond 2xx that the caller deals with.
    ///   - read: takes the answer apart; a `PassingFailure` is retried.
    /// - Throws: `JobFailure`, `JobStopped`.
    func send<Value>(
        _ request: Request, isAnswer: (UInt) -> Bool = { _ in false }, read: (HTTPAnswer) throws -> Value
    ) async throws -> Value {
        var retry = 0
        while true {
            do {
                let answer = try await follow(request)
                if answer.status / 100 == 2 || isAnswer(answer.status) { return try read(answer) }
                throw HTTPFailures.status(answer, request, params, pacing)
            } catch let passing as PassingFailure {
                retry += 1
                try await wait(retry, passing, request)
            } catch let failure as JobFailure {
                throw HTTPFailures.cleared(failure, of: credentials)
            }
        }
    }

    private func wait(_ retry: Int, _ failure: PassingFailure, _ request: Request) async throws {
        guard let delay = RetryPolicy.delay(retry: retry, wish: failure.retryAfter, chance: pacing.chance()) else {
            throw HTTPFailures.cleared(
                JobFailure(
                    "HTTP_UNAVAILABLE",
                    "\(request.name): \(failure.reason), also after \(RetryPolicy.retries) retries",
                    details: failure.status.map { ["status": JSON($0)] } ?? [:], exit: .temporary),
                of: credentials)
        }
        let seconds = Self.shown(delay)
        var why = ""
        if let wish = failure.retryAfter {
            why =
                wish > RetryPolicy.longestWish
                ? "; the server asks for \(Self.shown(wish)) s, of which \(Self.shown(RetryPolicy.longestWish)) are waited"
                : "; the server asks for \(Self.shown(wish)) s"
        }
        let message = credentials.removed(
            from: "\(request.name): \(failure.reason): retry \(retry) of \(RetryPolicy.retries) in \(seconds) s\(why)")
        job.log(message, level: .warning)
        var before = JobProgress()
        job.progress { progress in
            before = progress
            progress.phase = "wait"
            progress.item = message
        }
        let pacing = pacing
        try await stoppable { try await pacing.sleep(delay) }
        job.progress { ($0.phase, $0.item) = (before.phase, before.item) }
    }

    /// One decimal, and none where it says nothing.
    private static func shown(_ seconds: Double) -> String {
        guard seconds < 1e15 else { return "ages of" }
        let tenths = Int64((seconds * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }

    // MARK: One try

    /// Follows redirects: within the origin, and without credentials to origins that are allowed.
    private func follow(_ request: Request) async throws -> HTTPAnswer {
        var address = request.address
        for _ in 0...Self.redirects {
            let answer = try await exchange(request, at: address)
            switch answer.status {
            case 301, 302, 303, 307, 308: break
            default: return answer
            }
            guard let next = answer.headers.first(name: "Location").flatMap({ address.resolving($0) }) else {
                throw JobFailure(
                    "REDIRECT_REFUSED", "\(request.name): redirects (\(answer.status)) to no address of the web")
            }
            guard request.method == .GET || answer.status >= 307 else {
                throw JobFailure(
                    "REDIRECT_REFUSED",
                    "\(request.name): redirects (\(answer.status)) a \(request.method.rawValue): give the address it has moved to"
                )
            }
            try check(next, from: request, "redirects")
            address = next
        }
        throw JobFailure("TOO_MANY_REDIRECTS", "\(request.name): redirects more than \(Self.redirects) times")
    }

    /// Whether a response may lead here.
    /// - Throws: `JobFailure` REDIRECT_REFUSED.
    func check(_ next: WebAddress, from request: Request, _ verb: String) throws(JobFailure) {
        if next.origin == origin { return }
        if origin.scheme == "https", next.origin.scheme == "http" {
            throw refused("\(request.name): \(verb) from https to http, to \(next.origin.text)")
        }
        guard params.allowedOrigins.contains(next.origin) else {
            throw refused(
                "\(request.name): \(verb) to another origin, \(next.origin.text): give its address, or name it in "
                    + "`allow_origins`; credentials do not go there")
        }
    }

    private func refused(_ message: String) -> JobFailure {
        HTTPFailures.cleared(JobFailure("REDIRECT_REFUSED", message), of: credentials)
    }

    private func exchange(_ request: Request, at address: WebAddress) async throws -> HTTPAnswer {
        let made = make(request, at: address)
        let (client, limit, name) = (client, params.maximumBytes, request.name)
        // What changes something is better known to be done; it is made again under the same key when it is not.
        let grace = request.method == .GET ? 0 : Self.grace
        do {
            return try await stoppable(grace: grace) {
                let deadline = NIODeadline.now() + .seconds(Int64(Self.longestRequest))
                let response = try await client.execute(made, deadline: deadline)
                return try await Self.read(response, from: address, limit: limit, name: name)
            }
        } catch is JobStopped {
            throw JobStopped()
        } catch {
            throw HTTPFailures.connection(error, request, params)
        }
    }

    private func make(_ request: Request, at address: WebAddress) -> HTTPClientRequest {
        let isHome = address.origin == origin
        var address = address
        if isHome, let query = credentials.query { address = address.setting(query.name, to: query.value) }
        var made = HTTPClientRequest(url: address.text)
        made.method = request.method
        made.headers.add(name: "Accept", value: "application/json")
        made.headers.add(name: "User-Agent", value: "jobspool-records")
        for header in request.headers { made.headers.add(name: header.name, value: header.value) }
        if isHome {
            for header in params.headers { made.headers.replaceOrAdd(name: header.name, value: header.value) }
            if let header = credentials.header { made.headers.replaceOrAdd(name: header.name, value: header.value) }
        }
        if let body = request.body { made.body = .bytes(ByteBuffer(bytes: body)) }
        return made
    }

    private static func read(
        _ response: HTTPClientResponse, from address: WebAddress, limit: Int, name: String
    ) async throws -> HTTPAnswer {
        // What is wrong needs few words; and what is no page may be as large as it likes.
        let isPage = response.status.code / 100 == 2
        let limit = isPage ? limit : min(limit, 1 << 16)
        let announced = response.headers.first(name: "Content-Length").flatMap { Int($0) }
        if isPage, let announced, announced > limit { throw HTTPFailures.tooLarge(name, limit, announced: announced) }
        var bytes: [UInt8] = []
        if isPage, let announced { bytes.reserveCapacity(announced) }
        for try await part in response.body {
            if bytes.count + part.readableBytes > limit {
                if isPage { throw HTTPFailures.tooLarge(name, limit, announced: nil) }
                break
            }
            bytes.append(contentsOf: part.readableBytesView)
        }
        return HTTPAnswer(status: response.status.code, headers: response.headers, body: bytes, address: address)
    }

    // MARK: Stopping

    /// Does something that takes its time, and gives it up when the job is asked to stop, or takes longer than any request may.
    /// - Parameter grace: seconds after which it is given up when the job is asked to stop.
    /// - Throws: `JobStopped`.
    private func stoppable<Value: Sendable>(
        grace: Double = 0, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try job.checkStopping()
        let job = job
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                let end = ContinuousClock.now + .seconds(Self.longestRequest)
                while !job.isStopping {
                    guard ContinuousClock.now < end else { throw HTTPClientError.deadlineExceeded }
                    try await Task.sleep(for: .milliseconds(25))
                }
                if grace > 0 { try await Task.sleep(for: .seconds(grace)) }
                throw JobStopped()
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let value = first else { throw JobStopped() }
            return value
        }
    }
}
