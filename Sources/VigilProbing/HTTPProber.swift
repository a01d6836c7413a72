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
        let deadline = started + request.token.timeout
        var outcome = await attempt(request, onFreshConnection: request.onFreshConnection, deadline: deadline)
        // A server may close a kept connection in the moment it is used again: that says nothing, so ask once more.
        if case .failed(let failure) = outcome, failure.kind == .network, !request.onFreshConnection {
            outcome = await attempt(request, onFreshConnection: true, deadline: deadline)
        }
        var minted: Secret?
        if case .answered(var answer) = outcome {
            if request.question.isGrantRequest { (answer, minted) = answer.liftingGrant() }
            let sent = [request.secret, request.asker].compactMap(\.self)
                .flatMap { $0.sentForms(in: request.question) }
            outcome = .answered(sent.reduce(answer) { $0.striking($1) })
        }
        return Exchange(outcome, latency: ContinuousClock.now - started, minted: minted)
    }

    /// Closes every connection.
    package func shutdown() async {
        await clients.shutdown()
    }

    private func attempt(
        _ request: ProbeRequest,
        onFreshConnection: Bool,
        deadline: ContinuousClock.Instant
    ) async -> Exchange.Outcome {
        var message = message(for: request)
        // The pool would hand a connection that has just become idle to whoever asks next.
        if onFreshConnection { message.headers.replaceOrAdd(name: "Connection", value: "close") }
        do {
            let client = try clients.client(
                for: request.question.url,
                certificateAuthorities: request.token.certificateAuthorities,
                fresh: onFreshConnection
            )
            let answer = try await withDeadline(deadline) { [message] in
                try await client.answer(to: message, deadline: deadline)
            }
            return .answered(answer)
        } catch {
            return TransportDiagnosis.outcome(of: error)
        }
    }

    private func message(for request: ProbeRequest) -> HTTPClientRequest {
        let question = request.question
        var message = HTTPClientRequest(url: question.url)
        message.method = HTTPMethod(rawValue: question.method)
        message.headers.add(name: "User-Agent", value: userAgent)
        message.headers.add(name: "Accept-Encoding", value: "identity")
        for header in question.headers { message.headers.replaceOrAdd(name: header.name, value: header.value) }
        expose(request) { secrets in
            for header in secrets.headers(of: question) {
                message.headers.replaceOrAdd(name: header.name, value: header.value)
            }
            guard let body = question.body else { return }
            message.headers.replaceOrAdd(name: "Content-Type", value: body.contentType)
            message.body = .bytes(ByteBuffer(bytes: secrets.body(of: body)))
        }
        return message
    }

    private func expose(_ request: ProbeRequest, to write: (borrowing RequestSecrets) -> Void) {
        request.secret.exposed { token in
            request.asker.exposed { asker in write(RequestSecrets(token: token, asker: asker)) }
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

extension HTTPClient {
    /// Sends `message` and reads the answer to its limit.
    fileprivate func answer(
        to message: HTTPClientRequest,
        deadline: ContinuousClock.Instant
    ) async throws -> Answer {
        let remaining = max(deadline - ContinuousClock.now, .milliseconds(1))
        let response = try await execute(message, timeout: .nanoseconds(remaining.nanoseconds))
        var body: [UInt8] = []
        var isCut = false
        for try await chunk in response.body {
            let room = Answer.bodyLimit - body.count
            body.append(contentsOf: chunk.readableBytesView.prefix(room))
            if chunk.readableBytes > room {
                isCut = true
                break
            }
        }
        return Answer(
            status: Int(response.status.code),
            headers: response.headers.map { HeaderField($0.name, $0.value) },
            body: body,
            isCut: isCut
        )
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}

/// The time for an exchange ran out.
struct DeadlinePassed: Error {}

/// Runs `operation`, and cancels it when the deadline passes.
///
/// The HTTP client's own limit ends at the response head.
private func withDeadline<Success: Sendable>(
    _ deadline: ContinuousClock.Instant,
    _ operation: @escaping @Sendable () async throws -> Success
) async throws -> Success {
    try await withThrowingTaskGroup(of: Success.self) { group in
        group.addTask { try await operation() }
        group.addTask {
            try await Task.sleep(until: deadline, clock: .continuous)
            throw DeadlinePassed()
        }
        defer { group.cancelAll() }
        guard let first = try await group.next() else { throw DeadlinePassed() }
        return first
    }
}
