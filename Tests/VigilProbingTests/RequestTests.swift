import FoundationEssentials
import NIOCore
import TallyfySimulator
import Testing
import TokenHealth

/// What is sent, and to whom.
@Suite(.timeLimit(.minutes(5))) struct RequestTests {
    /// The request a server gets, line by line, in lower case.
    private func lines(secret: Secret?, _ change: (inout WatchedToken) -> Void = { _ in }) async throws -> [String] {
        let ledger = Ledger()
        try await withServer { caller in
            guard let head = try await caller.head() else { return }
            ledger.note(head)
            try await caller.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        } _: { port async throws in
            try await withProber { prober async throws in
                _ = try await prober.probe("http://127.0.0.1:\(port)/api", secret: secret, change)
            }
        }
        return ledger.text.lowercased().split(separator: "\r\n").map(String.init)
    }

    @Test func `a probe sends the provider's headers, the token and its own name`() async throws {
        let secret = try SecretLint.secret(in: "tok-0123456789".utf8, source: "test")
        let lines = try await lines(secret: secret)
        #expect(lines.first == "get /api/me http/1.1")
        #expect(lines.contains("authorization: bearer tok-0123456789"))
        #expect(lines.contains("accept: application/json"))
        #expect(lines.contains("x-tallyfy-client: apiclient"))
        #expect(lines.contains("user-agent: tokenvigil/1.2.3"))
        #expect(lines.contains("accept-encoding: identity"))
        #expect(lines.contains("cache-control: no-cache"))
        #expect(lines.count == 8)
    }

    @Test func `a control is the same request without the token`() async throws {
        let secret = try SecretLint.secret(in: "tok-0123456789".utf8, source: "test")
        let probe = try await lines(secret: secret).filter { !$0.hasPrefix("host:") }
        let control = try await lines(secret: nil).filter { !$0.hasPrefix("host:") }
        #expect(control == probe.filter { !$0.hasPrefix("authorization:") })
        #expect(control.count == probe.count - 1)
    }

    @Test func `a provider's own way to carry the token is followed`() async throws {
        let secret = try SecretLint.secret(in: "tok-0123456789".utf8, source: "test")
        let lines = try await lines(secret: secret) {
            $0.provider.authorization = AuthorizationTemplate(header: "X-Api-Key", value: "key={token}")
        }
        #expect(lines.contains("x-api-key: key=tok-0123456789"))
        #expect(!lines.contains { $0.hasPrefix("authorization:") })
    }

    @Test func `a credential that asks is in the header, the token in the form, and the control has no token`()
        async throws
    {
        let secret = try SecretLint.secret(in: "tok-0123456789".utf8, source: "test")
        let asker = try SecretLint.secret(in: "client:s3cr3t".utf8, source: "test")
        func change(_ token: inout WatchedToken) {
            token.provider.authorization.value = "Basic {asker:base64}"
            token.probe = ProbeTemplate(
                method: "POST",
                path: "",
                body: .form([.init("token", "{token}"), .init("token_type_hint", "access_token")])
            )
        }
        let probe = try await message(secret: secret, asker: asker, change)
        #expect(probe.head.contains("POST /api HTTP/1.1"))
        #expect(probe.head.contains("Authorization: Basic Y2xpZW50OnMzY3IzdA=="))
        #expect(probe.head.contains("Content-Type: application/x-www-form-urlencoded"))
        #expect(probe.body == "token=tok-0123456789&token_type_hint=access_token")
        let control = try await message(secret: nil, asker: asker, change)
        #expect(control.head.contains("Authorization: Basic Y2xpZW50OnMzY3IzdA=="))
        #expect(control.body == "token_type_hint=access_token")
    }

    /// The whole of a request with a body.
    private func message(
        secret: Secret?,
        asker: Secret?,
        _ change: @escaping (inout WatchedToken) -> Void
    ) async throws -> (head: [String], body: String) {
        let ledger = Ledger()
        try await withServer { caller in
            var text = ""
            while !text.contains("access_token"), let piece = try await caller.piece() {
                text += String(buffer: piece)
            }
            ledger.note(text)
            try await caller.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        } _: { port async throws in
            try await withProber { prober async throws in
                let url = "http://127.0.0.1:\(port)/api"
                _ = try await prober.probe(url, secret: secret, asker: asker, change)
            }
        }
        let parts = ledger.text.split(separator: "\r\n\r\n", maxSplits: 1).map(String.init)
        return (parts.first?.split(separator: "\r\n").map(String.init) ?? [], parts.last ?? "")
    }

    @Test func `a secret that is sent as Base64 is struck out as such too`() async throws {
        try await withBench { bench async throws in
            let sent = Data(bench.values[0].utf8).base64EncodedString()
            bench.tallyfy.inject(Fault(.status(400, body: Array(#"{"you_sent":"Basic \#(sent)"}"#.utf8))))
            let exchange = try await bench.probe { $0.provider.authorization.value = "Basic {token:base64}" }
            #expect(!String(decoding: try #require(exchange.answer).body, as: UTF8.self).contains(sent.prefix(24)))
        }
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func `a redirect is not followed, and its target hears nothing`(status: Int) async throws {
        try await withBench { other async throws in
            try await withBench { bench async throws in
                bench.tallyfy.inject(Fault(.redirect(to: "\(other.tallyfy.apiURL)/me", status: status)))
                #expect(try await bench.probe().status == status)
                #expect(other.tallyfy.acceptedConnections == 0)
            }
        }
    }

    @Test func `a body is read to 64 KiB`() async throws {
        try await withBench { bench async throws in
            bench.tallyfy.inject(Fault(.body(.huge), count: 1))
            let answer = try #require(try await bench.probe().answer)
            #expect(answer.body.count == Answer.bodyLimit)
            #expect(answer.isCut)
            #expect(answer.document == nil)
            #expect(try await bench.probe().status == 200)
        }
    }

    @Test(arguments: [(65_535, false), (65_536, false), (65_537, true)])
    func `a body of just 64 KiB is whole`(size: Int, isCut: Bool) async throws {
        try await withBench { bench async throws in
            let body = [UInt8](repeating: UInt8(ascii: " "), count: size)
            bench.tallyfy.inject(Fault(.status(200, body: body)))
            let answer = try #require(try await bench.probe().answer)
            #expect(answer.body.count == min(size, Answer.bodyLimit))
            #expect(answer.isCut == isCut)
        }
    }

    @Test func `a compressed answer is read like any other`() async throws {
        try await withBench { bench async throws in
            let body: [UInt8] = [
                0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0xae, 5, 0, 0x43, 0xbf, 0xa6, 0xa3, 2, 0, 0, 0,
            ]
            bench.tallyfy.inject(Fault(.status(200, body: body, headers: [.init("Content-Encoding", "gzip")])))
            let answer = try #require(try await bench.probe().answer)
            #expect(answer.body == Array("{}".utf8))
            #expect(answer.document == .object([:]))
        }
    }

    @Test func `a token that the server sends back is struck out`() async throws {
        try await withBench { bench async throws in
            let token = bench.values[0]
            let body = Array(#"{"you_sent":"Bearer \#(token)"}"#.utf8)
            bench.tallyfy.inject(Fault(.status(400, body: body, headers: [.init("X-Echo", "Bearer \(token)")])))
            let answer = try #require(try await bench.probe().answer)
            #expect(!"\(answer)".contains(token))
            #expect(!String(decoding: answer.body, as: UTF8.self).contains(token))
            #expect(answer.headers.contains(TokenHealth.HeaderField("X-Echo", "Bearer [secret]")))
        }
    }

    @Test func `an interim answer is not taken for the answer`() async throws {
        try await withServer { caller in
            _ = try await caller.head()
            try await caller.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
            try await caller.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        } _: { port async throws in
            try await withProber { prober async throws in
                #expect(try await prober.probe("http://127.0.0.1:\(port)", secret: nil).status == 401)
            }
        }
    }
}
