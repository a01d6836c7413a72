import NIOCore
import TallyfySimulator
import Testing
import TokenHealth

/// A proxy sees where a probe goes, and nothing of what it says.
@Suite(.timeLimit(.minutes(5)), .needsFront) struct ProxyTests {
    private static let host = "api.tallyfy.invalid"

    private func withTunnel(
        environment: @Sendable (Int) -> [String: String],
        _ body: (Bench, Ledger, _ authorities: String) async throws -> Void
    ) async throws {
        let certificate = try TestCertificate(for: .name(Self.host))
        let ledger = Ledger()
        try await withBench(tls: certificate) { bench async throws in
            try await withProxy(to: bench.frontPort, noting: ledger) { port async throws in
                try await withProber(environment: environment(port)) { prober async throws in
                    let throughProxy = Bench(
                        tallyfy: bench.tallyfy,
                        prober: prober,
                        values: bench.values,
                        url: bench.url
                    )
                    try await body(throughProxy, ledger, certificate.certificate)
                }
            }
        }
    }

    @Test(arguments: ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
    func `a probe goes through the proxy in a tunnel that hides the secret`(variable: String) async throws {
        try await withTunnel(environment: { [variable: "http://127.0.0.1:\($0)"] }) {
            bench,
            ledger,
            authorities async throws in
            let exchange = try await bench.probe {
                $0.baseURL = "https://\(Self.host)/api"
                $0.certificateAuthorities = authorities
            }
            #expect(exchange.status == 200)
            #expect(bench.tallyfy.requests().map(\.hasAuthorization) == [true])
            let head = try #require(ledger.entries.first).lowercased()
            #expect(head.hasPrefix("connect \(Self.host):443 http/1.1\r\n"))
            #expect(!head.contains("authorization"))
            #expect(!ledger.text.contains(bench.values[0]))
        }
    }

    @Test func `the proxy's own login is sent to the proxy alone`() async throws {
        try await withTunnel(environment: { ["HTTPS_PROXY": "http://ann:p%40ss@127.0.0.1:\($0)"] }) {
            bench,
            ledger,
            ca async throws in
            let exchange = try await bench.probe {
                $0.baseURL = "https://\(Self.host)/api"
                $0.certificateAuthorities = ca
            }
            #expect(exchange.status == 200)
            // ann:p@ss
            #expect(
                try #require(ledger.entries.first).lowercased().contains("proxy-authorization: basic yw5uonbac3m=\r\n")
            )
            let names = bench.tallyfy.requests().flatMap(\.headerNames).map { $0.lowercased() }
            #expect(!names.contains("proxy-authorization"))
        }
    }

    @Test(arguments: ["*", host, ".tallyfy.invalid", "*.tallyfy.invalid", "x.test, INVALID", "\(host):443"])
    func `a host that NO_PROXY names is asked without the proxy`(exceptions: String) async throws {
        let environment: @Sendable (Int) -> [String: String] = {
            ["HTTPS_PROXY": "http://127.0.0.1:\($0)", "NO_PROXY": exceptions]
        }
        try await withTunnel(environment: environment) { bench, ledger, _ async throws in
            let exchange = try await bench.probe {
                $0.baseURL = "https://\(Self.host)/api"
                $0.timeout = .seconds(1)
            }
            #expect([.dns, .timeout].contains(exchange.failure))
            #expect(ledger.entries == [])
        }
    }

    @Test(arguments: ["example.test", "tallyfy.invalid:8443", "notallyfy.invalid", ","])
    func `a NO_PROXY that names others changes nothing`(exceptions: String) async throws {
        let environment: @Sendable (Int) -> [String: String] = {
            ["HTTPS_PROXY": "127.0.0.1:\($0)", "NO_PROXY": exceptions]
        }
        try await withTunnel(environment: environment) { bench, ledger, authorities async throws in
            let exchange = try await bench.probe {
                $0.baseURL = "https://\(Self.host)/api"
                $0.certificateAuthorities = authorities
            }
            #expect(exchange.status == 200)
            #expect(!ledger.entries.isEmpty)
        }
    }

    @Test func `loopback is never asked through a proxy`() async throws {
        let certificate = try TestCertificate(for: .address([127, 0, 0, 1]))
        try await withBench(tls: certificate, environment: ["HTTPS_PROXY": "http://127.0.0.1:1"]) {
            bench async throws in
            let exchange = try await bench.probe { $0.certificateAuthorities = certificate.certificate }
            #expect(exchange.status == 200)
        }
    }

    @Test(arguments: ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
    func `plain http goes through the proxy that is named for it`(variable: String) async throws {
        let ledger = Ledger()
        try await withServer { caller in
            guard let head = try await caller.head() else { return }
            ledger.note(head)
            try await caller.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        } _: { port async throws in
            let environment = [variable: "http://127.0.0.1:\(port)", "HTTPS_PROXY": "http://127.0.0.1:1"]
            try await withProber(environment: environment) { prober async throws in
                #expect(try await prober.probe("http://\(Self.host)/api", secret: nil).status == 200)
                #expect(ledger.text.hasPrefix("GET http://\(Self.host)/api/me HTTP/1.1\r\n"))
                // Not this host itself.
                let own = try await prober.probe("http://127.0.0.1:1", secret: nil)
                #expect(own.failure == .network)
                #expect(ledger.entries.count == 1)
            }
        }
    }

    @Test(arguments: ["https://127.0.0.1:", "socks5://127.0.0.1:", "socks5h://127.0.0.1:"])
    func `a proxy of another kind is spoken to in its own words, and gets no login in clear`(
        start: String
    ) async throws {
        let ledger = Ledger()
        try await withServer { caller in
            if let piece = try await caller.piece() { ledger.note(String(buffer: piece)) }
        } _: { port async throws in
            let proxy = start.replacing("://", with: "://ann:hunter2@") + "\(port)"
            try await withProber(environment: ["HTTPS_PROXY": proxy]) { prober async throws in
                let exchange = try await prober.probe("https://\(Self.host)", secret: nil) { $0.timeout = .seconds(20) }
                #expect([.network, .tls].contains(exchange.failure))
                #expect(!exchange.detail.contains("hunter2"))
            }
        }
        #expect(!ledger.text.uppercased().contains("CONNECT"))
        #expect(!ledger.text.contains("hunter2"))
        #expect(!ledger.entries.isEmpty)
    }

    @Test func `a proxy that wants a login is captive, not a verdict on the token`() async throws {
        let ledger = Ledger()
        try await withServer { caller in
            guard let head = try await caller.head() else { return }
            ledger.note(head)
            try await caller.send(
                "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
            )
        } _: { port async throws in
            try await withProber(environment: ["HTTPS_PROXY": "http://127.0.0.1:\(port)"]) { prober async throws in
                let secret = try SecretLint.secret(in: "tok-0123456789".utf8, source: "test")
                let exchange = try await prober.probe("https://\(Self.host)", secret: secret)
                #expect(exchange.status == 407)
                #expect(!ledger.text.contains("tok-0123456789"))
            }
        }
    }

    @Test(arguments: ["403 Forbidden", "502 Bad Gateway", "401 Unauthorized"])
    func `a proxy that refuses the tunnel is a failure of the network`(status: String) async throws {
        try await withServer { caller in
            _ = try await caller.head()
            try await caller.send("HTTP/1.1 \(status)\r\nContent-Length: 0\r\n\r\n")
        } _: { port async throws in
            try await withProber(environment: ["HTTPS_PROXY": "http://127.0.0.1:\(port)"]) { prober async throws in
                let exchange = try await prober.probe("https://\(Self.host)", secret: nil)
                #expect(exchange.failure == .network)
            }
        }
    }
}
