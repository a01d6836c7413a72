import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// An HTTP server on a loopback port that answers every request alike, byte by byte as told.
struct ScriptedReceiver: Sendable {
    /// What is done with a connection once a whole request has come.
    enum Behaviour: Sendable {
        /// Sends these bytes and keeps the connection.
        case answer(String)
        /// Says nothing until the client goes away.
        case hang
        /// Sends these bytes and then says nothing until the client goes away.
        case hangAfter(String)
        /// Sends these bytes and then body without end, as long as somebody reads it.
        case flood(String)
        /// Closes the connection so that the client sees a reset.
        case reset
    }

    /// One request as it came.
    struct Request: Sendable {
        var head: String
        var body: [UInt8]

        func field(_ name: String) -> String? {
            head.split(separator: "\r\n").dropFirst().first { $0.lowercased().hasPrefix(name + ":") }
                .map { $0.dropFirst(name.count + 1).trimmingPrefix(" ") }.map(String.init)
        }
    }

    let port: Int
    let requests: Recording<Request>

    var url: String { "http://127.0.0.1:\(port)/hooks/S3CRET-PATH?key=S3CRET-QUERY" }

    /// Runs a receiver while `body` runs.
    static func run<Result: Sendable>(
        _ behaviour: Behaviour,
        _ body: (ScriptedReceiver) async throws -> Result
    ) async throws -> Result {
        let requests = Recording<Request>()
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Connection(behaviour, requests))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let receiver = ScriptedReceiver(port: server.localAddress?.port ?? 0, requests: requests)
        do {
            let result = try await body(receiver)
            try await server.close()
            return result
        } catch {
            try await server.close()
            throw error
        }
    }

    private final class Connection: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let behaviour: Behaviour
        private let requests: Recording<Request>
        private var received: [UInt8] = []

        init(_ behaviour: Behaviour, _ requests: Recording<Request>) {
            self.behaviour = behaviour
            self.requests = requests
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received += unwrapInboundIn(data).readableBytesView
            guard let request = wholeRequest() else { return }
            requests.append(request)
            received = []
            switch behaviour {
            case .answer(let text), .hangAfter(let text):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            case .hang:
                break
            case .flood(let text):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
                pour(context)
            case .reset:
                _ = (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
                context.close(promise: nil)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }

        private func pour(_ context: ChannelHandlerContext) {
            let chunk = wrapOutboundOut(ByteBuffer(repeating: UInt8(ascii: "x"), count: 65_536))
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.writeAndFlush(chunk).whenSuccess {
                let (connection, context) = bound.value
                connection.pour(context)
            }
        }

        private func wholeRequest() -> Request? {
            let text = String(decoding: received, as: UTF8.self)
            guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
            let head = String(text[..<end.lowerBound])
            let body = Array(received.dropFirst(head.utf8.count + 4))
            let request = Request(head: head, body: body)
            let length = request.field("content-length").flatMap { Int($0) } ?? 0
            return body.count >= length ? request : nil
        }
    }
}
