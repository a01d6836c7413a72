package import TokenHealth
package import VigilEngine
package import VigilHTTPClient

/// Asks providers over HTTP/1.1 and HTTP/2, on kept connections that the tokens of a host share.
package struct HTTPProber: Prober {
    private let client: HTTPClient
    private let userAgent: String

    /// - Parameters:
    ///   - client: whoever makes it shuts it down.
    ///   - version: of this program, for the `User-Agent` field.
    package init(client: HTTPClient, version: String) {
        self.client = client
        userAgent = "tokenvigil/\(version)"
    }

    package func exchange(_ request: ProbeRequest) async -> Exchange {
        exchange(of: await client.send(message(for: request)), to: request)
    }

    /// What is sent for `request`.
    private func message(for request: ProbeRequest) -> HTTPRequest {
        let question = request.question
        var message = HTTPRequest(question.method, question.url, timeLimit: request.token.timeout)
        message.certificateAuthorities = request.token.certificateAuthorities
        message.isOnFreshConnection = request.onFreshConnection
        // A server may close a kept connection in the moment it is used again: that says nothing.
        message.isRepeatable = true
        message.headers.reserveCapacity(question.headers.count + 5)
        message.headers.add("User-Agent", userAgent)
        message.headers.add("Accept-Encoding", "identity")
        // A cache on the way is to ask the API itself (RFC 9111 section 5.2.1.4).
        message.headers.add("Cache-Control", "no-cache")
        for header in question.headers { message.headers.replaceOrAdd(header.name, header.value) }
        request.exposed { secrets in
            for header in secrets.headers(of: question) { message.headers.replaceOrAdd(header.name, header.value) }
            guard let body = question.body else { return }
            message.headers.replaceOrAdd("Content-Type", body.contentType)
            message.body = secrets.body(of: body)
        }
        return message
    }

    /// What came of `request`, without its secrets.
    private func exchange(of reply: HTTPReply, to request: ProbeRequest) -> Exchange {
        let response: HTTPResponse
        switch reply.outcome {
        case .received(let received): response = received
        case .expected(let status): response = HTTPResponse(status: status)
        case .failed(let failure): return Exchange(.failed(failure), latency: reply.latency)
        }
        var (answer, minted): (Answer, Secret?) = (PackedBody.unpacked(response) ?? Answer(response), nil)
        if request.question.isGrantRequest { (answer, minted) = answer.liftingGrant() }
        let sent = [request.secret, request.asker].compactMap(\.self).flatMap { $0.sentForms(in: request.question) }
        return Exchange(
            .answered(sent.reduce(answer) { $0.striking($1) }),
            latency: reply.latency,
            timing: response.timing,
            minted: minted,
            mark: response.mark(under: request.token.probe)
        )
    }
}

// MARK: - Several at once

extension HTTPProber {
    package func glances(at requests: [GlanceRequest]) -> AsyncStream<[GlanceResult]> {
        let (results, continuation) = AsyncStream.makeStream(of: [GlanceResult].self)
        guard !requests.isEmpty else {
            continuation.finish()
            return results
        }
        let messages = requests.map { glance in
            var message = message(for: glance.request)
            if let mark = glance.mark {
                let rules = glance.request.token.probe
                message.isExpected = { status, body, values in
                    AnswerMark(status: status, under: rules, body: body, values: values) == mark
                }
            }
            return message
        }
        let round = GlanceRound(requests: requests, results: continuation)
        let cancel = client.send(messages) { replies in round.take(replies) { exchange(of: $0, to: $1) } }
        continuation.onTermination = { termination in
            if case .cancelled = termination { cancel() }
        }
        return results
    }
}

extension ProbeRequest {
    /// Hands what the request carries to `write`, which must not let it out.
    fileprivate func exposed(to write: (borrowing RequestSecrets) -> Void) {
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

extension [HeaderField] {
    fileprivate mutating func add(_ name: String, _ value: String) { append(HeaderField(name, value)) }

    /// One field of this name, whatever was there before.
    fileprivate mutating func replaceOrAdd(_ name: String, _ value: String) {
        removeAll { $0.isNamed(name) }
        add(name, value)
    }
}

extension HTTPResponse {
    /// What it looks like under these rules; `nil` for one that is not whole.
    fileprivate func mark(under rules: ProbeTemplate) -> AnswerMark? {
        guard !isCut else { return nil }
        return AnswerMark(status: status, under: rules, body: body.span) { name in
            headers.filter { $0.isNamed(name) }.map(\.value)
        }
    }
}

extension AnswerMark {
    fileprivate init(
        status: Int,
        under rules: ProbeTemplate,
        body: Span<UInt8>,
        values: (_ field: String) -> [String]
    ) {
        self = unsafe body.withUnsafeBytes { bytes in
            unsafe AnswerMark(status: status, under: rules, body: bytes, values: values)
        }
    }
}

extension Answer {
    fileprivate init(_ response: HTTPResponse) {
        self.init(status: response.status, headers: response.headers, body: response.body, isCut: response.isCut)
    }
}
