import FoundationEssentials
import Glibc
package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle
import Synchronization
import TokenHealth
package import VigilEngine

/// Takes commands over a socket in the file system: HTTP/1.1, one request for each connection.
package struct ControlServer: Service {
    private let path: String
    private let api: ControlAPI
    private let timekeeper: any Timekeeper
    private let limits: Limits
    private let logger: Logger
    private let listening: @Sendable () -> Void

    /// What a caller may use up.
    package struct Limits: Sendable {
        /// Most connections at once; more are turned away.
        package var connections = 16
        /// Largest body of a request, in bytes.
        package var body = 65_536
        /// How long a request may take to arrive.
        package var arrival = Duration.seconds(10)
        /// How long a command may take; a probe waits for its provider.
        package var command = Duration.seconds(45)

        package init() {}
    }

    /// - `listening`: called when the socket is there.
    package init(
        path: String,
        actions: any ControlActions,
        timekeeper: any Timekeeper,
        limits: Limits = Limits(),
        logger: Logger,
        listening: @escaping @Sendable () -> Void = {}
    ) {
        self.path = path
        api = ControlAPI(actions: actions, now: { timekeeper.now().wall })
        self.timekeeper = timekeeper
        self.limits = limits
        self.logger = logger
        self.listening = listening
    }

    /// How long to wait before a socket that could not be had is tried again.
    private static let pause = Duration.seconds(5)

    /// Serves until the shut-down.
    ///
    /// A socket that cannot be had is logged, tried again, and no reason to stop watching tokens.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var told: ControlSocketError?
            while !Task.isCancelled {
                do throws(ControlSocketError) {
                    try await serve(at: path)
                } catch {
                    if told != error {
                        logger.error(
                            "no commands can be given: the control socket cannot be used",
                            metadata: ["error": "\(error)"]
                        )
                    }
                    told = error
                }
                try? await timekeeper.sleep(until: timekeeper.now().uptime + ControlServer.pause)
            }
        }
    }

    private func serve(at path: String) async throws(ControlSocketError) {
        let descriptor = try ControlSocket.bind(at: path)
        do {
            try await serve(descriptor)
        } catch {
            if !Task.isCancelled { logger.error("the control socket is lost", metadata: ["error": "\(error)"]) }
        }
        _ = unsafe unlink(path)
    }

    private typealias Wire = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>

    private func serve(_ descriptor: CInt) async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(descriptor) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: false)
                    return try Wire(wrappingChannelSynchronously: channel)
                }
            }
        listening()
        let count = ConnectionCount()
        try await withThrowingDiscardingTaskGroup { group in
            try await server.executeThenClose { connections in
                for try await connection in connections {
                    let isTooMany = count.add() > limits.connections
                    group.addTask {
                        await serve(connection, isTooMany: isTooMany)
                        count.remove()
                    }
                }
            }
        }
    }

    /// One connection; whoever vanishes or does not speak HTTP loses it, and nothing else happens.
    private func serve(_ connection: Wire, isTooMany: Bool) async {
        let peer = await peer(of: connection.channel)
        try? await connection.executeThenClose { inbound, outbound in
            let answer =
                isTooMany
                ? ControlAnswer(503, ["error": "too many commands at once"])
                : await answer(to: inbound, from: peer)
            guard let answer else { return }
            try await send(answer, over: outbound)
        }
    }

    private func peer(of channel: any Channel) async -> Peer {
        let nobody = Peer(user: Peer.overflowID, group: Peer.overflowID)
        guard let socket = channel as? any SocketOptionProvider else { return nobody }
        let option = NIOBSDSocket.Option(rawValue: SO_PEERCRED)
        return (try? await socket.unsafeGetSocketOption(level: .socket, name: option).get()) ?? nobody
    }

    /// `nil` where there is nobody to answer.
    private func answer(
        to inbound: NIOAsyncChannelInboundStream<HTTPServerRequestPart>,
        from peer: Peer
    ) async -> ControlAnswer? {
        let arrival = await within(limits.arrival) { await read(inbound, from: peer) }
        switch arrival {
        case nil: return ControlAnswer(408, ["error": "the request took too long to arrive"])
        case .vanished: return nil
        case .tooLarge: return ControlAnswer(413, ["error": "the body is larger than \(limits.body) bytes"])
        case .complete(let request):
            return await within(limits.command) { await api.answer(to: request) }
                ?? ControlAnswer(504, ["error": "not done within \(limits.command.components.seconds) s"])
        }
    }

    private enum Arrival: Sendable {
        case complete(ControlRequest)
        case tooLarge
        case vanished
    }

    private func read(
        _ inbound: NIOAsyncChannelInboundStream<HTTPServerRequestPart>,
        from peer: Peer
    ) async -> Arrival {
        var head: HTTPRequestHead?
        var body: [UInt8] = []
        do {
            for try await part in inbound {
                switch part {
                case .head(let received):
                    head = received
                case .body(let piece):
                    guard body.count + piece.readableBytes <= limits.body else { return .tooLarge }
                    body += piece.readableBytesView
                case .end:
                    guard let head else { return .vanished }
                    return .complete(
                        ControlRequest(method: head.method.rawValue, target: head.uri, body: body, peer: peer)
                    )
                }
            }
        } catch {
            return .vanished
        }
        return .vanished
    }

    private func send(
        _ answer: ControlAnswer,
        over outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    ) async throws {
        var headers = HTTPHeaders(answer.headers.map { ($0.name, $0.value) })
        headers.add(name: "Content-Type", value: "application/json")
        headers.add(name: "Content-Length", value: String(answer.body.count))
        headers.add(name: "Connection", value: "close")
        let status = HTTPResponseStatus(statusCode: answer.status)
        try await outbound.write(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers)))
        try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: answer.body))))
        try await outbound.write(.end(nil))
    }

    /// What `work` returns; `nil` where that takes longer than `limit`.
    private func within<Value: Sendable>(
        _ limit: Duration,
        _ work: @escaping @Sendable () async -> Value
    ) async -> Value? {
        await withTaskGroup(of: Value?.self) { race in
            race.addTask { await work() }
            race.addTask {
                try? await timekeeper.sleep(until: timekeeper.now().uptime + limit)
                return nil
            }
            let first = await race.next() ?? nil
            race.cancelAll()
            return first
        }
    }
}

/// How many connections are open.
private final class ConnectionCount: Sendable {
    private let count = Mutex(0)

    func add() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }

    func remove() { count.withLock { $0 -= 1 } }
}
