import NIOCore
import NIOPosix

/// What came back over a raw connection.
struct RawReply: Sendable {
    var text: String
    /// Whether the connection ended by a reset.
    var wasReset: Bool
}

/// Sends bytes as they are and reads until the other side ends the connection.
func exchange(port: Int, _ text: String) async throws -> RawReply {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
    return try await channel.executeThenClose { inbound, outbound in
        var received: [UInt8] = []
        do {
            try await outbound.write(ByteBuffer(string: text))
            for try await piece in inbound { received += piece.readableBytesView }
            return RawReply(text: String(decoding: received, as: UTF8.self), wasReset: false)
        } catch let error as IOError where error.errnoCode == 104 || error.errnoCode == 32 {
            return RawReply(text: String(decoding: received, as: UTF8.self), wasReset: true)
        }
    }
}

/// Opens a connection, sends something and leaves without waiting.
func vanish(port: Int, after text: String) async throws {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connect(host: "127.0.0.1", port: port).get()
    try await channel.writeAndFlush(ByteBuffer(string: text)).get()
    try await channel.close().get()
}
