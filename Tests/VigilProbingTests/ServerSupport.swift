import NIOCore
import NIOPosix
import Synchronization

/// Everything a server was told, as text, connection after connection.
final class Ledger: Sendable {
    private let pieces = Mutex<[String]>([])

    func note(_ text: String) { pieces.withLock { $0.append(text) } }

    var entries: [String] { pieces.withLock { $0 } }
    var text: String { entries.joined() }
}

typealias Socket = NIOAsyncChannel<ByteBuffer, ByteBuffer>

/// One accepted connection, read piece by piece.
struct Caller {
    var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

    /// What comes next; `nil` when the other side has gone.
    mutating func piece() async throws -> ByteBuffer? { try await inbound.next(isolation: #isolation) }

    func send(_ bytes: [UInt8]) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }

    func send(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }

    /// A request without a body, up to the empty line; `nil` when the other side has gone.
    mutating func head() async throws -> String? {
        var text = ""
        while !text.hasSuffix("\r\n\r\n") {
            guard let piece = try await piece() else { return nil }
            text += String(buffer: piece)
        }
        return text
    }
}

/// Runs `body` with a server on a free loopback port that treats each connection with `serve` and closes it after.
func withServer(
    _ serve: @escaping @Sendable (inout Caller) async throws -> Void,
    _ body: (Int) async throws -> Void
) async throws {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .bind(host: "127.0.0.1", port: 0) { channel in
            channel.eventLoop.makeCompletedFuture { try Socket(wrappingChannelSynchronously: channel) }
        }
    let port = server.channel.localAddress?.port ?? 0
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await accept(on: server, serve) }
        do {
            try await body(port)
        } catch {
            group.cancelAll()
            throw error
        }
        group.cancelAll()
    }
}

private func accept(
    on server: NIOAsyncChannel<Socket, Never>,
    _ serve: @escaping @Sendable (inout Caller) async throws -> Void
) async throws {
    try await server.executeThenClose { connections in
        await withDiscardingTaskGroup { group in
            do {
                for try await connection in connections {
                    group.addTask {
                        // A client may leave whenever it likes.
                        try? await connection.executeThenClose { inbound, outbound in
                            var caller = Caller(inbound: inbound.makeAsyncIterator(), outbound: outbound)
                            try await serve(&caller)
                        }
                    }
                }
            } catch {
                group.cancelAll()
            }
        }
    }
}

/// Runs `body` with an HTTP proxy that notes all it is told, and connects every tunnel to `target` on this host.
func withProxy(to target: Int, noting ledger: Ledger, _ body: (Int) async throws -> Void) async throws {
    let serve: @Sendable (inout Caller) async throws -> Void = { caller in
        guard let head = try await caller.head() else { return }
        ledger.note(head)
        let upstream = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: target) { channel in
                channel.eventLoop.makeCompletedFuture { try Socket(wrappingChannelSynchronously: channel) }
            }
        let outbound = caller.outbound
        try await caller.send("HTTP/1.1 200 Connection established\r\n\r\n")
        var inbound = caller.inbound
        try await upstream.executeThenClose { answers, requests in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for try await piece in answers { try await outbound.write(piece) }
                }
                while let piece = try await inbound.next(isolation: #isolation) {
                    ledger.note(String(buffer: piece))
                    try await requests.write(piece)
                }
                group.cancelAll()
            }
        }
    }
    try await withServer(serve, body)
}
