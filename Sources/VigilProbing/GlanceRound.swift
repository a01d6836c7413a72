import AsyncHTTPClient
import NIOCore
import NIOHPACK
import NIOHTTP1
import Synchronization
import TokenHealth
package import VigilEngine

extension HTTPProber {
    package func glances(at requests: [GlanceRequest]) -> AsyncStream<[GlanceResult]> {
        let (results, continuation) = AsyncStream.makeStream(of: [GlanceResult].self)
        let round = GlanceRound(requests, prober: self, into: continuation)
        var messages: [LineSet.Place: [LineMessage]] = [:]
        for (index, glance) in requests.enumerated() {
            guard let route = routes.route(of: glance.request) else {
                round.askAlone(index)
                continue
            }
            let deadline = NIODeadline.now() + .nanoseconds(glance.request.token.timeout.nanoseconds)
            messages[route.place, default: []].append(
                LineMessage(glance.request, index: index, headers: route.headers, deadline: deadline)
            )
        }
        for (place, messages) in messages {
            do {
                try lines.ask(messages, at: place) { round.take($0) }
            } catch {
                for message in messages { round.askAlone(message.index) }
            }
        }
        return results
    }
}

/// Questions that were asked together, until the last of them is answered.
private final class GlanceRound: Sendable {
    private let requests: [GlanceRequest]
    private let prober: HTTPProber
    private let results: AsyncStream<[GlanceResult]>.Continuation
    private let open: Mutex<Int>
    private let started = ContinuousClock.now

    init(_ requests: [GlanceRequest], prober: HTTPProber, into results: AsyncStream<[GlanceResult]>.Continuation) {
        self.requests = requests
        self.prober = prober
        self.results = results
        open = Mutex(requests.count)
        if requests.isEmpty { results.finish() }
    }

    /// Asks by the general client.
    func askAlone(_ index: Int) {
        Task {
            let glance = requests[index]
            let exchange = await prober.exchange(glance.request, since: started)
            give([GlanceResult(index: index, Glance(exchange, expecting: glance.mark))])
        }
    }

    /// Looks at what has come by a line; on the event loop.
    func take(_ replies: [LineReply]) {
        var same: [GlanceResult] = []
        for reply in replies {
            switch reply.answer {
            case .unanswered: askAlone(reply.index)
            case .expired:
                let limit = requests[reply.index].request.token.timeout
                read(.failure(HTTPClientError.deadlineExceeded), latency: limit, for: reply.index)
            case .answered(let response, let latency):
                let asked = requests[reply.index]
                if let mark = asked.mark, response.mark(under: asked.request.token.probe) == mark {
                    same.append(GlanceResult(index: reply.index, .same(status: mark.status, latency: latency)))
                } else {
                    read(.success(ReceivedAnswer(response)), latency: latency, for: reply.index)
                }
            }
        }
        if !same.isEmpty { give(same) }
    }

    /// Reads an answer that was not expected, away from the event loop.
    private func read(_ result: Result<ReceivedAnswer, any Error>, latency: Duration, for index: Int) {
        Task {
            let exchange = prober.exchange(of: result, to: requests[index].request, latency: latency)
            give([GlanceResult(index: index, .other(exchange))])
        }
    }

    private func give(_ some: [GlanceResult]) {
        results.yield(some)
        let isLast = open.withLock { open in
            open -= some.count
            return open == 0
        }
        if isLast { results.finish() }
    }
}

extension LineResponse {
    /// `nil` for one that is not whole.
    fileprivate func mark(under rules: ProbeTemplate) -> AnswerMark? {
        guard !isCut else { return nil }
        return unsafe body.withUnsafeReadableBytes { bytes in
            unsafe AnswerMark(status: status, under: rules, body: bytes) { headers[$0] }
        }
    }
}

extension ReceivedAnswer {
    fileprivate init(_ response: LineResponse) {
        self.init()
        status = response.status
        for field in response.headers where !field.name.hasPrefix(":") {
            headers.add(name: field.name, value: field.value)
        }
        body = response.body
        isCut = response.isCut
    }
}
