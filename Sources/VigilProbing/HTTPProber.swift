import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
package import TokenHealth
package import VigilEngine

/// Asks providers over HTTP/1.1 and HTTP/2, on kept-alive connections that the tokens of a host share.
///
/// A general client asks whatever there is to be asked. Glances, which are nearly all there is to do, go by lines of our
/// own where the server speaks HTTP/2, and fall back on the client in every other case.
package struct HTTPProber: Prober {
    private let clients: ClientSet
    private let userAgent: String
    let lines: LineSet
    let routes: LineRoutes

    /// - Parameters:
    ///   - version: of this program, for the `User-Agent` field.
    ///   - environment: where the proxy settings are looked up.
    package init(version: String, environment: [String: String]) {
        userAgent = "tokenvigil/\(version)"
        let proxies = ProxySettings(environment: environment)
        // One for all, so that the tokens of a host share few connections, and no thread waits for another in the middle
        // of an exchange.
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        clients = ClientSet(proxies: proxies, on: loop)
        lines = LineSet(on: loop)
        routes = LineRoutes(userAgent: userAgent, proxies: proxies)
    }

    package func exchange(_ request: ProbeRequest) async -> Exchange {
        await exchange(request, since: ContinuousClock.now)
    }

    /// Asks, the time limit being counted from `started`.
    func exchange(_ request: ProbeRequest, since started: ContinuousClock.Instant) async -> Exchange {
        let result = await answer(to: request, since: started)
        return exchange(of: result, to: request, latency: ContinuousClock.now - started)
    }

    /// Closes every connection.
    package func shutdown() async {
        await lines.shutdown()
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
        request.exposed { secrets in
            for header in secrets.headers(of: question) {
                message.headers.replaceOrAdd(name: header.name, value: header.value)
            }
            guard let body = question.body else { return }
            message.headers.replaceOrAdd(name: "Content-Type", value: body.contentType)
            message.body = .byteBuffer(ByteBuffer(bytes: secrets.body(of: body)))
        }
    }

    // MARK: - What came of it

    func exchange(
        of result: Result<ReceivedAnswer, any Error>,
        to request: ProbeRequest,
        latency: Duration
    ) -> Exchange {
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

extension ProbeRequest {
    /// Hands what the request carries to `write`, which must not let it out.
    func exposed(to write: (borrowing RequestSecrets) -> Void) {
        secret.exposed { token in
            asker.exposed { asker in write(RequestSecrets(token: token, asker: asker)) }
        }
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
    var nanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}
