import NIOCore
import NIOHTTP1

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Reads requests off one connection and performs the answers, one after the other.
final class Connection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private static let longestBody = 1 << 20

    private let number: Int
    private let answer: @Sendable (SimulatedRequest) -> SimulatedAnswer
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    /// The next step of an answer that takes its time.
    private var pending: Scheduled<Void>?

    init(number: Int, answer: @escaping @Sendable (SimulatedRequest) -> SimulatedAnswer) {
        self.number = number
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = []
        case .body(let piece):
            guard let head else { return }
            guard body.count + piece.readableBytes <= Self.longestBody else {
                self.head = nil
                send(SimulatedAnswer(413), to: head, keepingAlive: false, context: context)
                return
            }
            body.append(contentsOf: piece.readableBytesView)
        case .end:
            // Without a head the request was too long and has its answer.
            guard let head else { return }
            self.head = nil
            begin(answer(request(head, context: context)), to: head, context: context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        pending?.cancel()
        pending = nil
        context.fireChannelInactive()
    }

    /// Clients that vanish, break TLS or do not speak HTTP lose their connection and nothing else happens.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func request(_ head: HTTPRequestHead, context: ChannelHandlerContext) -> SimulatedRequest {
        SimulatedRequest(
            head.method.rawValue,
            head.uri,
            headers: head.headers.map { HeaderField($0.name, $0.value) },
            body: body,
            remoteAddress: context.channel.remoteAddress?.ipAddress ?? "unknown",
            connection: number
        )
    }

    private func begin(_ answer: SimulatedAnswer, to head: HTTPRequestHead, context: ChannelHandlerContext) {
        guard answer.delay > .zero else { return perform(answer, to: head, context: context) }
        later(answer.delay, context: context) { self.perform(answer, to: head, context: context) }
    }

    private func perform(_ answer: SimulatedAnswer, to head: HTTPRequestHead, context: ChannelHandlerContext) {
        switch answer.delivery {
        case .normal: send(answer, to: head, keepingAlive: head.isKeepAlive, context: context)
        case .truncated: send(answer, to: head, keepingAlive: false, context: context)
        case .stall: break
        case .refuse: context.close(promise: nil)
        case .reset:
            write(answer, to: head, keepingAlive: true, context: context)
            let half = write(answer.body.prefix(answer.body.count / 2), context: context)
            half.assumeIsolated().whenComplete { _ in self.reset(context: context) }
        case .slowBody(let bytes, let pause):
            write(answer, to: head, keepingAlive: head.isKeepAlive, context: context)
            context.flush()
            sendSlowly(answer.body[...], pieces: bytes, pause: pause, to: head, context: context)
        }
    }

    private func send(
        _ answer: SimulatedAnswer,
        to head: HTTPRequestHead,
        keepingAlive: Bool,
        context: ChannelHandlerContext
    ) {
        write(answer, to: head, keepingAlive: keepingAlive, context: context)
        // Some answers have no body, whatever the headers say.
        if head.method != .HEAD, ![204, 304].contains(answer.status), !answer.body.isEmpty {
            _ = write(answer.body[...], context: context)
        }
        end(keepingAlive: keepingAlive, context: context)
    }

    private func write(
        _ answer: SimulatedAnswer,
        to head: HTTPRequestHead,
        keepingAlive: Bool,
        context: ChannelHandlerContext
    ) {
        var headers = HTTPHeaders(answer.headers.map { ($0.name, $0.value) })
        var length = answer.body.count
        if case .truncated(let missing) = answer.delivery { length += missing }
        if !headers.contains(name: "Content-Length") { headers.add(name: "Content-Length", value: String(length)) }
        if !keepingAlive {
            headers.replaceOrAdd(name: "Connection", value: "close")
        } else if head.version == .http1_0 {
            headers.replaceOrAdd(name: "Connection", value: "keep-alive")
        }
        let status = HTTPResponseStatus(statusCode: answer.status)
        let response = HTTPResponseHead(version: head.version, status: status, headers: headers)
        context.write(Self.wrapOutboundOut(.head(response)), promise: nil)
    }

    private func write(_ bytes: ArraySlice<UInt8>, context: ChannelHandlerContext) -> EventLoopFuture<Void> {
        context.writeAndFlush(Self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))))
    }

    private func end(keepingAlive: Bool, context: ChannelHandlerContext) {
        let written = context.writeAndFlush(Self.wrapOutboundOut(.end(nil)))
        if !keepingAlive { written.assumeIsolated().whenComplete { _ in context.close(promise: nil) } }
    }

    private func sendSlowly(
        _ rest: ArraySlice<UInt8>,
        pieces: Int,
        pause: Duration,
        to head: HTTPRequestHead,
        context: ChannelHandlerContext
    ) {
        guard !rest.isEmpty, head.method != .HEAD else { return end(keepingAlive: head.isKeepAlive, context: context) }
        _ = write(rest.prefix(pieces), context: context)
        later(pause, context: context) {
            self.sendSlowly(rest.dropFirst(pieces), pieces: pieces, pause: pause, to: head, context: context)
        }
    }

    private func later(_ wait: Duration, context: ChannelHandlerContext, _ step: @escaping () -> Void) {
        pending = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(wait), step)
    }

    /// Closing with data left to linger for no time makes the kernel send a reset.
    private func reset(context: ChannelHandlerContext) {
        guard let socket = context.channel as? any SocketOptionProvider else { return context.close(promise: nil) }
        let lingering = socket.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        lingering.assumeIsolated().whenComplete { _ in SocketEdge.close(context.channel) }
    }
}

/// Marks the end of the pipeline nearest the socket; closing from here spares TLS its farewell.
final class SocketEdge: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// Closes at once; on the channel's event loop only.
    static func close(_ channel: any Channel) {
        guard let edge = try? channel.pipeline.syncOperations.context(handlerType: SocketEdge.self) else {
            return channel.close(promise: nil)
        }
        edge.close(promise: nil)
    }
}
