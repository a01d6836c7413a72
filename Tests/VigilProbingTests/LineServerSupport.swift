import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization
import Testing
import TokenHealth
import VigilEngine
import VigilProbing

/// An HTTP/2 server on a free loopback port that does with each request what a test says.
final class LineServer: Sendable {
    /// What is done with one request.
    enum Deed: Sendable {
        case answer(status: Int = 200, body: String = #"{"data":{"id":7}}"#)
        /// An interim answer, the real one, and trailers.
        case answerInterim
        case reset
        /// Closes the connection without an answer.
        case close
        case silence
        /// Answers, and no other request on this connection after it.
        case goAway
    }

    /// One request as it came.
    struct Request: Sendable {
        /// From 0 on; the general client asks first, so the lines come after it.
        let connection: Int
        /// From 0 on, on this connection.
        let number: Int
        let headers: HPACKHeaders
        var path: String { headers.first(name: ":path") ?? "" }
    }

    private struct State {
        var connections = 0
        var requests: [Request] = []
    }

    let certificate: TestCertificate
    private let state = Mutex(State())
    private let script: @Sendable (Request) -> Deed
    /// Connections that are taken, and never get a word.
    private let mute: Set<Int>

    init(mute: Set<Int>, _ script: @escaping @Sendable (Request) -> Deed) throws {
        certificate = try TestCertificate(for: .address([127, 0, 0, 1]))
        self.mute = mute
        self.script = script
    }

    var requests: [Request] { state.withLock { $0.requests } }
    var connections: Int { state.withLock { $0.connections } }

    private func newConnection() -> Int {
        state.withLock { state in
            state.connections += 1
            return state.connections - 1
        }
    }

    fileprivate func deed(on request: Request) -> Deed {
        state.withLock { $0.requests.append(request) }
        return script(request)
    }

    fileprivate func start() async throws -> any Channel {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate.certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: certificate.key, format: .pem))
        )
        configuration.applicationProtocols = ["h2"]
        let context = try NIOSSLContext(configuration: configuration)
        return try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                let connection = self.newConnection()
                guard !self.mute.contains(connection) else { return channel.eventLoop.makeSucceededVoidFuture() }
                return channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLServerHandler(context: context))
                    try pipeline.addHandler(NIOHTTP2Handler(mode: .server))
                    try pipeline.addHandler(LineServerConnection(connection, of: self))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
    }
}

private final class LineServerConnection: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let server: LineServer
    private let connection: Int
    private var seen = 0
    private var isLeaving = false

    init(_ connection: Int, of server: LineServer) {
        self.server = server
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        guard case .headers(let asked) = frame.payload, !isLeaving else { return }
        let request = LineServer.Request(connection: connection, number: seen, headers: asked.headers)
        seen += 1
        switch server.deed(on: request) {
        case .answer(let status, let body): answer(status, body, on: frame.streamID, context)
        case .answerInterim:
            headers([(":status", "103"), ("link", "</style.css>")], on: frame.streamID, context)
            headers([(":status", "200"), ("content-type", "application/json")], on: frame.streamID, context)
            text(#"{"data":{"id":7}}"#, on: frame.streamID, ends: false, context)
            headers([("server-timing", "all;dur=1")], on: frame.streamID, ends: true, context)
        case .reset: write(.rstStream(.internalError), on: frame.streamID, context)
        case .close: context.close(promise: nil)
        case .silence: break
        case .goAway:
            isLeaving = true
            write(.goAway(lastStreamID: frame.streamID, errorCode: .noError, opaqueData: nil), on: .rootStream, context)
            answer(200, #"{"data":{"id":7}}"#, on: frame.streamID, context)
        }
        context.flush()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func answer(_ status: Int, _ body: String, on stream: HTTP2StreamID, _ context: ChannelHandlerContext) {
        headers([(":status", "\(status)"), ("content-type", "application/json")], on: stream, context)
        text(body, on: stream, ends: true, context)
    }

    private func headers(
        _ fields: [(String, String)],
        on stream: HTTP2StreamID,
        ends: Bool = false,
        _ context: ChannelHandlerContext
    ) {
        write(.headers(.init(headers: HPACKHeaders(fields), endStream: ends)), on: stream, context)
    }

    private func text(_ text: String, on stream: HTTP2StreamID, ends: Bool, _ context: ChannelHandlerContext) {
        write(.data(.init(data: .byteBuffer(ByteBuffer(string: text)), endStream: ends)), on: stream, context)
    }

    private func write(_ payload: HTTP2Frame.FramePayload, on stream: HTTP2StreamID, _ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(HTTP2Frame(streamID: stream, payload: payload)), promise: nil)
    }
}

/// A server, and a prober that knows what it answers.
struct LineBench {
    let server: LineServer
    let prober: HTTPProber
    let port: Int
    let secret: Secret

    /// The token of a number; the path is the number.
    func token(_ number: Int, timeout: Duration = .seconds(240), path: String = "/me") throws -> WatchedToken {
        let template = ProbeTemplate(
            path: "\(path)?n=\(number)",
            headers: [.init("Accept", "application/json"), .init("X-Tallyfy-Client", "APIClient")]
        )
        var token = WatchedToken(
            name: try #require(TokenName("bot-\(number)")),
            provider: Provider(name: "example", baseURL: "https://127.0.0.1:\(port)", probe: template),
            secret: .environment(variable: "UNUSED")
        )
        token.certificateAuthorities = server.certificate.certificate
        token.timeout = timeout
        return token
    }

    /// What the general client says about a token.
    func exchange(_ token: WatchedToken) async -> Exchange {
        await prober.exchange(ProbeRequest(token: token, secret: secret))
    }

    /// Glances at all of these at once; in their order.
    func glances(at tokens: [WatchedToken], expecting mark: AnswerMark?) async throws -> [Glance] {
        let mark = try #require(mark)
        let requests = tokens.map { GlanceRequest(ProbeRequest(token: $0, secret: secret), expecting: mark) }
        var found: [Int: Glance] = [:]
        for await results in prober.glances(at: requests) {
            for result in results { #expect(found.updateValue(result.glance, forKey: result.index) == nil) }
        }
        return try tokens.indices.map { try #require(found[$0]) }
    }
}

/// Runs `body` with a server that follows `script`, and has no word for connections of the numbers in `mute`.
func withLines(
    mute: Set<Int> = [],
    _ script: @escaping @Sendable (LineServer.Request) -> LineServer.Deed,
    _ body: (LineBench) async throws -> Void
) async throws {
    let server = try LineServer(mute: mute, script)
    let channel = try await server.start()
    let secret = try SecretLint.secret(in: "tok-4f8b1c2d3e4f5a6b7c8d9e0f".utf8, source: "test")
    try await withProber { prober in
        let port = channel.localAddress?.port ?? 0
        try await body(LineBench(server: server, prober: prober, port: port, secret: secret))
    }
    try await channel.close()
}

extension Glance {
    var isSame: Bool {
        if case .same = self { return true }
        return false
    }

    /// What was read, where it was not the same.
    var exchange: Exchange? {
        guard case .other(let exchange) = self else { return nil }
        return exchange
    }
}
