import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A listening socket and the connections it accepted.
struct Listener: Sendable {
    let port: Int
    let connections: ConnectionRegistry
    private let channel: any Channel

    /// Starts to listen; answers are asked for on the event loop of the connection.
    static func bind(
        host: String,
        port: Int,
        answer: @escaping @Sendable (SimulatedRequest) -> SimulatedAnswer
    ) async throws -> Listener {
        let connections = ConnectionRegistry()
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(SocketEdge())
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(Connection(number: connections.add(channel), answer: answer))
                }
            }
        let channel = try await bootstrap.bind(host: host, port: port).get()
        return Listener(port: channel.localAddress?.port ?? port, connections: connections, channel: channel)
    }

    private init(port: Int, connections: ConnectionRegistry, channel: any Channel) {
        self.port = port
        self.connections = connections
        self.channel = channel
    }

    /// Stops listening and closes every connection.
    func close() async {
        // Closing twice is no harm.
        try? await channel.close().get()
        await connections.closeAll()
    }
}

/// Knows the open connections and numbers all there ever were.
final class ConnectionRegistry: Sendable {
    private struct State {
        var accepted = 0
        var open: [Int: any Channel] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    /// How many connections were ever accepted.
    var accepted: Int { state.withLock { $0.accepted } }

    /// Remembers a connection until it closes; returns its number, counted from 1.
    func add(_ channel: any Channel) -> Int {
        let (number, isClosed) = state.withLock { state in
            state.accepted += 1
            state.open[state.accepted] = channel
            return (state.accepted, state.isClosed)
        }
        channel.closeFuture.whenComplete { _ in self.state.withLock { $0.open[number] = nil } }
        // Accepted while everything was being closed.
        if isClosed { channel.close(promise: nil) }
        return number
    }

    func closeAll() async {
        let channels = state.withLock { state in
            state.isClosed = true
            return Array(state.open.values)
        }
        for channel in channels { channel.eventLoop.execute { SocketEdge.close(channel) } }
        for channel in channels { try? await channel.closeFuture.get() }
    }
}
