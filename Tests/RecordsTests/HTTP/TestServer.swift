/// A small HTTP server on 127.0.0.1 that answers as a test says, also as no server should: too short, too long, never, or by a
/// reset. It speaks HTTP/1.1, one response a connection, and remembers what it was asked.
import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing

final class TestServer: Sendable {
    struct Request: Sendable {
        let method: String
        /// With the query.
        let target: String
        /// Names in lower case.
        let headers: [String: String]
        let body: String

        var path: String { String(target.prefix { $0 != "?" }) }

        /// The values of the query, as they stand.
        var query: [String: String] {
            var values: [String: String] = [:]
            for pair in target.drop(while: { $0 != "?" }).dropFirst().split(separator: "&") {
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                values[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
            }
            return values
        }
    }

    enum Answer: Sendable {
        case response(Int, [String: String], String)
        /// Bytes as they stand, and the end of the connection.
        case raw(String)
        /// Bytes as they stand, and a reset (RST).
        case reset(String)
        /// Bytes as they stand, and nothing more.
        case silence(String)
        /// So many bytes of a body, after a header.
        case body(String, Int)

        static func json(_ body: String, _ headers: [String: String] = [:]) -> Answer {
            .response(200, headers.merging(["Content-Type": "application/json"]) { first, _ in first }, body)
        }

        static func status(_ status: Int, _ headers: [String: String] = [:], _ body: String = "") -> Answer {
            .response(status, headers, body)
        }
    }

    typealias Handler = @Sendable (_ request: Request, _ number: Int) -> Answer

    private let channel: any Channel
    let port: Int
    private let scheme: String

    /// - Parameter answer: gets the number of the request, from 1.
    init(tls: NIOSSLContext? = nil, _ answer: @escaping Handler) async throws {
        let shared = SharedLog()
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 64)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.addHandler(Exchange(shared, answer))
                }
            }
        channel = try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
        port = try #require(channel.localAddress?.port)
        scheme = tls == nil ? "http" : "https"
        sharedLog = shared
    }

    private let sharedLog: SharedLog

    deinit { channel.close(promise: nil) }

    var url: String { "\(scheme)://127.0.0.1:\(port)" }
    /// The same server by another name: another origin.
    var otherURL: String { "\(scheme)://localhost:\(port)" }
    var requests: [Request] { sharedLog.state.withLock { $0.requests } }
    var targets: [String] { requests.map(\.target) }
    /// Bytes of bodies that were written.
    var bytes: Int { sharedLog.state.withLock { $0.bytes } }
}

final class SharedLog: Sendable {
    let state = Mutex<(requests: [TestServer.Request], bytes: Int)>(([], 0))
}

/// One connection: a request, and its answer.
private final class Exchange: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let log: SharedLog
    private let answer: TestServer.Handler
    private var received: [UInt8] = []
    private var isAnswered = false
    private var remaining = 0

    init(_ log: SharedLog, _ answer: @escaping TestServer.Handler) {
        self.log = log
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += unwrapInboundIn(data).readableBytesView
        guard !isAnswered, let request = parse() else { return }
        isAnswered = true
        let number = log.state.withLock { state in
            state.requests.append(request)
            return state.requests.count
        }
        switch answer(request, number) {
        case .response(let status, let headers, let body):
            var head = "HTTP/1.1 \(status) Whatever\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n"
            for (name, value) in headers { head += "\(name): \(value)\r\n" }
            write(head + "\r\n" + body, context, close: true)
        case .raw(let text): write(text, context, close: true)
        case .silence(let text): write(text, context, close: false)
        case .reset(let text): reset(after: text, context)
        case .body(let head, let count):
            write(head, context, close: false)
            remaining = count
            writeMore(context)
        }
    }

    /// nil while it is not whole.
    private func parse() -> TestServer.Request? {
        let text = String(decoding: received, as: UTF8.self)
        guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
        }
        let body = String(text[end.upperBound...])
        guard body.utf8.count >= headers["content-length"].flatMap({ Int($0) }) ?? 0 else { return nil }
        let words = lines[0].split(separator: " ")
        return TestServer.Request(method: String(words[0]), target: String(words[1]), headers: headers, body: body)
    }

    private func write(_ text: String, _ context: ChannelHandlerContext, close: Bool) {
        let written = context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)))
        if close { written.whenComplete { [channel = context.channel] _ in channel.close(promise: nil) } }
    }

    private func reset(after text: String, _ context: ChannelHandlerContext) {
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text))).whenComplete { _ in
            if let options = channel as? any SocketOptionProvider {
                options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
            }
        }
    }

    private func writeMore(_ context: ChannelHandlerContext) {
        let piece = ByteBuffer(repeating: UInt8(ascii: " "), count: 1 << 16)
        while remaining > 0, context.channel.isWritable {
            remaining -= piece.readableBytes
            log.state.withLock { $0.bytes += piece.readableBytes }
            context.writeAndFlush(wrapOutboundOut(piece), promise: nil)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { writeMore(context) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
