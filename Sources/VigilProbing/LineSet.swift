import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization

/// The lines to every place, as many as are needed.
final class LineSet: Sendable {
    /// Where a line leads.
    struct Place: Hashable {
        let host: String
        let port: Int
        let certificateAuthorities: String?
    }

    private struct State {
        var lines: [Place: [HTTP2Line]] = [:]
        /// Places to which none is opened before then.
        var avoided: [Place: NIODeadline] = [:]
        var isClosed = false
    }

    /// How long a place is left alone to which no line could be opened, and one that does not speak HTTP/2.
    private static let rest = (failed: TimeAmount.minutes(10), refused: TimeAmount.hours(1))

    /// Whoever cannot be reached at once is left to the general client, with nearly all of the time limit.
    private static let longestConnect = TimeAmount.seconds(1)

    private let loop: any EventLoop
    private let state: NIOLoopBoundBox<State>
    private let contexts = Mutex<[String?: NIOSSLContext]>([:])

    init(on loop: any EventLoop) {
        self.loop = loop
        state = .makeBoxSendingValue(State(), eventLoop: loop)
    }

    /// Asks all of these at `place`.
    ///
    /// - Parameters:
    ///   - messages: what is asked.
    ///   - place: where.
    ///   - give: called on the event loop with what has come at once; it has each message once.
    /// - Throws: `NIOSSLError` where the authorities cannot be read; then nothing is asked.
    func ask(_ messages: [LineMessage], at place: Place, give: @escaping @Sendable ([LineReply]) -> Void) throws {
        let context = try context(trusting: place.certificateAuthorities)
        loop.execute { [self] in
            let replies = LineReplies(give: give)
            ask(messages.map { LineQuestion(message: $0, replies: replies) }[...], at: place, context: context)
        }
    }

    /// What TLS needs to know: read once for each file of authorities.
    private func context(trusting authorities: String?) throws -> NIOSSLContext {
        try contexts.withLock { contexts in
            if let known = contexts[authorities] { return known }
            var configuration = try TLSConfiguration.client(trusting: authorities)
            configuration.applicationProtocols = ["h2", "http/1.1"]
            let context = try NIOSSLContext(configuration: configuration)
            contexts[authorities] = context
            return context
        }
    }

    private func ask(_ questions: ArraySlice<LineQuestion>, at place: Place, context: NIOSSLContext) {
        let now = NIODeadline.now()
        var rest = questions
        for line in state.value.lines[place] ?? [] where !rest.isEmpty {
            let mine = rest.prefix(line.room(at: now))
            guard !mine.isEmpty else { continue }
            rest = rest.dropFirst(mine.count)
            line.ask(mine, at: now)
        }
        while !rest.isEmpty, mayOpen(to: place, at: now) {
            let mine = rest.prefix(HTTP2Line.width)
            rest = rest.dropFirst(mine.count)
            open(to: place, context: context).ask(mine, at: now)
        }
        for question in rest where question.replies.note(.unanswered, to: question.message) {
            let replies = NIOLoopBound(question.replies, eventLoop: loop)
            loop.execute { replies.value.flush() }
        }
    }

    private func mayOpen(to place: Place, at now: NIODeadline) -> Bool {
        guard !state.value.isClosed else { return false }
        guard let until = state.value.avoided[place] else { return true }
        if until > now { return false }
        state.value.avoided[place] = nil
        return true
    }

    private func open(to place: Place, context: NIOSSLContext) -> HTTP2Line {
        let state = state
        let line = HTTP2Line(on: loop) { line, end in
            state.value.lines[place]?.removeAll { $0 === line }
            switch end {
            case .closed: break
            case .failed: state.value.avoided[place] = .now() + LineSet.rest.failed
            case .refused: state.value.avoided[place] = .now() + LineSet.rest.refused
            }
        }
        state.value.lines[place, default: []].append(line)
        let bound = NIOLoopBound(line, eventLoop: loop)
        ClientBootstrap(group: loop)
            .connectTimeout(LineSet.longestConnect)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(context: context, serverHostname: place.serverName)
                    try channel.pipeline.syncOperations.addHandlers([tls, bound.value])
                }
            }
            .connect(host: place.host, port: place.port)
            .whenFailure { _ in bound.value.fail() }
        return line
    }

    /// Closes all of them, for good.
    func shutdown() async {
        let closed = loop.submit { [state] in
            state.value.isClosed = true
            for line in state.value.lines.values.joined() { line.close() }
        }
        try? await closed.get()
    }
}

extension LineSet.Place {
    /// What the certificate must be for; an address has none in the handshake (RFC 6066 section 3).
    fileprivate var serverName: String? {
        (try? SocketAddress(ipAddress: host, port: port)) == nil ? host : nil
    }
}
