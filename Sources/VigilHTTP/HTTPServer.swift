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
    private let accepting: @Sendable ((any Error)?) -> Void
    private let places: Places

    /// - `caller`: says who is at the other end of a connection.
    /// - `answer`: what a request is answered with.
    /// - `accepting`: called with why a caller could not be let in, and with `nil` when one could.
    package init(
        limits: HTTPLimits,
        timekeeper: any Timekeeper,
        accepting: @escaping @Sendable ((any Error)?) -> Void = { _ in },
        caller: @escaping @Sendable (any Channel) async -> Caller,
        answer: @escaping @Sendable (HTTPRequest, Caller) async -> HTTPAnswer
    ) {
        self.limits = limits
        self.timekeeper = timekeeper
        self.accepting = accepting
        self.caller = caller
        self.answer = answer
        places = Places(limit: limits.connections, bytesLimit: limits.bytesInFlight)
    }

    /// Most bytes of a request beside its body.
    private static var longestHead: Int { 65_536 }
    private typealias Wire = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>

    /// Serves until the task is cancelled.
    ///
    /// - Parameters:
    ///   - listener: where callers connect.
    ///   - listening: called with the port when they can; `nil` where there are no ports.
    /// - Throws: what keeps it from listening, or from going on. Want of descriptors does neither: callers wait.
    package func serve(_ listener: HTTPListener, listening: @Sendable (Int?) -> Void) async throws {
        let server = try await bound(to: listener)
        listening(server.channel.localAddress?.port)
        try await withThrowingDiscardingTaskGroup { group in
            try await server.executeThenClose { connections in
                for try await connection in connections {
                    let channel = connection.channel
                    let place = places.admit(at: timekeeper.now().uptime) { channel.close(promise: nil) }
                    group.addTask {
                        await serve(connection, at: place)
                        if let place { places.leave(place) }
                    }
                }
            }
        }
        // A listener that has been closed has no more connections.
        guard Task.isCancelled else { throw ListenerClosed() }
    }

    private func bound(to listener: HTTPListener) async throws -> NIOAsyncChannel<Wire, Never> {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { [accepting] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptWatch(accepting))
                }
            }
            // Else the kernel keeps megabytes for each, which count as the memory of the service.
            .childChannelOption(.socketOption(.so_sndbuf), value: 65_536)
        let most = limits.body + HTTPServer.longestHead
        let wire: @Sendable (any Channel) -> EventLoopFuture<Wire> = { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(RequestBound(bytes: most))
                try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: false)
                let wire = try Wire(wrappingChannelSynchronously: channel)
                // Whoever connects while the server ends is served by nobody, and what is dropped before it is closed traps.
                channel.closeFuture.whenComplete { _ in withExtendedLifetime(wire) {} }
                return wire
            }
        }
        switch listener {
        case .descriptor(let descriptor): return try await bootstrap.bind(descriptor, childChannelInitializer: wire)
        case .address(let host, let port):
            do {
                return try await bootstrap.bind(host: host, port: port, childChannelInitializer: wire)
            } catch let error as IOError {
                throw PlaceNotHad(host: host, port: port, code: error.errnoCode, words: "\(error)")
            }
        }
    }

    /// One connection; whoever vanishes or does not speak HTTP loses it, and nothing else happens.
    ///
    /// - `place`: its place; `nil` where there is none for it.
    private func serve(_ connection: Wire, at place: Int?) async {
        try? await connection.executeThenClose { inbound, _ in
            let channel = connection.channel
            guard let place else {
                return try await send(HTTPAnswer(503, ["error": "too many requests at once"]), over: channel, at: nil)
            }
            let caller = await caller(channel)
            guard let answer = await answer(to: inbound, from: caller, at: place) else { return }
            try await sendReserved(answer, over: channel, at: place)
            // Until he has read the last piece.
            places.note(place, waitingSince: timekeeper.now().uptime)
        }
    }

    /// `nil` where there is nobody to answer.
    private func answer(
        to inbound: NIOAsyncChannelInboundStream<HTTPServerRequestPart>,
        from caller: Caller,
        at place: Int
    ) async -> HTTPAnswer? {
        let arrival = await within(limits.arrival) { await read(inbound) }
        places.note(place, waitingSince: nil)
        switch arrival {
        case nil: return HTTPAnswer(408, ["error": "the request took too long to arrive"])
        case .vanished: return nil
        case .tooLarge: return HTTPAnswer(413, ["error": "the body is larger than \(limits.body) bytes"])
        case .endless: return HTTPAnswer(431, ["error": "the request is larger than anything that is asked here"])
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
        } catch is RequestTooLarge {
            return .endless
        } catch {
            return .vanished
        }
        return .vanished
    }

    /// Sends, where all that waits to be sent leaves room for it.
    private func sendReserved(_ answer: HTTPAnswer, over channel: any Channel, at place: Int) async throws {
        guard case .whole(let bytes) = answer.body else { return try await send(answer, over: channel, at: place) }
        guard places.reserve(bytes.count) else {
            let refusal = HTTPAnswer(503, ["error": "too many large answers at once"])
            return try await send(refusal, over: channel, at: place)
        }
        defer { places.release(bytes.count) }
        try await send(answer, over: channel, at: place)
    }

    private func send(_ answer: HTTPAnswer, over channel: any Channel, at place: Int?) async throws {
        var headers = HTTPHeaders(answer.headers.map { ($0.name, $0.value) })
        headers.add(name: "Connection", value: "close")
        if let count = answer.length, !headers.contains(name: "Content-Length") {
            headers.add(name: "Content-Length", value: String(count))
        }
        let status = HTTPResponseStatus(statusCode: answer.status)
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        try await write(.head(head), over: channel, at: place)
        switch answer.body {
        case .whole(let bytes): try await write(SharedBytes(bytes), over: channel, at: place)
        case .shared(let bytes): try await write(bytes, over: channel, at: place)
        case .stream(let produce): try await produce { try await write($0, over: channel, at: place) }
        }
        try await write(.end(nil), over: channel, at: place)
    }

    /// Writes piece by piece, as the caller reads.
    private func write(_ bytes: SharedBytes, over channel: any Channel, at place: Int?) async throws {
        var offset = 0
        while offset < bytes.count {
            guard let piece = bytes.piece(from: offset) else { throw ChannelError.ioOnClosedChannel }
            try await write(.body(.byteBuffer(piece)), over: channel, at: place)
            offset += piece.readableBytes
        }
    }

    /// Writes, and gives up on a caller who does not read.
    private func write(_ part: HTTPServerResponsePart, over channel: any Channel, at place: Int?) async throws {
        if let place { places.note(place, waitingSince: timekeeper.now().uptime) }
        // Until it has reached the kernel: what is only queued would be lost when the connection is closed.
        let isWritten = await within(limits.sending) {
            await withTaskCancellationHandler {
                do {
                    try await channel.writeAndFlush(part).get()
                    return true
                } catch {
                    return false
                }
            } onCancel: {
                channel.close(promise: nil)
            }
        }
        guard isWritten == true else { throw ChannelError.ioOnClosedChannel }
        if let place { places.note(place, waitingSince: nil) }
    }

    /// What `work` returns; `nil` where that takes longer than `limit`.
    private func within<Value: Sendable>(
        _ limit: Duration,
        _ work: @escaping @Sendable () async -> Value
    ) async -> Value? {
        await withTaskGroup(of: Value?.self) { race in
            race.addTask { await work() }
            race.addTask {
                await timekeeper.wait(for: limit)
                return nil
            }
            let first = await race.next() ?? nil
            race.cancelAll()
            return first
        }
    }
}

