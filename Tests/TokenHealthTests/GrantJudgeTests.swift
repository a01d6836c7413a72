import TokenHealth
import Testing

/// What a token endpoint's answer says about a client.
struct GrantJudgeTests {
    private let judge = GrantJudge(ClientCredentials(clientID: "105", tokenURL: "https://sso.example.test/token"))

    /// The answer as a prober hands it over, the secrets lifted out.
    private func lifted(_ exchange: Exchange) -> Exchange {
        guard case .answered(let answer) = exchange.outcome else { return exchange }
        let (rest, granted) = answer.liftingGrant()
        return Exchange(.answered(rest), minted: granted)
    }

    private func verdict(_ exchange: Exchange) -> Verdict { judge.finding(on: lifted(exchange)).verdict }

    @Test func `a token means that the client is accepted`() {
        let body = #"{"token_type":"Bearer","expires_in":604800,"access_token":"minted-0123456789"}"#
        let finding = judge.finding(on: lifted(Reply.json(200, body)))
        #expect(finding.verdict == .accepted(nil))
        #expect(finding.observation == "HTTP 200, a token granted to client 105, good for 7 d")
    }

    @Test(arguments: [
        "{}", #"{"access_token":""}"#, #"{"access_token":null}"#, #"{"access_token":5}"#, "[]", "null", "",
        #"{"access_token":"has a space"}"#, #"{"data":{"access_token":"minted-0123456789"}}"#,
    ])
    func `a 200 without a token proves nothing`(body: String) {
        #expect(verdict(Reply.json(200, body)) == .indeterminate(.unexpected))
    }

