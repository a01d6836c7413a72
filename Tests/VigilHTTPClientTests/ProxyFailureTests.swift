import Testing
import TokenHealth
import VigilHTTPClient

/// Whose fault it is where a proxy is on the way, and that its login is told to nobody.
@Suite(.timeLimit(.minutes(5))) struct ProxyFailureTests {
    private static let url = "https://api.tallyfy.invalid/me"

    /// What comes of a request by the proxy that `value` names.
    private func failure(by value: String, to url: String = url) async throws -> TransportFailure? {
        try await HTTPClient.with(environment: ["HTTPS_PROXY": value, "HTTP_PROXY": value]) { client in
            let outcome = await client.send(HTTPRequest("GET", url, timeLimit: .seconds(2))).outcome
            guard case .failed(let failure) = outcome else { return nil }
            #expect(!failure.detail.contains("hunter2"))
            #expect(!failure.detail.contains("ann"))
            return failure
        }
    }

    /// Expects that a proxy of `scheme`, which says `words` to whatever it is told, fails in this way; `PROXY` stands
    /// for where it is.
    private func expect(
        _ expected: TransportFailure,
        of scheme: String,
        saying words: String?,
        to url: String = url
    ) async throws {
        try await withServer { caller in
            guard try await caller.piece() != nil else { return }
            if let words { return try await caller.send(words) }
            while try await caller.piece() != nil {}
        } _: { port async throws in
            let found = try #require(try await failure(by: "\(scheme)://ann:hunter2@127.0.0.1:\(port)", to: url))
            let detail = found.detail.replacing("127.0.0.1:\(port)", with: "PROXY")
            let shown = TransportFailure(found.kind, detail, tlsFault: found.tlsFault, isOfProxy: found.isOfProxy)
            #expect(shown == expected)
        }
    }

    @Test(arguments: ["http", "https", "socks5", "socks5h", "socks4"])
    func `a proxy that takes the connection and is silent is named`(scheme: String) async throws {
        let detail = "the proxy PROXY opened no tunnel to api.tallyfy.invalid port 443 within the time limit"
        // socks4 and socks5 want the address, which this name has not.
        guard !["socks4", "socks5"].contains(scheme) else {
            try await expect(
                TransportFailure(.timeout, detail.replacing("api.tallyfy.invalid", with: "192.0.2.1"), isOfProxy: true),
                of: scheme,
                saying: nil,
                to: "https://192.0.2.1/"
            )
            return
        }
        try await expect(TransportFailure(.timeout, detail, isOfProxy: true), of: scheme, saying: nil)
    }

    @Test(arguments: ["403 Forbidden", "502 Bad Gateway", "301 Moved"])
    func `a proxy that refuses the tunnel is named with its answer`(status: String) async throws {
        let code = status.prefix(3)
        try await expect(
            TransportFailure(
                .network,
                "the proxy PROXY refused the tunnel to api.tallyfy.invalid port 443 (HTTP \(code))",
                isOfProxy: true
            ),
            of: "http",
            saying: "HTTP/1.1 \(status)\r\nContent-Length: 0\r\n\r\n"
        )
    }

    @Test func `a proxy that closes the connection is named`() async throws {
        try await expect(
            TransportFailure(
                .network,
                "the proxy PROXY opened no tunnel to api.tallyfy.invalid port 443",
                isOfProxy: true
            ),
            of: "http",
            saying: ""
        )
    }

    @Test(arguments: ["socks5h", "socks4a"])
    func `a SOCKS proxy that is none is named`(scheme: String) async throws {
        try await expect(
            TransportFailure(.network, "the proxy PROXY does not speak SOCKS as its address says", isOfProxy: true),
            of: scheme,
            saying: "HTTP/1.1 400 Bad Request\r\n\r\n"
        )
    }

    @Test(arguments: [url, "http://api.tallyfy.invalid/me"])
    func `a proxy in plain text that is spoken to in TLS is named`(url: String) async throws {
        try await expect(
            TransportFailure(
                .tls,
                "the proxy PROXY does not speak TLS on this port",
                tlsFault: .noTLS,
                isOfProxy: true
            ),
            of: "https",
            saying: "HTTP/1.1 400 Bad Request\r\n\r\n",
            to: url
        )
    }

    @Test func `a server that does not speak TLS behind a tunnel is not the fault of the proxy`() async throws {
        try await withServer { caller in
            _ = try await caller.head()
            try await caller.send("HTTP/1.1 200 Connection established\r\n\r\n")
            _ = try await caller.piece()
            try await caller.send("220 mail.example.com ESMTP\r\n")
        } _: { port async throws in
            let expected = TransportFailure(.tls, "the server does not speak TLS on this port", tlsFault: .noTLS)
            #expect(try await failure(by: "http://127.0.0.1:\(port)") == expected)
        }
    }

    @Test func `a proxy that nobody is at is named`() async throws {
        #expect(
            try await failure(by: "http://ann:hunter2@127.0.0.1:1")
                == TransportFailure(.network, "the proxy 127.0.0.1:1: Connection refused", isOfProxy: true)
        )
    }

    @Test(arguments: ["foo://ann:hunter2@127.0.0.1:1", "http://ann:hunter2@127.0.0.1:none"])
    func `a value that names no proxy is the fault, and nothing is asked`(value: String) async throws {
        let failure = try #require(try await failure(by: value))
        #expect(failure.kind == .network)
        #expect(failure.isOfProxy)
        #expect(failure.detail.hasPrefix("HTTPS_PROXY in the environment names no proxy: "))
    }
}
