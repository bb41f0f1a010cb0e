/// What can go wrong with a request, as failures of the job that say what to do, and as failures that may pass.
import AsyncHTTPClient
import Glibc
import JSONText
import JobHandler
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// A failure that may not be there the next time: throttling, an overloaded server, a broken connection.
struct PassingFailure: Error {
    /// "HTTP 503", "the connection was reset"
    let reason: String
    var status: UInt?
    /// Seconds, as the server asks.
    var retryAfter: Double?
}

enum HTTPFailures {
    /// A status that is no success.
    static func status(
        _ answer: HTTPAnswer, _ request: HTTPConnection.Request, _ params: HTTPConnectionParams, _ pacing: Pacing
    ) -> any Error {
        let status = answer.status
        if RetryPolicy.isPassing(status: status) {
            let wish = answer.headers.first(name: "Retry-After").flatMap { RetryAfter.seconds($0, now: pacing.now()) }
            return PassingFailure(reason: "HTTP \(status)", status: status, retryAfter: wish)
        }
        let remedy: String
        let code: String
        switch status {
        case 401:
            code = "HTTP_UNAUTHORIZED"
            remedy =
                params.auth.map { "the server does not accept the credentials: is \($0.tokenVariable) still valid?" }
                ?? "the server wants credentials: give `auth`"
        case 403:
            code = "HTTP_FORBIDDEN"
            remedy =
                "the server does not allow this"
                + (params.auth == nil ? ": does it want `auth`?" : " with these credentials")
        default:
            code = "HTTP_STATUS"
            remedy = excerpt(answer) ?? "the request is refused"
        }
        return JobFailure(
            code, "\(request.name): HTTP \(status): \(remedy)",
            details: ["status": JSON(status), "url": .string(request.name)])
    }

    /// The beginning of what a body says, on one line; nil when it says nothing that can be read.
    static func excerpt(_ answer: HTTPAnswer) -> String? {
        let text = String(decoding: answer.body.prefix(1 << 14), as: UTF8.self)
        let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard !words.isEmpty, !words.hasPrefix("<") else { return nil }
        return words
    }

    private static let cutOff = "the connection was closed before the end of the response"

    /// An error below HTTP.
    static func connection(
        _ error: any Error, _ request: HTTPConnection.Request, _ params: HTTPConnectionParams
    ) -> any Error {
        switch error {
        case is JobFailure, is PassingFailure: return error
        case let error as NIOSSLError:
            if case .uncleanShutdown = error { return PassingFailure(reason: "the connection was cut off") }
            return tls(error, request, params)
        case is NIOSSLExtraError, is BoringSSLError: return tls(error, request, params)
        case let error as HTTPClientError: return client(error, request)
        case HTTPParserError.invalidEOFState: return PassingFailure(reason: cutOff)
        case is HTTPParserError: return PassingFailure(reason: "the response is no HTTP")
        case let error as IOError: return PassingFailure(reason: reason(error))
        case let error as NIOConnectionError:
            if error.connectionErrors.isEmpty {
                return PassingFailure(reason: "the name \(error.host) cannot be resolved")
            }
            return PassingFailure(
                reason: (error.connectionErrors.first?.error as? IOError).map(reason) ?? "no connection can be made")
        case ChannelError.connectTimeout: return PassingFailure(reason: "connecting took too long")
        default: return PassingFailure(reason: "the connection failed (\(type(of: error)))")
        }
    }

    private static func reason(_ error: IOError) -> String {
        "the connection failed: \(String(cString: strerror(error.errnoCode)))"
    }

    private static func client(_ error: HTTPClientError, _ request: HTTPConnection.Request) -> any Error {
        switch error {
        case .readTimeout: PassingFailure(reason: "the server was silent for too long")
        case .deadlineExceeded: PassingFailure(reason: "the response took too long")
        case .connectTimeout, .tlsHandshakeTimeout, .getConnectionFromPoolTimeout:
            PassingFailure(reason: "connecting took too long")
        case .remoteConnectionClosed: PassingFailure(reason: cutOff)
        default: PassingFailure(reason: "the connection failed (\(error.shortDescription))")
        }
    }

    private static func tls(
        _ error: any Error, _ request: HTTPConnection.Request, _ params: HTTPConnectionParams
    ) -> JobFailure {
        let host = request.address.origin.host
        let isOtherHost = (error as? NIOSSLExtraError) == .failedToValidateHostname
        return JobFailure(
            "TLS_FAILED",
            isOtherHost
                ? "\(request.name): the server's certificate is not for \(host)"
                : "\(request.name): no trusted connection to \(host): its certificate is not signed by \(params.caFile ?? "an authority that this system trusts"), or has expired; `ca_file` names a private authority",
            details: ["host": .string(host), "reason": .string("\(error)")])
    }

    static func tooLarge(_ name: String, _ limit: Int, announced: Int?) -> JobFailure {
        JobFailure(
            "BODY_TOO_LARGE",
            "\(name): the body has \(announced.map { "\($0)" } ?? "more than \(limit)") bytes, and at most \(limit) are read: ask for smaller pages, or raise `max_page_bytes`",
            details: ["limit": JSON(limit)])
    }

    /// The failure without secrets, wherever they came from, and short enough to be read.
    static func cleared(_ failure: JobFailure, of credentials: Credentials) -> JobFailure {
        JobFailure(
            failure.code, credentials.removed(from: failure.message).printable(limit: 500),
            details: JSONObject(
                failure.details.members.map { key, value in
                    (key, value.string.map { .string(credentials.removed(from: $0).printable(limit: 500)) } ?? value)
                }), exit: failure.exit)
    }
}
