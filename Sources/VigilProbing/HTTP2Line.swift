import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOTLS
import TokenHealth

/// One question on its way by a line.
struct LineQuestion {
    let message: LineMessage
    let replies: LineReplies
}

/// What comes of questions that were asked together, a few at a time.
final class LineReplies {
    private var collected: [LineReply] = []
    private let give: ([LineReply]) -> Void

    /// - `give`: called on the event loop, and has each question once.
    init(give: @escaping ([LineReply]) -> Void) { self.give = give }

    /// - Returns: whether it is the first since the last ``flush()``.
    func note(_ answer: LineAnswer, to message: LineMessage) -> Bool {
        collected.append(LineReply(index: message.index, answer: answer))
        return collected.count == 1
    }

    func flush() {
        let all = collected
        collected = []
        give(all)
    }
}

/// What came of one question.
struct LineReply: Sendable {
    /// The one of ``LineMessage/index``.
    let index: Int
    let answer: LineAnswer
}

/// What came of a question on a line.
enum LineAnswer: Sendable {
    /// All of an answer that is within ``Answer/bodyLimit``.
    case answered(LineResponse, latency: Duration)
    /// The time was up.
    case expired
    /// The line cannot say: it must be asked elsewhere.
    case unanswered
}

/// An answer as it came by a line: the secret may be in it.
struct LineResponse: Sendable {
    let status: Int
    let headers: HPACKHeaders
    /// At most ``Answer/bodyLimit`` of it.
    let body: ByteBuffer
    /// Whether there was more.
    let isCut: Bool
}