/// A listener that no longer listens, though nobody has told it to stop.
private struct ListenerClosed: Error, CustomStringConvertible {
    var description: String { "the listening socket was closed" }
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
    /// Most bytes of answers that wait to be sent, beside those that callers share.
    package var bytesInFlight: Int

    package init(
        connections: Int,
        body: Int,
        arrival: Duration = .seconds(10),
        work: Duration,
        sending: Duration = .seconds(30),
        bytesInFlight: Int = 16 * 1_048_576
    ) {
        self.connections = connections
        self.body = body
        self.arrival = arrival
        self.work = work
        self.sending = sending
        self.bytesInFlight = bytesInFlight
    }
}

private enum Arrival: Sendable {
    case complete(HTTPRequest)
    case tooLarge
    /// Its head never ends, or what follows it.
    case endless
    case vanished
}

extension HTTPAnswer {
    /// The same head, as RFC 9110, section 9.3.2 wants it for HEAD.
    fileprivate var withoutBody: HTTPAnswer {
        var answer = self
        if let length { answer.headers.append(("Content-Length", String(length))) }
        answer.body = .whole([])
        return answer
    }

    /// Of the body, in bytes; `nil` where it is not known beforehand.
    fileprivate var length: Int? {
        switch body {
        case .whole(let bytes): bytes.count
        case .shared(let bytes): bytes.count
        case .stream: nil
        }
    }
}
