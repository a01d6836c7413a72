import FoundationEssentials
import NIOCore
import TallyfySimulator
import Testing
import TokenHealth
import VigilEngine
import VigilProbing

/// The request for a token, on the wire.
@Suite(.timeLimit(.minutes(5))) struct GrantRequestTests {
    /// A client secret with characters that forms and Basic authentication write in another way.
    private static let clientSecret = "cl+ient/s3cret:0123456789=="

    /// The client of a port, and a token around it.
    private func request(_ port: Int, basic: Bool = false, secret: String = clientSecret) throws -> ProbeRequest {
        var client = ClientCredentials(clientID: "a b", tokenURL: "http://127.0.0.1:\(port)/token?x=1", scope: "*")
        client.authentication = basic ? .basic : .body
        var token = WatchedToken(
            name: try #require(TokenName("bot")),
            provider: Provider(name: "own", baseURL: "http://127.0.0.1:1", probe: ProbeTemplate(path: "/me")),
            secret: .environment(variable: "UNUSED")
        )
        token.timeout = .seconds(240)
        let secret = try SecretLint.secret(in: secret.utf8, source: "test")
        return ProbeRequest(token: token, question: client.question, secret: secret)
    }

    /// What a server is sent that answers with `body`, and what the prober makes of that answer.
    private func told(basic: Bool = false, body: String = "{}") async throws -> (sent: String, exchange: Exchange) {
        let ledger = Ledger()
        var exchange = Exchange(.failed(TransportFailure(.network, "not asked")))
        try await withServer { caller in
            var text = ""
            while !text.contains("scope=") || text.contains("client_id") && !text.contains("client_secret=") {
                guard let piece = try await caller.piece() else { break }
                text += String(buffer: piece)
            }
            ledger.note(text)
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            try await caller.send("\(head)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
        } _: { port async throws in
            try await withProber { prober async throws in
                exchange = await prober.exchange(try request(port, basic: basic))
            }
        }
        return (ledger.text, exchange)
    }

    @Test func `id and secret are fields of a form`() async throws {
        let sent = try await told().sent
        #expect(sent.hasPrefix("POST /token?x=1 HTTP/1.1\r\n"))
        let lines = sent.lowercased().split(separator: "\r\n").map(String.init)
        #expect(lines.contains("content-type: application/x-www-form-urlencoded"))
        #expect(lines.contains("accept: application/json"))
        #expect(!lines.contains { $0.hasPrefix("authorization:") })
        let form = "grant_type=client_credentials&scope=%2A&client_id=a%20b"
        #expect(sent.hasSuffix("\r\n\r\n\(form)&client_secret=cl%2Bient%2Fs3cret%3A0123456789%3D%3D"))
    }

    @Test func `or they are HTTP Basic, each form-encoded first`() async throws {
        let sent = try await told(basic: true).sent
        let credentials = Data("a%20b:cl%2Bient%2Fs3cret%3A0123456789%3D%3D".utf8).base64EncodedString()
        #expect(sent.contains("uthorization: Basic \(credentials)\r\n"))
        #expect(sent.hasSuffix("\r\n\r\ngrant_type=client_credentials&scope=%2A"))
        #expect(!sent.contains("client_secret"))
    }

    @Test(arguments: [false, true])
    func `no secret is left of an answer, however it is spelt`(basic: Bool) async throws {
        let spelt = "cl%2Bient%2Fs3cret%3A0123456789%3D%3D"
        let credentials = Data("a%20b:\(spelt)".utf8).base64EncodedString()
        let body = """
            {"access_token":"minted-0123456789","refresh_token":"refresh-0123456789","token_type":"Bearer",
             "echo":["\(GrantRequestTests.clientSecret)","\(spelt)","\(basic ? credentials : "-")"]}
            """
        let exchange = try await told(basic: basic, body: body).exchange
        let answer = try #require(exchange.answer)
        let text = "\(answer) \(String(decoding: answer.body, as: UTF8.self))"
        for secret in ["minted-0", "refresh-0", "s3cret", credentials] { #expect(!text.contains(secret)) }
        #expect(exchange.minted?.withExposedValue { $0 } == "minted-0123456789")
        #expect(!"\(exchange)".contains("minted-0"))
    }

    @Test func `the stand-in grants a token, and it works where it should`() async throws {
        try await withBench { bench async throws in
            let organization = bench.tallyfy.addOrganization(name: "Example")
            let application = bench.tallyfy.application(of: organization)
            let base = bench.tallyfy.apiURL
            let secret = try SecretLint.secret(in: application.clientSecret.utf8, source: "test")
            let client = ClientCredentials(clientID: application.clientID, tokenURL: "\(base)/oauth/token", scope: "*")
            var token = WatchedToken(
                name: try #require(TokenName("bot")),
                provider: Provider(name: "own", baseURL: base, probe: ProbeTemplate(path: "/me")),
                secret: .environment(variable: "UNUSED")
            )
            token.timeout = .seconds(240)
            let grant = await bench.prober.exchange(
                ProbeRequest(token: token, question: client.question, secret: secret)
            )
            #expect(GrantJudge(client).finding(on: grant).verdict == .accepted(nil))
            let minted = try #require(grant.minted)
            token.probe.headers = [.init("Accept", "application/json"), .init("X-Tallyfy-Client", "x")]
            token.probe.path = "/organizations/\(organization)"
            let probe = await bench.prober.exchange(ProbeRequest(token: token, secret: minted))
            #expect(probe.status == 200)
            let log = bench.tallyfy.requests()
            #expect(log.map(\.grantType) == ["client_credentials", nil])
        }
    }
}
