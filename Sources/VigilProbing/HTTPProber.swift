import AsyncHTTPClient
import NIOCore
import NIOHTTP1
package import TokenHealth
package import VigilEngine

/// Asks providers over HTTP/1.1 and HTTP/2, on kept-alive connections that the tokens of a host share.
package struct HTTPProber: Prober {
    private let clients: ClientSet
    private let userAgent: String

    /// - Parameters:
    ///   - version: of this program, for the `User-Agent` field.
    ///   - environment: where the proxy settings are looked up.
    package init(version: String, environment: [String: String]) {
        userAgent = "tokenvigil/\(version)"
        clients = ClientSet(proxies: ProxySettings(environment: environment))
    }

    package func exchange(_ request: ProbeRequest) async -> Exchange {
        let started = ContinuousClock.now
        return exchange(of: await answer(to: request, since: started), to: request, since: started)
    }

    package func glance(_ request: ProbeRequest, expecting mark: AnswerMark) async -> Glance {
        let started = ContinuousClock.now
        let result = await answer(to: request, since: started)
        if case .success(let answer) = result, answer.mark(under: request.token.probe) == mark {
            return .same(latency: ContinuousClock.now - started)
        }
        return .other(exchange(of: result, to: request, since: started))
    }

    /// Closes every connection.
    package func shutdown() async {
        await clients.shutdown()
    }

    // MARK: - Asking

    private func answer(
        to request: ProbeRequest,
        since started: ContinuousClock.Instant
    ) async -> Result<ReceivedAnswer, any Error> {
        let deadline = started + request.token.timeout
        let result = await attempt(request, onFreshConnection: request.onFreshConnection, deadline: deadline)
        // A server may close a kept connection in the moment it is used again: that says nothing, so ask once more.
        guard case .failure(let error) = result, !request.onFreshConnection,
            case .failed(let failure) = TransportDiagnosis.outcome(of: error), failure.kind == .network
        else { return result }
        return await attempt(request, onFreshConnection: true, deadline: deadline)
    }

    private func attempt(
        _ request: ProbeRequest,
        onFreshConnection: Bool,
        deadline: ContinuousClock.Instant
    ) async -> Result<ReceivedAnswer, any Error> {
        do {
            var route = try clients.route(
                to: request.question,
                certificateAuthorities: request.token.certificateAuthorities,
                fresh: onFreshConnection
            )
            fill(&route.message, for: request)
            // The pool would hand a connection that has just become idle to whoever asks next.
            if onFreshConnection { route.message.headers.replaceOrAdd(name: "Connection", value: "close") }
            let remaining = max(deadline - ContinuousClock.now, .milliseconds(1))
            return .success(try await route.answer(before: .now() + .nanoseconds(remaining.nanoseconds)))
        } catch {
            return .failure(error)
        }
    }

    private func fill(_ message: inout HTTPClient.Request, for request: ProbeRequest) {
        let question = request.question
        message.headers.reserveCapacity(question.headers.count + 4)
        message.headers.add(name: "User-Agent", value: userAgent)
        message.headers.add(name: "Accept-Encoding", value: "identity")
        for header in question.headers { message.headers.replaceOrAdd(name: header.name, value: header.value) }
        expose(request) { secrets in
            for header in secrets.headers(of: question) {
                message.headers.replaceOrAdd(name: header.name, value: header.value)
            }
            guard let body = question.body else { return }
            message.headers.replaceOrAdd(name: "Content-Type", value: body.contentType)
            message.body = .byteBuffer(ByteBuffer(bytes: secrets.body(of: body)))
        }
    }

    private func expose(_ request: ProbeRequest, to write: (borrowing RequestSecrets) -> Void) {
        request.secret.exposed { token in
            request.asker.exposed { asker in write(RequestSecrets(token: token, asker: asker)) }
        }
    }

    // MARK: - What came of it

    private func exchange(
        of result: Result<ReceivedAnswer, any Error>,
        to request: ProbeRequest,
        since started: ContinuousClock.Instant
    ) -> Exchange {
        let latency = ContinuousClock.now - started
        let received: ReceivedAnswer
        switch result {
        case .success(let answer): received = answer
        case .failure(let error): return Exchange(TransportDiagnosis.outcome(of: error), latency: latency)
        }
        var (answer, minted): (Answer, Secret?) = (received.answer, nil)
        if request.question.isGrantRequest { (answer, minted) = answer.liftingGrant() }
        let sent = [request.secret, request.asker].compactMap(\.self).flatMap { $0.sentForms(in: request.question) }
        return Exchange(
            .answered(sent.reduce(answer) { $0.striking($1) }),
            latency: latency,
            minted: minted,
            mark: received.mark(under: request.token.probe)
        )
    }
}

extension Secret? {
    /// Hands the value, or nothing, to `body`, which must not let it out.
    fileprivate func exposed(_ body: (String?) -> Void) {
        guard let self else { return body(nil) }
        self.withExposedValue { body($0) }
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}
