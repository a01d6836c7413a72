package import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import TokenHealth
package import VigilEngine

/// Answers HTTP/1.1, one request for each connection, within bounds of number, size and time.
///
/// `Caller` is what is known of who connects.
package struct HTTPServer<Caller: Sendable>: Sendable {
    private let limits: HTTPLimits
    private let timekeeper: any Timekeeper
    private let caller: @Sendable (any Channel) async -> Caller
    private let answer: @Sendable (HTTPRequest, Caller) async -> HTTPAnswer

    /// - `caller`: says who is at the other end of a connection.
    /// - `answer`: what a request is answered with.
    package init(
        limits: HTTPLimits,
        timekeeper: any Timekeeper,
        caller: @escaping @Sendable (any Channel) async -> Caller,
        answer: @escaping @Sendable (HTTPRequest, Caller) async -> HTTPAnswer
    ) {
        self.limits = limits
        self.timekeeper = timekeeper
        self.caller = caller
        self.answer = answer
    }

    private typealias Wire = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>

    /// Serves until the task is cancelled.
    ///
    /// - Parameters:
    ///   - listener: where callers connect.
    ///   - listening: called with the port when they can; `nil` where there are no ports.
    /// - Throws: what keeps it from listening, or from going on.
    package func serve(_ listener: HTTPListener, listening: @Sendable (Int?) -> Void) async throws {
        let server = try await bound(to: listener)
        listening(server.channel.localAddress?.port)
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

    private func bound(to listener: HTTPListener) async throws -> NIOAsyncChannel<Wire, Never> {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        let wire: @Sendable (any Channel) -> EventLoopFuture<Wire> = { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: false)
                return try Wire(wrappingChannelSynchronously: channel)
            }
        }
        switch listener {
        case .descriptor(let descriptor): return try await bootstrap.bind(descriptor, childChannelInitializer: wire)
        case .address(let host, let port):
            return try await bootstrap.bind(host: host, port: port, childChannelInitializer: wire)
        }
    }

    /// One connection; whoever vanishes or does not speak HTTP loses it, and nothing else happens.
    private func serve(_ connection: Wire, isTooMany: Bool) async {
        let caller = await caller(connection.channel)
        try? await connection.executeThenClose { inbound, outbound in
            let answer =
                isTooMany
                ? HTTPAnswer(503, ["error": "too many requests at once"])
                : await answer(to: inbound, from: caller)
            guard let answer else { return }
            try await send(answer, over: outbound)
        }
    }

    /// `nil` where there is nobody to answer.
    private func answer(
        to inbound: NIOAsyncChannelInboundStream<HTTPServerRequestPart>,
        from caller: Caller
    ) async -> HTTPAnswer? {
        let arrival = await within(limits.arrival) { await read(inbound) }
        switch arrival {
        case nil: return HTTPAnswer(408, ["error": "the request took too long to arrive"])
        case .vanished: return nil
        case .tooLarge: return HTTPAnswer(413, ["error": "the body is larger than \(limits.body) bytes"])
        case .complete(let request):
            let answer =
                await within(limits.work) { await self.answer(request, caller) }
                ?? HTTPAnswer(504, ["error": "not done within \(limits.work.components.seconds) s"])
            return request.method == "HEAD" ? answer.withoutBody : answer
        }
    }

    private func read(_ inbound: NIOAsyncChannelInboundStream<HTTPServerRequestPart>) async -> Arrival {
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
                    let headers = head.headers.map { (name: $0.name, value: $0.value) }
                    return .complete(
                        HTTPRequest(method: head.method.rawValue, target: head.uri, headers: headers, body: body)
                    )
                }
            }
        } catch {
            return .vanished
        }
        return .vanished
    }

    private func send(
        _ answer: HTTPAnswer,
        over outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    ) async throws {
        var headers = HTTPHeaders(answer.headers.map { ($0.name, $0.value) })
        headers.add(name: "Connection", value: "close")
        if case .whole(let bytes) = answer.body, !headers.contains(name: "Content-Length") {
            headers.add(name: "Content-Length", value: String(bytes.count))
        }
        let status = HTTPResponseStatus(statusCode: answer.status)
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        try await write([.head(head)], over: outbound)
        switch answer.body {
        case .whole(let bytes):
            if !bytes.isEmpty { try await write([.body(.byteBuffer(ByteBuffer(bytes: bytes)))], over: outbound) }
        case .stream(let produce):
            try await produce { try await write([.body(.byteBuffer(ByteBuffer(string: $0)))], over: outbound) }
        }
        try await write([.end(nil)], over: outbound)
    }

    /// Writes, and gives up on a caller who does not read.
    private func write(
        _ parts: [HTTPServerResponsePart],
        over outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    ) async throws {
        let isWritten = await within(limits.sending) {
            do {
                try await outbound.write(contentsOf: parts)
                return true
            } catch {
                return false
            }
        }
        guard isWritten == true else { throw ChannelError.ioOnClosedChannel }
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

/// Where callers connect.
package enum HTTPListener: Sendable, Hashable {
    /// A bound socket, listening or not.
    case descriptor(Int32)
    /// With port 0, any that is free.
    case address(host: String, port: Int)
}

/// What callers may use up.
package struct HTTPLimits: Sendable {
    /// Most connections at once; more are turned away.
    package var connections: Int
    /// Largest body of a request, in bytes.
    package var body: Int
    /// How long a request may take to arrive.
    package var arrival: Duration
    /// How long an answer may take to be found.
    package var work: Duration
    /// How long a caller may take to read a piece of the answer.
    package var sending: Duration

    package init(
        connections: Int,
        body: Int,
        arrival: Duration = .seconds(10),
        work: Duration,
        sending: Duration = .seconds(30)
    ) {
        self.connections = connections
        self.body = body
        self.arrival = arrival
        self.work = work
        self.sending = sending
    }
}

private enum Arrival: Sendable {
    case complete(HTTPRequest)
    case tooLarge
    case vanished
}

extension HTTPAnswer {
    /// The same head, as RFC 9110, section 9.3.2 wants it for HEAD.
    fileprivate var withoutBody: HTTPAnswer {
        var answer = self
        if case .whole(let bytes) = body { answer.headers.append(("Content-Length", String(bytes.count))) }
        answer.body = .whole([])
        return answer
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
