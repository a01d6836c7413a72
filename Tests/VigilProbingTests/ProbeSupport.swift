import TallyfySimulator
import Testing
import TokenHealth
import VigilEngine
import VigilHTTPClient
import VigilProbing

/// A stand-in API with some users logged in, and a prober that is shut down at the end.
struct Bench {
    let tallyfy: TallyfySimulator
    let prober: HTTPProber
    /// The tokens of the users, as issued.
    let values: [String]
    /// Where it is asked: the stand-in, or what stands in front of it.
    let url: String

    /// The port of ``url``.
    var frontPort: Int {
        Int(url.drop { $0 != ":" }.dropFirst(3).drop { $0 != ":" }.dropFirst().prefix { $0 != "/" }) ?? 0
    }

    /// Asks with one of the tokens.
    func probe(
        _ index: Int = 0,
        fresh: Bool = false,
        _ change: (inout WatchedToken) -> Void = { _ in }
    ) async throws -> Exchange {
        let secret = try SecretLint.secret(in: values[index].utf8, source: "test")
        return try await prober.probe(url, secret: secret, fresh: fresh, change)
    }
}

/// Runs `body` with a stand-in for `users` users, behind a front with `tls` where there is one.
func withBench(
    users: Int = 1,
    tls: TestCertificate? = nil,
    isHTTP2: Bool = false,
    protocols: String = "TLSv1.2 TLSv1.3",
    environment: [String: String] = [:],
    _ body: (Bench) async throws -> Void
) async throws {
    let tallyfy = try await TallyfySimulator.start()
    let values = (0..<users).map { tallyfy.login(user: tallyfy.addUser(email: "bot-\($0)@example.test")) }
    try await withProber(environment: environment) { prober in
        if let tls {
            try await withFront(tls, isHTTP2: isHTTP2, protocols: protocols, to: tallyfy.port) { port in
                let url = "https://127.0.0.1:\(port)/api"
                try await body(Bench(tallyfy: tallyfy, prober: prober, values: values, url: url))
            }
        } else {
            try await body(Bench(tallyfy: tallyfy, prober: prober, values: values, url: tallyfy.apiURL))
        }
    }
    await tallyfy.stop()
}

/// Runs `body` with a prober of version 1.2.3.
func withProber(environment: [String: String] = [:], _ body: (HTTPProber) async throws -> Void) async throws {
    try await HTTPClient.with(environment: environment) { client in
        try await body(HTTPProber(client: client, version: "1.2.3"))
    }
}

extension HTTPProber {
    /// Asks `GET /me` below `baseURL`, as the built-in provider does.
    func probe(
        _ baseURL: String,
        secret: Secret?,
        asker: Secret? = nil,
        fresh: Bool = false,
        _ change: (inout WatchedToken) -> Void = { _ in }
    ) async throws -> Exchange {
        let template = ProbeTemplate(
            path: "/me",
            headers: [.init("Accept", "application/json"), .init("X-Tallyfy-Client", "APIClient")]
        )
        var token = WatchedToken(
            name: try #require(TokenName("bot")),
            provider: Provider(name: "tallyfy", baseURL: baseURL, probe: template),
            secret: .environment(variable: "UNUSED")
        )
        // Long enough for a host that is busy with other tests.
        token.timeout = .seconds(240)
        change(&token)
        return await exchange(ProbeRequest(token: token, secret: secret, asker: asker, onFreshConnection: fresh))
    }
}

extension Exchange {
    /// The answer, where there was one.
    var answer: Answer? {
        guard case .answered(let answer) = outcome else { return nil }
        return answer
    }

    /// How far it came, where there was no answer.
    var failure: TransportFailure.Kind? {
        guard case .failed(let failure) = outcome else { return nil }
        return failure.kind
    }

    /// What stood in the way, in words.
    var detail: String {
        guard case .failed(let failure) = outcome else { return "" }
        return failure.detail
    }
}
