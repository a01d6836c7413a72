import Glibc
import NIOCore

/// Tells whether callers can be let in, and leaves them waiting for a while where they cannot.
///
/// A listening socket without a descriptor for who calls stays readable: NIO would try again at once, for ever, and keep
/// a processor busy with it. Its own handler for this puts off only what is read after a success.
final class AcceptWatch: ChannelInboundHandler {
    typealias InboundIn = any Channel

    /// What is wanting where a caller stays in the queue; any other error ends the listener, or is about him alone.
    private static let wants: Set<CInt> = [EMFILE, ENFILE, ENOBUFS, ENOMEM]

    /// How long callers wait before they are tried again.
    private static let pause = TimeAmount.seconds(1)

    private let told: @Sendable ((any Error)?) -> Void

    init(_ told: @escaping @Sendable ((any Error)?) -> Void) { self.told = told }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        told(nil)
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        defer { context.fireErrorCaught(error) }
        guard let code = (error as? IOError)?.errnoCode, AcceptWatch.wants.contains(code) else { return }
        told(error)
        let channel = context.channel
        _ = channel.setOption(.autoRead, value: false)
        context.eventLoop.scheduleTask(in: AcceptWatch.pause) {
            _ = channel.setOption(.autoRead, value: true)
        }
    }
}