/// One kept HTTP/2 connection, on which many questions are asked beside each other.
///
/// A general client gives each stream a channel of its own, which costs more than the rest of an exchange. What is not an
/// ordinary answer is left to such a client: the line then says ``LineAnswer/unanswered``.
///
/// Confined to its event loop.
final class HTTP2Line: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private enum Phase {
        case opening(waiting: [Pending])
        case open(ChannelHandlerContext)
        case closed
    }

    private struct Pending {
        let question: LineQuestion
        let askedAt: NIODeadline
        var status: Int?
        var headers = HPACKHeaders()
        var body = ByteBuffer()
    }

    /// Why a line has ended.
    enum End {
        /// As connections do: another one may be opened.
        case closed
        /// None was to be had.
        case failed
        /// The server does not speak HTTP/2.
        case refused
    }

    /// Servers bear a hundred streams at least (RFC 9113 section 6.5.2).
    static let width = 64
    /// Room for more than the longest answer that is read.
    private static let streamWindow = 2 * Answer.bodyLimit
    private static let connectionWindow = 1 << 20
    /// What every connection begins with (RFC 9113 section 6.9.2).
    private static let initialWindow = 65_535
    /// Servers and routers forget connections that were idle for longer.
    private static let longestIdle = TimeAmount.seconds(70)
    /// How long the handshake may take: whoever waits for it can still be asked elsewhere.
    private static let longestHandshake = TimeAmount.seconds(5)
    private static let lastStream = HTTP2StreamID(1 << 30)

    static let settings: HTTP2Settings =
        nioDefaultSettings + [
            HTTP2Setting(parameter: .enablePush, value: 0),
            HTTP2Setting(parameter: .initialWindowSize, value: streamWindow),
        ]

    private var phase = Phase.opening(waiting: [])
    private var pending: [HTTP2StreamID: Pending] = [:]
    private var nextStream = HTTP2StreamID(1)
    /// Whether it takes no more questions.
    private var isRetired = false
    private var usedAt: NIODeadline
    /// When an answer was last complete.
    private var heardAt: NIODeadline
    /// What the server may still send on this connection.
    private var window = initialWindow
    /// The place in the pipeline of the connection that was made; of several attempts (RFC 8305) the others count for nothing.
    private var own: ChannelHandlerContext?
    private var handshakeLimit: Scheduled<Void>?
    private var alarm: (at: NIODeadline, task: Scheduled<Void>)?
    private let loop: any EventLoop
    private let ended: (HTTP2Line, End) -> Void
    /// Those for whom something has come since the last pause.
    private var touched: [LineReplies] = []

    /// - `ended`: called on the event loop, once.
    init(on loop: any EventLoop, ended: @escaping (HTTP2Line, End) -> Void) {
        self.loop = loop
        self.ended = ended
        usedAt = .now()
        heardAt = .distantPast
    }

    /// How many more questions may be asked now.
    func room(at now: NIODeadline) -> Int {
        guard !isRetired else { return 0 }
        if case .opening(let waiting) = phase { return HTTP2Line.width - waiting.count }
        // Its alarm may be late.
        if pending.isEmpty, now - usedAt > HTTP2Line.longestIdle {
            close()
            return 0
        }
        return HTTP2Line.width - pending.count
    }

    /// Asks all of these; they are sent together.
    func ask(_ questions: ArraySlice<LineQuestion>, at now: NIODeadline) {
        usedAt = now
        let asked = questions.map { Pending(question: $0, askedAt: now) }
        switch phase {
        case .opening(let waiting): phase = .opening(waiting: waiting + asked)
        case .open(let context): send(asked, on: context)
        case .closed:
            for question in questions { reply(.unanswered, to: question) }
            pause()
        }
        if let earliest = questions.lazy.map(\.message.deadline).min() { wake(at: earliest) }
    }

    /// Asks nothing more, and leaves what is under way unanswered.
    func close() {
        isRetired = true
        switch phase {
        case .opening: end(as: .closed)
        case .open(let context): context.close(promise: nil)
        case .closed: break
        }
    }

    /// There is no connection.
    func fail() { end(as: .failed) }

    private func send(_ asked: [Pending], on context: ChannelHandlerContext) {
        for asking in asked {
            // A write may find the connection closed.
            guard case .open = phase else {
                reply(.unanswered, to: asking.question)
                continue
            }
            let stream = nextStream
            nextStream = stream.advanced(by: 2)
            pending[stream] = asking
            let body = asking.question.message.body
            let head = HTTP2Frame.FramePayload.Headers(headers: asking.question.message.headers, endStream: body == nil)
            let written = loop.makePromise(of: Void.self)
            let line = NIOLoopBound(self, eventLoop: loop)
            written.futureResult.whenFailure { _ in
                line.value.finish(stream, .unanswered)
                line.value.pause()
            }
            context.write(wrapOutboundOut(HTTP2Frame(streamID: stream, payload: .headers(head))), promise: written)
            if let body {
                let data = HTTP2Frame.FramePayload.Data(data: .byteBuffer(body), endStream: true)
                context.write(wrapOutboundOut(HTTP2Frame(streamID: stream, payload: .data(data))), promise: nil)
            }
        }
        if nextStream > HTTP2Line.lastStream { isRetired = true }
        context.flush()
        if case .closed = phase { pause() }
    }

    private func reply(_ answer: LineAnswer, to question: LineQuestion) {
        if question.replies.note(answer, to: question.message) { touched.append(question.replies) }
    }

    /// Hands over what has come at once.
    private func pause() {
        let all = touched
        touched = []
        for replies in all { replies.flush() }
    }

    private func finish(_ stream: HTTP2StreamID, _ answer: LineAnswer) {
        if let done = pending.removeValue(forKey: stream) { reply(answer, to: done.question) }
        if isRetired, pending.isEmpty { close() }
    }

    private func end(as end: End) {
        if case .closed = phase { return }
        var left = Array(pending.values)
        if case .opening(let waiting) = phase { left += waiting }
        phase = .closed
        isRetired = true
        pending = [:]
        alarm?.task.cancel()
        alarm = nil
        handshakeLimit?.cancel()
        handshakeLimit = nil
        own?.close(promise: nil)
        own = nil
        ended(self, end)
        for pending in left { reply(.unanswered, to: pending.question) }
        pause()
    }

    // MARK: - The connection

    func channelActive(context: ChannelHandlerContext) {
        guard case .opening = phase, own == nil else { return context.close(promise: nil) }
        own = context
        let line = NIOLoopBound(self, eventLoop: loop)
        handshakeLimit = loop.scheduleTask(in: HTTP2Line.longestHandshake) { line.value.giveUpHandshake() }
        context.fireChannelActive()
    }

    private func giveUpHandshake() {
        guard case .opening = phase else { return }
        end(as: .failed)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard context === own else { return context.fireUserInboundEventTriggered(event) }
        switch event {
        case TLSUserEvent.handshakeCompleted(negotiatedProtocol: "h2"): open(context)
        case TLSUserEvent.handshakeCompleted: end(as: .refused)
        case let event as NIOHTTP2WindowUpdatedEvent where event.streamID == .rootStream:
            window = event.inboundWindowSize ?? window
        case let event as StreamClosedEvent: finish(event.streamID, .unanswered)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private func open(_ context: ChannelHandlerContext) {
        handshakeLimit?.cancel()
        do {
            let handler = NIOHTTP2Handler(mode: .client, initialSettings: HTTP2Line.settings)
            try context.pipeline.syncOperations.addHandler(handler, position: .before(self))
        } catch {
            return context.close(promise: nil)
        }
        // The first words may have met a closed connection.
        guard case .opening(let waiting) = phase else { return }
        phase = .open(context)
        widen(on: context)
        send(waiting, on: context)
    }

    /// Lets the server send on.
    ///
    /// What came for streams that were given up counts as well, and is seen in the window alone.
    private func widen(on context: ChannelHandlerContext) {
        let increment = HTTP2Line.connectionWindow - window
        window = HTTP2Line.connectionWindow
        let frame = HTTP2Frame(streamID: .rootStream, payload: .windowUpdate(windowSizeIncrement: increment))
        context.write(wrapOutboundOut(frame), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if context === own { end(as: lost) }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Whoever asks elsewhere finds out why.
        if context === own { end(as: lost) }
        context.close(promise: nil)
    }

    /// What the loss of the connection means: one that has never answered is not tried again at once.
    private var lost: End { heardAt == .distantPast ? .failed : .closed }

    // MARK: - Answers

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.payload {
        case .headers(let headers): take(headers, of: frame.streamID)
        case .data(let data): take(data, of: frame.streamID, context: context)
        // What the server has begun with is still answered; NIOHTTP2Handler closes the streams beyond that.
        case .goAway: isRetired = true
        case .rstStream, .settings, .ping, .priority, .windowUpdate, .pushPromise, .alternativeService, .origin: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if case .open = phase, window < HTTP2Line.connectionWindow / 2 {
            widen(on: context)
            context.flush()
        }
        pause()
        if isRetired, pending.isEmpty { close() }
        context.fireChannelReadComplete()
    }

    private func take(_ headers: HTTP2Frame.FramePayload.Headers, of stream: HTTP2StreamID) {
        guard let index = pending.index(forKey: stream) else { return }
        // Trailers say nothing that is looked at.
        if pending.values[index].status == nil {
            guard let status = headers.headers.first(name: ":status").flatMap({ Int($0) }) else {
                return finish(stream, .unanswered)
            }
            // Interim answers are followed by the real one (RFC 9110 section 15.2).
            if status < 200 { return }
            pending.values[index].status = status
            pending.values[index].headers = headers.headers
        }
        if headers.endStream { finish(stream) }
    }

    private func take(
        _ data: HTTP2Frame.FramePayload.Data,
        of stream: HTTP2StreamID,
        context: ChannelHandlerContext
    ) {
        guard case .byteBuffer(var bytes) = data.data else { return }
        guard let index = pending.index(forKey: stream) else { return }
        if pending.values[index].body.readableBytes == 0 {
            pending.values[index].body = bytes
        } else {
            pending.values[index].body.writeBuffer(&bytes)
        }
        if pending.values[index].body.readableBytes > Answer.bodyLimit {
            finish(stream)
            return reset(stream, on: context)
        }
        if data.endStream { finish(stream) }
    }

    private func finish(_ stream: HTTP2StreamID) {
        guard let done = pending[stream], let status = done.status else { return finish(stream, .unanswered) }
        heardAt = .now()
        let isCut = done.body.readableBytes > Answer.bodyLimit
        let body = isCut ? done.body.getSlice(at: done.body.readerIndex, length: Answer.bodyLimit) : nil
        let response = LineResponse(status: status, headers: done.headers, body: body ?? done.body, isCut: isCut)
        finish(stream, .answered(response, latency: Duration(heardAt - done.askedAt)))
    }

    // MARK: - Time

    private func wake(at deadline: NIODeadline) {
        if let alarm {
            if alarm.at <= deadline { return }
            alarm.task.cancel()
        }
        let line = NIOLoopBound(self, eventLoop: loop)
        alarm = (deadline, loop.scheduleTask(deadline: deadline) { line.value.expire() })
    }

    /// Gives up on those whose time is up; on a line that has answered nothing meanwhile, on the line itself.
    private func expire() {
        alarm = nil
        let now = NIODeadline.now()
        if case .opening(let waiting) = phase {
            phase = .opening(waiting: waiting.filter { $0.question.message.deadline > now })
            for late in waiting where late.question.message.deadline <= now { reply(.expired, to: late.question) }
        }
        let late = pending.filter { $0.value.question.message.deadline <= now }
        if late.values.contains(where: { heardAt < $0.askedAt }) { isRetired = true }
        for stream in late.keys { finish(stream, .expired) }
        for stream in late.keys {
            if case .open(let context) = phase { reset(stream, on: context) }
        }
        pause()
        if case .open = phase, pending.isEmpty {
            if now - usedAt >= HTTP2Line.longestIdle { return close() }
            return wake(at: usedAt + HTTP2Line.longestIdle)
        }
        var left = pending.values.map(\.question.message.deadline)
        if case .opening(let waiting) = phase { left += waiting.map(\.question.message.deadline) }
        if let earliest = left.min() { wake(at: earliest) }
    }

    private func reset(_ stream: HTTP2StreamID, on context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(HTTP2Frame(streamID: stream, payload: .rstStream(.cancel))), promise: nil)
    }
}
