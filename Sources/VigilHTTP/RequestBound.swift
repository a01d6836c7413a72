import NIOCore

/// Stops a request whose head or body never ends, before its bytes are taken apart.
///
/// The decoder bounds each header, but not how many there are.
final class RequestBound: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private var room: Int

    /// - `bytes`: most that a whole request may have.
    init(bytes: Int) { room = bytes }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data).readableBytes
        guard room >= 0 else { return }
        room -= bytes
        guard room < 0 else { return context.fireChannelRead(data) }
        context.fireErrorCaught(RequestTooLarge())
    }
}

struct RequestTooLarge: Error {}
