import Testing
import TokenHealth
import VigilEngine
import VigilHTTPClient
import VigilProbing

/// What is asked beside each other, and is known by the mark of the answer before.
@Suite(.timeLimit(.minutes(5)), .needsFront) struct GlanceTests {
    private static let secret: Secret? = SecretLint.checked("tok-4f8b1c2d3e4f5a6b7c8d9e0f")
    private static let good = #"{"data":{"id":7}}"#

    /// A way to a server that answers each path as a test says.
    private struct Place {
        let prober: HTTPProber
        let url: String
        let authorities: String
        let ledger: Ledger

        func token(_ number: Int, timeout: Duration = .seconds(240)) throws -> WatchedToken {
            let template = ProbeTemplate(path: "/me", headers: [.init("X-Number", "\(number)")])
            var token = WatchedToken(
                name: try #require(TokenName("bot-\(number)")),
                provider: Provider(name: "tallyfy", baseURL: url, probe: template),
                secret: .environment(variable: "UNUSED")
            )
            token.certificateAuthorities = authorities
            token.timeout = timeout
            return token
        }

        func exchange(_ token: WatchedToken) async throws -> Exchange {
            let secret = try #require(GlanceTests.secret)
            return await prober.exchange(ProbeRequest(token: token, secret: secret))
        }

        /// In the order of the tokens.
        func glances(at tokens: [WatchedToken], expecting mark: AnswerMark?) async throws -> [Glance] {
            let secret = try #require(GlanceTests.secret)
            let requests = tokens.map { GlanceRequest(ProbeRequest(token: $0, secret: secret), expecting: mark) }
            var found: [Int: Glance] = [:]
            for await results in prober.glances(at: requests) {
                for result in results {
                    #expect(found.updateValue(result.glance, forKey: result.index) == nil)
                }
            }
            #expect(found.count == tokens.count)
            return found.sorted { $0.key < $1.key }.map(\.value)
        }

        /// Ports and protocols of the connections that were used.
        var connections: Set<Substring> {
            Set(ledger.entries.compactMap { $0.field("User-Agent") })
        }
    }

    private func withPlace(
        isHTTP2: Bool,
        answering: @escaping @Sendable (_ number: Int) async -> String?,
        _ body: (Place) async throws -> Void
    ) async throws {
        let certificate = try TestCertificate(for: .address([127, 0, 0, 1]))
        let ledger = Ledger()
        try await withServer { caller in
            guard let head = try await caller.head() else { return }
            ledger.note(head)
            let number = head.field("X-Number").flatMap { Int($0) } ?? 0
            guard let answer = await answering(number) else {
                while try await caller.piece() != nil {}
                return
            }
            try await caller.send(answer)
        } _: { port async throws in
            try await withFront(certificate, isHTTP2: isHTTP2, to: port) { front async throws in
                try await withProber { prober async throws in
                    let url = "https://127.0.0.1:\(front)"
                    try await body(
                        Place(prober: prober, url: url, authorities: certificate.certificate, ledger: ledger)
                    )
                }
            }
        }
    }

    private static func answer(_ status: Int = 200, _ body: String = good) -> String {
        "HTTP/1.1 \(status) X\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test(arguments: [false, true])
    func `an answer like the last is known again, and any other is read`(isHTTP2: Bool) async throws {
        try await withPlace(isHTTP2: isHTTP2) { number in
            number == 1 ? Self.answer(401, #"{"message":"Unauthenticated."}"#) : Self.answer()
        } _: { place async throws in
            let tokens = try (0..<3).map { try place.token($0) }
            let glances = try await place.glances(at: tokens, expecting: place.exchange(tokens[0]).mark)
            #expect(glances.map(\.isSame) == [true, false, true])
            #expect(glances[1].exchange?.status == 401)
            #expect(place.connections.allSatisfy { $0.hasSuffix(isHTTP2 ? "HTTP/2.0" : "HTTP/1.1") })
        }
    }

    @Test func `what is read at a glance is what is read otherwise, without the secret`() async throws {
        let echo = #"{"echo":"tok-4f8b1c2d3e4f5a6b7c8d9e0f"}"#
        try await withPlace(isHTTP2: true) { number in
            number == 9 ? Self.answer() : Self.answer(403, echo)
        } _: { place async throws in
            let token = try place.token(0)
            let known = try await place.exchange(token)
            let other = try await place.exchange(place.token(9)).mark
            let read = try #require(try await place.glances(at: [token], expecting: other).first?.exchange)
            #expect(read.answer?.status == 403)
            #expect(read.answer?.body == known.answer?.body)
            let names = known.answer?.headers.map(\.name)
            #expect(read.answer?.headers.map(\.name) == names)
            #expect(read.mark == known.mark)
            #expect(!String(decoding: try #require(read.answer).body, as: UTF8.self).contains("tok-4f8b"))
        }
    }

    @Test func `many are asked at once over few connections of HTTP/2`() async throws {
        try await withPlace(isHTTP2: true) { _ in
            Self.answer()
        } _: { place async throws in
            let tokens = try (0..<300).map { try place.token($0) }
            let mark = try await place.exchange(tokens[0]).mark
            for _ in 0..<3 {
                #expect(try await place.glances(at: tokens, expecting: mark).allSatisfy(\.isSame))
            }
            #expect(place.ledger.entries.count == 901)
            // A server bears a hundred at once on each.
            #expect(place.connections.count <= 4)
        }
    }

    @Test func `an answer that is too long is read to its limit, and the others are known`() async throws {
        let long = String(repeating: "x", count: 2 * Answer.bodyLimit + 1)
        try await withPlace(isHTTP2: true) { number in
            Self.answer(200, number == 1 ? long : Self.good)
        } _: { place async throws in
            let mark = try await place.exchange(try place.token(0)).mark
            for _ in 0..<3 {
                let glances = try await place.glances(at: [place.token(1), place.token(2)], expecting: mark)
                #expect(glances[0].exchange?.answer?.isCut == true)
                #expect(glances[1].isSame)
            }
        }
    }

    @Test(arguments: [false, true]) func `silence ends with the time limit, and keeps nobody`(isHTTP2: Bool)
        async throws
    {
        try await withPlace(isHTTP2: isHTTP2) { number in
            number == 1 ? nil : Self.answer()
        } _: { place async throws in
            let mark = try await place.exchange(try place.token(0)).mark
            let silent = try place.token(1, timeout: .milliseconds(500))
            let glances = try await place.glances(at: [silent, place.token(2)], expecting: mark)
            #expect(glances[0].exchange?.failure == .timeout)
            #expect(try #require(glances[0].exchange).latency >= .milliseconds(490))
            #expect(glances[1].isSame)
        }
    }

    @Test func `one that is slow does not keep the others waiting`() async throws {
        try await withPlace(isHTTP2: true) { number in
            number == 1 ? nil : Self.answer()
        } _: { place async throws in
            let mark = try #require(try await place.exchange(try place.token(0)).mark)
            let secret = try #require(GlanceTests.secret)
            let requests = try [1, 2].map {
                GlanceRequest(ProbeRequest(token: try place.token($0), secret: secret), expecting: mark)
            }
            for await results in place.prober.glances(at: requests) {
                #expect(results.map(\.index) == [1])
                break
            }
        }
    }

    @Test func `nobody there, and a certificate of nobody, are told as they are otherwise`() async throws {
        try await withPlace(isHTTP2: true) { _ in
            Self.answer()
        } _: { place async throws in
            var (gone, untrusted) = (try place.token(1), try place.token(2))
            gone.baseURL = "https://127.0.0.1:1"
            untrusted.certificateAuthorities = nil
            let glances = try await place.glances(at: [gone, untrusted], expecting: nil)
            #expect(glances.map { $0.exchange?.failure } == [.network, .tls])
        }
    }
}

extension SecretLint {
    fileprivate static func checked(_ text: String) -> Secret? { try? secret(in: text.utf8, source: "test") }
}

extension Glance {
    fileprivate var isSame: Bool {
        if case .same = self { true } else { false }
    }

    fileprivate var exchange: Exchange? {
        if case .other(let exchange) = self { exchange } else { nil }
    }
}

extension String {
    /// The value of a header field in a head, whatever the case of its name.
    fileprivate func field(_ name: String) -> Substring? {
        let start = "\(name.lowercased()): "
        return split(whereSeparator: \.isNewline).first { $0.lowercased().hasPrefix(start) }?.dropFirst(start.count)
    }
}