    @Test(arguments: ["invalid_client", "invalid_grant", "unauthorized_client"], [200, 400, 401, 403])
    func `these codes are a rejection, whatever the status`(code: String, status: Int) {
        let exchange = Reply.json(status, #"{"error":"\#(code)","error_description":"no"}"#)
        #expect(verdict(exchange) == .rejected(.credential))
    }

    @Test(arguments: [
        "deleted_client", "disabled_client", "invalid_client_id", "invalid_client_credentials",
        "incorrect_client_credentials", "bad_client_secret",
    ])
    func `so are those that well-known endpoints have in their stead`(code: String) {
        for status in [200, 400, 401] {
            #expect(verdict(Reply.json(status, "{\"error\":\"\(code)\"}")) == .rejected(.credential))
        }
    }

    @Test func `a client secret that has expired is said to have`() {
        let body =
            #"{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys are expired."}"#
        #expect(judge.finding(on: Reply.json(401, body)).statedReason == .expired)
        #expect(judge.finding(on: Reply.json(401, #"{"error":"invalid_client"}"#)).statedReason == nil)
    }

    @Test func `an endpoint may refuse in its own words`() {
        var client = ClientCredentials(clientID: "105", tokenURL: "https://sso.example.test/token")
        func code(_ word: String) -> [JSONPointer: JSONExpectation] {
            [Sample.pointer("/code"): .equals(.string(word))]
        }
        client.rejected = [
            Matcher(status: .exactly(403), json: code("GONE"), meaning: .rejection(.revoked)),
            Matcher(headers: ["X-Reason": Sample.pattern("dead")]),
        ]
        client.limited = [Matcher(json: code("LOCKED"), meaning: .limitation(.locked))]
        client.unrelated = [Matcher(json: code("LATER"))]
        let judge = GrantJudge(client)
        let gone = judge.finding(on: Reply.json(403, #"{"code":"GONE"}"#))
        #expect(gone.verdict == .rejected(.credential))
        #expect(gone.statedReason == .revoked)
        #expect(judge.finding(on: Reply.html(401, [HeaderField("X-Reason", "dead")])).verdict == .rejected(.credential))
        #expect(judge.finding(on: Reply.json(401, #"{"code":"LOCKED"}"#)).verdict == .limited(.locked))
        let later = #"{"code":"LATER","error":"invalid_client"}"#
        #expect(judge.finding(on: Reply.json(401, later)).verdict == .indeterminate(.unexpected))
        #expect(judge.finding(on: Reply.json(503, #"{"code":"GONE"}"#)).verdict == .indeterminate(.serverError))
        let granted = lifted(Reply.json(200, #"{"access_token":"minted-0123456789","code":"LOCKED"}"#))
        #expect(judge.finding(on: granted).verdict == .accepted(nil))
        #expect(
            judge.delegationFinding(on: Reply.json(401, #"{"code":"LOCKED"}"#)).verdict == .indeterminate(.unexpected)
        )
    }

    @Test(arguments: [
        ("temporarily_unavailable", Verdict.indeterminate(.serverError)),
        ("server_error", .indeterminate(.serverError)), ("slow_down", .indeterminate(.rateLimited)),
        ("invalid_request", .misconfigured(.grant("invalid_request"))),
        ("invalid_scope", .misconfigured(.grant("invalid_scope"))),
        ("unsupported_grant_type", .misconfigured(.grant("unsupported_grant_type"))),
        ("something_new", .indeterminate(.unexpected)), ("", .indeterminate(.unexpected)),
        ("INVALID_CLIENT", .indeterminate(.unexpected)),
    ])
    func `no other code is`(code: String, expected: Verdict) {
        for status in [400, 401] { #expect(verdict(Reply.json(status, "{\"error\":\"\(code)\"}")) == expected) }
    }

    @Test(arguments: [
        (Reply.json(401, #"{"message":"Unauthenticated."}"#), Verdict.indeterminate(.unexpected)),
        (Reply.json(401, #"{"error":true,"message":"invalid_client"}"#), .indeterminate(.unexpected)),
        (Reply.json(422, #"{"error":true,"errors":{"grant_type":["no"]}}"#), .indeterminate(.unexpected)),
        (Reply.text(401), .indeterminate(.unexpected)),
        (Reply.text(400, "invalid_client"), .indeterminate(.unexpected)),
        (Reply.html(401), .indeterminate(.blocked)), (Reply.html(403), .indeterminate(.blocked)),
        (Reply.json(403, "{}", [HeaderField("cf-mitigated", "challenge")]), .indeterminate(.blocked)),
        (Reply.html(200), .indeterminate(.unexpected)),
        (Reply.text(302, "", [HeaderField("Location", "/login")]), .indeterminate(.redirected)),
        (Reply.json(404, "{}"), .misconfigured(.endpoint)), (Reply.json(405, "{}"), .misconfigured(.endpoint)),
        (Reply.json(407, "{}"), .indeterminate(.captive)), (Reply.json(402, "{}"), .limited(.plan)),
        (Reply.json(429, #"{"error":"invalid_client"}"#), .indeterminate(.rateLimited)),
        (Reply.json(500, #"{"error":"invalid_client"}"#), .indeterminate(.serverError)),
        (Reply.json(503, #"{"error":"invalid_client"}"#), .indeterminate(.serverError)),
        (
            Reply.json(400, #"{"error":"invalid_client"}"#, [HeaderField("Content-Encoding", "gzip")]),
            .indeterminate(.unexpected)
        ),
        (Reply.failed(.dns), .indeterminate(.dns)), (Reply.failed(.tls), .indeterminate(.tls)),
    ])
    func `what the endpoint did not say counts for nothing`(exchange: Exchange, expected: Verdict) {
        #expect(verdict(exchange) == expected)
    }

    @Test func `a wait it asks for is kept`() {
        let exchange = Reply.json(429, "{}", [HeaderField("Retry-After", "120")])
        #expect(judge.finding(on: exchange).retryAfter == .seconds(120))
    }

    @Test(arguments: [
        (200, #"{"access_token":"minted-0123456789"}"#, Verdict.accepted(nil)),
        (
            403, #"{"error":true,"message":"You don't have application's permissions for this organization!"}"#,
            .limited(.delegationRefused)
        ),
        (404, #"{"error":true,"message":"Resource not found"}"#, .limited(.delegationRefused)),
        (422, #"{"error":true,"errors":{"email":["no"]}}"#, .limited(.delegationRefused)),
        (404, "", .indeterminate(.unexpected)), (401, #"{"message":"Unauthenticated."}"#, .indeterminate(.unexpected)),
        (200, "{}", .indeterminate(.unexpected)), (500, "{}", .indeterminate(.serverError)),
    ])
    func `a user's token that is refused is about the user`(status: Int, body: String, expected: Verdict) {
        #expect(judge.delegationFinding(on: lifted(Reply.json(status, body))).verdict == expected)
    }
}

/// What a prober hands over of an answer that grants a token.
struct GrantAnswerTests {
    private func lifted(_ body: String, status: Int = 200) -> (text: String, granted: Secret?) {
        let answer = Answer(
            status: status,
            headers: [HeaderField("X-Token", "minted-0123456789")],
            body: Array(body.utf8)
        )
        let (rest, granted) = answer.liftingGrant()
        return ("\(rest) \(String(decoding: rest.body, as: UTF8.self))", granted)
    }

    @Test func `no token is left in it`() {
        let body = """
            {"access_token":"minted-0123456789","refresh_token":"refresh-0123456789","id_token":"eyJ.identity.x",
             "token_type":"Bearer","expires_in":3600,"scope":"a b","nested":[{"Client_Secret":"other-0123456789"}],
             "echo":"your token is minted-0123456789"}
            """
        let (text, granted) = lifted(body)
        for secret in ["minted-0123", "refresh-0123", "identity", "other-0123"] { #expect(!text.contains(secret)) }
        #expect(text.contains("Bearer") && text.contains("3600"))
        #expect(granted?.withExposedValue { $0 } == "minted-0123456789")
    }

    @Test func `a body that cannot be read is dropped, for it may hold a part of one`() {
        let (text, granted) = lifted(#"{"access_token":"minted-0123456789""#)
        #expect(text.contains("body: []"))
        #expect(granted == nil)
        #expect(lifted("no", status: 400).text.hasSuffix("no"))
    }

    @Test func `life and scopes are told`() {
        let body = #"{"access_token":"minted-0123456789","expires_in":"3600","scope":"b a"}"#
        let answer = Answer(status: 200, body: Array(body.utf8)).liftingGrant().answer
        #expect(answer.grantedLife == .seconds(3600))
        #expect(answer.grantedScopes == ["a", "b"])
    }

    @Test(arguments: ["0", "-1", "1e300", "null", "\"soon\"", "[]"])
    func `a life that cannot be is none`(value: String) {
        let answer = Answer(status: 200, body: Array("{\"expires_in\":\(value)}".utf8))
        #expect(answer.grantedLife == nil)
        #expect(answer.grantedScopes == nil)
    }
}
