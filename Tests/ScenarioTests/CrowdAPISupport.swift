import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An API on loopback that accepts every token but those it is told to refuse, and counts the requests with each.
final class CrowdAPI: Sendable {
    private let book: Book
    private let channel: any Channel

    let port: Int

    private init(book: Book, channel: any Channel) {
        self.book = book
        self.channel = channel
        port = channel.localAddress?.port ?? 0
    }

    /// Listens on any free port.
    static func start() async throws -> CrowdAPI {
        let book = Book()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(Desk(book: book))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return CrowdAPI(book: book, channel: channel)
    }

    func stop() async { try? await channel.close().get() }

    /// How many requests were made with each secret.
    var requests: [String: Int] { book.requests }

    /// Refuses this secret from now on.
    func refuse(_ secret: String) { book.refuse(secret) }
}

/// What is known of the secrets.
private final class Book: Sendable {
    private struct State {
        var requests: [String: Int] = [:]
        var refused: Set<String> = []
    }

    private let state = Mutex(State())

    var requests: [String: Int] { state.withLock { $0.requests } }

    func refuse(_ secret: String) { state.withLock { _ = $0.refused.insert(secret) } }

    /// Counts a request, and says whether it is accepted.
    func accepts(_ secret: String) -> Bool {
        state.withLock { state in
            state.requests[secret, default: 0] += 1
            return !state.refused.contains(secret)
        }
    }
}

/// Answers the requests of one connection.
private final class Desk: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let book: Book
    private var secret: String?

    init(book: Book) { self.book = book }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head): secret = head.headers.first(name: "Authorization").map { String($0.dropFirst(7)) }
        case .body: break
        case .end:
            let isAccepted = secret.map { book.accepts($0) } ?? false
            send(isAccepted ? #"{"id": "\#(secret ?? "")"}"# : "{}", status: isAccepted ? .ok : .unauthorized, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func send(_ body: String, status: HTTPResponseStatus, _ context: ChannelHandlerContext) {
        let buffer = context.channel.allocator.buffer(string: body)
        let headers: HTTPHeaders = ["Content-Type": "application/json", "Content-Length": "\(buffer.readableBytes)"]
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
        context.write(Self.wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
        context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
    }
}
